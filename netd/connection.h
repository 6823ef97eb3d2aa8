// One client: receives into a buffer, has requests parsed and answered, and sends the replies.
//
// A connection lives on one worker and runs on that worker's thread alone. At any time exactly one operation is
// under way for it: waiting until there is something to receive, until replies can be sent, until there may be
// memory or it may log in, or for its next turn. Each turn ends by starting the next operation, or with the end of
// the connection, when the worker destroys it; so a completion handler never meets a connection that has gone.
//
// Nothing a client does makes it hold much: replies that are not taken stop further requests from being read, and a
// reply is made only as far as the buffer has room (see retrieval.h). Between requests it holds no buffers at all.
#ifndef NETD_CONNECTION_H_
#define NETD_CONNECTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "netd/asio.h"
#include "netd/buffer.h"
#include "netd/connection_table.h"
#include "netd/counters.h"
#include "netd/dispatch.h"
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
  asio::io_context& io;
  ServerState& server;
  Counters& counters;
  BufferPool& pool;
  Dispatch& dispatch;
  std::function<void(Connection& connection)> destroy;  // the connection is over
  std::function<void()> watch;                          // a connection may have to be abandoned in a while
  std::function<void()> end_turn;                       // a turn is over
  std::function<void(Connection& connection)> queue_report;  // its next turn is its report's
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

  // Goes on with what it yielded. May destroy the connection.
  void take_turn();

  // Answers what has arrived, then ends.
  void finish();

  // Ends without another word, and gives its memory back at once. `reason`: a word that lives for ever, for those
  // who watch connections.
  void abandon(std::string_view reason);

  // The same, but a client whose request is unfinished is told why, if it can be.
  void revoke(std::string_view reason, std::string_view error);

  // What its buffers hold.
  [[nodiscard]] size_t held_bytes() const { return in_.capacity() + out_.capacity(); }

  // More than that is held by who has much to send or to receive.
  static constexpr size_t kFloorBytes = 2 * Buffer::kTrimmedBytes;

  // Whether it waits, and holds more than `bytes` meanwhile.
  [[nodiscard]] bool is_holding(size_t bytes) const {
    return waiting_ != Waiting::kForTurn && held_bytes() > bytes;
  }

  // For how long it has done so without progress, by the server's monotonic clock: progress is a request that is
  // finished, or another few kilobytes on their way, more if it holds much.
  [[nodiscard]] int64_t held_ms();

  // Since when the client has done nothing, by the server's monotonic clock: since it sent something last. Of one that
  // is lingering: since when it is.
  [[nodiscard]] int64_t idle_since_ms() const;

  // Its last reply has been sent, and only the client's end of the stream is awaited, not for long.
  [[nodiscard]] bool is_lingering() const { return lingering_; }

  // Replies wait until its client takes some.
  [[nodiscard]] bool is_sending() const { return waiting_ == Waiting::kForOutput; }

  // For how long the client, while it `is_sending`, has been seen not to take a byte. To be called now and then,
  // as that is what seeing is.
  [[nodiscard]] int64_t stalled_ms();

  // It watches, and sends no requests that would show it to be alive.
  [[nodiscard]] bool is_watching() const { return session_.watcher != nullptr; }

  // Its client takes of its replies, though the system may not have room for more of them yet.
  void note_taking();

  // Where the worker keeps it; the worker's to change.
  size_t index;

 private:
  // Serving; told to finish; told to abandon.
  enum class Mode : uint8_t { kServing, kFinishing, kAbandoned };
  // Why answering requests has stopped.
  enum class Pause : uint8_t { kInput, kOutputFull, kYield, kLogin, kMemory, kEnd };
  enum class Waiting : uint8_t { kForInput, kForOutput, kForTimer, kForTurn };

  bool run_turn();
  bool run_watching_turn();
  void begin_watching();
  void tell(std::string_view event, std::string_view reason);
  Pause answer_requests(size_t& requests_left);
  bool next_request(size_t requests_max);
  bool parse(size_t requests_max);
  size_t answer();
  bool skip();
  void take_arrived();
  bool receive();
  bool send();
  ssize_t transmit(const Buffer::Pieces& pieces);
  bool wait(Waiting waiting);
  void note_holding();
  bool rest();
  bool linger();
  [[nodiscard]] int unsent_bytes() const;
  [[nodiscard]] bool is_tcp() const;
  bool yield();
  bool wait_to_log_in();
  bool wait_for_memory();

  ConnectionContext& context_;
  Descriptor descriptor_;
  Parser parser_;
  Buffer in_;
  Buffer out_;
  Session session_;
  ConnectionEntry entry_;
  // What a wake-up that is on its way looks for: it must not meet a connection that has gone.
  std::shared_ptr<char> alive_;         // of a watching connection
  std::shared_ptr<Timer> login_timer_;  // of one that has to log in; others' threads wake it
  std::string_view end_reason_ = "normal";
  std::unique_ptr<Request> unfinished_;  // what has been answered in part, or not yet
  bool closing_ = false;                 // nothing more is to be answered
  bool refused_ = false;                 // the last reply says why
  bool lingering_ = false;
  bool at_start_ = true;  // nothing has been consumed yet
  bool drained_ = false;  // the last receive took all there was
  Mode mode_ = Mode::kServing;
  Waiting waiting_ = Waiting::kForInput;
  // A short request is received by the wait for it, which spares a system call: these are its bytes.
  // `arrived_bytes_` of them are yet to be taken.
  static constexpr size_t kArrivedBytesMax = 128;
  std::array<char, kArrivedBytesMax> arrived_;
  size_t arrived_bytes_ = 0;
  bool expects_short_ = true;  // what arrived last was
  bool awaits_value_ = false;  // the line of its request is there
  bool is_resumed_ = false;    // part of the request was there when its client was waited for
  // Memory for a long value may be had when others have given up theirs.
  static constexpr uint8_t kMemoryWaitsMax = 60;
  uint8_t memory_waits_left_ = kMemoryWaitsMax;
  bool lacks_memory_ = false;
  size_t bytes_to_skip_ = 0;   // bytes to be received and thrown away
  int64_t received_ms_ = 0;    // when a part of a request came last
  static constexpr int64_t kNotHolding = -1;
  int64_t holding_since_ms_ = kNotHolding;
  size_t moved_bytes_ = 0;     // received and sent since then
  int unsent_bytes_ = 0;       // in the system's hands, when stalled_ms last looked
  int64_t sent_ms_ = 0;        // when replies were last seen to move, while they wait to be sent
};

}  // namespace netd

#endif  // NETD_CONNECTION_H_
