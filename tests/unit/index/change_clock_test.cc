#include "larder/internal/index/change_clock.h"

#include <cstdint>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("a clock that has noted nothing knows no better than the beginning") {
  CHECK(ChangeClock().time_of(1) == 0);
}

TEST_CASE("the seconds of the last counts are exact") {
  ChangeClock clock;
  clock.note(1, 10);
  clock.note(2, 10);
  clock.note(3, 12);
  CHECK(clock.time_of(1) == 10);
  CHECK(clock.time_of(2) == 10);
  CHECK(clock.time_of(3) == 12);
}

TEST_CASE("a count from before everything remembered is taken for the oldest") {
  ChangeClock clock;
  clock.note(7, 10);
  CHECK(clock.time_of(3) == 10);
}

TEST_CASE("a count's time is never too late, and too early by no more than a part of its age") {
  for (const uint32_t pause_s : {1u, 7u, 3600u}) {
    ChangeClock clock;
    for (uint64_t count = 1; count <= 5'000; ++count) clock.note(count, static_cast<uint32_t>(count) * pause_s);
    const uint64_t now_s = uint64_t{5'000} * pause_s;
    for (uint64_t count = 1; count <= 5'000; ++count) {
      const uint64_t time_s = count * pause_s;
      const uint64_t told_s = clock.time_of(count);
      const bool is_close = told_s <= time_s && (time_s - told_s) * 5 <= (now_s - time_s + pause_s) * 3;
      REQUIRE_MESSAGE(is_close, pause_s << ": count " << count << " of " << time_s << " is told as " << told_s);
    }
  }
}

}  // namespace
}  // namespace larder::internal
