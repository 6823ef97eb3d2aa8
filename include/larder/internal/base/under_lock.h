// In builds with assertions: whether a thread is inside a function of a caller that runs with a lock held.
#ifndef LARDER_INTERNAL_BASE_UNDER_LOCK_H_
#define LARDER_INTERNAL_BASE_UNDER_LOCK_H_

namespace larder::internal {

// While an UnderLock lives, its thread runs a caller's function with a lock of `owner` held. Without assertions it
// does nothing.
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
  // Functions of several caches may be nested.
  static inline thread_local const UnderLock* innermost_ = nullptr;
  const void* const owner_;
  const UnderLock* const outer_;
#endif
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_UNDER_LOCK_H_
