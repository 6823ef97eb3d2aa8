#ifndef LARDER_INTERNAL_BASE_CLOCK_INL_H_
#define LARDER_INTERNAL_BASE_CLOCK_INL_H_

#include <ctime>

#include "larder/api.h"
#include "larder/clock.h"

namespace larder {

inline int64_t read_ms(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

LARDER_INLINE int64_t SystemClock::monotonic_ms() const { return read_ms(CLOCK_MONOTONIC_COARSE); }
LARDER_INLINE int64_t SystemClock::lag_ms() const {
  timespec tick;
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return int64_t{tick.tv_sec} * 1000 + (tick.tv_nsec + 999'999) / 1'000'000 + 1;
}
LARDER_INLINE int64_t SystemClock::unix_ms() const { return read_ms(CLOCK_REALTIME_COARSE); }

}  // namespace larder

#endif  // LARDER_INTERNAL_BASE_CLOCK_INL_H_
