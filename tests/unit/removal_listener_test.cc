#include "larder/removal_listener.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/renewal.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

// What a listener was told, as "cause key=value", the value as far as it was given.
constexpr std::string_view kCauses[kRemovalCount] = {"evicted", "expired", "replaced", "erased", "flushed"};

// Keeps what it is told. One thread uses the caches here.
class Diary : public RemovalListener {
 public:
  void removed(const RemovedItem& item, Removal why) override {
    ++depth;
    CHECK(depth == 1);
    lines.push_back(std::string(kCauses[static_cast<size_t>(why)]) + ' ' + std::string(item.key) + '=' +
                    std::string(item.value));
    keys[why].insert(std::string(item.key));
    value_bytes += item.value_bytes;
    if (then) then(item, why);
    --depth;
  }
  [[nodiscard]] bool wants(Removal why) const override { return why != unwanted; }
  [[nodiscard]] bool wants_values() const override { return has_values; }

  // What was told since this was last asked.
  [[nodiscard]] std::vector<std::string> news() { return std::exchange(lines, {}); }
  [[nodiscard]] size_t count(Removal why) { return keys[why].size(); }

  std::function<void(const RemovedItem& item, Removal why)> then;
  Removal unwanted = static_cast<Removal>(kRemovalCount);
  bool has_values = true;
  int depth = 0;
  std::vector<std::string> lines;
  std::map<Removal, std::multiset<std::string>> keys;
  size_t value_bytes = 0;
};

using News = std::vector<std::string>;

struct Fixture {
  explicit Fixture(Diary&& wishes = {}) : diary(std::move(wishes)) {}
  ~Fixture() { CHECK(assert_valid(*cache).ToString() == "OK"); }

  void set(const std::string& key, const std::string& value, Expiry expiry = {}) {
    REQUIRE(cache->set(key, value, {.expiry = expiry}) == StoreResult::kStored);
  }
  void maintain() {
    while (cache->maintain()) {
    }
  }
  // Stores numbered keys until something is evicted.
  void fill(const std::string& value) {
    for (int i = 0; cache->stats().evictions == 0; ++i) set("key" + std::to_string(i), value);
  }

  Diary diary;
  ManualClock clock;
  std::unique_ptr<Cache> cache = *Cache::create({.memory_limit_bytes = size_t{2} << 20,
                                                 .item_bytes_max = size_t{128} << 10,
                                                 .clock = &clock,
                                                 .seed = 1,
                                                 .removal_listener = &diary});
};

// --- causes ------------------------------------------------------------------------------------------------

TEST_CASE("each eviction is told once, with the value, and counted as often") {
  Fixture fixture;
  for (int i = 0; i < 5000; ++i) fixture.set("key" + std::to_string(i), std::to_string(i) + std::string(1000, 'v'));
  const Stats stats = fixture.cache->stats();
  CHECK(stats.evictions > 0);
  CHECK(fixture.diary.count(Removal::kEvicted) == stats.evictions);
  CHECK(fixture.diary.lines.size() == stats.evictions);
  for (const std::string& key : fixture.diary.keys[Removal::kEvicted]) CHECK_FALSE(fixture.cache->contains(key));
  CHECK(fixture.diary.lines.front() == "evicted key0=0" + std::string(1000, 'v'));
}

