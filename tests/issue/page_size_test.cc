// Memory went back to the system in pieces of 4 KiB. With pages of 64 KiB (arm64) each of them took its neighbours
// along: a third of the items of a cache were wiped; with pages of 16 KiB most pieces were refused, and stayed
// resident uncharged; and the smallest limits had loops without end. Each program of this file runs with pages of
// 4, 16 and 64 KiB, which support/page_size_shim.cc makes of the machine's own.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// Stands still, so that nothing depends on how fast the machine is.
ManualClock standing_clock;

std::unique_ptr<Cache> cache_of(size_t limit_bytes, bool eviction = true) {
  Options options;
  options.clock = &standing_clock;
  options.memory_limit_bytes = limit_bytes;
  options.item_bytes_max = std::min(kMiB, limit_bytes / 4);
  options.eviction = eviction;
  options.seed = 1;
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create(options);
  REQUIRE_MESSAGE(cache.ok(), cache.status().ToString());
  return *std::move(cache);
}

std::string value_of(uint64_t key, uint64_t version, size_t bytes) {
  std::string value = std::to_string(key) + ' ' + std::to_string(version) + ' ';
  value.resize(std::max(value.size(), bytes), static_cast<char>('a' + version % 26));
  return value;
}

TEST_CASE("the library goes by the page size that the system says it has") {
  const auto cache = cache_of(kMiB);
  CHECK(cache->stats().segment_bytes == std::max<size_t>(8 << 10, static_cast<size_t>(sysconf(_SC_PAGESIZE))));
}

TEST_CASE("what is there is what was stored, whatever comes and goes") {
  for (const size_t limit_mib : {1, 2, 4, 16, 64}) {
    CAPTURE(limit_mib);
    const auto cache = cache_of(limit_mib * kMiB);
    const size_t largest = std::min(kMiB, limit_mib * kMiB / 4) - 100;
    std::unordered_map<uint64_t, std::string> stored;
    std::mt19937_64 random(limit_mib);
    size_t found = 0;
    for (int step = 0; step < 60'000; ++step) {
      // Short items first, so that the index grows; then long ones; then mixed.
      const int phase = step / 5'000 % 4;
      const size_t bytes_max = phase == 0 ? 60 : phase == 1 ? largest : phase == 2 ? 20'000 : 1'000;
      const uint64_t number = random() % 8'000;
      const std::string key = "key " + std::to_string(number);
      switch (random() % 8) {
        case 0: {
          (void)cache->erase(key);
          stored.erase(number);
          break;
        }
        case 1:
        case 2:
        case 3: {
          const std::optional<Item> item = cache->get(key);
          if (!item) break;
          ++found;
          REQUIRE(stored.contains(number));
          REQUIRE((item->value == stored[number]));
          break;
        }
        default: {
          const size_t bytes = phase == 1 && random() % 8 != 0 ? random() % 200 : random() % bytes_max;
          std::string value = value_of(number, random(), bytes);
          value.resize(std::min(value.size(), largest));
          REQUIRE(cache->set(key, value) == StoreResult::kStored);
          stored[number] = std::move(value);
          break;
        }
      }
      if (step % 10'000 == 9'999) {
        const absl::Status status = assert_valid(*cache);
        REQUIRE_MESSAGE(status.ok(), status.ToString());
        CHECK(cache->stats().memory_used_bytes <= limit_mib * kMiB);
      }
      if (step % 20'000 == 19'999) {
        cache->flush_all();
        stored.clear();
      }
    }
    CHECK(found > 100);
  }
}

TEST_CASE("no item is lost while there is room, though the index gives memory back") {
  const auto cache = cache_of(16 * kMiB);
  const auto key = [](int i) { return "key " + std::to_string(i); };
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 60'000; ++i) REQUIRE(cache->set(key(i), "value " + key(i)) == StoreResult::kStored);
    for (int i = 0; i < 60'000; ++i) {
      if (i % 10 != round) CHECK(cache->erase(key(i)) == EraseResult::kErased);
    }
    for (int i = round; i < 60'000; i += 10) REQUIRE((cache->get(key(i))->value == "value " + key(i)));
  }
  CHECK(cache->stats().evictions == 0);
  CHECK(assert_valid(*cache).ok());
}

TEST_CASE("long items of every number of pages keep their neighbours") {
  const auto cache = cache_of(64 * kMiB);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      const size_t bytes = 131'000 + static_cast<size_t>((i * 37 + round) % 100) * 4'099;
      REQUIRE(cache->set("key " + std::to_string(i), value_of(i, round, bytes)) == StoreResult::kStored);
    }
    for (int i = 0; i < 100; i += 2) CHECK(cache->erase("key " + std::to_string(i)) == EraseResult::kErased);
    for (int i = 1; i < 100; i += 2) {
      const size_t bytes = 131'000 + static_cast<size_t>((i * 37 + round) % 100) * 4'099;
      REQUIRE((cache->get("key " + std::to_string(i))->value == value_of(i, round, bytes)));
    }
  }
}

TEST_CASE("the smallest limit works without eviction, too, and can be raised and lowered") {
  for (const bool eviction : {true, false}) {
    const auto cache = cache_of(kMiB, eviction);
    int stored = 0;
    for (int i = 0; i < 10'000; ++i) {
      const StoreResult result = cache->set("key " + std::to_string(i), std::string(100, 'v'));
      if (eviction) REQUIRE(result == StoreResult::kStored);
      stored += result == StoreResult::kStored ? 1 : 0;
    }
    CHECK(stored > 2'000);
    CHECK(cache->set_memory_limit(16 * kMiB).ok());
    for (int i = 0; i < 10'000; ++i) {
      REQUIRE(cache->set("key " + std::to_string(i), std::string(100, 'v')) == StoreResult::kStored);
    }
    CHECK(cache->stats().items == 10'000);
    if (eviction) CHECK(cache->set_memory_limit(kMiB).ok());
    CHECK(assert_valid(*cache).ok());
  }
}

}  // namespace
}  // namespace larder
