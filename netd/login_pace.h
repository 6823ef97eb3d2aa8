// Limits how fast users and passwords can be guessed (-Y).
//
// A wrong attempt delays the next ones from its source, over whichever connections they come: a few in a row are
// free, after that one per kWrongMs is checked. An attempt waits before it is checked, so that disconnecting early
// gains nothing. Waiting attempts have their turns in this order:
//
//   1. first attempts of connections: the newest or, every other time, the one before it, if at most kRecentMax
//      wrong ones have been checked since
//   2. later attempts of connections that have been wrong before, in order of arrival; only kLaterMax wait, more
//      are refused
//
// A client that knows the password therefore waits for one interval beside any number of guessing connections from
// its address, and for three if they reconnect after each guess; unless they do not wait for the answer.
//
// A source is an IPv4 address, the first half of an IPv6 address (clients may choose the rest), or a user at the
// UNIX sockets. Sources share a table of fixed size, so that many of them take no memory.
#ifndef NETD_LOGIN_PACE_H_
#define NETD_LOGIN_PACE_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"

namespace netd {

// The source of a client with this address; at a UNIX socket, `uid` is the source.
[[nodiscard]] std::string login_source(const sockaddr_storage& peer, uid_t uid);
// The source of the client at the other end of a socket. Clients that have disconnected count as one source.
[[nodiscard]] std::string login_source(int fd);

// Thread-safe. Times are in ms, by one monotonic clock.
class LoginPace {
 public:
  static constexpr int64_t kWrongMs = 250;
  static constexpr int64_t kFreeMs = 8 * kWrongMs;
  static constexpr size_t kLaterMax = 4;
  static constexpr uint64_t kRecentMax = 4;

  // It waits for its turn as long as it exists.
  class Attempt {
   public:
    ~Attempt() { pace_.leave(*this); }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

   private:
    friend LoginPace;
    Attempt(LoginPace& pace, size_t queue, bool is_first, std::function<void()> wake)
        ABSL_EXCLUSIVE_LOCKS_REQUIRED(pace.mutex_);

    LoginPace& pace_;
    const size_t queue_;
    const bool is_first_;
    const std::function<void()> wake_;
    uint64_t wrong_before_ = 0;  // the queue's wrong_count when it came
    std::list<Attempt*>::iterator place_;
  };

  // seed: secret, so that no client can choose a source that shares the queue of another.
  explicit LoginPace(uint32_t seed);

  // An attempt from `source`, the first of its connection or a later one; null: it is refused. `wake` is called,
  // from any thread, when its turn may be next: then ask wait_ms again.
  [[nodiscard]] std::unique_ptr<Attempt> enter(std::string_view source, bool is_first, std::function<void()> wake);

  // How long to wait before calling this again; 0: check the attempt now.
  [[nodiscard]] int64_t wait_ms(const Attempt& attempt, int64_t now_ms) const;

  // Reports that the attempt was checked, and was wrong.
  void note_wrong(const Attempt& attempt, int64_t now_ms);

 private:
  static constexpr size_t kQueues = 1024;

  struct Queue {
    // The next of the waiting attempts.
    [[nodiscard]] Attempt* next() const;

    int64_t paid_off_ms = 0;  // when the delay for the source's wrong attempts is over
    uint64_t wrong_count = 0;
    std::list<Attempt*> attempts;  // first ones, the newest first, then later ones, the oldest first
    size_t later_count = 0;        // how many of them are later ones
  };

  void leave(const Attempt& attempt);
  // The attempt that is next may have been told to wait for others.
  static void wake_next(const Queue& queue);

  const uint32_t seed_;
  mutable larder::internal::Mutex mutex_;
  std::vector<Queue> queues_ ABSL_GUARDED_BY(mutex_) = std::vector<Queue>(kQueues);
};

}  // namespace netd

#endif  // NETD_LOGIN_PACE_H_
