// How much memory all connections together may hold, and that the cache makes room for it.
//
// Connections may hold half of the memory limit. What an ordinary request needs is never refused, or those who hold
// much and do nothing would shut out everybody else: of a worker's clients the one that holds most for longest loses
// it instead, as soon as more is held than may be (Worker::end_turn). A large buffer is refused when three quarters
// are in use.
//
// What connections hold is charged to the cache in steps, ahead of need, so that small changes cost nothing.
// Nothing is evicted for it at once, for its owner may be looking at an item: that is done in `settle`.
#ifndef NETD_CONNECTION_MEMORY_H_
#define NETD_CONNECTION_MEMORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "larder/cache.h"
#include "larder/internal/base/mutex.h"

namespace netd {

class ConnectionMemory {
 public:
  // More than this counts as large.
  static constexpr size_t kOrdinaryBytesMax = 64 << 10;

  // Takes its limit from the cache's, which must outlive it. One that does not evict makes no room.
  ConnectionMemory(larder::Cache& cache, size_t memory_limit_bytes, bool evicts = true);
  ~ConnectionMemory();
  ConnectionMemory(const ConnectionMemory&) = delete;
  ConnectionMemory& operator=(const ConnectionMemory&) = delete;

  // All thread-safe.

  // False: a large piece was refused.
  [[nodiscard]] bool take(size_t bytes);
  void give(size_t bytes);
  // Either, as BufferPool::Charge.
  [[nodiscard]] bool charge(int64_t bytes);
  // At the end of a turn: has the cache make room for what has been taken, if it must, a little at a time.
  void settle();
  [[nodiscard]] size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  // How much more is held than may be.
  [[nodiscard]] size_t excess_bytes() const;
  // So little is left that a large piece may soon be refused.
  [[nodiscard]] bool is_short() const { return used_bytes() > bytes_max() / 8 * 5; }
  // More than a quarter is in use: who takes more should take no more than is needed.
  [[nodiscard]] bool is_scarce() const { return used_bytes() > bytes_max() / 4; }
  void set_limit(size_t memory_limit_bytes);
  // The most that may be held, and held when a large piece is added.
  [[nodiscard]] size_t bytes_max() const { return bytes_max_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t large_bytes_max() const { return bytes_max() / 4 * 3; }

 private:
  larder::Cache& cache_;
  const size_t step_bytes_;
  const bool evicts_;
  larder::internal::Mutex mutex_;
  // Read without the mutex they say what was true a moment ago.
  std::atomic<size_t> bytes_max_;
  std::atomic<size_t> used_bytes_{0};
  size_t charged_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // at least used_bytes_
  std::atomic<size_t> owed_bytes_{0};                 // to be cleaned for what has been charged
};

}  // namespace netd

#endif  // NETD_CONNECTION_MEMORY_H_
