#include "larder/clock.h"

#include <chrono>
#include <cstdlib>

#include "doctest/doctest.h"

namespace larder {
namespace {

TEST_CASE("a manual clock stands still until it is told to move") {
  ManualClock clock;
  const int64_t unix_ms = clock.unix_ms();
  CHECK(clock.monotonic_ms() == 0);
  CHECK(clock.monotonic_ms() == 0);
  clock.advance_ms(0);
  CHECK(clock.unix_ms() == unix_ms);
}

TEST_CASE("a manual clock moves the wall clock and the monotonic one together") {
  ManualClock clock(5'000);
  CHECK(clock.unix_ms() == 5'000);
  clock.advance_ms(1);
  clock.advance_ms(999);
  CHECK(clock.monotonic_ms() == 1'000);
  CHECK(clock.unix_ms() == 6'000);
}

TEST_CASE("the system's monotonic clock never goes back") {
  const SystemClock clock;
  int64_t before = clock.monotonic_ms();
  for (int i = 0; i < 10'000; ++i) {
    const int64_t now = clock.monotonic_ms();
    REQUIRE(now >= before);
    before = now;
  }
}

TEST_CASE("the system's monotonic clock counts milliseconds") {
  // The coarse clock lags behind the fine one by a tick at most; a minute allows for any scheduling.
  const SystemClock clock;
  const auto fine = std::chrono::steady_clock::now().time_since_epoch();
  CHECK(std::abs(std::chrono::duration_cast<std::chrono::milliseconds>(fine).count() - clock.monotonic_ms()) <
        60'000);
}

TEST_CASE("the system's wall clock tells milliseconds since 1970") {
  const SystemClock clock;
  const auto fine = std::chrono::system_clock::now().time_since_epoch();
  CHECK(std::abs(std::chrono::duration_cast<std::chrono::milliseconds>(fine).count() - clock.unix_ms()) < 60'000);
}

}  // namespace
}  // namespace larder
