// How fast users and passwords may be tried (-Y).
//
// A wrong attempt makes the next ones from its source wait, over whichever connections they come: a few in a row
// are free, then there is one in kWrongMs. An attempt waits before it is looked at, so that hanging up early gains
// nothing. A source is an IPv4 address, the first half of an IPv6 address, which is what a client may choose the
// rest of, or all UNIX sockets. Sources share a table of fixed size, so that many of them take no memory.
#ifndef NETD_LOGIN_PACE_H_
#define NETD_LOGIN_PACE_H_

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace netd {

// Thread-safe.
class LoginPace {
 public:
  static constexpr int64_t kWrongMs = 250;
  static constexpr int64_t kFreeMs = 8 * kWrongMs;

  // For how long, in ms, an attempt from `peer` has to wait before it is looked at; at most as long as the attempts
  // that are looked at at the same time cost. now_ms: of a monotonic clock.
  [[nodiscard]] int64_t wait_ms(const sockaddr_storage& peer, int64_t now_ms) const;

  // An attempt from `peer` was wrong.
  void note_wrong(const sockaddr_storage& peer, int64_t now_ms);

 private:
  // What a source's wrong attempts cost is paid off by then. Relaxed: a number of its own.
  std::array<std::atomic<int64_t>, 1024> paid_off_ms_{};
};

}  // namespace netd

#endif  // NETD_LOGIN_PACE_H_