TEST_CASE("a value that another takes the place of is replaced, whatever puts that there and wherever it fits") {
  Fixture fixture;
  Cache& cache = *fixture.cache;
  fixture.set("k", "one");
  CHECK(fixture.diary.news().empty());
  fixture.set("k", "two");
  CHECK(fixture.diary.news() == News{"replaced k=one"});
  fixture.set("k", "two");
  CHECK(fixture.diary.news() == News{"replaced k=two"});
  CHECK(cache.append("k", "+") == StoreResult::kStored);
  CHECK(fixture.diary.news() == News{"replaced k=two"});
  CHECK(cache.prepend("k", std::string(500, '-')) == StoreResult::kStored);  // in new room
  CHECK(fixture.diary.news() == News{"replaced k=two+"});
  CHECK(cache.cas("k", "7", cache.peek("k")->cas) == StoreResult::kStored);
  CHECK(fixture.diary.news() == News{"replaced k=" + std::string(500, '-') + "two+"});
  CHECK(cache.incr("k").value == 8);
  CHECK(fixture.diary.news() == News{"replaced k=7"});
  CHECK(cache.replace("k", std::string(100'000, 'L')) == StoreResult::kStored);  // a large item
  CHECK(fixture.diary.news() == News{"replaced k=8"});
  CHECK(invalidate(cache, "k", {.is_empty = true}) == EraseResult::kErased);
  CHECK(fixture.diary.news() == News{"replaced k=" + std::string(100'000, 'L')});
  fixture.set("k", "");
  CHECK(fixture.diary.news() == News{"replaced k="});
}

TEST_CASE("refused stores, touches and marks replace nothing") {
  Fixture fixture;
  Cache& cache = *fixture.cache;
  fixture.set("k", "v");
  fixture.set("empty", "");
  CHECK(cache.add("k", "w") == StoreResult::kNotStored);
  CHECK(cache.cas("k", "w", 0) == StoreResult::kExists);
  CHECK(cache.incr("k").status == CounterStatus::kNotANumber);
  for (const char* const key : {"k", "empty"}) {
    CHECK(cache.touch(key, 1h));
    CHECK(cache.get_and_touch(key, 2h).has_value());
    CHECK(invalidate(cache, key) == EraseResult::kErased);  // stale
    CHECK(read(cache, key, {.wants_history = true}, [](const Reading& reading) { CHECK(reading.has_won); }));
  }
  CHECK(cache.erase("missing") == EraseResult::kNotFound);
  CHECK(reject(cache, "missing", {}, StoreResult::kNoMemory) == StoreResult::kNoMemory);
  CHECK(fixture.diary.news().empty());
}

TEST_CASE("what a caller removes is erased, by an expiry already past or a set that fails too") {
  Fixture fixture;
  Cache& cache = *fixture.cache;
  for (int i = 1; i <= 7; ++i) fixture.set(std::to_string(i), "v");
  CHECK(cache.erase("1") == EraseResult::kErased);
  CHECK(reject(cache, "2", {}, StoreResult::kNoMemory) == StoreResult::kNoMemory);
  const std::string_view more[] = {"3", "missing"};
  CHECK(cache.erase_multi(more) == 1);
  CHECK(cache.touch("4", Expiry::after(0ms)));
  CHECK(cache.set("5", "w", {.expiry = Expiry::after(0ms)}) == StoreResult::kStored);
  CHECK(cache.set("6", std::string(200 << 10, 'w')) == StoreResult::kTooLarge);
  CHECK(invalidate(cache, "7", {.expiry = Expiry::after(0ms)}) == EraseResult::kErased);
  CHECK(fixture.diary.news() ==
        News{"erased 1=v", "erased 2=v", "erased 3=v", "erased 4=v", "erased 5=v", "erased 6=v", "erased 7=v"});
}

TEST_CASE("an item past its expiry is told when it is asked for or its room is taken back, and counted as often") {
  Fixture fixture;
  for (int i = 0; i < 300; ++i) fixture.set("key" + std::to_string(i), std::string(1000, 'v'), 1s);
  fixture.set("lasts", "v");
  fixture.clock.advance_ms(1000);
  CHECK(fixture.diary.news().empty());
  CHECK_FALSE(fixture.cache->get("key7"));
  CHECK(fixture.diary.news() == News{"expired key7=" + std::string(1000, 'v')});
  CHECK(fixture.cache->add("key8", "new") == StoreResult::kStored);
  CHECK(fixture.diary.news().front() == "expired key8=" + std::string(1000, 'v'));
  fixture.maintain();
  const Stats stats = fixture.cache->stats();
  CHECK(stats.expired > 280);
  CHECK(fixture.diary.count(Removal::kExpired) == stats.expired);
  CHECK(fixture.diary.count(Removal::kEvicted) == 0);
}

TEST_CASE("an item that was flushed is told once: asked for, in the way, or when its room is taken back") {
  Fixture fixture;
  std::set<std::string> stored;
  for (int i = 0; i < 500; ++i) {
    const std::string key = "key" + std::to_string(i);
    fixture.set(key, std::string(i % 100 == 0 ? 50'000 : 300, 'v'));
    stored.insert(key);
  }
  fixture.cache->flush_all();
  CHECK(fixture.diary.news().empty());
  CHECK_FALSE(fixture.cache->get("key7"));
  CHECK(fixture.diary.news() == News{"flushed key7=" + std::string(300, 'v')});
  for (int i = 0; i < 100; ++i) fixture.set("new" + std::to_string(i), "v");
  fixture.maintain();
  const auto& flushed = fixture.diary.keys[Removal::kFlushed];
  CHECK(std::set<std::string>(flushed.begin(), flushed.end()) == stored);
  CHECK(flushed.size() == stored.size());
  CHECK(fixture.diary.keys.size() == 1);
  CHECK(fixture.cache->stats().items == 100);
}

TEST_CASE("a flush that comes later is told like one that comes at once") {
  Fixture fixture;
  fixture.set("k", "v");
  fixture.cache->flush_all(1s);
  fixture.maintain();
  CHECK(fixture.diary.news().empty());
  fixture.clock.advance_ms(1000);
  fixture.maintain();
  CHECK(fixture.diary.news() == News{"flushed k=v"});
}

// --- wishes ------------------------------------------------------------------------------------------------

TEST_CASE("a listener is not told what it does not want, nor given values that it does not want") {
  Diary wishes;
  wishes.unwanted = Removal::kReplaced;
  wishes.has_values = false;
  Fixture fixture(std::move(wishes));
  fixture.set("k", "one");
  fixture.set("k", "three");
  CHECK(fixture.cache->erase("k") == EraseResult::kErased);
  CHECK(fixture.diary.news() == News{"erased k="});
  CHECK(fixture.diary.value_bytes == 5);
}

TEST_CASE("an item is told as it was") {
  Fixture fixture;
  CHECK(fixture.cache->set("k", "v", {.flags = 7, .expiry = 10s}) == StoreResult::kStored);
  const uint64_t cas = fixture.cache->get("k")->cas;
  fixture.clock.advance_ms(2500);
  fixture.diary.then = [&](const RemovedItem& item, Removal) {
    CHECK(item.flags == 7);
    CHECK(item.cas == cas);
    CHECK(item.ttl_ms == 7500);
    CHECK(item.is_read);
    CHECK(item.idle_s == 2);
    CHECK(item.value_bytes == 1);
  };
  CHECK(fixture.cache->erase("k") == EraseResult::kErased);
  CHECK(fixture.diary.news() == News{"erased k=v"});
}

// --- calls of the cache from a listener --------------------------------------------------------------------

TEST_CASE("a listener may call everything there is, whatever the cause") {
  Fixture fixture;
  Cache& cache = *fixture.cache;
  std::set<std::string> seen{"inside"};
  fixture.diary.then = [&](const RemovedItem& item, Removal) {
    const std::string key(item.key);
    if (!seen.insert(key).second) return;
    CHECK(cache.set("inside", "v") == StoreResult::kStored);
    CHECK(cache.touch("inside", 1h));
    CHECK(cache.append("inside", "w") == StoreResult::kStored);
    CHECK(cache.get("inside")->value == "vw");
    CHECK(cache.incr(key, 1, {.initial = 1}).status == CounterStatus::kCreated);
    CHECK(cache.erase(key) == EraseResult::kErased);
    ScanCursor cursor;
    (void)scan(cache, cursor, 10, [](const ItemInfo&) {});
    CHECK(cache.set_memory_limit(cache.stats().memory_limit_bytes).ok());
    (void)cache.maintain();
    CHECK(cache.erase("inside") == EraseResult::kErased);
    CHECK(item.key == key);
  };
  fixture.set("replaced", "v");
  CHECK(cache.erase("replaced") == EraseResult::kErased);
  fixture.set("expires", "v", 1s);
  fixture.clock.advance_ms(1000);
  CHECK_FALSE(cache.get("expires"));
  fixture.set("flushed", "v");
  cache.flush_all();
  CHECK_FALSE(cache.get("flushed"));
  fixture.fill(std::string(2000, 'v'));
  CHECK(cache.set_memory_limit(size_t{1} << 20).ok());
  for (const Removal why : {Removal::kEvicted, Removal::kExpired, Removal::kErased, Removal::kFlushed}) {
    CHECK(fixture.diary.count(why) > 0);
  }
}

TEST_CASE("what a listener removes is told after its call, seven in a chain before the operation returns") {
  Fixture fixture;
  for (int i = 0; i <= 20; ++i) fixture.set(std::to_string(i), "v");
  fixture.diary.then = [&](const RemovedItem& item, Removal) {
    const std::string next = std::to_string(std::stoi(std::string(item.key)) + 1);
    const size_t told = fixture.diary.lines.size();
    (void)fixture.cache->erase(next);
    CHECK(fixture.diary.lines.size() == told);
  };
  CHECK(fixture.cache->erase("0") == EraseResult::kErased);
  CHECK(fixture.diary.lines.size() == 1 + 7);
  CHECK(fixture.diary.lines.back() == "erased 7=v");
  CHECK(reject(*fixture.cache, "another", {}, StoreResult::kNoMemory) == StoreResult::kNoMemory);
  CHECK(fixture.diary.lines.size() == 1 + 7 + 8);
}

TEST_CASE("a listener may put back what a full cache evicts, and nothing is told twice or lost") {
  Fixture fixture;
  fixture.diary.then = [&](const RemovedItem& item, Removal why) {
    if (why == Removal::kEvicted) (void)fixture.cache->set(item.key, item.value);
  };
  fixture.fill(std::string(2000, 'v'));
  for (int i = 0; i < 20; ++i) fixture.set("new" + std::to_string(i), std::string(2000, 'v'));
  fixture.diary.then = nullptr;
  fixture.maintain();
  const Stats stats = fixture.cache->stats();
  CHECK(fixture.diary.count(Removal::kEvicted) == stats.evictions);
  CHECK(stats.evictions > 20);
  CHECK(stats.items_stored == stats.items + stats.evictions + fixture.diary.count(Removal::kReplaced));
}

TEST_CASE("what a lowered limit evicts is told as it goes, not all at the end") {
  Fixture fixture;
  for (int i = 0; i < 1500; ++i) fixture.set("key" + std::to_string(i), std::string(1000, 'v'));
  uint64_t items_at_first_call = 0;
  fixture.diary.then = [&](const RemovedItem&, Removal) {
    if (items_at_first_call == 0) items_at_first_call = fixture.cache->stats().items;
  };
  CHECK(fixture.cache->set_memory_limit(size_t{1} << 20).ok());
  const Stats stats = fixture.cache->stats();
  CHECK(stats.items < 1000);
  CHECK(items_at_first_call > 1400);
  CHECK(fixture.diary.count(Removal::kEvicted) == stats.evictions);
}

TEST_CASE("listeners of two caches may call each other's cache") {
  Fixture first, second;
  first.diary.then = [&](const RemovedItem& item, Removal) { (void)second.cache->erase(item.key); };
  second.diary.then = [&](const RemovedItem&, Removal) { (void)first.cache->erase("last"); };
  first.set("k", "v");
  first.set("last", "v");
  second.set("k", "w");
  CHECK(first.cache->erase("k") == EraseResult::kErased);
  CHECK(first.diary.news() == News{"erased k=v", "erased last=v"});
  CHECK(second.diary.news() == News{"erased k=w"});
}

}  // namespace
}  // namespace larder
