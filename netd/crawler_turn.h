// Whose turn it is to walk over all items for a client: one dump (key_dump.h) or crawl (Server::crawl) at a time.
//
// A turn lasts until a time that whoever has it puts off as he goes on, or longer, as long as nobody else asks for
// one: so a client that does not read its dump keeps nobody from having another.
#ifndef NETD_CRAWLER_TURN_H_
#define NETD_CRAWLER_TURN_H_

#include <cstdint>
#include <limits>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"

namespace netd {

// Thread-safe. Times are of the server's monotonic clock.
class CrawlerTurn {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  // The number of a turn that begins now, or 0: another one lasts.
  [[nodiscard]] uint64_t begin(int64_t now_ms, int64_t until_ms) {
    const larder::internal::MutexLock lock(mutex_);
    if (turn_ != 0 && now_ms < until_ms_) return 0;
    turn_ = ++last_turn_;
    until_ms_ = until_ms;
    return turn_;
  }

  // False: since it was to last no longer, another one has begun.
  [[nodiscard]] bool prolong(uint64_t turn, int64_t until_ms) {
    const larder::internal::MutexLock lock(mutex_);
    if (turn != turn_) return false;
    until_ms_ = until_ms;
    return true;
  }

  // Nothing is to be done if another one has begun.
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
