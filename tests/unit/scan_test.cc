#include "larder/scan.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/renewal.h"
#include "larder/serving.h"

namespace larder {
namespace {

struct Fixture {
  explicit Fixture(size_t memory_limit_bytes = size_t{8} << 20)
      : cache(*Cache::create({.memory_limit_bytes = memory_limit_bytes, .clock = &clock, .seed = 1})) {}

  // How often each key is shown by a walk in steps of `items_max`.
  std::map<std::string, int> walk(size_t items_max) const {
    std::map<std::string, int> shown;
    ScanCursor cursor;
    bool goes_on = true;
    while (goes_on)
      goes_on = scan(*cache, cursor, items_max, [&](const ItemInfo& item) { ++shown[std::string(item.key)]; });
    return shown;
  }

  ManualClock clock;
  std::unique_ptr<Cache> cache;
};

std::string key_of(int i) { return "key" + std::to_string(i); }

TEST_CASE("a walk shows each item once, however long its steps are") {
  Fixture fixture;
  for (int i = 0; i < 5000; ++i) CHECK(fixture.cache->set(key_of(i), "value") == StoreResult::kStored);
  for (const size_t items_max : {size_t{1}, size_t{7}, size_t{100}, size_t{1} << 30}) {
    CAPTURE(items_max);
    const std::map<std::string, int> shown = fixture.walk(items_max);
    CHECK(shown.size() == 5000);
    for (const auto& entry : shown) CHECK(entry.second == 1);
  }
}

TEST_CASE("what is there all the while is shown, though others come and go meanwhile") {
  Fixture fixture(size_t{64} << 20);
  for (int i = 0; i < 2000; ++i) CHECK(fixture.cache->set(key_of(i), "stays") == StoreResult::kStored);
  std::map<std::string, int> shown;
  ScanCursor cursor;
  int others = 0;
  bool goes_on = true;
  while (goes_on) {
    goes_on = scan(*fixture.cache, cursor, 50, [&](const ItemInfo& item) { ++shown[std::string(item.key)]; });
    // Pages grow and split under the walk.
    for (int i = 0; i < 500 && others < 100000; ++i) {
      CHECK(fixture.cache->set("other" + std::to_string(others++), "v") == StoreResult::kStored);
    }
  }
  for (int i = 0; i < 2000; ++i) CHECK(shown[key_of(i)] == 1);
}

TEST_CASE("a sample is about the share that is asked for, of each namespace, and the same each time") {
  const std::unique_ptr<Cache> cache =
      *Cache::create({.memory_limit_bytes = size_t{16} << 20, .seed = 1, .namespaces = {{.prefix = "a:"}}});
  const auto walk = [&](ScanCursor cursor) {
    std::set<std::string> shown;
    bool goes_on = true;
    while (goes_on) {
      goes_on = scan(*cache, cursor, 100, [&](const ItemInfo& item) {
        const bool is_new = shown.emplace(item.key).second;
        CHECK(is_new);
      });
    }
    return shown;
  };
  constexpr int kItems = 20'000;
  for (int i = 0; i < kItems; ++i) {
    CHECK(cache->set((i % 4 == 0 ? "a:" : "b:") + key_of(i), "value") == StoreResult::kStored);
  }
  const std::set<std::string> sample = walk(ScanCursor::sample(0.1));
  const auto of_a = static_cast<size_t>(
      std::ranges::count_if(sample, [](const std::string& key) { return key.starts_with("a:"); }));
  // Binomial: four standard deviations.
  CHECK(sample.size() == doctest::Approx(kItems * 0.1).epsilon(4 * 42.4 / 2000));
  CHECK(of_a == doctest::Approx(kItems * 0.1 / 4).epsilon(4 * 21.2 / 500));
  CHECK(walk(ScanCursor::sample(0.1)) == sample);
  CHECK(ScanCursor::sample(0.25).share() == 0.25);
  CHECK(walk(ScanCursor::sample(1)).size() == kItems);
  CHECK(walk(ScanCursor::sample(7)).size() == kItems);
  CHECK(walk(ScanCursor::sample(0)).size() < kItems / 100);
}

TEST_CASE("an empty cache has a walk that ends") {
  Fixture fixture;
  CHECK(fixture.walk(10).empty());
}

TEST_CASE("an item is shown with all but its value, and leaves no trace") {
  Fixture fixture;
  CHECK(fixture.cache->set("a", "hello", {.flags = 7, .expiry = std::chrono::seconds(5)}) == StoreResult::kStored);
  const uint64_t cas = fixture.cache->peek("a")->cas;
  for (const bool is_read : {false, false, true}) {
    if (is_read) CHECK(fixture.cache->get("a"));
    ScanCursor cursor;
    int count = 0;
    while (scan(*fixture.cache, cursor, 10, [&](const ItemInfo& item) {
      ++count;
      CHECK(item.key == "a");
      CHECK(item.value_bytes == 5);
      CHECK(item.stored_bytes == fixture.cache->stats().item_bytes);
      CHECK(item.flags == 7);
      CHECK(item.cas == cas);
      CHECK(item.ttl_ms == 5000);
      CHECK(item.is_read == is_read);
    })) {
    }
    CHECK(count == 1);
  }
  CHECK(fixture.cache->stats().get_hits == 1);
}

TEST_CASE("the seconds since the last access are shown, those since the last change if nobody asked before") {
  Fixture fixture;
  const auto idle_s = [&] {
    uint32_t shown_s = 0;
    ScanCursor cursor;
    while (scan(*fixture.cache, cursor, 10, [&](const ItemInfo& item) { shown_s = item.idle_s; })) {
    }
    return shown_s;
  };
  CHECK(fixture.cache->set("a", "hello") == StoreResult::kStored);
  fixture.clock.advance_ms(7'000);
  CHECK(fixture.cache->get("a"));
  CHECK(idle_s() == 7);
  CHECK(read(*fixture.cache, "a", {.wants_history = true}, [](const Reading&) {}));
  CHECK(idle_s() == 0);
  fixture.clock.advance_ms(3'000);
  CHECK(idle_s() == 3);
  CHECK(fixture.cache->get("a"));
  CHECK(idle_s() == 0);
}

TEST_CASE("expired and flushed items are not shown") {
  Fixture fixture;
  CHECK(fixture.cache->set("expires", "1", {.expiry = std::chrono::seconds(1)}) == StoreResult::kStored);
  CHECK(fixture.cache->set("stays", "1") == StoreResult::kStored);
  fixture.clock.advance_ms(1000);
  CHECK(fixture.walk(10).size() == 1);
  fixture.clock.advance_ms(1);  // -1 ms left would be kNeverExpires
  CHECK(fixture.walk(10).size() == 1);
  fixture.cache->flush_all();
  CHECK(fixture.walk(10).empty());
}

TEST_CASE("a walk that another cache began comes to its end, at the end too") {
  Fixture big(size_t{1} << 30);
  Fixture small(size_t{4} << 20);
  for (int i = 0; i < 2000; ++i) {
    CHECK(big.cache->set(key_of(i), "value") == StoreResult::kStored);
    CHECK(small.cache->set(key_of(i), "value") == StoreResult::kStored);
  }
  ScanCursor in_big;
  ScanCursor in_small;
  const auto step = [](Cache& cache, ScanCursor& cursor) {
    return scan(cache, cursor, 10, [](const ItemInfo&) {});
  };
  // Each other's cursors, from every place that a walk rests at.
  for (bool goes_on = true; goes_on;) {
    goes_on = step(*big.cache, in_big);
    ScanCursor cursor = in_big;
    int steps = 0;
    while (step(*small.cache, cursor)) REQUIRE(++steps < 100'000);
    CHECK(cursor.is_at_end());
  }
  for (bool goes_on = true; goes_on;) {
    goes_on = step(*small.cache, in_small);
    ScanCursor cursor = in_small;
    int steps = 0;
    while (step(*big.cache, cursor)) REQUIRE(++steps < 100'000);
    CHECK(cursor.is_at_end());
  }
  int shown = 0;
  CHECK_FALSE(scan(*big.cache, in_small, 10, [&](const ItemInfo&) { ++shown; }));
  CHECK(shown == 0);
}

}  // namespace
}  // namespace larder
