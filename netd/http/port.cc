#include "netd/http/port.h"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <list>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "netd/held_signals.h"
#include "netd/http/guard.h"
#include "netd/http/pages.h"
#include "netd/login_pace.h"

namespace netd::http {
namespace {

namespace beast = boost::beast;
using boost::asio::ip::tcp;
using boost::system::error_code;

// The thread gets a tenth of a core that others want.
constexpr int kNice = 10;

// How long until an attempt to accept follows one that failed: for want of descriptors, mostly.
constexpr std::chrono::milliseconds kAcceptPause(100);

// What a client that is sent away still sends is read, so that the reply is not lost on its way.
constexpr size_t kDrainedBytesMax = 64 << 10;
constexpr std::chrono::seconds kDrainTime(2);

constexpr std::chrono::seconds kSecond(1);  // of the history

std::string text_of(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class Port::Loop {
 public:
  Loop(ServerState& server, std::vector<ListenSocket> sockets);
  ~Loop();

 private:
  class Client;
  using Clients = std::list<std::shared_ptr<Client>>;

  void run();
  void accept(tcp::acceptor& acceptor);
  void note_seconds();
  void add(tcp::socket socket);

  ServerState& server_;
  Pages pages_;
  boost::asio::io_context io_{1};
  std::list<tcp::acceptor> acceptors_;
  std::list<boost::asio::steady_timer> timers_;  // of those that have failed
  boost::asio::steady_timer second_{io_};
  Clients clients_;                              // the one whose last request was longest ago comes first
  std::thread thread_;
};

// A connection.
class Port::Loop::Client : public std::enable_shared_from_this<Client> {
 public:
  Client(Loop& loop, tcp::socket socket)
      : loop_(loop), source_(login_source(socket.native_handle())), stream_(std::move(socket)) {
    (void)loop_.server_.connection_memory().take(sizeof *this);
  }
  ~Client() { loop_.server_.connection_memory().give(sizeof *this + reply_bytes_); }

  void start(Clients::iterator place) {
    place_ = place;
    read();
  }

  // Ends it: what it waits for fails.
  void close() {
    if (std::exchange(is_closed_, true)) return;
    error_code ignored;
    stream_.socket().close(ignored);
    timer_.cancel();
    attempt_.reset();
    loop_.clients_.erase(place_);
  }

 private:
  using Parser = beast::http::request_parser<beast::http::empty_body>;
  using Response = beast::http::response<beast::http::span_body<const char>>;

  void read() {
    parser_.emplace();
    parser_->header_limit(kRequestBytesMax);
    stream_.expires_after(kTimeMax);
    beast::http::async_read_header(
        stream_, input_, *parser_,
        [self = shared_from_this()](const error_code& error, size_t) { self->note_read(error); });
  }

  void note_read(const error_code& error) {
    if (is_closed_) return;
    if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) {
      return send(text_reply(431, "The request is too long.\n"), true);
    }
    const bool is_malformed = error.category() == make_error_code(beast::http::error::bad_method).category() &&
                              error != beast::http::error::end_of_stream &&
                              error != beast::http::error::partial_message;
    if (is_malformed) return send(text_reply(400, "This is no request of HTTP/1.\n"), true);
    if (error) return close();
    loop_.clients_.splice(loop_.clients_.end(), loop_.clients_, place_);
    const auto& fields = parser_->get();
    request_ = {.method = text_of(fields.method_string()),
                .target = text_of(fields.target()),
                .host = text_of(fields[beast::http::field::host]),
                .accept = text_of(fields[beast::http::field::accept]),
                .authorization = text_of(fields[beast::http::field::authorization])};
    is_head_ = fields.method() == beast::http::verb::head;
    // A body is not read.
    const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    keeps_alive_ = fields.keep_alive() && !has_body;
    if (std::optional<Reply> refusal = refuse(request_, loop_.server_.options())) return send(*refusal, has_body);
    if (has_body) return send(text_reply(413, "A request has no body here.\n"), true);
    authorize();
  }

  void authorize() {
    const AuthFile& users = loop_.server_.auth_file();
    if (!users.is_required() || Pages::is_public(request_)) return answer();
    credentials_ = credentials(request_.authorization);
    if (!credentials_) return challenge();
    attempt_ = loop_.server_.login_pace().enter(source_, !was_wrong_, [] {});
    if (attempt_ == nullptr) return send(text_reply(429, "Too many wrong passwords; try again later.\n"), true);
    stream_.expires_never();
    check_credentials();
  }

  // When it is this attempt's turn.
  void check_credentials() {
    ServerState& server = loop_.server_;
    const int64_t wait_ms = server.login_pace().wait_ms(*attempt_, server.clock().monotonic_ms());
    if (wait_ms > 0) {
      timer_.expires_after(std::chrono::milliseconds(wait_ms));
      timer_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error && !self->is_closed_) self->check_credentials();
      });
      return;
    }
    server.acceptor_counters().add(Counter::kAuthentications);
    const bool is_right = server.auth_file().accepts(*credentials_);
    if (!is_right) {
      was_wrong_ = true;
      server.acceptor_counters().add(Counter::kAuthenticationErrors);
      server.login_pace().note_wrong(*attempt_, server.clock().monotonic_ms());
    }
    attempt_.reset();
    is_right ? answer() : challenge();
  }

  void challenge() {
    Reply reply = text_reply(401, "A user and a password of the server's file are needed.\n");
    reply.challenge = "Basic realm=\"netd\", charset=\"UTF-8\"";
    send(std::move(reply), false);
  }

  void answer() {
    try {
      send(loop_.pages_.answer(request_), false);
    } catch (const std::bad_alloc&) {
      send(text_reply(503, "Out of memory.\n"), true);
    }
  }

  // With `ends`, the connection has no other request.
  void send(Reply reply, bool ends) {
    keeps_alive_ = keeps_alive_ && !ends;
    reply_ = std::move(reply);
    charge_reply(reply_.body->size());
    response_.emplace(static_cast<beast::http::status>(reply_.status), 11);
    response_->set(beast::http::field::server, "netd");
    response_->set(beast::http::field::content_type, reply_.type);
    response_->set(beast::http::field::cache_control, "no-store");
    response_->set("X-Content-Type-Options", "nosniff");
    response_->set("X-Frame-Options", "DENY");
    response_->set("Referrer-Policy", "no-referrer");
    response_->set("Content-Security-Policy",
                   "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'self'; "
                   "style-src 'self'");
    if (!reply_.allow.empty()) response_->set(beast::http::field::allow, reply_.allow);
    if (!reply_.challenge.empty()) response_->set(beast::http::field::www_authenticate, reply_.challenge);
    response_->keep_alive(keeps_alive_);
    response_->content_length(reply_.body->size());
    if (!is_head_) response_->body() = {reply_.body->data(), reply_.body->size()};
    serializer_.emplace(*response_);
    stream_.expires_after(kTimeMax);
    const auto note = [self = shared_from_this()](const error_code& error, size_t) { self->note_sent(error); };
    is_head_ ? beast::http::async_write_header(stream_, *serializer_, note)
             : beast::http::async_write(stream_, *serializer_, note);
  }

  void note_sent(const error_code& error) {
    if (is_closed_) return;
    reply_ = {};
    charge_reply(0);
    if (error) return close();
    if (keeps_alive_) return read();
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kDrainTime);
    drain();
  }

  void drain() {
    input_.consume(input_.size());
    stream_.async_read_some(input_.prepare(kRequestBytesMax),
                            [self = shared_from_this()](const error_code& error, size_t bytes) {
                              if (self->is_closed_) return;
                              self->drained_bytes_ += bytes;
                              if (error || self->drained_bytes_ > kDrainedBytesMax) return self->close();
                              self->drain();
                            });
  }

  void charge_reply(size_t bytes) {
    ConnectionMemory& memory = loop_.server_.connection_memory();
    memory.give(std::exchange(reply_bytes_, 0));
    if (memory.take(bytes)) reply_bytes_ = bytes;
  }

  Loop& loop_;
  const std::string source_;
  beast::tcp_stream stream_;
  boost::asio::steady_timer timer_{loop_.io_};
  Clients::iterator place_;
  bool is_closed_ = false;
  beast::flat_static_buffer<kRequestBytesMax> input_;
  std::optional<Parser> parser_;
  Request request_;
  std::optional<std::string> credentials_;
  std::unique_ptr<LoginPace::Attempt> attempt_;
  bool was_wrong_ = false;
  bool is_head_ = false;
  bool keeps_alive_ = false;
  Reply reply_;
  size_t reply_bytes_ = 0;  // that are charged for it
  std::optional<Response> response_;
  std::optional<beast::http::serializer<false, Response::body_type>> serializer_;
  size_t drained_bytes_ = 0;
};

