#include "larder/internal/policy/seen_keys.h"

#include <memory>
#include <random>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

// As of keys of a sample, whose low halves are small.
uint64_t hash_of(uint64_t number) {
  std::mt19937_64 random(number);
  return (random() & ~uint64_t{UINT32_MAX}) | (random() % 1'000'000);
}

TEST_CASE("a key is new the first time, and known for the next 4,096 keys; few that are new are taken for known") {
  const auto seen = std::make_unique<SeenKeys<4096>>();
  constexpr uint64_t kKeys = 100'000;
  int taken = 0;
  for (uint64_t i = 0; i < kKeys; ++i) {
    if (!seen->add(hash_of(i))) ++taken;
    CHECK_FALSE(seen->add(hash_of(i)));
    if (i >= 4095) CHECK_FALSE(seen->add(hash_of(i - 2000)));
  }
  CHECK(taken < static_cast<int>(kKeys) / 50);
  int forgotten = 0;
  for (uint64_t i = 0; i < 1000; ++i) forgotten += seen->add(hash_of(i)) ? 1 : 0;
  CHECK(forgotten > 950);
}

}  // namespace
}  // namespace larder::internal
