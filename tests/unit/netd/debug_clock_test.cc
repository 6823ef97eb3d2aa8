#include "netd/debug_clock.h"

#include <doctest/doctest.h>

namespace netd {
namespace {

TEST_CASE("both clocks move by what they are moved, and go on") {
  DebugClock clock;
  const int64_t monotonic_ms = clock.monotonic_ms();
  const int64_t unix_ms = clock.unix_ms();
  clock.advance_ms(1'000'000);
  CHECK(clock.monotonic_ms() >= monotonic_ms + 1'000'000);
  CHECK(clock.unix_ms() >= unix_ms + 1'000'000);
  CHECK(clock.unix_ms() < unix_ms + 1'000'000 + 60'000);
}

}  // namespace
}  // namespace netd
