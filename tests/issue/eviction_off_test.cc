// With eviction off, live items went all the same: the cleaner moved them into the segment that stores were filling
// too, and dropped what found no room there. A flushed item that lay in the newest segment kept its room, so that
// nothing could be stored although nothing was there. And assert_valid, finishing what the cleaner had begun,
// evicted by the policy.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

std::unique_ptr<Cache> make_cache(const Clock& clock, size_t memory_limit_bytes, size_t item_bytes_max) {
  Options options;
  options.memory_limit_bytes = memory_limit_bytes;
  options.item_bytes_max = item_bytes_max;
  options.eviction = false;
  options.clock = &clock;
  options.seed = 1;
  return *Cache::create(options);
}

struct Setting {
  size_t memory_limit_bytes;
  size_t external_bytes;  // so that there is about as much room as the test needs
  size_t value_bytes_max;
};
// Small segments, and such of 2 MiB.
constexpr Setting kSettings[] = {
    {.memory_limit_bytes = size_t{1} << 20, .external_bytes = 0, .value_bytes_max = 1500},
    {.memory_limit_bytes = size_t{300} << 20, .external_bytes = size_t{270} << 20, .value_bytes_max = 30'000},
};

TEST_CASE("without eviction an item stays until it is removed") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const Setting& setting = kSettings[seed % 2];
    const ManualClock clock;
    const std::unique_ptr<Cache> cache =
        make_cache(clock, setting.memory_limit_bytes, 44 * setting.value_bytes_max);
    add_external_bytes(*cache, static_cast<int64_t>(setting.external_bytes));
    std::mt19937 random(seed);
    std::map<std::string, size_t> sizes;
    const std::function<void(int)> step = [&](int depth) {
      const std::string key = "key" + std::to_string(random() % 1500);
      switch (random() % 8) {
        case 0:
        case 1:
        case 2: {
          const size_t bytes = random() % ((random() % 10 == 0 ? 4 : 1) * setting.value_bytes_max);
          sizes.erase(key);
          if (cache->set(key, std::string(bytes, 'v')) == StoreResult::kStored) sizes[key] = bytes;
          break;
        }
        case 3:
        case 4:
          (void)cache->erase(key);
          sizes.erase(key);
          break;
        case 5:
          cache->touch(key, std::chrono::hours(random() % 100 + 1));
          break;
        case 6:
          cache->maintain(random() % 3000 + 1);
          break;
        default:
          if (depth == 3) break;
          cache->visit(key, [&](const ItemView&) {
            for (unsigned i = random() % 20; i > 0; --i) step(depth + 1);
          });
      }
    };
    for (int i = 0; i < 3000; ++i) step(0);
    REQUIRE(cache->stats().segments_cleaned > 0);
    REQUIRE(assert_valid(*cache).ToString() == "OK");
    REQUIRE(cache->stats().evictions == 0);
    REQUIRE(cache->stats().items == sizes.size());
    for (const auto& [key, bytes] : sizes) REQUIRE(cache->peek(key)->value.size() == bytes);
  }
}

TEST_CASE("without eviction the room of a flushed item comes back, though it is the newest") {
  const ManualClock clock;
  const std::unique_ptr<Cache> cache = make_cache(clock, size_t{1} << 20, 262'144);
  add_external_bytes(*cache, 600'000);
  REQUIRE(cache->set("a", std::string(262'144, 'v')) == StoreResult::kStored);
  cache->flush_all();
  CHECK(cache->set("b", std::string(262'144, 'v')) == StoreResult::kStored);
}

}  // namespace
}  // namespace larder
