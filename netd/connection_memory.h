// Limits the memory of all connections together, and has the cache make room for it.
//
// Connections may hold half of the memory limit. What an ordinary request needs is never refused; otherwise
// clients that hold much and do nothing would shut out all others. Instead, as soon as more is held than allowed,
// a worker closes the one of its clients that has held most for longest (Worker::end_turn). A large buffer is
// refused when three quarters are in use.
//
// The memory is charged to the cache in steps, ahead of need, so that small changes cost nothing. Nothing is
// evicted for it at once, because the caller may be reading an item; `settle` does that.
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
  // A larger piece counts as large.
  static constexpr size_t kOrdinaryBytesMax = 64 << 10;

  // Derives its limit from the cache's memory limit. The cache must outlive it. With `evicts` false no room is
  // made.
  ConnectionMemory(larder::Cache& cache, size_t memory_limit_bytes, bool evicts = true);
  ~ConnectionMemory();
  ConnectionMemory(const ConnectionMemory&) = delete;
  ConnectionMemory& operator=(const ConnectionMemory&) = delete;

  // All thread-safe.

  // False: a large piece was refused.
  [[nodiscard]] bool take(size_t bytes);
  void give(size_t bytes);
  // take or give, as BufferPool::Charge.
  [[nodiscard]] bool charge(int64_t bytes);
  // Call at the end of a turn: has the cache make room for what was taken, if necessary, a little at a time.
  void settle();
  [[nodiscard]] size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  // How much more is held than allowed.
  [[nodiscard]] size_t excess_bytes() const;
  // So little is left that a large piece may soon be refused.
  [[nodiscard]] bool is_short() const { return used_bytes() > bytes_max() / 8 * 5; }
  // More than a quarter is in use: nobody should take more than necessary.
  [[nodiscard]] bool is_scarce() const { return used_bytes() > bytes_max() / 4; }
  // With so much more in use than may be, no more clients can be served.
  [[nodiscard]] bool has_room_for_clients() const { return excess_bytes() <= bytes_max() / 4; }
  void set_limit(size_t memory_limit_bytes);
  // The most that may be held, in all and when a large piece is taken.
  [[nodiscard]] size_t bytes_max() const { return bytes_max_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t large_bytes_max() const { return bytes_max() / 4 * 3; }

 private:
  larder::Cache& cache_;
  const size_t step_bytes_;
  const bool evicts_;
  larder::internal::Mutex mutex_;
  // Reads without the mutex may be out of date.
  std::atomic<size_t> bytes_max_;
  std::atomic<size_t> used_bytes_{0};
  size_t charged_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // at least used_bytes_
  std::atomic<size_t> owed_bytes_{0};                 // how much to clean for what has been charged
};

}  // namespace netd

#endif  // NETD_CONNECTION_MEMORY_H_
