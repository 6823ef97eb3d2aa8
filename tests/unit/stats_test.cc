#include "larder/stats.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/internal/base/arena.h"
#include "larder/internal/base/page_size.h"
#include "larder/loading_cache.h"
#include "larder/renewal.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr size_t kLimitBytes = size_t{1} << 20;
constexpr size_t kItemBytesMax = size_t{64} << 10;

struct TestCache {
  explicit TestCache(bool eviction = true) {
    absl::StatusOr<std::unique_ptr<Cache>> made = Cache::create({.memory_limit_bytes = kLimitBytes,
                                                                 .item_bytes_max = kItemBytesMax,
                                                                 .eviction = eviction,
                                                                 .clock = &clock,
                                                                 .seed = 1});
    REQUIRE(made.ok());
    cache = *std::move(made);
  }
  Cache* operator->() { return cache.get(); }
  Cache& operator*() { return *cache; }

  void set(std::string_view key, std::string_view value = "value", Expiry expiry = {}) {
    REQUIRE(cache->set(key, value, {.flags = 0, .expiry = expiry}) == StoreResult::kStored);
  }

  ManualClock clock;
  std::unique_ptr<Cache> cache;
};

uint64_t memory_parts(const Stats& stats) {
  return stats.live_bytes + stats.dead_bytes + stats.free_bytes + stats.large_bytes + stats.index_bytes +
         stats.ghost_bytes + stats.curve_bytes + stats.hot_key_bytes + stats.removal_log_bytes + stats.other_bytes +
         stats.handle_bytes + stats.external_bytes;
}

TEST_CASE("a new cache has counted nothing and holds nothing") {
  TestCache cache;
  const Stats stats = cache->stats();
  CHECK(stats.get_hits + stats.get_misses + stats.touch_hits + stats.touch_misses + stats.stores == 0);
  CHECK(stats.items == 0);
  CHECK(stats.item_bytes == 0);
  CHECK(stats.live_bytes == 0);
  CHECK(stats.dead_bytes == 0);
  CHECK(stats.memory_limit_bytes == kLimitBytes);
  CHECK(stats.segment_bytes == std::max(size_t{8192}, internal::os_page_bytes()));
  CHECK(stats.segments == 0);
  CHECK(stats.segments_free == 1);
  CHECK(stats.index_slots > 0);
}

TEST_CASE("every kind of get counts hits and misses, peek and contains count neither") {
  TestCache cache;
  cache.set("key");
  std::string value;
  CHECK(cache->get("key").has_value());
  CHECK_FALSE(cache->get("missing").has_value());
  CHECK(cache->get("key", value));
  CHECK_FALSE(cache->get("missing", value));
  CHECK(cache->visit("key", [](const ItemView&) {}));
  CHECK_FALSE(cache->visit("missing", [](const ItemView&) {}));
  const std::string_view keys[] = {"key", "missing", "key"};
  CHECK(cache->get_multi(keys, [](size_t, const ItemView&) {}) == 2);
  CHECK(cache->get_multi(keys).size() == 3);
  CHECK(cache->peek("key").has_value());
  CHECK_FALSE(cache->peek("missing").has_value());
  CHECK(cache->contains("key"));
  CHECK_FALSE(cache->contains("missing"));
  const Stats stats = cache->stats();
  CHECK(stats.get_hits == 3 + 4);
  CHECK(stats.get_misses == 3 + 2);
  CHECK(stats.get_expired == 0);
  CHECK(stats.get_flushed == 0);
}

TEST_CASE("a get that finds an item past its expiry counts as a miss and as expired, once") {
  TestCache cache;
  cache.set("key", "value", 1s);
  cache.clock.advance_ms(1000);
  CHECK_FALSE(cache->get("key").has_value());
  CHECK_FALSE(cache->get("key").has_value());
  const Stats stats = cache->stats();
  CHECK(stats.get_misses == 2);
  CHECK(stats.get_expired == 1);
  CHECK(stats.expired == 1);
  CHECK(stats.expired_unfetched == 1);
}

TEST_CASE("an expired item that was read once counts as expired and not as unfetched") {
  TestCache cache;
  cache.set("key", "value", 1s);
  CHECK(cache->get("key").has_value());
  cache.clock.advance_ms(1000);
  CHECK_FALSE(cache->get("key").has_value());
  CHECK(cache->stats().expired == 1);
  CHECK(cache->stats().expired_unfetched == 0);
}

