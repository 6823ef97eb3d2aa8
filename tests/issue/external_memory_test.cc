// A store that could not succeed, because what the owner had charged left no room for it, evicted everything before
// it gave up: any client could empty a server whose connection buffers had grown.
#include <memory>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

TEST_CASE("a store that can never fit costs no other item") {
  Options options;
  options.memory_limit_bytes = size_t{8} << 20;
  options.item_bytes_max = size_t{2} << 20;
  options.seed = 1;
  const std::unique_ptr<Cache> cache = *Cache::create(options);
  add_external_bytes(*cache, 6 << 20);
  for (int i = 0; i < 5000; ++i) (void)cache->set("key" + std::to_string(i), std::string(100, 'v'));
  const uint64_t items = cache->stats().items;
  REQUIRE(items > 1000);
  CHECK(cache->set("large", std::string(2 << 20, 'v')) == StoreResult::kNoMemory);
  CHECK(cache->stats().items == items);
}

TEST_CASE("more than was charged cannot be returned") {
  const std::unique_ptr<Cache> cache = *Cache::create();
  add_external_bytes(*cache, 1000);
  add_external_bytes(*cache, INT64_MIN);
  CHECK(cache->stats().external_bytes == 0);
  CHECK(cache->set("key", "value") == StoreResult::kStored);
}

std::unique_ptr<Cache> full_cache() {
  Options options;
  options.memory_limit_bytes = size_t{8} << 20;
  options.seed = 1;
  std::unique_ptr<Cache> cache = *Cache::create(options);
  for (int i = 0; i < 80'000; ++i) (void)cache->set("key" + std::to_string(i), std::string(100, 'v'));
  return cache;
}

constexpr size_t kCharge = size_t{1} << 20;

TEST_CASE("what is only charged evicts nothing, and each of the next stores makes up a little of it") {
  const std::unique_ptr<Cache> cache = full_cache();
  REQUIRE(cache->set("mine", "value") == StoreResult::kStored);
  const Stats before = cache->stats();
  REQUIRE(bytes_over_limit(*cache) == 0);
  charge_external_bytes(*cache, kCharge);
  CHECK(cache->stats().items == before.items);
  CHECK(cache->stats().external_bytes == kCharge);
  CHECK(bytes_over_limit(*cache) == before.memory_used_bytes + kCharge - before.memory_limit_bytes);

  int stores = 0;
  while (bytes_over_limit(*cache) > 0) {
    const uint64_t items = cache->stats().items;
    REQUIRE(cache->set("mine", "VALUE") == StoreResult::kStored);
    REQUIRE(cache->stats().items + 32 >= items);
    REQUIRE(++stores < 2000);
  }
  CHECK(cache->stats().memory_used_bytes <= before.memory_limit_bytes);
  CHECK(cache->stats().items > before.items * 3 / 4);
  add_external_bytes(*cache, -static_cast<int64_t>(kCharge));
  CHECK(cache->stats().external_bytes == 0);
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("steps of maintain make room for what is only charged") {
  const std::unique_ptr<Cache> cache = full_cache();
  charge_external_bytes(*cache, kCharge);
  int steps = 0;
  while (bytes_over_limit(*cache) > 0) {
    const uint64_t items = cache->stats().items;
    REQUIRE(cache->maintain(4096));
    // No record takes less than 100 bytes.
    REQUIRE(cache->stats().items + 4096 / 100 + 1 >= items);
    REQUIRE(++steps < 2000);
  }
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("memory can be charged from inside visitors and updaters") {
  const std::unique_ptr<Cache> cache = full_cache();
  REQUIRE(cache->set("mine", "value") == StoreResult::kStored);
  CHECK(cache->visit("mine", [&](const ItemView&) { charge_external_bytes(*cache, kCharge); }));
  (void)cache->update("mine", [&](const ItemView*) {
    charge_external_bytes(*cache, kCharge);
    return Update::leave();
  });
  CHECK(cache->stats().external_bytes == 2 * kCharge);
}

}  // namespace
}  // namespace larder
