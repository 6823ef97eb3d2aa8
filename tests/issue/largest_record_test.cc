// A record of exactly a quarter of a 1 MiB segment was not taken for a large item, but its room did not fit into
// the two bytes that tell it: the value came back four times as long, with other items' bytes in it, and the
// cleaner went round for ever. Later the same came back with segments of 2 MiB, of which a quarter is one byte more
// than the format can tell: tests/limit/record_sizes_test.cc goes through them all.
#include <memory>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

TEST_CASE("values around a quarter of a segment come back as they were") {
  for (const size_t limit_mib : {128, 256, 300}) {
    CAPTURE(limit_mib);
    Options options;
    options.memory_limit_bytes = limit_mib << 20;
    options.seed = 1;
    const std::unique_ptr<Cache> cache = *Cache::create(options);
    const size_t quarter = cache->stats().segment_bytes / 4;
    REQUIRE(quarter == (limit_mib == 128 ? 256 << 10 : 512 << 10));
    for (size_t bytes = quarter - 64; bytes <= quarter + 64; ++bytes) {
      const std::string key = "key" + std::to_string(bytes);
      REQUIRE(cache->set(key, std::string(bytes, 'v')) == StoreResult::kStored);
      REQUIRE(cache->get(key)->value == std::string(bytes, 'v'));
    }
    CHECK(assert_valid(*cache).ok());
  }
}

}  // namespace
}  // namespace larder
