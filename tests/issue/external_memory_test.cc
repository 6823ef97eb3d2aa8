// A store that could not succeed, because what the owner had charged left no room for it, evicted everything before
// it gave up: any client could empty a server whose connection buffers had grown.
#include <memory>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

TEST_CASE("a store that can never fit costs no other item") {
  Options options;
  options.memory_limit_bytes = size_t{8} << 20;
  options.item_bytes_max = size_t{2} << 20;
  options.seed = 1;
  const std::unique_ptr<Cache> cache = *Cache::create(options);
  cache->add_external_bytes(6 << 20);
  for (int i = 0; i < 5000; ++i) (void)cache->set("key" + std::to_string(i), std::string(100, 'v'));
  const uint64_t items = cache->stats().items;
  REQUIRE(items > 1000);
  CHECK(cache->set("large", std::string(2 << 20, 'v')) == StoreResult::kNoMemory);
  CHECK(cache->stats().items == items);
}

TEST_CASE("more than was charged cannot be returned") {
  const std::unique_ptr<Cache> cache = *Cache::create();
  cache->add_external_bytes(1000);
  cache->add_external_bytes(INT64_MIN);
  CHECK(cache->stats().external_bytes == 0);
  CHECK(cache->set("key", "value") == StoreResult::kStored);
}

}  // namespace
}  // namespace larder
