// One client: receives into a buffer, has requests parsed and answered, and sends the replies.
//
// A connection belongs to one worker and runs only on that worker's thread. At any time exactly one operation is
// pending for it: it waits for input, for its replies to be sent, for memory, for its login, or for its next turn.
// Each turn ends by starting the next operation, or with the end of the connection, when the worker destroys it;
// so no event meets a destroyed connection.
//
// A client cannot make it hold much memory: while replies are not taken no further requests are read, and a reply
// is made only as far as the buffer has room (see retrieval.h). Between requests it holds no buffers at all.
#ifndef NETD_CONNECTION_H_
#define NETD_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "netd/buffer.h"
#include "netd/client_socket.h"
#include "netd/connection_table.h"
#include "netd/counters.h"
#include "netd/dispatch.h"
#include "netd/event_loop.h"
#include "netd/latency.h"
#include "netd/parser.h"
#include "netd/request.h"
#include "netd/request_batch.h"
#include "netd/server_state.h"
#include "netd/session.h"
#include "netd/unique_fd.h"

namespace netd {

class Connection;

// What the connections of one worker share. Outlives them.
struct ConnectionContext {
  EventLoop& loop;
  ServerState& server;
  Counters& counters;
  LatencyHistogram& latency;
  BufferPool& pool;
  Dispatch& dispatch;
  std::function<void(Connection& connection)> destroy;  // called when the connection is over
  std::function<void()> watch;                          // called when a connection may have to be abandoned later
  std::function<void()> end_turn;                       // called when a turn is over
  std::function<void(Connection& connection)> queue_report;  // its next turn goes to its report
  RequestBatch batch{};                                 // of the connection whose turn it is
};

class Connection {
 public:
  // fd: connected and non-blocking.
  Connection(ConnectionContext& context, UniqueFd fd, size_t index);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts the first wait. May destroy the connection.
  void start();

  // Continues after a yield. May destroy the connection.
  void take_turn();

  // Answers what has arrived, then ends the connection.
  void finish();

  // Ends the connection without a reply, and gives its memory back at once. `reason`: a string literal, for
  // clients that watch connections.
  void abandon(std::string_view reason);

  // The same, but tells a client with an unfinished request why, if possible.
  void revoke(std::string_view reason, std::string_view error);

  // The memory of its buffers.
  [[nodiscard]] size_t held_bytes() const { return in_.capacity() + out_.capacity(); }

  // Only connections with much to send or receive hold more than this.
  static constexpr size_t kFloorBytes = 2 * Buffer::kTrimmedBytes;

  // Whether it waits for its client and holds more than `bytes`.
  [[nodiscard]] bool is_holding(size_t bytes) const {
    return waiting_ != Waiting::kForTurn && held_bytes() > bytes;
  }

  // For how long it has done so without progress, by the server's monotonic clock. Progress is a finished request,
  // or another few kilobytes received or sent, more if it holds much.
  [[nodiscard]] int64_t held_ms();

  // Since when the client has sent nothing, by the server's monotonic clock; for a lingering connection, since
  // when it lingers.
  [[nodiscard]] int64_t idle_since_ms() const;

  // Its last reply has been sent; it only waits, briefly, for the client to close its end.
  [[nodiscard]] bool is_lingering() const { return lingering_; }

  // Replies wait until the client takes some.
  [[nodiscard]] bool is_sending() const { return waiting_ == Waiting::kForOutput; }

  // For how long the client of a sending connection has taken no byte, as far as observed. Call it now and then,
  // because each call observes.
  [[nodiscard]] int64_t stalled_ms();

  // The client watches, and sends no requests that would show that it is alive.
  [[nodiscard]] bool is_watching() const { return session_.watcher != nullptr; }

  // The client takes some of its replies, though the system may not have room for more yet.
  void note_taking();

  // Its position in the worker; only the worker changes it.
  size_t index;

 private:
  // Serving, or told to finish, or told to abandon.
  enum class Mode : uint8_t { kServing, kFinishing, kAbandoned };
  // Why answering requests has stopped.
  enum class Pause : uint8_t { kInput, kOutputFull, kYield, kLogin, kMemory, kEnd };
  enum class Waiting : uint8_t { kForInput, kForOutput, kForTimer, kForTurn };

  bool run_turn();
  bool run_watching_turn();
  void begin_watching();
  std::function<void()> waker(std::function<void()> wake);
  void tell(std::string_view event, std::string_view reason);
  Pause answer_requests(size_t& requests_left);
  bool next_request(size_t requests_max);
  bool parse(size_t requests_max);
  size_t answer();
  bool skip();
  bool wait(Waiting waiting);
  void note_holding();
  bool rest();
  bool linger();
  void note_latency();
  bool yield();
  bool wait_to_log_in();
  bool wait_for_memory();

  ConnectionContext& context_;
  ClientSocket socket_;
  Parser parser_;
  Buffer in_;
  Buffer out_;
  Session session_;
  ConnectionEntry entry_;
  std::shared_ptr<char> alive_;  // while other threads may wake it: so that they do not meet a destroyed connection
  EventLoop::TimerId login_timer_;  // the wait before a login
  std::string_view end_reason_ = "normal";
  std::unique_ptr<Request> unfinished_;  // a request that has been answered in part, or not yet
  bool closing_ = false;                 // no more requests are answered
  bool refused_ = false;                 // the last reply says why
  bool lingering_ = false;
  bool at_start_ = true;  // nothing has been consumed yet
  Mode mode_ = Mode::kServing;
  Waiting waiting_ = Waiting::kForInput;
  bool awaits_value_ = false;  // the line of its request has arrived
  bool is_resumed_ = false;    // part of the request was there before the wait
  // Memory for a long value may become free when others have given up theirs.
  static constexpr uint8_t kMemoryWaitsMax = 60;
  uint8_t memory_waits_left_ = kMemoryWaitsMax;
  bool lacks_memory_ = false;
  int unsent_bytes_ = 0;      // unsent bytes in the system when stalled_ms was last called
  size_t bytes_to_skip_ = 0;  // to be received and discarded
  int64_t received_ms_ = 0;   // when a part of a request was last received
  static constexpr int64_t kNotHolding = -1;
  int64_t holding_since_ms_ = kNotHolding;
  int64_t sent_ms_ = 0;  // when waiting replies were last seen to move
};

}  // namespace netd

#endif  // NETD_CONNECTION_H_