TEST_CASE("a get that finds an item removed by flush_all counts as a miss and as flushed, once") {
  TestCache cache;
  cache.set("a key");
  cache->flush_all();
  CHECK_FALSE(cache->get("a key").has_value());
  CHECK_FALSE(cache->get("a key").has_value());
  CHECK_FALSE(cache->get("missing").has_value());
  CHECK(cache->stats().get_misses == 3);
  CHECK(cache->stats().get_flushed == 1);
  CHECK(cache->stats().flushes == 1);
}

TEST_CASE("a get of a key that was lately evicted counts as a miss and as evicted, each time until it is back") {
  TestCache cache;
  const std::string value(1000, 'v');
  cache.set("key", value);
  for (int i = 0; cache->contains("key"); ++i) cache.set("key" + std::to_string(i), value);
  std::string copy;
  CHECK_FALSE(cache->get("key").has_value());
  CHECK_FALSE(cache->get("key", copy));
  const std::string_view keys[] = {"key", "missing"};
  CHECK(cache->get_multi(keys, [](size_t, const ItemView&) {}) == 0);
  CHECK_FALSE(cache->get("missing").has_value());
  CHECK_FALSE(cache->contains("key"));
  CHECK(cache->stats().get_evicted == 3);
  cache.set("key", value);
  CHECK(cache->erase("key") == EraseResult::kErased);
  CHECK_FALSE(cache->get("key").has_value());
  const Stats stats = cache->stats();
  CHECK(stats.get_evicted == 3);
  CHECK(stats.get_misses == 6);
  CHECK(stats.get_expired + stats.get_flushed == 0);
}

TEST_CASE("touches count for themselves and not as gets") {
  TestCache cache;
  cache.set("key");
  CHECK(cache->touch("key", 1s));
  CHECK_FALSE(cache->touch("missing", 1s));
  CHECK(cache->get_and_touch("key", 1s).has_value());
  CHECK_FALSE(cache->get_and_touch("missing", 1s).has_value());
  CHECK(visit_and_touch(*cache, "key", 1s, [](const ItemView&) {}));
  CHECK_FALSE(visit_and_touch(*cache, "missing", 1s, [](const ItemView&) {}));
  const Stats stats = cache->stats();
  CHECK(stats.touch_hits == 3);
  CHECK(stats.touch_misses == 3);
  CHECK(stats.get_hits == 0);
  CHECK(stats.get_misses == 0);
}

TEST_CASE("a store counts whatever it answers, an item only when it is put in") {
  TestCache cache;
  cache.set("key");  // stored
  cache.set("key");  // stored
  CHECK(cache->add("key", "v") == StoreResult::kNotStored);
  CHECK(cache->add("new", "v") == StoreResult::kStored);  // stored
  CHECK(cache->replace("missing", "v") == StoreResult::kNotStored);
  CHECK(cache->replace("key", "v") == StoreResult::kStored);  // stored
  CHECK(cache->append("missing", "v") == StoreResult::kNotStored);
  CHECK(cache->append("key", "v") == StoreResult::kStored);   // stored
  CHECK(cache->prepend("key", "v") == StoreResult::kStored);  // stored
  CHECK(cache->cas("missing", "v", 1) == StoreResult::kNotFound);
  CHECK(cache->cas("key", "v", 0) == StoreResult::kExists);
  CHECK(cache->cas("key", "v", cache->peek("key")->cas) == StoreResult::kStored);  // stored
  CHECK(cache->store("key", "v", {.mode = StoreMode::kAppend, .expected = 0}).result == StoreResult::kExists);
  CHECK(cache->set("", "v") == StoreResult::kBadKey);  // not even a store
  const Stats stats = cache->stats();
  CHECK(stats.stores == 13);
  CHECK(stats.items_stored == 7);
  CHECK(stats.items == 2);
  CHECK(stats.cas_hits == 1);
  CHECK(stats.cas_misses == 1);
  CHECK(stats.cas_badval == 1);
  CHECK(stats.store_too_large == 0);
  CHECK(stats.store_no_memory == 0);
}

TEST_CASE("a value that is too large counts as that and not as a store") {
  TestCache cache;
  const std::string value(kItemBytesMax + 1, 'v');
  CHECK(cache->set("key", value) == StoreResult::kTooLarge);
  CHECK(cache->add("key", value) == StoreResult::kTooLarge);
  CHECK(cache->stats().store_too_large == 2);
  CHECK(cache->stats().stores == 0);
}

