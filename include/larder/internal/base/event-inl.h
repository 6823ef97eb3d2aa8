#ifndef LARDER_INTERNAL_BASE_EVENT_INL_H_
#define LARDER_INTERNAL_BASE_EVENT_INL_H_

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "larder/api.h"
#include "larder/internal/base/event.h"

namespace larder::internal {

LARDER_INLINE void Event::happen() {
  // Release: with the acquire in wait_until.
  if (state_.exchange(kPast, std::memory_order_release) == kAwaited) wake_all();
}

LARDER_INLINE bool Event::wait_until(Deadline deadline) {
  for (;;) {
    uint32_t state = state_.load(std::memory_order_acquire);
    if (state == kPast) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    if (state == kAwaited) {
      sleep_while_awaited(nullptr);
    } else if (state_.compare_exchange_strong(state, kAwaited, std::memory_order_relaxed)) {
      keep_time_until(deadline);
    }
  }
}

LARDER_INLINE void Event::keep_time_until(Deadline deadline) {
  while (state_.load(std::memory_order_relaxed) == kAwaited && sleep_while_awaited(&deadline)) {
  }
  uint32_t state = kAwaited;
  if (state_.compare_exchange_strong(state, kAhead, std::memory_order_relaxed)) wake_all();
}

LARDER_INLINE bool Event::sleep_while_awaited(const Deadline* deadline) {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  timespec until{};
  if (deadline != nullptr) {
    // The steady clock is CLOCK_MONOTONIC, which the system call goes by.
    const nanoseconds time = deadline->time_since_epoch();
    until.tv_sec = std::chrono::duration_cast<seconds>(time).count();
    until.tv_nsec = (time % seconds(1)).count();
  }
  // Returns at once if the state is another one by then, so no change of it is slept through.
  const long result = syscall(SYS_futex, &state_, FUTEX_WAIT_BITSET_PRIVATE, kAwaited,
                              deadline == nullptr ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

LARDER_INLINE void Event::wake_all() { syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, INT_MAX); }

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_EVENT_INL_H_
