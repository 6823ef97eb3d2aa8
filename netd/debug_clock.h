// The system's clocks, with an offset that `debugtime` can advance.
#ifndef NETD_DEBUG_CLOCK_H_
#define NETD_DEBUG_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "larder/clock.h"

namespace netd {

// It has no lag_ms, so that an item stored for ten seconds is gone when `debugtime` has advanced by ten.
class DebugClock final : public larder::Clock {
 public:
  // Moves both clocks forward by `ms` ≥ 0. Thread-safe.
  void advance_ms(int64_t ms) {
    // Relaxed: a client that must see the new time has waited for the reply to debugtime.
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
