// A connection to the HTTP port: takes requests in, and sends replies, one after the other.
#ifndef NETD_HTTP_CLIENT_H_
#define NETD_HTTP_CLIENT_H_

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "netd/event_loop.h"
#include "netd/http/message.h"
#include "netd/http/pages.h"
#include "netd/login_pace.h"
#include "netd/server_state.h"
#include "netd/unique_fd.h"

namespace netd::http {

class Client;

// What the clients of one port share. Outlives them.
struct ClientContext {
  EventLoop& loop;
  ServerState& server;
  Pages& pages;
  std::function<void(Client& client)> destroy;  // called when the client is over
  std::function<void()> survey;                 // called when a client waits for statistics: then `resume` it
};

class Client {
 public:
  using Clock = std::chrono::steady_clock;

  // A request has at most about so many bytes, and so much time to come as a whole; so has a reply to go.
  static constexpr size_t kRequestBytesMax = 8 << 10;
  static constexpr std::chrono::seconds kTimeMax{20};

  // fd: connected and non-blocking.
  Client(ClientContext& context, UniqueFd fd);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start() { watch_.await_input(); }

  // Ends it soon, without a reply. As for all of these, not in another one's turn.
  void abandon();
  // Statistics are there.
  void resume();
  // To be called a few times a second: looks whether its time is over, and whether it may log in.
  void check(Clock::time_point now);

  // When its last request came, or it itself.
  [[nodiscard]] Clock::time_point active_since() const { return active_since_; }
  // Whether a request of it is being answered.
  [[nodiscard]] bool has_request() const { return state_ != State::kReading && state_ != State::kDraining; }
  [[nodiscard]] bool is_abandoned() const { return is_abandoned_; }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::empty_body>;

  enum class State : uint8_t {
    kReading,
    kLoggingIn,  // waits until its password may be checked
    kWaiting,    // for statistics
    kSending,
    kDraining,  // what it still sends is thrown away, so that the reply is not lost on its way
  };
  enum class Received : uint8_t { kSome, kNothing, kEnd };

  void take_turn();
  [[nodiscard]] bool run();
  [[nodiscard]] Received receive();
  [[nodiscard]] bool parse();
  void begin_request();
  void admit();
  void log_in();
  void answer();
  void send(Reply reply);
  [[nodiscard]] bool transmit();
  void finish_reply();
  void set_deadline(std::chrono::seconds time) { deadline_ = Clock::now() + time; }

  ClientContext& context_;
  EventLoop::Watch watch_;
  const std::string source_;  // of its attempts to log in
  State state_ = State::kReading;
  Clock::time_point active_since_ = Clock::now();
  Clock::time_point deadline_;
  bool is_abandoned_ = false;
  std::string input_;
  std::optional<Parser> parser_;
  Request request_;
  bool is_head_ = false;
  bool keeps_alive_ = false;
  bool was_wrong_ = false;  // a password of it
  std::string credentials_;
  std::unique_ptr<LoginPace::Attempt> attempt_;
  std::string head_;
  Reply reply_;
  size_t sent_bytes_ = 0;  // of both
  size_t drained_bytes_ = 0;
};

}  // namespace netd::http

#endif  // NETD_HTTP_CLIENT_H_
