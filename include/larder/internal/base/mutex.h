// std::mutex with the annotations that Clang's -Wthread-safety checks.
//
// Not absl::Mutex: Debian builds Abseil without ThreadSanitizer, which therefore does not see the order that
// absl::Mutex establishes; it understands pthread mutexes.
#ifndef LARDER_INTERNAL_BASE_MUTEX_H_
#define LARDER_INTERNAL_BASE_MUTEX_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace larder::internal {

class ABSL_LOCKABLE Mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  [[nodiscard]] bool try_lock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_.lock(); }
  // Takes over a mutex that the thread already holds.
  MutexLock(Mutex& mutex, std::adopt_lock_t) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) : mutex_(mutex) {}
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_MUTEX_H_
