// When an item expires: after a duration, at a moment, or never.
#ifndef LARDER_EXPIRY_H_
#define LARDER_EXPIRY_H_

#include <chrono>
#include <cstdint>
#include <limits>

namespace larder {

// An item that is not removed earlier is there until its expiry: to the millisecond, or, with a clock that ticks
// (SystemClock), up to twice Clock::lag_ms later. Durations are measured with the cache's monotonic clock. A time
// point is converted to a duration on arrival, so later changes of the system's date do not move it. Resolution 1
// ms; anything more than 34 years away counts as never.
class Expiry {
 public:
  // Only eviction, erase or a flush removes the item. A default-constructed Expiry means the same.
  constexpr Expiry() = default;
  [[nodiscard]] static constexpr Expiry never() { return Expiry(); }

  // For `duration` from now. Zero, negative or not a number: expired at once (the store succeeds, but no get finds
  // the item).
  template <class Rep, class Period>
  [[nodiscard]] static constexpr Expiry after(std::chrono::duration<Rep, Period> duration) {
    return Expiry(Kind::kAfter, to_ms(duration));
  }

  // Until `when`, by the wall clock and in any unit (sys_seconds, sys_days …). A moment that is not in the future:
  // expired at once.
  template <class Duration>
  [[nodiscard]] static constexpr Expiry at(std::chrono::sys_time<Duration> when) {
    return Expiry(Kind::kAt, to_ms(when.time_since_epoch()));
  }

  // A duration or a time point converts to an Expiry.
  template <class Rep, class Period>
  constexpr Expiry(std::chrono::duration<Rep, Period> duration) : Expiry(after(duration)) {}  // NOLINT
  template <class Duration>
  constexpr Expiry(std::chrono::sys_time<Duration> when) : Expiry(at(when)) {}  // NOLINT

  // Which of the three it is.
  enum class Kind : uint8_t { kNever, kAfter, kAt };
  [[nodiscard]] constexpr Kind kind() const { return kind_; }

  // kAfter: milliseconds from now; kAt: milliseconds since 1970-01-01 UTC; kNever: 0.
  [[nodiscard]] constexpr int64_t ms() const { return ms_; }

 private:
  constexpr Expiry(Kind kind, int64_t ms) : kind_(kind), ms_(ms) {}

  // Saturates instead of overflowing, and rounds up, so that no positive duration becomes 0. Not a number gives
  // the least value.
  template <class Rep, class Period>
  static constexpr int64_t to_ms(std::chrono::duration<Rep, Period> duration) {
    using FloatMs = std::chrono::duration<long double, std::milli>;
    constexpr long double kMax = 9.0e18L;
    const long double ms = FloatMs(duration).count();
    if (ms >= kMax) return std::numeric_limits<int64_t>::max();
    if (!(ms > -kMax)) return std::numeric_limits<int64_t>::min();
    const auto whole = static_cast<int64_t>(ms);
    return static_cast<long double>(whole) < ms ? whole + 1 : whole;
  }

  Kind kind_ = Kind::kNever;
  int64_t ms_ = 0;
};

}  // namespace larder

#endif  // LARDER_EXPIRY_H_
