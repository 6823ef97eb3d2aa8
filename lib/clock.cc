#include "larder/clock.h"

#include <ctime>

namespace larder {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

int64_t read_ns(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

int64_t SystemClock::monotonic_ms() const { return read_ns(CLOCK_MONOTONIC_COARSE) / kNsPerMs; }
int64_t SystemClock::monotonic_ms_rounded_up() const {
  return (read_ns(CLOCK_MONOTONIC) + kNsPerMs - 1) / kNsPerMs;
}
int64_t SystemClock::unix_ms() const { return read_ns(CLOCK_REALTIME_COARSE) / kNsPerMs; }

}  // namespace larder
