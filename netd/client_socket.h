// The socket of one client: takes in what it sends, lets out what it is sent, and counts both. Non-blocking, and
// used by one thread alone.
#ifndef NETD_CLIENT_SOCKET_H_
#define NETD_CLIENT_SOCKET_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <utility>

#include "netd/buffer.h"
#include "netd/counters.h"
#include "netd/event_loop.h"
#include "netd/unique_fd.h"

namespace netd {

class ClientSocket {
 public:
  // fd: connected and non-blocking. `take_turn` is called after each wait or yield.
  ClientSocket(EventLoop& loop, UniqueFd fd, Counters& counters, std::function<void()> take_turn)
      : watch_(loop, std::move(fd), std::move(take_turn)), counters_(counters) {}

  [[nodiscard]] int fd() const { return watch_.fd(); }

  // More may have come.
  void begin_turn() { is_drained_ = false; }

  // Less room than this at the end of a buffer is not worth a `receive`.
  static constexpr size_t kReadBytesMin = 2 << 10;

  // One system call. False at the end of the stream.
  bool receive(Buffer& in);

  // The last receive took all there was.
  [[nodiscard]] bool is_drained() const { return is_drained_; }

  // Sends as much as the client takes. False when it has gone.
  bool send(Buffer& out) { return out.empty() || send_content(out); }

  // One system call; its result.
  ssize_t transmit(const Buffer::Pieces& pieces);

  // Nothing more is sent.
  void shut_down();

  // Until there is something to receive or room to send. An error is met again by who goes on.
  void await_input() { watch_.await_input(); }
  void await_output() { watch_.await_output(); }
  // Others have their turns first.
  void yield() { watch_.call_soon(); }
  // Cuts the wait short.
  void cancel() { watch_.cancel(); }

  // Bytes received and sent since the last reset.
  [[nodiscard]] size_t moved_bytes() const { return moved_bytes_; }
  void reset_moved_bytes() { moved_bytes_ = 0; }

  // Of what was sent, what the client has not acknowledged.
  [[nodiscard]] int unsent_bytes();
  [[nodiscard]] bool is_tcp();

 private:
  bool send_content(Buffer& out);

  EventLoop::Watch watch_;
  Counters& counters_;
  bool is_drained_ = false;
  size_t moved_bytes_ = 0;
};

}  // namespace netd

#endif  // NETD_CLIENT_SOCKET_H_
