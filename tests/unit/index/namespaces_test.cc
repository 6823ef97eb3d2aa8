#include "larder/internal/index/namespaces.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "../test_cache.h"
#include "doctest/doctest.h"
#include "fmt/format.h"
#include "larder/serving.h"
#include "larder/sizing.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using internal::Namespaces;

std::vector<Namespace> declare(std::initializer_list<std::string_view> prefixes) {
  std::vector<Namespace> declared;
  for (const std::string_view prefix : prefixes) declared.push_back({.prefix = std::string(prefix)});
  return declared;
}

// Two namespaces, and keys that belong to none.
Options users_and_pages(size_t users_limit = 0) {
  return {.memory_limit_bytes = size_t{8} << 20,
          .item_bytes_max = kItemBytesMax,
          .seed = 1,
          .namespaces = {{.prefix = "user:", .item_bytes_limit = users_limit}, {.prefix = "page:"}}};
}

NamespaceStats stats_of(Cache& cache, std::string_view prefix) {
  for (const NamespaceStats& of : namespace_stats(cache)) {
    if (of.prefix == prefix) return of;
  }
  FAIL("no such namespace");
  return {};
}

// --- which namespace ---------------------------------------------------------------------------------------

TEST_CASE("a key belongs to the namespace whose prefix it begins with") {
  const Namespaces namespaces(declare({"user:", "b", "user;", "\xff", std::string_view("\0", 1)}));
  CHECK(namespaces.of("user:1") == 1);
  CHECK(namespaces.of("user:") == 1);
  CHECK(namespaces.of("user:\xff\xff") == 1);
  CHECK(namespaces.of("bucket") == 2);
  CHECK(namespaces.of("user;x") == 3);
  CHECK(namespaces.of("\xff\x01") == 4);
  CHECK(namespaces.of(std::string_view("\0x", 2)) == 5);
  for (const std::string_view other : {"", "a", "c", "user", "user9", "usfr:", "\xfe", "\x01"}) {
    CHECK(namespaces.of(other) == 0);
  }
  CHECK(namespaces.count() == 6);
  CHECK(namespaces.declared_as("user:") == std::vector<uint32_t>{1});
  CHECK(namespaces.declared_as("user:1").empty());
  CHECK(namespaces.declared_as("").empty());
}

TEST_CASE("of prefixes that begin with each other, a key belongs to the longest that it begins with") {
  std::vector<Namespace> declared = declare({"a", "a:b", "a:b:c", "a:bb", "b", "a:", "a:c", "\xff", "\xff\xff"});
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(declared, random);
    const Namespaces namespaces(declared);
    const auto longest = [&](std::string_view key) {
      size_t best = declared.size();
      for (size_t i = 0; i < declared.size(); ++i) {
        if (!key.starts_with(declared[i].prefix)) continue;
        if (best == declared.size() || declared[i].prefix.size() > declared[best].prefix.size()) best = i;
      }
      return static_cast<uint32_t>(best == declared.size() ? 0 : best + 1);
    };
    for (int i = 0; i < 2'000; ++i) {
      std::string key;
      for (auto left = random() % 7; left > 0; --left) key += "ab:c\xff"[random() % 5];
      REQUIRE(namespaces.of(key) == longest(key));
    }
    for (const Namespace& outer : declared) {
      std::vector<uint32_t> within;
      for (size_t i = 0; i < declared.size(); ++i) {
        if (declared[i].prefix.starts_with(outer.prefix)) within.push_back(static_cast<uint32_t>(i + 1));
      }
      std::vector<uint32_t> told = namespaces.declared_as(outer.prefix);
      CHECK(declared[told.front() - 1].prefix == outer.prefix);
      std::ranges::sort(told);
      CHECK(told == within);
    }
  }
}

TEST_CASE("without namespaces every key belongs to none") {
  const Namespaces none;
  CHECK(none.of("user:1") == 0);
  CHECK(none.count() == 1);
  CHECK(none.bits() == 0);
}

