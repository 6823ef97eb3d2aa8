// The clock that a cache reads the time from.
//
// A cache never asks the operating system for the time, only the `Clock` it was given. `SystemClock` is the
// default; `ManualClock` moves only when told to, so tests of expiry need not sleep.
#ifndef LARDER_CLOCK_H_
#define LARDER_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "larder/api.h"

namespace larder {

// Thread-safe: a cache calls it from any thread, `monotonic_ms` once per operation or batch.
class LARDER_API Clock {
 public:
  virtual ~Clock() = default;

  // Milliseconds since an arbitrary moment; never goes back. Relative expiries are measured with it, so changes of
  // the system's date move no deadline.
  [[nodiscard]] virtual int64_t monotonic_ms() const = 0;

  // How far `monotonic_ms` is behind the true time, at most, in ms. No item expires early because of it, but up to
  // twice as much late. Called once.
  [[nodiscard]] virtual int64_t lag_ms() const { return 0; }

  // Milliseconds since 1970-01-01 UTC. Used only to convert an absolute expiry to a relative one on arrival.
  [[nodiscard]] virtual int64_t unix_ms() const = 0;
};

// The operating system's coarse clocks, a few ns per read. `lag_ms` is their tick (1 to 10 ms, depending on the
// kernel's configuration) plus the fraction of a millisecond that is cut off.
class LARDER_API SystemClock final : public Clock {
 public:
  [[nodiscard]] int64_t monotonic_ms() const override;
  [[nodiscard]] int64_t lag_ms() const override;
  [[nodiscard]] int64_t unix_ms() const override;
};

// A clock that moves only when `advance_ms` is called. Thread-safe.
class LARDER_API ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t unix_ms = 1'700'000'000'000) : unix_start_ms_(unix_ms) {}

  // Moves both clocks forward by `ms` ≥ 0.
  void advance_ms(int64_t ms) {
    // Relaxed: a test that moves the clock orders its own threads.
    elapsed_ms_.fetch_add(ms, std::memory_order_relaxed);
  }

  [[nodiscard]] int64_t monotonic_ms() const override { return elapsed_ms_.load(std::memory_order_relaxed); }
  [[nodiscard]] int64_t unix_ms() const override { return unix_start_ms_ + monotonic_ms(); }

 private:
  const int64_t unix_start_ms_;
  std::atomic<int64_t> elapsed_ms_{0};
};

}  // namespace larder

#endif  // LARDER_CLOCK_H_
