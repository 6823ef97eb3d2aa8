#include "netd/dispatch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "netd/exptime.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/retrieval.h"
#include "netd/settings_text.h"
#include "netd/stats_text.h"

namespace netd {
namespace {

constexpr uint64_t kVerbosityMax = 2;

// A reply that `noreply` suppresses.
void answer(const Request& request, std::string_view line, Buffer& out) {
  if (!request.noreply) out.append(line);
}

std::string_view reply_to(larder::StoreResult result) {
  switch (result) {
    case larder::StoreResult::kStored:
      return kReplyStored;
    case larder::StoreResult::kNotStored:
      return kReplyNotStored;
    case larder::StoreResult::kExists:
      return kReplyExists;
    case larder::StoreResult::kNotFound:
      return kReplyNotFound;
    case larder::StoreResult::kTooLarge:
      return kErrorTooLarge;
    case larder::StoreResult::kNoMemory:
      return kErrorNoMemoryStoring;
    case larder::StoreResult::kBadKey:
      return kErrorBadFormat;
  }
  return kErrorUnknown;
}

std::string_view reply_to(larder::CounterStatus status) {
  switch (status) {
    case larder::CounterStatus::kNotANumber:
      return kErrorNotANumber;
    case larder::CounterStatus::kNoMemory:
      return kErrorNoMemory;
    case larder::CounterStatus::kBadKey:
      return kErrorBadFormat;
    default:
      return kReplyNotFound;
  }
}

}  // namespace

Dispatch::Dispatch(ServerState& server, Counters& counters, std::function<void()> shut_down)
    : server_(server),
      cache_(server.cache()),
      counters_(counters),
      shut_down_(std::move(shut_down)),
      oversized_value_(server.options().item_bytes_max) {}

Dispatch::Outcome Dispatch::run(Request& request, Buffer& out) {
  switch (request.command) {
    case Command::kGet:
    case Command::kGets:
    case Command::kGat:
    case Command::kGats:
      return continue_retrieval(cache_, request, out) ? Outcome::kDone : Outcome::kUnfinished;
    case Command::kSet:
    case Command::kAdd:
    case Command::kReplace:
    case Command::kAppend:
    case Command::kPrepend:
    case Command::kCas:
      store(request, out);
      return Outcome::kDone;
    case Command::kDelete:
      erase(request, out);
      return Outcome::kDone;
    case Command::kIncr:
    case Command::kDecr:
      count(request, out);
      return Outcome::kDone;
    case Command::kTouch:
      touch(request, out);
      return Outcome::kDone;
    case Command::kFlushAll:
      flush_all(request, out);
      return Outcome::kDone;
    case Command::kVersion:
      append_version(out);
      return Outcome::kDone;
    case Command::kVerbosity:
      set_verbosity(request, out);
      return Outcome::kDone;
    case Command::kStats:
      append_stats(request, out);
      return Outcome::kDone;
    case Command::kMetaNoop:
      counters_.add(Counter::kMetaNoops);
      out.append(kReplyMetaNoop);
      return Outcome::kDone;
    case Command::kShutdown:
      return shut_down(request, out);
    case Command::kRefused:
      answer(request, request.refusal, out);
      return Outcome::kDone;
    case Command::kClose:
      out.append(request.refusal);
      return Outcome::kClose;
  }
  return Outcome::kClose;
}

void Dispatch::store(const Request& request, Buffer& out) {
  if (request.too_large) return refuse_too_large(request, out);
  if (request.no_memory) return refuse_no_memory(request, out);
  answer(request, reply_to(store_value(request, request.value)), out);
}

larder::StoreResult Dispatch::store_value(const Request& request, std::string_view value) {
  const larder::SetOptions options{.flags = request.client_flags, .expiry = expiry_of(request.exptime)};
  switch (request.command) {
    case Command::kAdd:
      return cache_.add(request.key, value, options);
    case Command::kReplace:
      return cache_.replace(request.key, value, options);
    case Command::kAppend:
      return cache_.append(request.key, value);
    case Command::kPrepend:
      return cache_.prepend(request.key, value);
    case Command::kCas:
      return cache_.cas(request.key, value, request.number, options);
    default:
      return cache_.set(request.key, value, options);
  }
}

// A failed set must not leave the old value; the other commands leave it.
void Dispatch::refuse_too_large(const Request& request, Buffer& out) {
  if (request.command == Command::kSet) {
    (void)store_value(request, oversized_value_.view());
  } else {
    counters_.add(Counter::kTooLarge);
  }
  answer(request, kErrorTooLarge, out);
}

// The same rule. What has expired removes the old item, and is not counted as a deletion.
void Dispatch::refuse_no_memory(const Request& request, Buffer& out) {
  counters_.add(Counter::kNoMemory);
  if (request.command == Command::kSet) {
    (void)cache_.set(request.key, {}, {.expiry = larder::Expiry::after(std::chrono::seconds(-1))});
  }
  answer(request, kErrorNoMemoryStoring, out);
}

void Dispatch::erase(const Request& request, Buffer& out) {
  const bool erased = cache_.erase(request.key) == larder::EraseResult::kErased;
  answer(request, erased ? kReplyDeleted : kReplyNotFound, out);
}

void Dispatch::count(const Request& request, Buffer& out) {
  const larder::CounterResult result = request.command == Command::kIncr ? cache_.incr(request.key, request.number)
                                                                         : cache_.decr(request.key, request.number);
  if (result.status != larder::CounterStatus::kDone) return answer(request, reply_to(result.status), out);
  if (!request.noreply) append_number(result.value, out);
}

void Dispatch::touch(const Request& request, Buffer& out) {
  const bool found = cache_.touch(request.key, expiry_of(request.exptime));
  answer(request, found ? kReplyTouched : kReplyNotFound, out);
}

void Dispatch::flush_all(const Request& request, Buffer& out) {
  if (!server_.options().flush_enabled) {
    counters_.add(Counter::kFlushRefused);
    return answer(request, kErrorFlushNotAllowed, out);
  }
  cache_.flush_all(flush_delay_of(request.exptime, server_.clock().unix_ms()));
  answer(request, kReplyOk, out);
}

void Dispatch::set_verbosity(const Request& request, Buffer& out) {
  const auto verbosity = static_cast<uint32_t>(std::min(request.number, kVerbosityMax));
  server_.verbosity.store(verbosity, std::memory_order_relaxed);
  answer(request, kReplyOk, out);
}

void Dispatch::append_stats(const Request& request, Buffer& out) {
  if (request.argument.empty()) {
    append_general_stats(server_, out);
  } else if (request.argument == "settings") {
    append_settings(server_, out);
  } else if (request.argument == "reset") {
    cache_.reset_stats();
    server_.reset_counters();
    out.append(kReplyReset);
  } else {
    out.append(kErrorUnknown);
  }
}

Dispatch::Outcome Dispatch::shut_down(const Request& request, Buffer& out) {
  if (!server_.options().shutdown_enabled) {
    out.append(kErrorShutdownNotEnabled);
    return Outcome::kDone;
  }
  if (!request.argument.empty() && request.argument != "graceful") {
    out.append(kErrorBadShutdownMode);
    return Outcome::kDone;
  }
  shut_down_();
  return Outcome::kClose;
}

}  // namespace netd
