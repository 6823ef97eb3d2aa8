// How fast users and passwords may be tried (-Y).
//
// A wrong attempt makes the next ones from its source wait, over whichever connections they come: a few in a row
// are free, then one in kWrongMs is looked at. It waits before it is looked at, so that hanging up early gains
// nothing. Those that wait have their turns in this order:
//
//   1. first attempts of connections: the newest, or every other time the one that came before it, if no more than
//      kRecentMax wrong ones have been looked at since
//   2. attempts of connections that have been wrong before, in their order; only kLaterMax wait, more are turned
//   away
//
// So a client that knows the password waits for one interval beside any number of connections from its address that
// guess, and for three beside those that connect anew after each guess; unless they do not wait for the answer.
//
// A source is an IPv4 address, the first half of an IPv6 address, which is what a client may choose the rest of, or
// a user at the UNIX sockets. Sources share a table of fixed size, so that many of them take no memory.
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

// Whom the attempts of a client with this address are counted against; of one at a UNIX socket, `uid` is what
// counts.
[[nodiscard]] std::string login_source(const sockaddr_storage& peer, uid_t uid);
// Of the client at the other end of a socket. Of one that has gone nothing is known: they are one source.
[[nodiscard]] std::string login_source(int fd);

// Thread-safe. Times are in ms, of one monotonic clock.
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
    uint64_t wrong_before_ = 0;  // when it came
    std::list<Attempt*>::iterator place_;
  };

  // seed: not known to clients, so that none can choose a source that shares a given one's queue.
  explicit LoginPace(uint32_t seed);

  // An attempt from `source`, the first of its connection or a later one; null: it is turned away. `wake` is
  // called, from any thread, when it comes to have the next turn: then wait_ms is to be asked again.
  [[nodiscard]] std::unique_ptr<Attempt> enter(std::string_view source, bool is_first, std::function<void()> wake);

  // For how long the attempt has to wait before this is to be asked again; 0: it is to be looked at now.
  [[nodiscard]] int64_t wait_ms(const Attempt& attempt, int64_t now_ms) const;

  // The attempt has been looked at, and was wrong.
  void note_wrong(const Attempt& attempt, int64_t now_ms);

 private:
  static constexpr size_t kQueues = 1024;

  struct Queue {
    // Of those that wait.
    [[nodiscard]] Attempt* next() const;

    int64_t paid_off_ms = 0;  // when what the source's wrong attempts cost is
    uint64_t wrong_count = 0;
    std::list<Attempt*> attempts;  // first ones, the newest in front, and then later ones, the oldest in front
    size_t later_count = 0;        // of them
  };

  void leave(const Attempt& attempt);
  // Whoever has the next turn may have been told to wait for others.
  static void wake_next(const Queue& queue);

  const uint32_t seed_;
  mutable larder::internal::Mutex mutex_;
  std::vector<Queue> queues_ ABSL_GUARDED_BY(mutex_) = std::vector<Queue>(kQueues);
};

}  // namespace netd

#endif  // NETD_LOGIN_PACE_H_
