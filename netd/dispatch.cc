#include "netd/dispatch.h"

#include <algorithm>
#include <utility>

#include "netd/exptime.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/result_words.h"
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

larder::StoreMode mode_of(Command command) {
  switch (command) {
    case Command::kAdd:
      return larder::StoreMode::kAdd;
    case Command::kReplace:
      return larder::StoreMode::kReplace;
    case Command::kAppend:
      return larder::StoreMode::kAppend;
    case Command::kPrepend:
      return larder::StoreMode::kPrepend;
    default:
      return larder::StoreMode::kSet;
  }
}

larder::StoreOptions options_of(const Request& request) {
  larder::StoreOptions options{.mode = mode_of(request.command),
                               .item = {.flags = request.client_flags, .expiry = expiry_of(request.exptime)}};
  if (request.command == Command::kCas) options.expected = request.number;
  return options;
}

}  // namespace

Dispatch::Dispatch(ServerState& server, Counters& counters, std::function<void()> shut_down)
    : server_(server),
      cache_(server.cache()),
      counters_(counters),
      shut_down_(std::move(shut_down)),
      values_(cache_, counters_, server.options().item_bytes_max),
      meta_(cache_, counters_, values_) {}

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
    case Command::kMetaGet:
    case Command::kMetaStore:
    case Command::kMetaDelete:
    case Command::kMetaArithmetic:
    case Command::kMetaDebug:
      meta_.run(request, out);
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
  answer(request, reply_to(values_.store(request, request.key, options_of(request)).result), out);
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
