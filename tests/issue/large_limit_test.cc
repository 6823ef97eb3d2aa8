// A lock for each 512 KiB of the limit was made, and a page of the index with it, before the first item came: with
// a limit of 1 TiB creating a cache took 1.3 seconds and 1.4 GiB.
#include <memory>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"
#include "support/resident_bytes.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST_CASE("a limit of 1 TiB takes no more memory than is used") {
  const size_t resident_before = resident_bytes();
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create({.memory_limit_bytes = size_t{1} << 40, .seed = 1});
  REQUIRE(cache.ok());
  for (int i = 0; i < 100; ++i) {
    const std::string key = "key " + std::to_string(i);
    REQUIRE((*cache)->set(key, "value") == StoreResult::kStored);
    CHECK((*cache)->get(key)->value == "value");
  }
  CHECK((*cache)->erase("key 7") == EraseResult::kErased);
  CHECK_FALSE((*cache)->get("key 7").has_value());
  CHECK((*cache)->stats().items == 99);
#ifndef LARDER_SANITIZED
  CHECK(resident_bytes() - resident_before <= 16 * kMiB);
#endif
  (void)resident_before;
  (*cache)->flush_all();
  CHECK_FALSE((*cache)->get("key 8").has_value());
}

TEST_CASE("there is room for a long item and for the page of the index that it is the first in") {
  const std::string value(100 << 10, 'v');
  constexpr size_t kRoomBytes = 128 << 10;  // of such an item, in pages of up to 64 KiB
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto cache = *Cache::create({.memory_limit_bytes = 16 * kMiB, .seed = seed});
    for (int i = 0; i < 10; ++i) {
      REQUIRE(cache->set("key " + std::to_string(i), value) == StoreResult::kStored);
    }
    // No more is left than the item needs.
    for (size_t left = kRoomBytes; left >= value.size(); left -= 4096) {
      const Stats stats = cache->stats();
      add_external_bytes(*cache, static_cast<int64_t>(stats.memory_limit_bytes - stats.memory_used_bytes - left));
      REQUIRE(cache->set("key " + std::to_string(left), value) == StoreResult::kStored);
    }
  }
}

}  // namespace
}  // namespace larder