TEST_CASE("a store that finds no room counts as a store and as without memory") {
  TestCache cache(false);
  uint64_t stores = 0;
  const std::string value(5000, 'v');
  while (cache->set("key" + std::to_string(stores), value) == StoreResult::kStored) ++stores;
  const Stats stats = cache->stats();
  CHECK(stats.store_no_memory == 1);
  CHECK(stats.stores == stores + 1);
  CHECK(stats.items_stored == stores);
  CHECK(stats.evictions == 0);
}

TEST_CASE("counters count hits and misses each for themselves") {
  TestCache cache;
  cache.set("n", "5");
  cache.set("text", "five");
  CHECK(cache->incr("n").status == CounterStatus::kDone);
  CHECK(cache->incr("n").status == CounterStatus::kDone);
  CHECK(cache->decr("n").status == CounterStatus::kDone);
  CHECK(cache->incr("missing").status == CounterStatus::kNotFound);
  CHECK(cache->decr("missing").status == CounterStatus::kNotFound);
  CHECK(cache->decr("missing").status == CounterStatus::kNotFound);
  CHECK(cache->incr("text").status == CounterStatus::kNotANumber);
  const Stats stats = cache->stats();
  CHECK(stats.incr_hits == 2);
  CHECK(stats.decr_hits == 1);
  CHECK(stats.incr_misses == 1);
  CHECK(stats.decr_misses == 2);
}

TEST_CASE("erases count hits and misses, those of erase_multi too") {
  TestCache cache;
  cache.set("a");
  cache.set("b");
  CHECK(cache->erase("a") == EraseResult::kErased);
  CHECK(cache->erase("a") == EraseResult::kNotFound);
  const std::string_view keys[] = {"a", "b"};
  CHECK(cache->erase_multi(keys) == 1);
  CHECK(cache->stats().erase_hits == 2);
  CHECK(cache->stats().erase_misses == 2);
}

TEST_CASE("each flush_all counts, whenever it takes effect") {
  TestCache cache;
  cache->flush_all();
  cache->flush_all(10s);
  CHECK(cache->stats().flushes == 2);
}

TEST_CASE("evictions count the items that had to go, read or unread") {
  TestCache cache;
  const std::string value(1000, 'v');
  uint64_t stored = 0;
  for (; cache->stats().evictions < 500; ++stored) {
    cache.set("key" + std::to_string(stored), value);
    if (stored % 3 == 0) CHECK(cache->get("key" + std::to_string(stored)).has_value());
  }
  const Stats stats = cache->stats();
  CHECK(stats.items + stats.evictions == stored);
  CHECK(stats.evicted_unfetched > 0);
  CHECK(stats.evicted_active > 0);
  CHECK(stats.evicted_unfetched + stats.evicted_active == stats.evictions);
  CHECK(stats.evicted_forced == 0);
  CHECK(stats.segments_cleaned > 0);
}

TEST_CASE("what was all read lately is evicted all the same when there is no other way, and counts as forced") {
  TestCache cache;
  const std::string value(1000, 'v');
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2000; ++i) {
      const std::string key = "key" + std::to_string(i);
      cache.set(key, value);
      for (int reads = 0; reads < 3; ++reads) (void)cache->get(key);
    }
  }
  const Stats stats = cache->stats();
  CHECK(stats.evicted_forced > 0);
  CHECK(stats.evicted_forced <= stats.evictions);
}

TEST_CASE("an item read twice is promoted, and one that comes back soon after its eviction is recognised") {
  TestCache cache;
  const std::string value(1000, 'v');
  cache.set("favourite", value);
  CHECK(cache->get("favourite").has_value());
  CHECK(cache->get("favourite").has_value());
  cache.set("unread", value);
  uint64_t stored = 0;
  for (; cache->peek("unread").has_value(); ++stored) {
    cache.set("key" + std::to_string(stored), value);
    REQUIRE(stored < 5000);
  }
  CHECK(cache->contains("favourite"));
  CHECK(cache->stats().items_promoted >= 1);
  CHECK(cache->stats().ghost_hits == 0);
  cache.set("unread", value);
  CHECK(cache->stats().ghost_hits == 1);
}

TEST_CASE("expired items whose room is taken back count, though nobody asked for them") {
  TestCache cache;
  const std::string value(1000, 'v');
  for (int i = 0; i < 300; ++i) cache.set("key" + std::to_string(i), value, 1s);
  cache.clock.advance_ms(1000);
  while (cache->maintain()) {
  }
  const Stats stats = cache->stats();
  // The segment that is open stays.
  CHECK(stats.expired > 280);
  CHECK(stats.expired == stats.expired_unfetched);
  CHECK(stats.items + stats.expired == 300);
  CHECK(stats.evictions == 0);
  CHECK(stats.get_expired == 0);
}

