#include "netd/dispatch.h"

#include <algorithm>
#include <utility>

#include "netd/commands.h"
#include "netd/exptime.h"
#include "netd/log.h"
#include "netd/operation_reply.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/retrieval.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr uint64_t kVerbosityMax = 2;

}  // namespace

Dispatch::Dispatch(ServerState& server, size_t worker, std::function<void()> shut_down)
    : server_(server),
      cache_(server.cache()),
      counters_(server.worker_counters(worker)),
      traffic_(server, worker),
      executor_(server, worker, traffic_),
      administration_(server),
      shut_down_(std::move(shut_down)) {}

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
  if (command.effect.ends_turn) return administer(request, session, out);
  switch (command.action) {
    case Action::kRetrieve:
      return continue_retrieval(cache_, traffic_, session, request, out) ? Outcome::kDone : Outcome::kUnfinished;
    case Action::kRead:
    case Action::kStore:
    case Action::kErase:
    case Action::kCount:
    case Action::kTouch:
    case Action::kInspect:
      executor_.run(request, session, out);
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
