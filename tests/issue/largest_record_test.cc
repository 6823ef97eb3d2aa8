// A record of exactly a quarter of a 1 MiB segment was not taken for a large item, but its room did not fit into
// the two octets that tell it: the value came back four times as long, with other items' octets in it, and the
// cleaner went round for ever.
#include <memory>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

TEST_CASE("values around a quarter of a segment come back as they were") {
  Options options;
  options.memory_limit_bytes = size_t{128} << 20;
  options.seed = 1;
  const std::unique_ptr<Cache> cache = *Cache::create(options);
  REQUIRE(cache->stats().segment_bytes == 1 << 20);
  for (size_t bytes = 262'144 - 64; bytes <= 262'144 + 64; ++bytes) {
    const std::string key = "key" + std::to_string(bytes);
    REQUIRE(cache->set(key, std::string(bytes, 'v')) == StoreResult::kStored);
    REQUIRE(cache->get(key)->value.size() == bytes);
  }
  CHECK(cache->assert_valid().ok());
}

}  // namespace
}  // namespace larder
