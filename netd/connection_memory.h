// How much memory all connections together may hold, and that the cache makes room for it.
//
// Connections may use half of the memory limit. What they use is charged to the cache in steps, ahead of need, so
// that small changes cost nothing; when a step is added, the cache evicts until everything fits again. A large
// buffer is refused when three quarters are in use, so that clients that leave theirs unfinished or unread cannot
// keep the others from getting ordinary ones.
#ifndef NETD_CONNECTION_MEMORY_H_
#define NETD_CONNECTION_MEMORY_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "larder/cache.h"
#include "larder/internal/mutex.h"

namespace netd {

class ConnectionMemory {
 public:
  // More than this counts as large.
  static constexpr size_t kOrdinaryBytesMax = 16 << 10;

  // Takes its limit from the cache's, which must outlive it.
  ConnectionMemory(larder::Cache& cache, size_t memory_limit_bytes);
  ~ConnectionMemory();
  ConnectionMemory(const ConnectionMemory&) = delete;
  ConnectionMemory& operator=(const ConnectionMemory&) = delete;

  // All thread-safe.
  [[nodiscard]] bool take(size_t bytes);
  void give(size_t bytes);
  [[nodiscard]] size_t used_bytes() const;
  void set_limit(size_t memory_limit_bytes);

 private:
  larder::Cache& cache_;
  const size_t step_bytes_;
  mutable larder::internal::Mutex mutex_;
  size_t bytes_max_ ABSL_GUARDED_BY(mutex_);
  size_t used_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t charged_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // at least used_bytes_
};

}  // namespace netd

#endif  // NETD_CONNECTION_MEMORY_H_