TEST_CASE("what cannot be declared is refused, with the reason") {
  const auto refusal = [](std::vector<Namespace> namespaces) {
    return Cache::create({.namespaces = std::move(namespaces)}).status().ToString();
  };
  CHECK(refusal(declare({"a", "b"})) == "OK");
  CHECK(refusal(declare({""})) == "INVALID_ARGUMENT: namespaces: a prefix of 0 bytes is not of 1..65534");
  CHECK(refusal(declare({std::string(kKeyBytesMax, 'p')})) ==
        "INVALID_ARGUMENT: namespaces: a prefix of 65535 bytes is not of 1..65534");
  CHECK(refusal(declare({"a", "a"})) == "INVALID_ARGUMENT: namespaces: the prefix 'a' is declared twice");
  CHECK(refusal(declare({"b", "a", "us", "b"})) ==
        "INVALID_ARGUMENT: namespaces: the prefix 'b' is declared twice");
  CHECK(refusal({{.prefix = "\x01", .item_bytes_limit = 1023}}) ==
        "INVALID_ARGUMENT: namespaces: item_bytes_limit of '\\x01': 1023 is neither 0 nor in 1024..67108864");
  std::vector<Namespace> many;
  for (size_t i = 0; i < kNamespacesMax; ++i) many.push_back({.prefix = std::to_string(i)});
  CHECK(Cache::create({.memory_limit_bytes = size_t{256} << 20, .namespaces = many}).status().ToString() == "OK");
  many.push_back({.prefix = "z"});
  CHECK(refusal(many) == "INVALID_ARGUMENT: namespaces: 1024 are more than 1023");
  many.resize(63);
  CHECK(Cache::create({.memory_limit_bytes = kMemoryLimitBytesMin, .item_bytes_max = 1024, .namespaces = many})
            .status()
            .ToString() == "RESOURCE_EXHAUSTED: memory_limit_bytes: 1048576 is too small for 63 namespaces");
}

TEST_CASE("a thousand namespaces are told apart, flushed and counted one by one") {
  std::vector<Namespace> many;
  for (size_t i = 0; i < kNamespacesMax; ++i) {
    many.push_back({.prefix = fmt::format("tenant{:04}:", i), .item_bytes_limit = i % 2 == 0 ? 4096u : 0u});
  }
  TestCache cache({.memory_limit_bytes = size_t{256} << 20, .seed = 1, .namespaces = many});
  for (const Namespace& tenant : many) {
    for (int i = 0; i < 100; ++i) cache->set(tenant.prefix + std::to_string(i), std::string(100, 'v'));
  }
  for (size_t i = 0; i < many.size(); i += 7) CHECK(cache->flush_namespace(many[i].prefix));
  const std::vector<NamespaceStats> all = namespace_stats(*cache);
  REQUIRE(all.size() == many.size() + 1);
  for (size_t i = 0; i < many.size(); ++i) {
    CAPTURE(i);
    const size_t items = all[i].stats.items;
    if (i % 7 == 0) {
      CHECK(items == 0);
    } else if (i % 2 == 0) {
      CHECK(all[i].stats.item_bytes <= 4096);
      CHECK(items > 20);
    } else {
      CHECK(items == 100);
    }
    CHECK(cache->contains(many[i].prefix + "99") == (i % 7 != 0));
  }
}

// --- flushing ----------------------------------------------------------------------------------------------

TEST_CASE("a flushed namespace is empty at once, and all others stay as they are") {
  TestCache cache(users_and_pages());
  for (int i = 0; i < 2000; ++i) {
    for (const std::string_view prefix : {"user:", "page:", "other:"}) {
      REQUIRE(cache->set(std::string(prefix) + std::to_string(i), "v") == StoreResult::kStored);
    }
  }
  REQUIRE(cache->set("user:large", std::string(kItemBytesMax, 'v')) == StoreResult::kStored);
  CHECK(cache->flush_namespace("user:"));
  CHECK(cache->stats().items == 4000);
  for (int i = 0; i < 2000; ++i) {
    CHECK_FALSE(cache->contains("user:" + std::to_string(i)));
    CHECK(cache->contains("page:" + std::to_string(i)));
    CHECK(cache->contains("other:" + std::to_string(i)));
  }
  CHECK_FALSE(cache->contains("user:large"));
  CHECK(presence(*cache, "user:1") == Presence::kFlushed);
  CHECK(cache->set("user:7", "after") == StoreResult::kStored);
  CHECK(cache.value("user:7") == "after");
  CHECK(cache->add("user:8", "after") == StoreResult::kStored);
  CHECK(cache->replace("user:9", "after") == StoreResult::kNotStored);
  cache->flush_all();
  CHECK(cache->stats().items == 0);
}

