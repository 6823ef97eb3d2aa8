// Lets one client at a time walk over all items: with one dump (key_dump.h) or crawl (Server::crawl).
//
// A turn lasts until a time that its holder postpones as it advances, and after that until somebody else asks for
// a turn. A client that does not read its dump therefore keeps nobody else from having one.
#ifndef NETD_CRAWLER_TURN_H_
#define NETD_CRAWLER_TURN_H_

#include <cstdint>
#include <limits>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"

namespace netd {

// Thread-safe. Times are by the server's monotonic clock.
class CrawlerTurn {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  // The number of a new turn, or 0 if another one lasts.
  [[nodiscard]] uint64_t begin(int64_t now_ms, int64_t until_ms) {
    const larder::internal::MutexLock lock(mutex_);
    if (turn_ != 0 && now_ms < until_ms_) return 0;
    turn_ = ++last_turn_;
    until_ms_ = until_ms;
    return turn_;
  }

  // False: the turn had expired, and another one has started.
  [[nodiscard]] bool prolong(uint64_t turn, int64_t until_ms) {
    const larder::internal::MutexLock lock(mutex_);
    if (turn != turn_) return false;
    until_ms_ = until_ms;
    return true;
  }

  // Does nothing if another turn has started.
  void end(uint64_t turn) {
    const larder::internal::MutexLock lock(mutex_);
    if (turn == turn_) turn_ = 0;
  }

  [[nodiscard]] bool is_taken() const {
    const larder::internal::MutexLock lock(mutex_);
    return turn_ != 0;
  }

 private:
  mutable larder::internal::Mutex mutex_;
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: nobody's
  uint64_t last_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t until_ms_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace netd

#endif  // NETD_CRAWLER_TURN_H_
