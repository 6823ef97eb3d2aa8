#include "netd/http/client.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <ctime>
#include <exception>
#include <limits>
#include <string_view>
#include <utility>

#include "netd/http/guard.h"

namespace netd::http {
namespace {

namespace beast = boost::beast;

constexpr int kPassesPerTurn = 16;
constexpr size_t kReadBytes = 4 << 10;
constexpr size_t kDrainedBytesMax = 64 << 10;
constexpr std::chrono::seconds kDrainTime(2);
constexpr std::string_view kHttpScheme = "http://";

std::string text_of(beast::string_view text) { return {text.data(), text.size()}; }

// A proxy's form of a target names the host, too.
void take_host(Request& request) {
  if (!request.target.starts_with(kHttpScheme)) return;
  const size_t end = std::min(request.target.find('/', kHttpScheme.size()), request.target.size());
  request.host = request.target.substr(kHttpScheme.size(), end - kHttpScheme.size());
  request.target.erase(0, end);
  if (request.target.empty()) request.target.push_back('/');
}

std::string head_of(const Reply& reply, bool keeps_alive) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nServer: netd\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\nContent-Type: {}\r\n"
                  "Content-Length: {}\r\n",
                  reply.status, text_of(beast::http::obsolete_reason(static_cast<beast::http::status>(reply.status))),
                  fmt::gmtime(std::time(nullptr)), reply.type, reply.body->size());
  if (!reply.allow.empty()) head += fmt::format("Allow: {}\r\n", reply.allow);
  if (!reply.challenge.empty()) head += fmt::format("WWW-Authenticate: {}\r\n", reply.challenge);
  head +=
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
      "Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self'; "
      "style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";
  if (!keeps_alive) head += "Connection: close\r\n";
  return head + "\r\n";
}

}  // namespace

Client::Client(ClientContext& context, UniqueFd fd)
    : context_(context),
      watch_(context.loop, std::move(fd), [this] { take_turn(); }),
      source_(login_source(watch_.fd())) {
  begin_request();
  // It is too little to be refused.
  (void)context_.server.connection_memory().take(sizeof *this + kRequestBytesMax);
}

Client::~Client() { context_.server.connection_memory().give(sizeof *this + kRequestBytesMax); }

void Client::abandon() {
  if (std::exchange(is_abandoned_, true)) return;
  attempt_.reset();
  reply_ = {};
  const bool waits = state_ == State::kLoggingIn || state_ == State::kWaiting;
  waits ? watch_.call_soon() : watch_.cancel();
}

void Client::resume() {
  if (state_ != State::kWaiting || is_abandoned_) return;
  answer();
  watch_.call_soon();
}

void Client::check(Clock::time_point now) {
  if (is_abandoned_) return;
  if (now >= deadline_) return abandon();
  if (state_ != State::kLoggingIn) return;
  // Its attempt must not be in the way of others' when it has gone.
  pollfd client{.fd = watch_.fd(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&client, 1, 0) > 0) return abandon();
  log_in();
  if (state_ != State::kLoggingIn && state_ != State::kWaiting) watch_.call_soon();
}

void Client::take_turn() {
  bool goes_on = false;
  try {
    goes_on = !is_abandoned_ && run();
  } catch (const std::exception&) {
    context_.server.acceptor_counters().add(Counter::kMallocFails);
  }
  if (!goes_on) context_.destroy(*this);
}

// True when a wait is under way again, false when the connection is over.
bool Client::run() {
  for (int passes = kPassesPerTurn; passes > 0; --passes) {
    switch (state_) {
      case State::kReading:
        if (!input_.empty() && parse()) break;
        [[fallthrough]];
      case State::kDraining:
        switch (receive()) {
          case Received::kSome:
            break;
          case Received::kNothing:
            watch_.await_input();
            return true;
          case Received::kEnd:
            return false;
        }
        if (state_ == State::kDraining) {
          drained_bytes_ += std::exchange(input_, {}).size();
          if (drained_bytes_ > kDrainedBytesMax) return false;
        }
        break;
      case State::kLoggingIn:
      case State::kWaiting:
        return true;
      case State::kSending:
        if (!transmit()) return false;
        if (state_ == State::kSending) {
          watch_.await_output();
          return true;
        }
        break;
    }
  }
  watch_.call_soon();
  return true;
}

Client::Received Client::receive() {
  std::array<char, kReadBytes> bytes;
  const ssize_t count = ::recv(watch_.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count == 0) return Received::kEnd;
  if (count < 0) return errno == EAGAIN || errno == EINTR ? Received::kNothing : Received::kEnd;
  input_.append(bytes.data(), static_cast<size_t>(count));
  return Received::kSome;
}