TEST_CASE("a flush takes the namespaces within it along") {
  TestCache cache({.memory_limit_bytes = size_t{8} << 20,
                   .seed = 1,
                   .namespaces = declare({"a:", "a:b:", "a:c:", "a:b:d:", "ab:"})});
  const auto there = [&] {
    std::string keys;
    for (const std::string_view key : {"a:1", "a:b:1", "a:c:1", "a:b:d:1", "ab:1", "1"}) {
      keys += cache->contains(key) ? std::string(key) + " " : "";
    }
    return keys;
  };
  const auto set_all = [&] {
    for (const std::string_view key : {"a:1", "a:b:1", "a:c:1", "a:b:d:1", "ab:1", "1"}) cache->set(key, "v");
  };
  set_all();
  CHECK(cache->flush_namespace("a:b:"));
  CHECK(there() == "a:1 a:c:1 ab:1 1 ");
  set_all();
  CHECK(cache->flush_namespace("a:"));
  CHECK(there() == "ab:1 1 ");
  CHECK(stats_of(*cache, "a:").stats.flushes == 1);
  CHECK(stats_of(*cache, "a:c:").stats.flushes == 0);
}

TEST_CASE("a flush of a namespace with a high number changes nothing of the curves of others") {
  const auto curve = [](bool flushes) {
    std::vector<Namespace> many;
    for (int i = 0; i < 66; ++i) many.push_back({.prefix = fmt::format("n{}:", 1'000 + i)});
    TestCache cache({.memory_limit_bytes = size_t{64} << 20, .seed = 1, .curve_share_max = 1, .namespaces = many});
    std::mt19937_64 random(1);
    for (int i = 0; i < 300'000; ++i) {
      const std::string key = "n1000:" + std::to_string(random() % (1 + random() % 200'000));
      if (!cache->get(key)) cache->set(key, std::string(3'000, 'v'));
      // Number 1 is 65 without its upper bits.
      if (flushes && i % 10'000 == 0) cache->flush_namespace("n1064:");
    }
    std::vector<double> ratios;
    for (const MissRatio& size : miss_ratio_curve(*cache).sizes) ratios.push_back(size.miss_ratio);
    return ratios;
  };
  const std::vector<double> without = curve(false);
  CHECK(without.front() > 0);
  CHECK(curve(true) == without);
}

TEST_CASE("only a namespace that was declared can be flushed") {
  TestCache cache(users_and_pages());
  REQUIRE(cache->set("user:1", "v") == StoreResult::kStored);
  for (const std::string_view prefix : {"", "user", "user:1", "other:"})
    CHECK_FALSE(cache->flush_namespace(prefix));
  CHECK(cache->contains("user:1"));
}

TEST_CASE("the memory of a flushed namespace comes back before others have to go") {
  TestCache cache(users_and_pages());
  const std::string value(1000, 'v');
  // Three quarters of the cache are users, and the pages are read.
  for (int i = 0; i < 1500; ++i) {
    REQUIRE(cache->set("page:" + std::to_string(i), value) == StoreResult::kStored);
    for (int j = 0; j < 3; ++j) {
      REQUIRE(cache->set("user:" + std::to_string(3 * i + j), value) == StoreResult::kStored);
    }
  }
  for (int i = 0; i < 1500; ++i) CHECK(cache->contains("page:" + std::to_string(i)));
  REQUIRE(cache->stats().evictions == 0);
  REQUIRE(cache->flush_namespace("user:"));
  for (int i = 0; i < 3500; ++i) REQUIRE(cache->set("new:" + std::to_string(i), value) == StoreResult::kStored);
  CHECK(cache->stats().evictions == 0);
  for (int i = 0; i < 1500; ++i) CHECK(cache->contains("page:" + std::to_string(i)));
}

TEST_CASE("to look for what was flushed among what is read costs nothing of it") {
  TestCache cache(users_and_pages());
  const std::string value(1000, 'v');
  // The pages lie in the older segments, the users in the newer ones.
  for (int i = 0; i < 4000; ++i) REQUIRE(cache->set("page:" + std::to_string(i), value) == StoreResult::kStored);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 4000; ++i) REQUIRE(cache->get("page:" + std::to_string(i)).has_value());
  }
  for (int i = 0; i < 1500; ++i) REQUIRE(cache->set("user:" + std::to_string(i), value) == StoreResult::kStored);
  REQUIRE(cache->flush_namespace("user:"));
  for (int i = 0; i < 1200; ++i) REQUIRE(cache->set("new:" + std::to_string(i), value) == StoreResult::kStored);
  CHECK(cache->stats().evicted_forced == 0);
  for (int i = 0; i < 4000; ++i) CHECK(cache->contains("page:" + std::to_string(i)));
}

TEST_CASE("what was flushed while it was held comes back when it is no longer") {
  Options options = users_and_pages();
  options.eviction = false;
  options.pinned_bytes_max = size_t{4} << 20;
  TestCache cache(options);
  const std::string value(1000, 'v');
  size_t stored = 0;
  while (cache->set("user:" + std::to_string(stored), value) == StoreResult::kStored) ++stored;
  {
    std::vector<Handle> handles;
    for (size_t i = 0; i < stored; i += 20) handles.push_back(cache->hold("user:" + std::to_string(i)));
    REQUIRE(cache->flush_namespace("user:"));
    for (size_t i = 0; cache->set("user:" + std::to_string(i), value) == StoreResult::kStored; ++i) {
    }
  }
  size_t stored_again = cache->stats().items;
  for (size_t i = 0; cache->set("page:" + std::to_string(i), value) == StoreResult::kStored; ++i) ++stored_again;
  CHECK(stored_again > stored * 9 / 10);
}

TEST_CASE("without eviction, too, the memory of a flushed namespace can be used again") {
  Options options = users_and_pages();
  options.eviction = false;
  TestCache cache(options);
  const std::string value(1000, 'v');
  size_t stored = 0;
  for (; cache->set((stored % 4 == 0 ? "page:" : "user:") + std::to_string(stored), value) == StoreResult::kStored;
       ++stored) {
  }
  REQUIRE(stored > 5000);
  REQUIRE(cache->flush_namespace("user:"));
  size_t stored_again = 0;
  while (cache->set("user:" + std::to_string(stored_again), value) == StoreResult::kStored) ++stored_again;
  CHECK(stored_again > stored * 3 / 4 * 9 / 10);
  for (size_t i = 0; i < stored; i += 4) CHECK(cache->contains("page:" + std::to_string(i)));
}

TEST_CASE("a namespace can be flushed more often than its generations have bits") {
  TestCache cache(users_and_pages());
  REQUIRE(cache->set("user:old", "v") == StoreResult::kStored);
  REQUIRE(cache->set("page:old", "v") == StoreResult::kStored);
  for (int i = 0; i < 70'000; ++i) {
    REQUIRE(cache->flush_namespace("user:"));
    if (i % 1000 == 0) REQUIRE_FALSE(cache->contains("user:old"));
  }
  CHECK_FALSE(cache->contains("user:old"));
  CHECK(cache->contains("page:old"));
}

// --- statistics --------------------------------------------------------------------------------------------

TEST_CASE("each namespace is counted by itself, and the cache's statistics are their sums") {
  TestCache cache(users_and_pages());
  REQUIRE(cache->set("user:1", "v") == StoreResult::kStored);
  REQUIRE(cache->set("user:2", "v", {.expiry = 1s}) == StoreResult::kStored);
  REQUIRE(cache->set("page:1", "vv") == StoreResult::kStored);
  REQUIRE(cache->set("else", "v") == StoreResult::kStored);
  cache.clock.advance_ms(1000);
  (void)cache->get("user:1");
  (void)cache->get("user:2");
  std::string value;
  (void)cache->get("page:1", value);
  (void)cache->get("page:2", value);
  cache->visit("else", [](const ItemView&) {});
  const std::string_view keys[] = {"user:1", "user:9", "page:1", "missing", "user:1", ""};
  CHECK(cache->get_multi(keys, [](size_t, const ItemView&) {}) == 3);
  (void)cache->incr("page:1");
  (void)cache->erase("user:1");
  (void)cache->touch("else", 5s);
  (void)cache->flush_namespace("page:");
  (void)cache->get("page:1");

  const std::vector<NamespaceStats> all = namespace_stats(*cache);
  REQUIRE(all.size() == 3);
  CHECK(all[0].prefix == "user:");
  CHECK(all[1].prefix == "page:");
  CHECK(all[2].prefix == "");
  const Stats& users = all[0].stats;
  CHECK(users.get_hits == 3);
  CHECK(users.get_misses == 2);
  CHECK(users.get_expired == 1);
  CHECK(users.expired == 1);
  CHECK(users.stores == 2);
  CHECK(users.erase_hits == 1);
  CHECK(users.items == 0);
  CHECK(users.item_bytes == 0);
  CHECK(users.flushes == 0);
  const Stats& pages = all[1].stats;
  CHECK(pages.get_hits == 2);
  CHECK(pages.get_misses == 2);
  CHECK(pages.get_flushed == 1);
  CHECK(pages.flushes == 1);
  CHECK(pages.items == 0);
  const Stats& others = all[2].stats;
  CHECK(others.get_hits == 1);
  CHECK(others.get_misses == 1);
  CHECK(others.touch_hits == 1);
  CHECK(others.items == 1);
  CHECK(others.item_bytes == cache->stats().item_bytes);

  const Stats sums = cache->stats();
  CHECK(sums.get_hits == 6);
  CHECK(sums.get_misses == 5);
  CHECK(sums.stores == 4);
  CHECK(sums.items == 1);
  reset_stats(*cache);
  CHECK(stats_of(*cache, "user:").stats.get_hits == 0);
  CHECK(cache->stats().get_hits == 0);
}

TEST_CASE("evictions count for the namespace of what is evicted") {
  TestCache cache(users_and_pages());
  const std::string value(1000, 'v');
  for (int i = 0; i < 100; ++i) REQUIRE(cache->set("page:" + std::to_string(i), value) == StoreResult::kStored);
  for (int i = 0; i < 20'000; ++i) REQUIRE(cache->set("user:" + std::to_string(i), value) == StoreResult::kStored);
  const Stats users = stats_of(*cache, "user:").stats;
  const Stats pages = stats_of(*cache, "page:").stats;
  CHECK(users.evictions == 20'000 - users.items);
  CHECK(pages.evictions == 100 - pages.items);
  CHECK(cache->stats().evictions == users.evictions + pages.evictions);
}

// --- the cache as a whole ----------------------------------------------------------------------------------

TEST_CASE("walks meet the items of every namespace once") {
  TestCache cache(users_and_pages());
  for (int i = 0; i < 3000; ++i) {
    const std::string_view prefix = i % 3 == 0 ? "user:" : i % 3 == 1 ? "page:" : "";
    REQUIRE(cache->set(std::string(prefix) + std::to_string(i), "v") == StoreResult::kStored);
  }
  int shown = 0;
  cache->for_each([&](const ItemView&) {
    ++shown;
    return true;
  });
  CHECK(shown == 3000);
  int scanned = 0;
  for (ScanCursor cursor; scan(*cache, cursor, 100, [&](const ItemInfo&) { ++scanned; });) {
  }
  CHECK(scanned == 3000);
  CHECK(erase_prefix(*cache, "user:") == 1000);
  CHECK(cache->stats().items == 2000);
}

}  // namespace
}  // namespace larder
