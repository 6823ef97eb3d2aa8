// SetOptions::tags and erase_tag.
#include "larder/tags.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/handle.h"
#include "larder/loading_cache.h"
#include "larder/removal_listener.h"
#include "larder/renewal.h"
#include "larder/serving.h"
#include "larder/sizing.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a tag erases the items that have it, and no others") {
  TestCache cache;
  cache->set("both", "1", {.tags = {"news", "user:1"}});
  cache->set("news", "2", {.tags = "news"});
  cache->set("user", "3", {.tags = {std::string("user:1")}});
  cache->set("four", "4", {.tags = {"a", "b", "c", "user:1"}});
  cache->set("none", "5");
  erase_tag(*cache, "nobody's");
  CHECK(cache->get_multi({"both", "news", "user", "four", "none"}, [](size_t, const ItemView&) {}) == 5);
  erase_tag(*cache, "news");
  CHECK(cache.value("both") == "(none)");
  CHECK(cache.value("news") == "(none)");
  CHECK(cache.value("user") == "3");
  erase_tag(*cache, "user:1");
  CHECK(cache.value("user") == "(none)");
  CHECK(cache.value("four") == "(none)");
  CHECK(cache.value("none") == "5");
}

TEST_CASE("what is stored after an erasure is there until the next one") {
  TestCache cache;
  for (int i = 0; i < 10; ++i) {
    erase_tag(*cache, "t");
    cache->set("a", std::to_string(i), {.tags = "t"});
    CHECK(cache.value("a") == std::to_string(i));
  }
  erase_tag(*cache, "t");
  CHECK(cache.value("a") == "(none)");
}

