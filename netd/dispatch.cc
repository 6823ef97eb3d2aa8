#include "netd/dispatch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "larder/serving.h"
#include "netd/commands.h"
#include "netd/exptime.h"
#include "netd/log.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/result_words.h"
#include "netd/retrieval.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr uint64_t kVerbosityMax = 2;

// A reply that `noreply` suppresses.
void answer(const Request& request, std::string_view line, Buffer& out) {
  if (!request.noreply) out.append(line);
}

size_t digits_of(uint64_t number) {
  size_t digits = 1;
  for (; number >= 10; number /= 10) ++digits;
  return digits;
}

larder::StoreMode classic_mode_of(char mode) {
  switch (mode) {
    case 'E':
      return larder::StoreMode::kAdd;
    case 'R':
      return larder::StoreMode::kReplace;
    case 'A':
      return larder::StoreMode::kAppend;
    case 'P':
      return larder::StoreMode::kPrepend;
    default:
      return larder::StoreMode::kSet;
  }
}

larder::StoreOptions options_of(const Request& request) {
  return {.mode = classic_mode_of(request.mode),
          .item = {.flags = request.client_flags, .expiry = expiry_of(request.exptime.value_or(0))},
          .expected = request.compare};
}

}  // namespace

Dispatch::Dispatch(ServerState& server, size_t worker, std::function<void()> shut_down)
    : server_(server),
      cache_(server.cache()),
      counters_(server.worker_counters(worker)),
      traffic_(server, worker),
      administration_(server),
      shut_down_(std::move(shut_down)),
      values_(cache_, traffic_),
      meta_(cache_, counters_, traffic_, values_, server.options().read_only) {}

Dispatch::Outcome Dispatch::run(Request& request, Session& session, Buffer& out) {
  if (session.report != nullptr) {
    ++administrative_requests_;
    return run_report(session, out);
  }
  const Command& command = *request.command;
  if (server_.options().read_only && command.effect.changes(request)) {
    answer(request, kErrorReadOnly, out);
    return Outcome::kDone;
  }
  if (command.counter) counters_.add(*command.counter);
  if (!request.key.empty() && &command != &kRefused) traffic_.looks_up(session, item_key(request));
  if (command.effect.ends_turn) return administer(request, session, out);
  switch (command.action) {
    case Action::kRetrieve:
      return continue_retrieval(cache_, traffic_, session, request, out) ? Outcome::kDone : Outcome::kUnfinished;
    case Action::kStore:
      command.has_flags() ? meta_.run(request, session, out) : store(request, session, out);
      return Outcome::kDone;
    case Action::kErase:
      command.has_flags() ? meta_.run(request, session, out) : erase(request, out);
      return Outcome::kDone;
    case Action::kCount:
      command.has_flags() ? meta_.run(request, session, out) : count(request, out);
      return Outcome::kDone;
    case Action::kTouch:
      touch(request, out);
      return Outcome::kDone;
    case Action::kRead:
    case Action::kInspect:
      meta_.run(request, session, out);
      return Outcome::kDone;
    case Action::kFlushAll:
      flush_all(request, out);
      return Outcome::kDone;
    case Action::kTellVersion:
      append_version(out);
      return Outcome::kDone;
    case Action::kSetVerbosity:
      set_verbosity(request, out);
      return Outcome::kDone;
    case Action::kDoNothing:
      out.append(kReplyMetaNoop);
      return Outcome::kDone;
    case Action::kAuthenticate:
      return authenticate(request, session, out);
    case Action::kShutDown:
      return shut_down(request, out);
    case Action::kClose:
      if (request.is_binary && server_.verbosity.load(std::memory_order_relaxed) > 0) {
        log_line("netd: a client is turned away that speaks the binary protocol; see netd(1)");
      }
      out.append(request.refusal);
      return Outcome::kClose;
    default:
      answer(request, request.refusal, out);
      return Outcome::kDone;
  }
}

Dispatch::Outcome Dispatch::administer(const Request& request, Session& session, Buffer& out) {
  ++administrative_requests_;
  administration_.run(request, session, out);
  if (session.watcher != nullptr) return Outcome::kWatch;
  return session.report == nullptr ? Outcome::kDone : Outcome::kUnfinished;
}

