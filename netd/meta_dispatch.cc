#include "netd/meta_dispatch.h"

#include <charconv>
#include <chrono>
#include <optional>

#include "larder/renewal.h"
#include "larder/serving.h"
#include "netd/commands.h"
#include "netd/exptime.h"
#include "netd/reply_words.h"
#include "netd/result_words.h"

namespace netd {
namespace {

std::optional<larder::Expiry> expiry_if(std::optional<int32_t> exptime) {
  if (!exptime) return std::nullopt;
  return expiry_of(*exptime);
}

// A reply that tells of the key only what the request has said.
MetaReply reply_with(std::string_view code, const Request& request) {
  MetaReply reply;
  reply.code = code;
  reply.key = item_key(request);
  reply.is_key_binary = request.binary_key.has_value();
  return reply;
}

void append(const MetaReply& reply, const Request& request, Buffer& out) {
  if (!append_meta(reply, request.flags, out)) out.append(kErrorNoMemoryWriting);
}

// What `q` suppresses is success.
void append_unless_quiet(const MetaReply& reply, const Request& request, Buffer& out) {
  if (!request.quiet || reply.code != kMetaDone) append(reply, request, out);
}

// --- mg ---

// An item wins when the seconds left that `t` would show are fewer than R's.
std::chrono::milliseconds recache_time(const Request& meta) {
  constexpr std::chrono::milliseconds kJustOver(1);
  return std::chrono::seconds(int64_t{meta.recache_s} - 1) + kJustOver;
}

larder::ReadOptions read_options(const Request& meta, bool is_read_only) {
  larder::ReadOptions options{.expiry = expiry_if(meta.exptime),
                              .recache = recache_time(meta),
                              .may_win = !is_read_only,
                              .marks_used = meta.marks_used && !(is_read_only && meta.with_history),
                              .wants_history = meta.with_history};
  if (meta.vivify) {
    options.vivify = larder::SetOptions{
        .expiry = expiry_of(*meta.vivify), .cas = meta.cas, .is_key_binary = meta.binary_key.has_value()};
  }
  return options;
}

MetaReply reply_of(const larder::Reading& reading, const Request& request) {
  const larder::ItemView& item = reading.item;
  const bool is_known = request.compare == item.cas;
  MetaReply reply;
  reply.code = kMetaDone;
  reply.key = item.key;
  reply.is_key_binary = item.is_key_binary;
  if (request.with_value && !is_known) {
    reply.code = kMetaValue;
    reply.value = item.value;
  }
  reply.value_bytes = item.value.size();
  reply.client_flags = item.flags;
  reply.cas = item.cas;
  reply.was_fetched = reading.was_fetched ? 1 : 0;
  reply.idle_s = reading.idle_s;
  reply.ttl_ms = item.ttl_ms;
  reply.previous_ttl_ms = reading.previous_ttl_ms;
  reply.was_won = item.is_won && !reading.has_won;
  reply.is_stale = item.is_stale;
  reply.has_won = reading.has_won;
  return reply;
}

// --- ms ---

larder::StoreMode mode_of(const Request& meta) {
  switch (meta.mode) {
    case 'E':
      return larder::StoreMode::kAdd;
    case 'A':
      return larder::StoreMode::kAppend;
    case 'P':
      return larder::StoreMode::kPrepend;
    case 'R':
      return larder::StoreMode::kReplace;
    default:
      return larder::StoreMode::kSet;
  }
}

// C0 means no comparison, where it does not mean that nothing can be equal.
std::optional<uint64_t> compare_unless_0(const Request& meta) {
  return meta.compare == uint64_t{0} ? std::nullopt : meta.compare;
}

larder::StoreOptions store_options(const Request& meta) {
  const larder::StoreMode mode = mode_of(meta);
  const bool extends = mode == larder::StoreMode::kAppend || mode == larder::StoreMode::kPrepend;
  return {.mode = mode,
          .item = {.flags = meta.client_flags,
                   .expiry = expiry_of(meta.exptime.value_or(0)),
                   .cas = meta.cas,
                   .is_key_binary = meta.binary_key.has_value()},
          .expected = extends ? compare_unless_0(meta) : meta.compare,
          .takes_older = meta.invalidates && meta.compare != uint64_t{0},
          .vivify = expiry_if(meta.vivify)};
}

// --- ma ---

larder::CounterOptions counter_options(const Request& meta) {
  larder::CounterOptions options{.new_expiry = expiry_if(meta.exptime),
                                 .expected = compare_unless_0(meta),
                                 .cas = meta.cas,
                                 .is_key_binary = meta.binary_key.has_value()};
  if (meta.vivify) {
    options.initial = meta.initial;
    options.expiry = expiry_of(*meta.vivify);
  }
  return options;
}

bool is_success(larder::CounterStatus status) {
  return status == larder::CounterStatus::kDone || status == larder::CounterStatus::kCreated;
}

}  // namespace

void MetaDispatch::run(const Request& request, const Session& session, Buffer& out) {
  switch (request.command->action) {
    case Action::kRead:
      return get(request, out);
    case Action::kStore:
      return store(request, session, out);
    case Action::kErase:
      return erase(request, out);
    case Action::kCount:
      return count(request, session, out);
    default:
      return debug(request, out);
  }
}

void MetaDispatch::get(const Request& request, Buffer& out) {
  const bool is_found = larder::read(
      cache_, item_key(request), read_options(request, is_read_only_), [&](const larder::Reading& reading) {
        const bool is_touch = request.exptime && !reading.is_created;
        traffic_.count(reading.item.key, reading.item.value.size(),
                       is_touch ? ClassCounter::kTouchHits : ClassCounter::kGetHits);
        if (reading.item.is_stale) counters_.add(Counter::kStaleServed);
        if (reading.has_won) counters_.add(Counter::kRefreshWins);
        append(reply_of(reading, request), request, out);
      });
  if (!is_found && !request.quiet) append(reply_with(kMetaMissing, request), request, out);
}

void MetaDispatch::store(const Request& request, const Session& session, Buffer& out) {
  const larder::StoreOutcome outcome = values_.store(request, session, store_options(request));
  MetaReply reply = reply_with(code_of(outcome.result), request);
  if (reply.code.empty()) return out.append(reply_to(outcome.result));
  reply.cas = outcome.cas;
  reply.value_bytes = reply.code == kMetaDone ? outcome.value_bytes : request.value.size();
  append_unless_quiet(reply, request, out);
}

void MetaDispatch::erase(const Request& request, Buffer& out) {
  append_unless_quiet(reply_with(code_of(erase_or_invalidate(request)), request), request, out);
}

larder::EraseResult MetaDispatch::erase_or_invalidate(const Request& request) {
  const Request& meta = request;
  if (!meta.invalidates && !meta.empties) {
    std::optional<size_t> value_bytes;
    const auto note_size = [&](const larder::ItemView& item) { value_bytes = item.value.size(); };
    const larder::EraseResult result = larder::erase(cache_, item_key(request), meta.compare, note_size);
    traffic_.deleted(request, value_bytes);
    return result;
  }
  const larder::InvalidateOptions options{.is_stale = meta.invalidates,
                                          .is_empty = meta.empties,
                                          .expected = meta.compare,
                                          .expiry = expiry_if(meta.exptime),
                                          .flags = meta.client_flags,
                                          .cas = meta.cas};
  return larder::invalidate(cache_, item_key(request), options);
}

void MetaDispatch::count(const Request& request, const Session& session, Buffer& out) {
  const Request& meta = request;
  const larder::CounterOptions options = counter_options(meta);
  const bool is_decrement = meta.mode == 'D' || meta.mode == '-';
  const larder::CounterResult result = is_decrement ? cache_.decr(item_key(request), meta.number, options)
                                                    : cache_.incr(item_key(request), meta.number, options);
  MetaReply reply = reply_with(code_of(result.status), request);
  if (reply.code.empty()) return out.append(reply_to(result.status));
  if (!is_success(result.status)) return append(reply, request, out);
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, result.value).ptr;
  const std::string_view value(digits, static_cast<size_t>(end - digits));
  if (result.status == larder::CounterStatus::kCreated) {
    traffic_.created(session, request, value.size());
  } else {
    traffic_.count(item_key(request), value.size(),
                   is_decrement ? ClassCounter::kDecrHits : ClassCounter::kIncrHits);
  }
  // Creation is told: it is not what was asked for, but what N has made of a miss.
  if (meta.quiet && result.status == larder::CounterStatus::kDone) return;
  if (meta.with_value) {
    reply.code = kMetaValue;
    reply.value = value;
  }
  reply.cas = result.cas;
  reply.ttl_ms = result.ttl_ms;
  reply.previous_ttl_ms = result.previous_ttl_ms;
  append(reply, request, out);
}

void MetaDispatch::debug(const Request& request, Buffer& out) {
  const std::optional<larder::ItemDetails> item = larder::inspect(cache_, item_key(request));
  if (!item) return out.append(kReplyMetaMissing);
  if (!append_meta_debug(item_key(request), *item, out)) out.append(kErrorNoMemoryWriting);
}

}  // namespace netd
