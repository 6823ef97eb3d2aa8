#include "larder/removal_listener.h"

#include <memory>
#include <set>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

// Keeps what it is told. One thread uses the caches here.
class Diary : public RemovalListener {
 public:
  void removed(const ItemInfo& item, Removal why) override {
    (why == Removal::kEvicted ? evicted : expired).insert(std::string(item.key));
    value_bytes += item.value_bytes;
  }

  std::multiset<std::string> evicted;
  std::multiset<std::string> expired;
  size_t value_bytes = 0;
};

struct Fixture {
  Diary diary;
  ManualClock clock;
  std::unique_ptr<Cache> cache = *Cache::create({.memory_limit_bytes = size_t{2} << 20,
                                                 .item_bytes_max = 4096,
                                                 .clock = &clock,
                                                 .seed = 1,
                                                 .removal_listener = &diary});
};

TEST_CASE("each eviction is told once") {
  Fixture fixture;
  for (int i = 0; i < 5000; ++i) {
    CHECK(fixture.cache->set("key" + std::to_string(i), std::string(1000, 'v')) == StoreResult::kStored);
  }
  const Stats stats = fixture.cache->stats();
  CHECK(stats.evictions > 0);
  CHECK(fixture.diary.evicted.size() == stats.evictions);
  CHECK(fixture.diary.value_bytes == stats.evictions * 1000);
  CHECK(fixture.diary.expired.empty());
  for (const std::string& key : fixture.diary.evicted) CHECK_FALSE(fixture.cache->contains(key));
}

TEST_CASE("an item found expired is told; what callers remove is not") {
  Fixture fixture;
  for (const std::string key : {"erased", "overwritten", "flushed"}) {
    CHECK(fixture.cache->set(key, "v") == StoreResult::kStored);
  }
  CHECK(fixture.cache->set("expires", "v", {.expiry = std::chrono::seconds(1)}) == StoreResult::kStored);
  CHECK(fixture.cache->set("overwritten", "w") == StoreResult::kStored);
  CHECK(fixture.cache->erase("erased") == EraseResult::kErased);
  fixture.clock.advance_ms(1000);
  CHECK_FALSE(fixture.cache->get("expires"));
  fixture.cache->flush_all();
  CHECK_FALSE(fixture.cache->get("flushed"));
  CHECK(fixture.diary.expired == std::multiset<std::string>{"expires"});
  CHECK(fixture.diary.evicted.empty());
}

}  // namespace
}  // namespace larder