TEST_CASE("a reset sets the counters to zero and leaves the gauges") {
  TestCache cache;
  cache.set("key", "value");
  cache.set("key", "other");
  CHECK(cache->get("key").has_value());
  CHECK_FALSE(cache->get("missing").has_value());
  CHECK(cache->touch("key", 1s));
  cache->flush_all(1h);
  const Stats before = cache->stats();
  reset_stats(*cache);
  const Stats after = cache->stats();
  CHECK(after.get_hits + after.get_misses + after.touch_hits + after.stores + after.items_stored + after.flushes ==
        0);
  CHECK(after.items == 1);
  CHECK(after.item_bytes == before.item_bytes);
  CHECK(after.memory_used_bytes == before.memory_used_bytes);
  CHECK(after.memory_limit_bytes == before.memory_limit_bytes);
  CHECK(after.segments == before.segments);
}

TEST_CASE("the parts of memory add up to what is used, and that to no more than the limit") {
  TestCache cache;
  for (size_t i = 0; i < 4000; ++i) {
    const std::string key = "key" + std::to_string(i * 7919 % 1000);
    if (i % 5 == 4) {
      (void)cache->erase(key);
    } else {
      cache.set(key, std::string(i * 31 % 4000, 'v'));
    }
    if (i % 50 != 0) continue;
    const Stats stats = cache->stats();
    REQUIRE(stats.memory_used_bytes == memory_parts(stats));
    REQUIRE(stats.memory_used_bytes <= kLimitBytes);
    REQUIRE(stats.item_bytes >= stats.live_bytes);
    REQUIRE((stats.segments + stats.segments_free) * stats.segment_bytes ==
            stats.live_bytes + stats.dead_bytes + stats.free_bytes);
  }
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("item bytes are those of the live items with their headers, and go when they go") {
  TestCache cache;
  cache.set("key", std::string(1000, 'v'));
  const uint64_t small = cache->stats().item_bytes;
  CHECK(small > 1003);
  CHECK(small <= 1003 + 24);
  CHECK(cache->stats().live_bytes == small);
  cache.set("large", std::string(20'000, 'v'));
  CHECK(cache->stats().large_bytes == internal::round_up(20'000, internal::os_page_bytes()));
  CHECK(cache->stats().item_bytes > small + 20'000);
  CHECK(cache->stats().live_bytes == small);
  CHECK(cache->erase("large") == EraseResult::kErased);
  CHECK(cache->stats().large_bytes == 0);
  CHECK(cache->erase("key") == EraseResult::kErased);
  CHECK(cache->stats().item_bytes == 0);
  CHECK(cache->stats().live_bytes == 0);
  CHECK(cache->stats().dead_bytes > 0);
}

TEST_CASE("hit_ratio is the share of gets that found a value, not of those that created or loaded one") {
  TestCache cache;
  CHECK(cache->stats().hit_ratio() == 0);
  CHECK(cache->set("key", "value") == StoreResult::kStored);
  CHECK(cache->get("key").has_value());
  CHECK(cache->stats().hit_ratio() == 1);
  CHECK_FALSE(cache->get("missing").has_value());
  CHECK(cache->stats().hit_ratio() == 0.5);
  CHECK(read(*cache, "created", {.vivify = SetOptions{}}, [](const Reading&) {}));
  CHECK(cache->stats().hit_ratio() == 1.0 / 3);
  LoadingCache<> loading(*cache);
  CHECK(loading.get_or_load("loaded", {}, [](const auto&) { return std::string("value"); }).ok());
  CHECK(cache->stats().hit_ratio() == 0.25);
  CHECK(loading.get_or_load("loaded", {}, [](const auto&) { return std::string("other"); }).value() == "value");
  CHECK(cache->stats().hit_ratio() == 0.4);
}

TEST_CASE("external bytes are part of what is used, until they are returned") {
  TestCache cache;
  const uint64_t before = cache->stats().memory_used_bytes;
  add_external_bytes(*cache, 10'000);
  CHECK(cache->stats().external_bytes == 10'000);
  CHECK(cache->stats().memory_used_bytes == before + 10'000);
  add_external_bytes(*cache, -4'000);
  CHECK(cache->stats().external_bytes == 6'000);
  add_external_bytes(*cache, -6'000);
  add_external_bytes(*cache, 0);
  CHECK(cache->stats().external_bytes == 0);
  CHECK(cache->stats().memory_used_bytes == before);
}

}  // namespace
}  // namespace larder
