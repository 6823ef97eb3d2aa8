#include "larder/internal/policy/eviction_sample.h"

#include <random>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

uint64_t hash_of(uint64_t number) { return std::mt19937_64(number)(); }

TEST_CASE("evictions of a loop are all known from the second round on, whatever the cache's size") {
  for (const uint64_t items : {100u, 3'000u, 100'000u}) {
    CAPTURE(items);
    EvictionSample sample;
    const uint64_t length = 5 * items;
    EvictionSample::Counts before;
    for (uint64_t i = 0; i < 6 * length; ++i) {
      sample.note(hash_of(i % length));
      if (i % (items / 4) != 0) continue;
      const EvictionSample::Counts now = sample.look();
      const uint64_t evicted = now.evicted - before.evicted;
      const uint64_t again = now.again - before.again;
      before = now;
      if (i >= items * 3) CHECK(evicted <= 64);
      if (i < length) CHECK(again <= 2);
      if (i >= 3 * length) CHECK(evicted >= 2);
      if (i >= 3 * length) CHECK(again == evicted);
    }
  }
}

}  // namespace
}  // namespace larder::internal