Dispatch::Outcome Dispatch::run_report(Session& session, Buffer& out) {
  if (!session.report->append_part(out)) return Outcome::kUnfinished;
  const bool is_cut_short = session.report->is_cut_short();
  session.report.reset();
  return is_cut_short ? Outcome::kClose : Outcome::kDone;
}

void Dispatch::store(const Request& request, const Session& session, Buffer& out) {
  answer(request, reply_to(values_.store(request, session, options_of(request)).result), out);
}

void Dispatch::erase(const Request& request, Buffer& out) {
  std::optional<size_t> value_bytes;
  const auto note_size = [&](const larder::ItemView& item) { value_bytes = item.value.size(); };
  const bool erased = larder::erase(cache_, request.key, std::nullopt, note_size) == larder::EraseResult::kErased;
  traffic_.deleted(request, value_bytes);
  answer(request, erased ? kReplyDeleted : kReplyNotFound, out);
}

void Dispatch::count(const Request& request, Buffer& out) {
  const bool up = request.mode == 'I';
  const larder::CounterResult result =
      up ? cache_.incr(request.key, request.number) : cache_.decr(request.key, request.number);
  if (result.status != larder::CounterStatus::kDone) return answer(request, reply_to(result.status), out);
  traffic_.count(request.key, digits_of(result.value), up ? ClassCounter::kIncrHits : ClassCounter::kDecrHits);
  if (!request.noreply) append_number(result.value, out);
}

void Dispatch::touch(const Request& request, Buffer& out) {
  size_t value_bytes = 0;
  const bool found = larder::touch(cache_, request.key, expiry_of(*request.exptime),
                                   [&](const larder::ItemView& item) { value_bytes = item.value.size(); });
  if (found) traffic_.count(request.key, value_bytes, ClassCounter::kTouchHits);
  answer(request, found ? kReplyTouched : kReplyNotFound, out);
}

void Dispatch::flush_all(const Request& request, Buffer& out) {
  if (!server_.options().flush_enabled) {
    counters_.add(Counter::kFlushRefused);
    return answer(request, kErrorFlushNotAllowed, out);
  }
  cache_.flush_all(flush_delay_of(request.exptime.value_or(0), server_.clock().unix_ms()));
  answer(request, kReplyOk, out);
}

void Dispatch::set_verbosity(const Request& request, Buffer& out) {
  if (server_.options().verbosity_enabled) {
    const auto verbosity = static_cast<uint32_t>(std::min(request.number, kVerbosityMax));
    server_.verbosity.store(verbosity, std::memory_order_relaxed);
  }
  answer(request, kReplyOk, out);
}

Dispatch::Outcome Dispatch::authenticate(Request& request, Session& session, Buffer& out) {
  LoginPace& pace = server_.login_pace();
  if (session.login == nullptr) {
    const auto wake = session.wake_login != nullptr ? *session.wake_login : nullptr;
    session.login = pace.enter(login_source(session.fd), !session.has_failed_to_log_in, wake);
    if (session.login == nullptr) {
      request.refusal = kErrorTooManyLogins;
      out.append(request.refusal);
      return Outcome::kClose;
    }
  }
  const int64_t now_ms = server_.clock().monotonic_ms();
  session.login_wait_ms = pace.wait_ms(*session.login, now_ms);
  if (session.login_wait_ms > 0) return Outcome::kLater;
  session.authenticated = server_.auth_file().accepts(request.value);
  session.has_failed_to_log_in = !session.authenticated;
  counters_.add(Counter::kAuthentications);
  if (!session.authenticated) {
    counters_.add(Counter::kAuthenticationErrors);
    pace.note_wrong(*session.login, now_ms);
  }
  session.login.reset();
  out.append(session.authenticated ? kReplyStored : kErrorAuthFailed);
  return Outcome::kDone;
}

Dispatch::Outcome Dispatch::shut_down(const Request& request, Buffer& out) {
  if (!server_.options().shutdown_enabled) {
    out.append(kErrorShutdownNotEnabled);
    return Outcome::kDone;
  }
  const std::string_view how = Tokens(request.words)[0];
  if (!how.empty() && how != "graceful") {
    out.append(kErrorBadShutdownMode);
    return Outcome::kDone;
  }
  shut_down_();
  return Outcome::kClose;
}

}  // namespace netd
