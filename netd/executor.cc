#include "netd/executor.h"

#include <chrono>
#include <optional>

#include "larder/renewal.h"
#include "larder/serving.h"
#include "netd/exptime.h"
#include "netd/operation_reply.h"

namespace netd {
namespace {

std::optional<larder::Expiry> expiry_if(std::optional<int32_t> exptime) {
  if (!exptime) return std::nullopt;
  return expiry_of(*exptime);
}

// C0 means no comparison, where it does not mean that nothing can be equal.
std::optional<uint64_t> compare_unless_0(const Request& request) {
  return request.compare == uint64_t{0} ? std::nullopt : request.compare;
}

// --- reading ---

// An item wins when the seconds left that `t` would show are fewer than R's.
std::chrono::milliseconds recache_time(const Request& request) {
  constexpr std::chrono::milliseconds kJustOver(1);
  return std::chrono::seconds(int64_t{request.recache_s} - 1) + kJustOver;
}

// A server that is read-only wins nothing, and has no time of access kept.
larder::ReadOptions read_options(const Request& request, bool is_read_only) {
  larder::ReadOptions options{.expiry = expiry_if(request.exptime),
                              .recache = recache_time(request),
                              .may_win = !is_read_only,
                              .marks_used = request.marks_used && !(is_read_only && request.with_history),
                              .wants_history = request.with_history};
  if (request.vivify) {
    options.vivify = larder::SetOptions{
        .expiry = expiry_of(*request.vivify), .cas = request.cas, .is_key_binary = request.binary_key.has_value()};
  }
  return options;
}

// --- storing ---

larder::StoreMode store_mode_of(char mode) {
  switch (mode) {
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

larder::StoreOptions store_options(const Request& request) {
  const larder::StoreMode mode = store_mode_of(request.mode);
  const bool extends = mode == larder::StoreMode::kAppend || mode == larder::StoreMode::kPrepend;
  return {.mode = mode,
          .item = {.flags = request.client_flags,
                   .expiry = expiry_of(request.exptime.value_or(0)),
                   .cas = request.cas,
                   .is_key_binary = request.binary_key.has_value()},
          .expected = extends ? compare_unless_0(request) : request.compare,
          .takes_older = request.invalidates && request.compare != uint64_t{0},
          .vivify = expiry_if(request.vivify)};
}

// What is appended to a value is written where it ends, but for now and then, when the value is moved to where it
// has room to grow.
constexpr uint64_t kBytesPerAppended = 9;

uint64_t work_of(const Request& request, const larder::StoreOptions& options, const larder::StoreOutcome& outcome) {
  if (outcome.result != larder::StoreResult::kStored) return 0;
  if (options.mode == larder::StoreMode::kAppend) return kBytesPerAppended * request.value.size();
  return outcome.value_bytes;
}

// --- counting ---

larder::CounterOptions counter_options(const Request& request) {
  larder::CounterOptions options{.new_expiry = expiry_if(request.exptime),
                                 .expected = compare_unless_0(request),
                                 .cas = request.cas,
                                 .is_key_binary = request.binary_key.has_value()};
  if (request.vivify) {
    options.initial = request.initial;
    options.expiry = expiry_of(*request.vivify);
  }
  return options;
}

size_t digits_of(uint64_t number) {
  size_t digits = 1;
  for (; number >= 10; number /= 10) ++digits;
  return digits;
}

}  // namespace

Executor::Executor(ServerState& server, size_t worker, Traffic& traffic)
    : cache_(server.cache()),
      counters_(server.worker_counters(worker)),
      traffic_(traffic),
      is_read_only_(server.options().read_only) {}

void Executor::read(const Request& request, Buffer& out) {
  const auto show = [&](const larder::Reading& reading) {
    const bool is_touch = request.exptime && !reading.is_created;
    traffic_.count(reading.item.key, reading.item.value.size(),
                   is_touch ? ClassCounter::kTouchHits : ClassCounter::kGetHits);
    if (reading.item.is_stale) counters_.add(Counter::kStaleServed);
    if (reading.has_won) counters_.add(Counter::kRefreshWins);
    answer(request, reading, out);
  };
  if (!larder::read(cache_, item_key(request), read_options(request, is_read_only_), show)) {
    answer_missing(request, out);
  }
}

void Executor::store(const Request& request, const Session& session, Buffer& out) {
  const larder::StoreOptions options = store_options(request);
  const larder::StoreOutcome outcome = try_store(request, options);
  traffic_.stored(session, request, options, outcome);
  bytes_written_ += work_of(request, options, outcome);
  answer(request, outcome, out);
}

// A value that is too large, or for which there was no memory, leaves nothing of the old item behind if it was to
// be stored whatever there was, and otherwise all of it.
larder::StoreOutcome Executor::try_store(const Request& request, const larder::StoreOptions& options) {
  const std::string_view key = item_key(request);
  if (!request.no_memory && !request.too_large) return cache_.store(key, request.value, options);
  const auto reason = request.no_memory ? larder::StoreResult::kNoMemory : larder::StoreResult::kTooLarge;
  return {.result = larder::reject(cache_, key, options, reason)};
}

void Executor::erase(const Request& request, Buffer& out) {
  std::optional<size_t> value_bytes;
  const auto note_size = [&](const larder::ItemView& item) { value_bytes = item.value.size(); };
  const larder::EraseResult result = larder::erase(cache_, item_key(request), request.compare, note_size);
  traffic_.deleted(request, value_bytes);
  answer(request, result, out);
}

void Executor::invalidate(const Request& request, Buffer& out) {
  const larder::InvalidateOptions options{.is_stale = request.invalidates,
                                          .is_empty = request.empties,
                                          .expected = request.compare,
                                          .expiry = expiry_if(request.exptime),
                                          .flags = request.client_flags,
                                          .cas = request.cas};
  answer(request, larder::invalidate(cache_, item_key(request), options), out);
}

void Executor::count(const Request& request, const Session& session, Buffer& out) {
  const std::string_view key = item_key(request);
  const bool is_decrement = request.mode == 'D' || request.mode == '-';
  const larder::CounterOptions options = counter_options(request);
  const larder::CounterResult result =
      is_decrement ? cache_.decr(key, request.number, options) : cache_.incr(key, request.number, options);
  if (result.status == larder::CounterStatus::kCreated) {
    traffic_.created(session, request, digits_of(result.value));
  } else if (result.status == larder::CounterStatus::kDone) {
    traffic_.count(key, digits_of(result.value), is_decrement ? ClassCounter::kDecrHits : ClassCounter::kIncrHits);
  }
  answer(request, result, out);
}

void Executor::touch(const Request& request, Buffer& out) {
  size_t value_bytes = 0;
  const auto note_size = [&](const larder::ItemView& item) { value_bytes = item.value.size(); };
  const bool is_found = larder::touch(cache_, request.key, expiry_of(*request.exptime), note_size);
  if (is_found) traffic_.count(request.key, value_bytes, ClassCounter::kTouchHits);
  answer_touched(request, is_found, out);
}

void Executor::inspect(const Request& request, Buffer& out) {
  answer_inspected(request, larder::inspect(cache_, item_key(request)), out);
}

}  // namespace netd
