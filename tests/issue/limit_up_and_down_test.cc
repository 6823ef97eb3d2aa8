// Descriptors of segments were charged for the highest limit that a cache had ever had: one that was raised far and
// lowered again kept half of what it had kept before, or nothing. A limit that was refused held all the same, if it
// was refused for what could not be evicted.
#include <cmath>
#include <memory>
#include <random>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::unique_ptr<Cache> cache_of(size_t limit_bytes) {
  Options options;
  options.memory_limit_bytes = limit_bytes;
  options.item_bytes_max = limit_bytes / 64;
  options.seed = 1;
  return *Cache::create(options);
}

// What the cache keeps of more than it has room for.
uint64_t items_after_fill(Cache& cache, size_t value_bytes) {
  static uint64_t number = 0;
  const std::string value(value_bytes, 'v');
  const size_t limit_bytes = cache.stats().memory_limit_bytes;
  for (size_t bytes = 0; bytes < limit_bytes + limit_bytes / 4; bytes += value_bytes) {
    (void)cache.set("key" + std::to_string(number++), value);
  }
  return cache.stats().items;
}

// Limits from a sixteenth of the first one to `limit_bytes_max`; values so long that the fills take no long time.
void check_any_sequence(size_t first_bytes, size_t limit_bytes_max, size_t value_bytes, int changes,
                        uint32_t seed) {
  CAPTURE(seed);
  CAPTURE(first_bytes);
  CAPTURE(value_bytes);
  std::mt19937 random(seed);
  const std::unique_ptr<Cache> cache = cache_of(first_bytes);
  const double steps =
      std::log2(static_cast<double>(limit_bytes_max) / static_cast<double>(memory_limit_bytes_min(*cache)));
  for (int change = 0; change < changes; ++change) {
    const double step = std::uniform_real_distribution<double>(0, steps)(random);
    const auto limit_bytes =
        static_cast<size_t>(static_cast<double>(memory_limit_bytes_min(*cache)) * std::exp2(step));
    CAPTURE(limit_bytes);
    const Stats before = cache->stats();
    REQUIRE_FALSE(cache->set_memory_limit(memory_limit_bytes_min(*cache) - 1).ok());
    REQUIRE_FALSE(cache->set_memory_limit(kMemoryLimitBytesMax).ok());
    charge_external_bytes(*cache, memory_limit_bytes_min(*cache));
    if (before.memory_limit_bytes > memory_limit_bytes_min(*cache))
      REQUIRE_FALSE(cache->set_memory_limit(memory_limit_bytes_min(*cache)).ok());
    add_external_bytes(*cache, INT64_MIN);
    REQUIRE(cache->stats().memory_limit_bytes == before.memory_limit_bytes);
    REQUIRE(cache->stats().memory_used_bytes == before.memory_used_bytes);
    REQUIRE(cache->stats().items == before.items);

    REQUIRE(cache->set_memory_limit(limit_bytes).ok());
    REQUIRE(bytes_over_limit(*cache) == 0);
    const uint64_t items = items_after_fill(*cache, value_bytes);
    const std::unique_ptr<Cache> fresh = cache_of(first_bytes);
    REQUIRE(fresh->set_memory_limit(limit_bytes).ok());
    const uint64_t fresh_items = items_after_fill(*fresh, value_bytes);
    CHECK(items * 100 >= fresh_items * 98);
  }
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("after any sequence of limits a cache keeps as much as a fresh one of that limit") {
  for (const uint32_t seed : {1, 2}) {
    check_any_sequence(kMiB, 16 * kMiB, 1000, 10, seed);
    check_any_sequence(8 * kMiB, 128 * kMiB, 1000, 5, seed);
    check_any_sequence(8 * kMiB, 128 * kMiB, 20'000, 5, seed);
  }
}

// Whose segments are huge pages.
TEST_CASE("so does one of 256 MiB and more") {
  check_any_sequence(256 * kMiB, 384 * kMiB, 20'000, 3, 1);
  check_any_sequence(256 * kMiB, 384 * kMiB, 600'000, 2, 2);
}

}  // namespace
}  // namespace larder
