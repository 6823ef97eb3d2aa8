#include "netd/connection_memory.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "larder/cache.h"
#include "larder/serving.h"

namespace netd {
namespace {

constexpr size_t kLimitBytes = 8 << 20;

std::unique_ptr<larder::Cache> make_cache() {
  larder::Options options;
  options.memory_limit_bytes = kLimitBytes;
  options.seed = 1;
  return *larder::Cache::create(options);
}

TEST_CASE("what an ordinary request needs is never refused, and what is beyond half of the limit is told") {
  const std::unique_ptr<larder::Cache> cache = make_cache();
  ConnectionMemory memory(*cache, kLimitBytes);
  constexpr size_t kCount = kLimitBytes / 2 / ConnectionMemory::kOrdinaryBytesMax;
  for (size_t i = 0; i < kCount; ++i) {
    REQUIRE(memory.excess_bytes() == 0);
    REQUIRE(memory.is_scarce() == (i > kCount / 4));
    REQUIRE(memory.is_short() == (i > kCount / 8 * 5));
    REQUIRE(memory.take(ConnectionMemory::kOrdinaryBytesMax));
  }
  CHECK(memory.excess_bytes() == 0);
  CHECK(memory.take(1));
  CHECK(memory.excess_bytes() == 1);
  memory.give(1);
  CHECK(memory.excess_bytes() == 0);
}

TEST_CASE("of a cache that evicts nothing connections hold half of the limit, and no more than 16 MiB") {
  const std::unique_ptr<larder::Cache> cache = make_cache();
  ConnectionMemory memory(*cache, kLimitBytes, /*evicts=*/false);
  CHECK(memory.bytes_max() == kLimitBytes / 2);
  memory.set_limit(32 << 20);
  CHECK(memory.bytes_max() == 16 << 20);
  memory.set_limit(size_t{1} << 40);
  CHECK(memory.bytes_max() == 16 << 20);
  CHECK(ConnectionMemory(*cache, size_t{1} << 40, /*evicts=*/false).bytes_max() == 16 << 20);
  CHECK(ConnectionMemory(*cache, size_t{1} << 40).bytes_max() == size_t{1} << 39);
}

TEST_CASE("large buffers leave a quarter to the others") {
  const std::unique_ptr<larder::Cache> cache = make_cache();
  ConnectionMemory memory(*cache, kLimitBytes);
  REQUIRE(memory.take(3 << 20));
  CHECK_FALSE(memory.take(ConnectionMemory::kOrdinaryBytesMax + 1));
  CHECK(memory.take(ConnectionMemory::kOrdinaryBytesMax));
  CHECK(memory.used_bytes() == (3 << 20) + ConnectionMemory::kOrdinaryBytesMax);
}

TEST_CASE("the cache is charged at least what is in use, and makes room for it when a turn is over") {
  const std::unique_ptr<larder::Cache> cache = make_cache();
  const std::string value(1000, 'x');
  for (int i = 0; i < 20000; ++i) (void)cache->set("key" + std::to_string(i), value);
  ConnectionMemory memory(*cache, kLimitBytes);
  const uint64_t items = cache->stats().items;
  REQUIRE(memory.take(1 << 20));
  CHECK(cache->stats().external_bytes >= 1 << 20);
  CHECK(cache->stats().items == items);
  int turns = 0;
  while (larder::bytes_over_limit(*cache) > 0) {
    memory.settle();
    REQUIRE(++turns < 10);
  }
  CHECK(cache->stats().items < items);
  CHECK(cache->stats().memory_used_bytes <= kLimitBytes);
}

TEST_CASE("what is given back is charged no longer, but for a step") {
  const std::unique_ptr<larder::Cache> cache = make_cache();
  {
    ConnectionMemory memory(*cache, kLimitBytes);
    REQUIRE(memory.take(2 << 20));
    memory.give(2 << 20);
    CHECK(cache->stats().external_bytes <= 256 << 10);
  }
  CHECK(cache->stats().external_bytes == 0);
}

}  // namespace
}  // namespace netd
