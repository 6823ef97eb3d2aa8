// The system's clocks, which `debugtime` can move.
#ifndef NETD_DEBUG_CLOCK_H_
#define NETD_DEBUG_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "larder/clock.h"

namespace netd {

// It has no lag_ms, so that what is stored for ten seconds is gone when `debugtime` has moved on by ten.
class DebugClock final : public larder::Clock {
 public:
  // Moves both clocks forward by `ms` ≥ 0. Thread-safe.
  void advance_ms(int64_t ms) {
    // Relaxed: whoever has to see the new time has waited for the answer to debugtime.
    ahead_ms_.fetch_add(ms, std::memory_order_relaxed);
  }

  [[nodiscard]] int64_t monotonic_ms() const override {
    return system_.monotonic_ms() + ahead_ms_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] int64_t unix_ms() const override {
    return system_.unix_ms() + ahead_ms_.load(std::memory_order_relaxed);
  }

 private:
  larder::SystemClock system_;
  std::atomic<int64_t> ahead_ms_{0};
};

}  // namespace netd

#endif  // NETD_DEBUG_CLOCK_H_
