// In builds with assertions: whether a thread is inside a caller's function that runs with a lock held.
#ifndef LARDER_INTERNAL_BASE_UNDER_LOCK_H_
#define LARDER_INTERNAL_BASE_UNDER_LOCK_H_

namespace larder::internal {

// While it lives, its thread runs a function of a caller of `owner`, which holds a lock. Without assertions it is
// nothing.
class UnderLock {
 public:
#ifdef NDEBUG
  explicit UnderLock(const void*) {}
#else
  explicit UnderLock(const void* owner) : owner_(owner), outer_(innermost_) { innermost_ = this; }
  ~UnderLock() { innermost_ = outer_; }
#endif
  UnderLock(const UnderLock&) = delete;
  UnderLock& operator=(const UnderLock&) = delete;

#ifndef NDEBUG
  // Whether this thread is inside such a function of `owner`.
  [[nodiscard]] static bool is_inside(const void* owner) {
    const UnderLock* scope = innermost_;
    while (scope != nullptr && scope->owner_ != owner) scope = scope->outer_;
    return scope != nullptr;
  }

 private:
  // Functions of several caches may run inside each other.
  static inline thread_local const UnderLock* innermost_ = nullptr;
  const void* const owner_;
  const UnderLock* const outer_;
#endif
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_UNDER_LOCK_H_