Port::Loop::Loop(ServerState& server, std::vector<ListenSocket> sockets) : server_(server), pages_(server) {
  for (ListenSocket& socket : sockets) {
    const tcp protocol = socket.address().starts_with('[') ? tcp::v6() : tcp::v4();
    accept(acceptors_.emplace_back(io_, protocol, socket.take_fd().release()));
  }
  second_.expires_after(kSecond);
  note_seconds();
  const HeldSignals held_signals;
  thread_ = std::thread([this] { run(); });
}

Port::Loop::~Loop() {
  io_.stop();
  thread_.join();
  while (!clients_.empty()) clients_.front()->close();
}

void Port::Loop::run() {
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (const std::exception&) {
      // Of what ran there is nothing left but a client that its deadline ends.
      server_.acceptor_counters().add(Counter::kMallocFails);
    }
  }
}

void Port::Loop::accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([this, &acceptor](const error_code& error, tcp::socket socket) {
    if (!error) {
      accept(acceptor);
      return add(std::move(socket));
    }
    boost::asio::steady_timer& timer = timers_.emplace_back(io_, kAcceptPause);
    timer.async_wait([this, &acceptor, place = std::prev(timers_.end())](const error_code& cancelled) {
      timers_.erase(place);
      if (!cancelled) accept(acceptor);
    });
  });
}

void Port::Loop::note_seconds() {
  second_.async_wait([this](const error_code& error) {
    if (error) return;
    second_.expires_at(second_.expiry() + kSecond);
    if (second_.expiry() < std::chrono::steady_clock::now()) second_.expires_after(kSecond);
    note_seconds();
    pages_.note_second();
  });
}

void Port::Loop::add(tcp::socket socket) {
  if (clients_.size() >= kClientsMax) clients_.front()->close();
  clients_.push_back(std::make_shared<Client>(*this, std::move(socket)));
  clients_.back()->start(std::prev(clients_.end()));
}

Port::Port(ServerState& server, std::vector<ListenSocket> sockets)
    : loop_(std::make_unique<Loop>(server, std::move(sockets))) {}

Port::~Port() = default;

}  // namespace netd::http
