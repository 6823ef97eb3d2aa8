#include "larder/internal/base/atomic.h"

#include <cstdint>
#include <thread>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("a bound goes up, and never down") {
  RelaxedAtomic<int64_t> bound{5};
  bound.raise_to(7);
  CHECK(bound.load() == 7);
  bound.raise_to(7);
  bound.raise_to(-1);
  CHECK(bound.load() == 7);
}

TEST_CASE("of two threads the higher one decides") {
  constexpr uint32_t kHighest = 100'000;
  RelaxedAtomic<uint32_t> bound{0};
  const auto climb = [&](uint32_t first) {
    for (uint32_t value = first; value <= kHighest; value += 2) bound.raise_to(value);
  };
  std::thread odd(climb, 1);
  climb(2);
  odd.join();
  CHECK(bound.load() == kHighest);
}

}  // namespace
}  // namespace larder::internal
