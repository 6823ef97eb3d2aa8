#include "larder/internal/base/atomic_max.h"

#include <cstdint>
#include <thread>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("a bound goes up, and never down") {
  std::atomic<int64_t> bound{5};
  atomic_max(bound, int64_t{7});
  CHECK(bound == 7);
  atomic_max(bound, int64_t{7});
  atomic_max(bound, int64_t{-1});
  CHECK(bound == 7);
}

TEST_CASE("of two threads the higher one decides") {
  constexpr uint32_t kHighest = 100'000;
  std::atomic<uint32_t> bound{0};
  const auto climb = [&](uint32_t first) {
    for (uint32_t value = first; value <= kHighest; value += 2) atomic_max(bound, value);
  };
  std::thread odd(climb, 1);
  climb(2);
  odd.join();
  CHECK(bound == kHighest);
}

}  // namespace
}  // namespace larder::internal