TEST_CASE("tags are up to four strings of any kind") {
  CHECK(Tags().empty());
  CHECK_FALSE(Tags("").empty());
  CHECK(Tags::of(std::vector<std::string>{})->empty());
  CHECK(Tags::of(std::vector<std::string>{"a", "b"})->hashes() == Tags("a", std::string_view("b")).hashes());
  CHECK(Tags::of(std::set<std::string>{"a", "b", "c", "d"}));
  CHECK_FALSE(Tags::of(std::vector<std::string>{"a", "b", "c", "d", "e"}));

  TestCache cache;
  const std::string long_tag(100'000, 'x');
  const std::string binary("\0\n", 2);
  cache->set("a", "1", {.tags = {"", long_tag, binary}});
  erase_tag(*cache, std::string_view("\0", 1));
  CHECK(cache->contains("a"));
  SUBCASE("an empty one") { erase_tag(*cache, ""); }
  SUBCASE("a long one") { erase_tag(*cache, long_tag); }
  SUBCASE("a binary one") { erase_tag(*cache, binary); }
  CHECK_FALSE(cache->contains("a"));
}

// Whether an operation finds an item.
struct Look {
  std::string_view name;
  bool (*finds)(Cache& cache, const std::string& key);
};
const Look kLooks[] = {
    {"get", [](Cache& cache, const std::string& key) { return cache.get(key).has_value(); }},
    {"get into a string",
     [](Cache& cache, const std::string& key) {
       std::string value;
       return cache.get(key, value);
     }},
    {"visit", [](Cache& cache, const std::string& key) { return cache.visit(key, [](const ItemView&) {}); }},
    {"peek", [](Cache& cache, const std::string& key) { return cache.peek(key).has_value(); }},
    {"contains", [](Cache& cache, const std::string& key) { return cache.contains(key); }},
    {"get_multi",
     [](Cache& cache, const std::string& key) {
       return cache.get_multi(std::vector<std::string>{key})[0].has_value();
     }},
    {"hold", [](Cache& cache, const std::string& key) { return static_cast<bool>(cache.hold(key)); }},
    {"explain",
     [](Cache& cache, const std::string& key) { return cache.explain(key).state == KeyState::kPresent; }},
    {"inspect", [](Cache& cache, const std::string& key) { return inspect(cache, key).has_value(); }},
    {"presence", [](Cache& cache, const std::string& key) { return presence(cache, key) == Presence::kPresent; }},
    {"for_each",
     [](Cache& cache, const std::string& key) {
       bool is_shown = false;
       cache.for_each([&](const ItemView& item) {
         is_shown = is_shown || item.key == key;
         return true;
       });
       return is_shown;
     }},
    {"scan",
     [](Cache& cache, const std::string& key) {
       bool is_shown = false;
       for (ScanCursor cursor;
            scan(cache, cursor, 10, [&](const ItemInfo& item) { is_shown = is_shown || item.key == key; });) {
       }
       return is_shown;
     }},
    {"touch", [](Cache& cache, const std::string& key) { return cache.touch(key, 1h); }},
    {"get_and_touch",
     [](Cache& cache, const std::string& key) { return cache.get_and_touch(key, 1h).has_value(); }},
    {"read", [](Cache& cache, const std::string& key) { return read(cache, key, {}, [](const Reading&) {}); }},
    {"read that notes accesses",
     [](Cache& cache, const std::string& key) {
       return read(cache, key, {.wants_history = true}, [](const Reading&) {});
     }},
    {"invalidate",
     [](Cache& cache, const std::string& key) { return invalidate(cache, key) == EraseResult::kErased; }},
    {"append", [](Cache& cache, const std::string& key) { return cache.append(key, "1") == StoreResult::kStored; }},
    {"prepend",
     [](Cache& cache, const std::string& key) { return cache.prepend(key, "1") == StoreResult::kStored; }},
    {"replace",
     [](Cache& cache, const std::string& key) { return cache.replace(key, "1") == StoreResult::kStored; }},
    {"add", [](Cache& cache, const std::string& key) { return cache.add(key, "1") == StoreResult::kNotStored; }},
    {"cas", [](Cache& cache, const std::string& key) { return cache.cas(key, "1", 1) != StoreResult::kNotFound; }},
    {"incr",
     [](Cache& cache, const std::string& key) { return cache.incr(key).status != CounterStatus::kNotFound; }},
    {"update",
     [](Cache& cache, const std::string& key) {
       bool is_there = false;
       cache.update(key, [&](const ItemView* item) {
         is_there = item != nullptr;
         return Update::leave();
       });
       return is_there;
     }},
    {"erase", [](Cache& cache, const std::string& key) { return cache.erase(key) == EraseResult::kErased; }},
    {"erase_if",
     [](Cache& cache, const std::string& key) {
       return cache.erase_if([&](const ItemView& item) { return item.key == key; }) == 1;
     }},
};

TEST_CASE("no operation finds an item whose tag was erased, and each finds others") {
  for (const Look& look : kLooks) {
    CAPTURE(look.name);
    for (const size_t value_bytes : {1, 500, 100'000}) {
      CAPTURE(value_bytes);
      TestCache cache;
      const std::string value(value_bytes, '1');
      const SetOptions options{.flags = 3, .expiry = 1min, .idle = 1min, .tags = {"a", "b"}};
      cache->set("erased", value, options);
      erase_tag(*cache, "b");
      cache->set("stays", value, options);
      CHECK_FALSE(look.finds(*cache, "erased"));
      CHECK(look.finds(*cache, "stays"));
    }
  }
}

// What changes an item and leaves it its tags.
struct Change {
  std::string_view name;
  void (*make)(Cache& cache, std::string_view key);
};
const Change kChanges[] = {
    {"nothing", [](Cache&, std::string_view) {}},
    {"append", [](Cache& cache, std::string_view key) { cache.append(key, std::string(1'000, '1')); }},
    {"prepend", [](Cache& cache, std::string_view key) { cache.prepend(key, "1"); }},
    {"incr", [](Cache& cache, std::string_view key) { cache.incr(key, 1'000'000'000); }},
    {"touch", [](Cache& cache, std::string_view key) { cache.touch(key, 1h); }},
    {"touch to never", [](Cache& cache, std::string_view key) { cache.touch(key, Expiry::never()); }},
    {"update",
     [](Cache& cache, std::string_view key) {
       cache.update(key, [](const ItemView*) { return Update::store("2", Expiry(1h)); });
     }},
    {"invalidate", [](Cache& cache, std::string_view key) { (void)invalidate(cache, key); }},
    {"invalidate, emptied",
     [](Cache& cache, std::string_view key) { (void)invalidate(cache, key, {.is_empty = true}); }},
    {"a read that notes accesses",
     [](Cache& cache, std::string_view key) { read(cache, key, {.wants_history = true}, [](const Reading&) {}); }},
};

TEST_CASE("tags stay with an item that is changed") {
  for (const Change& first : kChanges) {
    for (const Change& second : kChanges) {
      CAPTURE(first.name);
      CAPTURE(second.name);
      TestCache cache;
      cache->set("a", "1", {.flags = 1, .expiry = 1min, .idle = 1min, .tags = {"t", "u", "v"}});
      cache->set("b", "1", {.tags = "v"});
      for (const std::string_view key : {"a", "b"}) {
        first.make(*cache, key);
        second.make(*cache, key);
        CHECK(cache->contains(key));
      }
      erase_tag(*cache, "v");
      CHECK_FALSE(cache->contains("a"));
      CHECK_FALSE(cache->contains("b"));
    }
  }
}

TEST_CASE("a store gives an item the tags of the store") {
  TestCache cache;
  cache->set("a", "1", {.tags = "t"});
  cache->set("a", "1");
  erase_tag(*cache, "t");
  CHECK(cache->contains("a"));
  cache->set("a", "1", {.tags = "u"});
  erase_tag(*cache, "t");
  CHECK(cache->contains("a"));
  erase_tag(*cache, "u");
  CHECK_FALSE(cache->contains("a"));
  // What an append creates, where it finds nothing.
  for (int i = 0; i < 2; ++i) {
    cache->store("a", "1", {.mode = StoreMode::kAppend, .item = {.tags = "t"}, .vivify = Expiry(1h)});
  }
  CHECK(cache.value("a") == "11");
  erase_tag(*cache, "t");
  CHECK_FALSE(cache->contains("a"));
  // What was created for the reader who is to renew it.
  CHECK(read(*cache, "b", {.vivify = SetOptions{.tags = "t"}}, [](const Reading&) {}));
  erase_tag(*cache, "t");
  CHECK_FALSE(cache->contains("b"));
}

TEST_CASE("the cleaner moves items with their tags, and drops those whose tag was erased") {
  TestCache cache;
  const auto value = [](int i) { return std::string(static_cast<size_t>(100 + i % 900), 'a' + i % 26); };
  for (int i = 0; i < 3'000; ++i) {
    cache->set(std::to_string(i), value(i), {.flags = 7, .tags = {i % 2 == 0 ? "even" : "odd", "all"}});
  }
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 3'000; ++i) {
      const std::optional<Item> item = cache->get(std::to_string(i));
      REQUIRE(item);
      CHECK(item->value == value(i));
      CHECK(item->flags == 7);
      cache->set("other" + std::to_string(i % 500), value(i + round));
    }
  }
  erase_tag(*cache, "even");
  for (int i = 1; i < 3'000; i += 2) CHECK(cache.value(std::to_string(i)) == value(i));
  // Nobody asks for the even ones.
  for (int i = 0; i < 20'000; ++i) cache->set("more" + std::to_string(i), value(i));
  for (int i = 0; i < 3'000; i += 2) CHECK(cache->explain(std::to_string(i)).state != KeyState::kPresent);
}

TEST_CASE("maintain takes back what was erased") {
  TestCache cache;
  for (int i = 0; i < 1'000; ++i) cache->set(std::to_string(i), "1", {.tags = "t"});
  erase_tag(*cache, "t");
  CHECK(cache->stats().items == 1'000);
  cache.clock.advance_ms(60'000);
  while (cache->maintain()) {
  }
  CHECK(cache->stats().items == 0);
  CHECK(cache->stats().expired == 0);
}

struct Listener : RemovalListener {
  void removed(const RemovedItem& item, Removal why) override {
    told += std::string(item.key) + ":" + std::string(to_string(why)) + " ";
  }
  std::string told;
};

TEST_CASE("what a tag erases is told of as erased") {
  Listener listener;
  TestCache cache({.memory_limit_bytes = size_t{8} << 20, .seed = 1, .removal_listener = &listener});
  cache->set("a", "1", {.tags = "t"});
  cache->set("b", "1", {.tags = "t"});
  erase_tag(*cache, "t");
  CHECK(cache->explain("a").state == KeyState::kErased);
  CHECK(presence(*cache, "a") == Presence::kMissing);
  CHECK_FALSE(cache->get("a"));
  cache->set("b", "2");
  CHECK(listener.told == "a:erased b:erased ");
  CHECK(cache->explain("a").state == KeyState::kErased);
  CHECK(cache->explain("a").gone_s == 0);
}

TEST_CASE("items without tags are no longer, and a cache without them has no memory for them") {
  TestCache cache;
  const auto stored_bytes = [&](const SetOptions& options) {
    cache->set("a", "12", options);
    return inspect(*cache, "a")->item_bytes;
  };
  CHECK(stored_bytes({}) == 16);
  const size_t before = cache->stats().memory_used_bytes;
  CHECK(stored_bytes({.flags = 0}) == 16);
  CHECK(cache->stats().memory_used_bytes == before);
  CHECK(stored_bytes({.tags = "t"}) == 32);
  CHECK(stored_bytes({.tags = {"t", "u", "v", "w"}}) == 40);
  CHECK(cache->stats().memory_used_bytes == before + (size_t{8} << 20) / 256);
  erase_tag(*cache, "t");
  CHECK(cache->stats().memory_used_bytes == before + (size_t{8} << 20) / 256);
}

TEST_CASE("few items go with the tags of others") {
  // 2^15 words: as many erasures as there are at 1 GiB, divided by 16.
  struct Share {
    int erasures;
    double gone_max;
  };
  TestCache cache({.memory_limit_bytes = size_t{64} << 20, .seed = 1});
  constexpr int kItems = 20'000;
  for (int i = 0; i < kItems; ++i) cache->set(std::to_string(i), "1", {.tags = std::to_string(i)});
  int erasures = 0;
  for (const Share& share : {Share{10'000 / 16, 0.000'3}, {50'000 / 16, 0.02}, {150'000 / 16, 0.22}}) {
    for (; erasures < share.erasures; ++erasures) erase_tag(*cache, "other" + std::to_string(erasures));
    int gone = 0;
    for (int i = 0; i < kItems; ++i) gone += cache->contains(std::to_string(i)) ? 0 : 1;
    CAPTURE(erasures);
    CAPTURE(gone);
    CHECK(gone <= share.gone_max * kItems);
    CHECK(gone >= share.gone_max / 3 * kItems);
  }
}

TEST_CASE("a value that was being loaded when its tag was erased is not kept") {
  TestCache cache;
  LoadingCache<std::string, int> numbers(*cache);
  int loads = 0;
  bool erases = false;
  const LoadOptions options{.ttl = 60s, .absent_ttl = 60s, .tags = {"t"}};
  const auto load = [&](std::string_view key) -> std::optional<int> {
    if (erases) erase_tag(*cache, "t");
    ++loads;
    if (key == "none") return std::nullopt;
    return loads;
  };
  const auto get = [&](const std::string& key) { return numbers.get_or_load(key, options, load).value_or(0); };
  CHECK(get("a") == 1);
  CHECK(get("a") == 1);
  CHECK(get("none") == 0);
  CHECK(get("none") == 0);
  CHECK(loads == 2);
  erase_tag(*cache, "t");
  CHECK(get("a") == 3);
  CHECK(get("none") == 0);
  CHECK(loads == 4);
  erase_tag(*cache, "t");
  erases = true;
  CHECK(get("a") == 5);
  erases = false;
  CHECK(get("a") == 6);
  CHECK(get("a") == 6);
}

TEST_CASE("who asks after an erasure does not wait for a load from before") {
  TestCache cache;
  LoadingCache<std::string, int> numbers(*cache);
  const LoadOptions options{.ttl = 60s, .tags = {"t"}};
  std::atomic<int> source = 1;
  int second = 0;
  const auto first = numbers.get_or_load("a", options, [&](std::string_view) {
    const int read = source;
    source = 2;
    erase_tag(*cache, "t");
    // Another thread, which must not be the one that is loading.
    std::jthread([&] {
      second = numbers.get_or_load("a", options, [&](std::string_view) { return source.load(); }).value_or(0);
    }).join();
    return read;
  });
  CHECK(first.value_or(0) == 1);
  CHECK(second == 2);
  CHECK(numbers.get_or_load("a", options, [](std::string_view) { return 3; }).value_or(0) == 2);
}

TEST_CASE("without eviction, what tags leave makes room for others, at once and within a second") {
  TestCache cache({.memory_limit_bytes = size_t{8} << 20, .eviction = false, .seed = 1});
  const std::string value(200, 'x');
  const auto fill = [&](const std::string& prefix, std::string_view tag) {
    int stored = 0;
    while (cache->set(prefix + std::to_string(stored), value, {.tags = tag}) == StoreResult::kStored) ++stored;
    return stored;
  };
  const int first = fill("first", "t");
  erase_tag(*cache, "t");
  const int second = fill("second", "u");
  CHECK(second > first * 9 / 10);
  erase_tag(*cache, "u");
  cache.clock.advance_ms(1'000);
  CHECK(fill("third", "v") > first * 9 / 10);
  // What nobody has erased stays.
  erase_tag(*cache, "t");
  cache.clock.advance_ms(1'000);
  CHECK(fill("fourth", "w") < first / 10);
}

TEST_CASE("without eviction a limited namespace is filled again after an erasure") {
  TestCache cache({.memory_limit_bytes = size_t{8} << 20,
                   .eviction = false,
                   .seed = 1,
                   .namespaces = {{.prefix = "n:", .item_bytes_limit = 100'000}}});
  const auto fill = [&] {
    int stored = 0;
    while (cache->set("n:" + std::to_string(stored), std::string(200, 'x'), {.tags = "t"}) ==
           StoreResult::kStored) {
      if (++stored > 1'000) break;
    }
    return stored;
  };
  CHECK(fill() < 1'000);
  for (int i = 0; i < 1'000; ++i) (void)cache->set("n:more" + std::to_string(i), std::string(200, 'x'));
  erase_tag(*cache, "t");
  CHECK(cache->set("n:new", "1") == StoreResult::kStored);
}

TEST_CASE("the miss-ratio curve forgets what tags erase") {
  const auto misses = [](auto&& forget) {
    ManualClock clock;
    const auto cache =
        *Cache::create({.memory_limit_bytes = size_t{32} << 20, .clock = &clock, .seed = 1, .curve_share_max = 1});
    std::mt19937_64 random(1);
    const auto get = [&](const std::string& key, const SetOptions& options) {
      if (!cache->get(key)) cache->set(key, std::string(500, 'x'), options);
      clock.advance_ms(1);
    };
    for (int round = 0; round < 30; ++round) {
      for (int i = 0; i < 20'000; ++i) get(std::to_string(random() % 8'000), {.tags = "t"});
      forget(*cache);
      for (int i = 0; i < 60'000; ++i) cache->set("other" + std::to_string(random()), std::string(500, 'y'));
    }
    return miss_ratio_curve(*cache).sizes[2].miss_ratio;
  };
  const double erased = misses([](Cache& cache) { erase_tag(cache, "t"); });
  const double one_by_one = misses([](Cache& cache) {
    for (int i = 0; i < 8'000; ++i) (void)cache.erase(std::to_string(i));
  });
  CHECK(erased > 0.3);
  CHECK(erased == doctest::Approx(one_by_one).epsilon(0.1));
}

TEST_CASE("the smallest cache has tags, too") {
  TestCache cache({.memory_limit_bytes = kMemoryLimitBytesMin, .item_bytes_max = size_t{64} << 10, .seed = 1});
  for (int i = 0; i < 20'000; ++i) cache->set(std::to_string(i), std::string(200, 'x'), {.tags = "t"});
  CHECK(cache->contains("19999"));
  erase_tag(*cache, "t");
  CHECK_FALSE(cache->contains("19999"));
  CHECK(cache->stats().memory_used_bytes <= kMemoryLimitBytesMin);
}

TEST_CASE("many threads: nobody gets what was stored before an erasure that he knows of") {
  TestCache cache;
  constexpr int kTags = 8;
  // What each tag's items were made from; an item with an older number than that of the last finished erasure is
  // one that should be gone.
  std::atomic<uint64_t> sources[kTags] = {};
  std::atomic<uint64_t> erased[kTags] = {};
  std::atomic<uint64_t> wrong = 0, hits = 0;
  LoadingCache<std::string, std::string> loading(*cache);
  const auto tag_of = [](int i) { return "tag" + std::to_string(i % kTags); };
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 20'000; ++i) {
          const int item = (i * 7 + thread) % 64;
          const std::string key = "key" + std::to_string(item);
          const int tag = item % kTags;
          if (i % 50 == 0) {
            const uint64_t number = sources[tag].fetch_add(1) + 1;
            erase_tag(*cache, tag_of(tag));
            uint64_t seen = erased[tag];
            while (seen < number && !erased[tag].compare_exchange_weak(seen, number)) {
            }
            continue;
          }
          const uint64_t known = erased[tag];
          if (const std::optional<Item> got = cache->get(key)) {
            hits += 1;
            if (std::stoull(got->value) < known) wrong += 1;
            continue;
          }
          // As whoever uses the cache does: what it is made from is read within the load.
          (void)loading.get_or_load(key, {.tags = {tag_of(tag)}},
                                    [&](std::string_view) { return std::to_string(sources[tag]); });
        }
      });
    }
  }
  CHECK(wrong == 0);
  CHECK(hits > 1'000);
}

}  // namespace
}  // namespace larder