void Client::begin_request() {
  parser_.emplace();
  parser_->header_limit(kRequestBytesMax);
  parser_->body_limit(std::numeric_limits<uint64_t>::max());
  is_head_ = false;
  state_ = State::kReading;
  set_deadline(kTimeMax);
}

// Whether a request is complete, or is none.
bool Client::parse() {
  boost::system::error_code error;
  const size_t parsed = parser_->put(boost::asio::const_buffer(input_.data(), input_.size()), error);
  input_.erase(0, parsed);
  keeps_alive_ = false;
  if (parser_->is_header_done()) {  // What is wrong with a body does not matter.
    admit();
    return true;
  }
  if (error == beast::http::error::need_more) {
    if (input_.size() <= kRequestBytesMax) return false;
    error = beast::http::error::header_limit;
  }
  if (!error) return false;
  const bool is_too_long = error == beast::http::error::header_limit;
  send(is_too_long ? text_reply(431, "The request is too long.\n")
                   : text_reply(400, "This is no request of HTTP/1.\n"));
  return true;
}

void Client::admit() {
  active_since_ = Clock::now();
  const auto& fields = parser_->get();
  request_ = {.method = text_of(fields.method_string()),
              .target = text_of(fields.target()),
              .host = text_of(fields[beast::http::field::host]),
              .accept = text_of(fields[beast::http::field::accept]),
              .authorization = text_of(fields[beast::http::field::authorization])};
  take_host(request_);
  is_head_ = fields.method() == beast::http::verb::head;
  const size_t hosts = fields.count(beast::http::field::host);
  if (hosts > 1 || (hosts == 0 && fields.version() == 11)) {
    return send(text_reply(400, "A request has one field Host.\n"));
  }
  // A body is not read. What is encoded in a way that is not known might be one.
  const bool has_body =
      parser_->content_length().value_or(0) > 0 || fields.count(beast::http::field::transfer_encoding) > 0;
  keeps_alive_ = fields.version() == 11 && fields.keep_alive() && !has_body;
  if (std::optional<Reply> refusal = refuse(request_, context_.server.options())) return send(*std::move(refusal));
  if (has_body) return send(text_reply(413, "A request has no body here.\n"));
  if (!context_.server.auth_file().is_required() || Pages::is_public(request_)) return answer();
  std::optional<std::string> given = credentials(request_.authorization);
  if (!given) return send(challenge_reply());
  credentials_ = *std::move(given);
  attempt_ = context_.server.login_pace().enter(source_, !was_wrong_, [] {});
  if (attempt_ == nullptr) {
    keeps_alive_ = false;
    return send(text_reply(429, "Too many wrong passwords; try again later.\n"));
  }
  state_ = State::kLoggingIn;
  log_in();
}

// As soon as it is the attempt's turn.
void Client::log_in() {
  ServerState& server = context_.server;
  if (server.login_pace().wait_ms(*attempt_, server.clock().monotonic_ms()) > 0) return;
  server.acceptor_counters().add(Counter::kAuthentications);
  const bool is_right = server.auth_file().accepts(credentials_);
  if (!is_right) {
    was_wrong_ = true;
    server.acceptor_counters().add(Counter::kAuthenticationErrors);
    server.login_pace().note_wrong(*attempt_, server.clock().monotonic_ms());
  }
  attempt_.reset();
  is_right ? answer() : send(challenge_reply());
}

void Client::answer() {
  if (!context_.pages.is_ready_for(request_)) {
    state_ = State::kWaiting;
    return context_.survey();
  }
  send(context_.pages.answer(request_));
}

void Client::send(Reply reply) {
  reply_ = std::move(reply);
  head_ = head_of(reply_, keeps_alive_);
  sent_bytes_ = 0;
  state_ = State::kSending;
  set_deadline(kTimeMax);
}

// False when the connection is over.
bool Client::transmit() {
  const std::string_view body = is_head_ ? std::string_view() : std::string_view(*reply_.body);
  while (sent_bytes_ < head_.size() + body.size()) {
    const std::string_view head = std::string_view(head_).substr(std::min(sent_bytes_, head_.size()));
    const std::string_view rest = body.substr(sent_bytes_ - (head_.size() - head.size()));
    std::array<iovec, 2> parts = {{{.iov_base = const_cast<char*>(head.data()), .iov_len = head.size()},
                                   {.iov_base = const_cast<char*>(rest.data()), .iov_len = rest.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t count = ::sendmsg(watch_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    sent_bytes_ += static_cast<size_t>(count);
  }
  finish_reply();
  return true;
}

void Client::finish_reply() {
  reply_ = {};
  if (keeps_alive_) return begin_request();
  ::shutdown(watch_.fd(), SHUT_WR);
  state_ = State::kDraining;
  input_.clear();
  set_deadline(kDrainTime);
}

}  // namespace netd::http
