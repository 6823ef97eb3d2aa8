// The socket of one client: takes in what it sends, lets out what it is sent, and counts both. Non-blocking, and
// used by one thread alone.
#ifndef NETD_CLIENT_SOCKET_H_
#define NETD_CLIENT_SOCKET_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "netd/asio.h"
#include "netd/buffer.h"
#include "netd/counters.h"
#include "netd/unique_fd.h"

namespace netd {

class ClientSocket {
 public:
  // fd: connected and non-blocking.
  ClientSocket(asio::io_context& io, UniqueFd fd, Counters& counters)
      : descriptor_(io, fd.get()), counters_(counters) {
    (void)fd.release();  // descriptor_ closes it from now on
  }

  [[nodiscard]] int fd() { return descriptor_.native_handle(); }

  // Puts what the wait has received where everything is received; more may be there.
  void begin_turn(Buffer& in);

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

  // Calls `then` when there is something to receive, or the wait was cut short. With `may_receive`, a short request
  // is received by the wait for it, which spares a system call.
  template <class Then>
  void await_input(bool may_receive, Then then) {
    if (!may_receive || !expects_short_) return await(Descriptor::wait_read, std::move(then));
    descriptor_.async_read_some(asio::buffer(arrived_),
                                [this, then = std::move(then)](const std::error_code&, size_t bytes) mutable {
                                  arrived_bytes_ = static_cast<uint32_t>(bytes);
                                  then();
                                });
  }

  // Calls `then` when there is room to send, or the wait was cut short.
  template <class Then>
  void await_output(Then then) {
    await(Descriptor::wait_write, std::move(then));
  }

  // Cuts the wait short.
  void cancel() { descriptor_.cancel(); }

  // Bytes received and sent since the last reset.
  [[nodiscard]] size_t moved_bytes() const { return moved_bytes_; }
  void reset_moved_bytes() { moved_bytes_ = 0; }

  // Of what was sent, what the client has not acknowledged.
  [[nodiscard]] int unsent_bytes();
  [[nodiscard]] bool is_tcp();

 private:
  bool send_content(Buffer& out);

  // An error, even that of a wait cut short, is met again by who goes on.
  template <class Then>
  void await(Descriptor::wait_type type, Then then) {
    descriptor_.async_wait(type, [then = std::move(then)](const std::error_code&) mutable { then(); });
  }

  Descriptor descriptor_;
  Counters& counters_;
  // What a wait has received; `arrived_bytes_` of them are yet to be taken.
  static constexpr size_t kArrivedBytesMax = 128;
  std::array<char, kArrivedBytesMax> arrived_;
  uint32_t arrived_bytes_ = 0;
  bool expects_short_ = true;  // what arrived last was
  bool is_drained_ = false;
  size_t moved_bytes_ = 0;
};

}  // namespace netd

#endif  // NETD_CLIENT_SOCKET_H_
