#include "larder/internal/policy/quota.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../test_cache.h"
#include "doctest/doctest.h"
#include "larder/loading_cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr size_t kUsersLimit = size_t{256} << 10;

Options limited_users() {
  return {.memory_limit_bytes = size_t{8} << 20,
          .item_bytes_max = kItemBytesMax,
          .seed = 1,
          .namespaces = {{.prefix = "user:", .item_bytes_limit = kUsersLimit}, {.prefix = "page:"}}};
}

uint64_t user_bytes(Cache& cache) { return namespace_stats(cache).front().stats.item_bytes; }

std::string user(int number) { return "user:" + std::to_string(number); }

TEST_CASE("a namespace stays within its limit, and takes nothing from others") {
  TestCache cache(limited_users());
  for (int i = 0; i < 2000; ++i) {
    REQUIRE(cache->set("page:" + std::to_string(i), std::string(100, 'p')) == StoreResult::kStored);
  }
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE(cache->set(user(i), std::string(100 + static_cast<size_t>(i) % 300, 'u')) == StoreResult::kStored);
    CHECK(user_bytes(*cache) <= kUsersLimit);
    REQUIRE(cache->contains(user(i)));
  }
  CHECK(user_bytes(*cache) > kUsersLimit * 9 / 10);
  for (int i = 0; i < 2000; ++i) CHECK(cache->contains("page:" + std::to_string(i)));
  CHECK(namespace_stats(*cache).front().stats.memory_limit_bytes == kUsersLimit);
  CHECK(namespace_stats(*cache).front().stats.evictions > 0);
}

TEST_CASE("values that grow where they lie count, too") {
  TestCache cache(limited_users());
  for (int i = 0; i < 1000; ++i) REQUIRE(cache->set(user(i), std::string(200, 'u')) == StoreResult::kStored);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 1000; ++i) (void)cache->append(user(i), "more");
    CHECK(user_bytes(*cache) <= kUsersLimit);
  }
}

TEST_CASE("what is read stays, and what is not goes") {
  TestCache cache(limited_users());
  for (int i = 0; i < 200; ++i) REQUIRE(cache->set(user(i), std::string(400, 'u')) == StoreResult::kStored);
  for (int i = 200; i < 10'000; ++i) {
    REQUIRE(cache->set(user(i), std::string(400, 'u')) == StoreResult::kStored);
    (void)cache->get(user(i % 200));
  }
  int kept = 0;
  for (int i = 0; i < 200; ++i) kept += cache->contains(user(i)) ? 1 : 0;
  CHECK(kept > 190);
}

TEST_CASE("even if everything was read lately there is room for what is new") {
  TestCache cache(limited_users());
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(cache->set(user(i), std::string(400, 'u')) == StoreResult::kStored);
    for (int j = 0; j < 4; ++j) (void)cache->get(user(i));
  }
  CHECK(user_bytes(*cache) <= kUsersLimit);
}

TEST_CASE("an item that could never fit finds no memory, and leaves the others") {
  Options options = limited_users();
  options.namespaces[0].item_bytes_limit = 10'000;
  TestCache cache(options);
  REQUIRE(cache->set(user(1), "v") == StoreResult::kStored);
  REQUIRE(cache->set(user(2), "v") == StoreResult::kStored);
  CHECK(cache->set(user(2), std::string(10'000, 'u')) == StoreResult::kNoMemory);
  CHECK_FALSE(cache->contains(user(2)));
  CHECK(cache->contains(user(1)));
  CHECK(cache->set("page:1", std::string(10'000, 'u')) == StoreResult::kStored);
}

TEST_CASE("without eviction a namespace at its limit takes no more") {
  Options options = limited_users();
  options.eviction = false;
  TestCache cache(options);
  int stored = 0;
  while (cache->set(user(stored), std::string(400, 'u')) == StoreResult::kStored) ++stored;
  CHECK(user_bytes(*cache) <= kUsersLimit);
  CHECK(user_bytes(*cache) > kUsersLimit - 500);
  CHECK(cache->set("page:1", "p") == StoreResult::kStored);
  for (int i = 0; i < stored; ++i) CHECK(cache->contains(user(i)));
  CHECK(cache->stats().evictions == 0);
}

TEST_CASE("without eviction, too, what was flushed takes nothing of the limit") {
  Options options = limited_users();
  options.eviction = false;
  TestCache cache(options);
  for (const bool flushes_all : {false, true}) {
    int stored = 0;
    while (cache->set(user(stored), std::string(400, 'u')) == StoreResult::kStored) ++stored;
    if (flushes_all) {
      cache->flush_all();
    } else {
      REQUIRE(cache->flush_namespace("user:"));
    }
    CHECK(cache->set("user:long", std::string(kUsersLimit / 2, 'u')) == StoreResult::kStored);
    REQUIRE(cache->erase("user:long") == EraseResult::kErased);
    for (int i = 0; i < stored; ++i) CHECK(cache->set(user(i), std::string(400, 'u')) == StoreResult::kStored);
  }
}

TEST_CASE("without eviction, too, what has expired takes nothing of the limit") {
  Options options = limited_users();
  options.eviction = false;
  TestCache cache(options);
  int stored = 0;
  while (cache->set(user(stored), std::string(400, 'u'), {.expiry = 1h}) == StoreResult::kStored) ++stored;
  cache.clock.advance_ms(3'600'000);
  for (int i = 0; i < stored; ++i) {
    CHECK(cache->set("user:new" + std::to_string(i), std::string(400, 'u')) == StoreResult::kStored);
  }
  // Nothing is left to be had, and that is found out once a second only.
  CHECK(cache->set("user:more", std::string(400, 'u')) == StoreResult::kNoMemory);
  CHECK(cache->set("user:more", std::string(400, 'u')) == StoreResult::kNoMemory);
}

TEST_CASE("what has expired goes when the hand comes to it, however often it was read") {
  TestCache cache(limited_users());
  for (int i = 0; user_bytes(*cache) < kUsersLimit - 900; ++i) {
    REQUIRE(cache->set(user(i), std::string(400, 'u')) == StoreResult::kStored);
    REQUIRE(cache->set("user:mortal" + std::to_string(i), std::string(400, 'u'), {.expiry = 1s}) ==
            StoreResult::kStored);
    for (int j = 0; j < 3; ++j) (void)cache->get("user:mortal" + std::to_string(i));
  }
  cache.clock.advance_ms(1000);
  for (int i = 0; i < 100; ++i) (void)cache->set("user:new" + std::to_string(i), std::string(400, 'u'));
  const Stats users = namespace_stats(*cache).front().stats;
  CHECK(users.expired > 30);
  CHECK(users.evictions < 60);
}

TEST_CASE("a flushed namespace can be filled again") {
  TestCache cache(limited_users());
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 2000; ++i) REQUIRE(cache->set(user(i), std::string(400, 'u')) == StoreResult::kStored);
    CHECK(user_bytes(*cache) > kUsersLimit * 9 / 10);
    REQUIRE(cache->flush_namespace("user:"));
    CHECK(user_bytes(*cache) == 0);
    cache->flush_all();
  }
}

TEST_CASE("many threads keep the limit, but for what they are about to store") {
  TestCache cache(limited_users());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        (void)cache->set(user(t * 10'000 + i), std::string(300, 'u'));
        if (i % 50 == 0) (void)cache->erase(user(t * 10'000 + i));
        if (t == 0 && i % 500 == 0) cache->flush_namespace("user:");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(user_bytes(*cache) <= kUsersLimit + 3 * 400);
}

// --- a number of items -------------------------------------------------------------------------------------

Options limited_items(size_t items_max) {
  return {.memory_limit_bytes = size_t{8} << 20, .item_bytes_max = kItemBytesMax, .items_max = items_max, .seed = 1};
}

TEST_CASE("there are never more items than are allowed, and seldom fewer") {
  for (const size_t items_max : {size_t{1}, size_t{2}, size_t{100}, size_t{5'000}}) {
    CAPTURE(items_max);
    TestCache cache(limited_items(items_max));
    for (size_t i = 0; i < 3 * items_max + 10; ++i) {
      REQUIRE(cache->set(std::to_string(i), std::string(1 + i % 500, 'v')) == StoreResult::kStored);
      REQUIRE(cache->contains(std::to_string(i)));
      REQUIRE(cache->stats().items == std::min(i + 1, items_max));
    }
    CHECK(cache->stats().evictions == 2 * items_max + 10);
    // What replaces an item takes nobody's place.
    cache->for_each([&](const ItemView& item) {
      CHECK(cache->set(item.key, std::string(1'000, 'w')) == StoreResult::kStored);
      return true;
    });
    CHECK(cache->stats().items == items_max);
    CHECK(cache->stats().evictions == 2 * items_max + 10);
  }
}

TEST_CASE("of so many items, those that are read stay") {
  TestCache cache(limited_items(1'000));
  for (int i = 0; i < 20'000; ++i) {
    cache->set(std::to_string(i), "v");
    for (int j = 0; i >= 500 && j < 2; ++j) (void)cache->get(std::to_string(i % 500));
  }
  int kept = 0;
  for (int i = 0; i < 500; ++i) kept += cache->contains(std::to_string(i)) ? 1 : 0;
  CHECK(kept > 450);
}

TEST_CASE("a number of items evicts about as well as the policy of bytes") {
  struct Missed {
    int requests = 0;
    size_t items = 0;
  };
  const auto misses = [](const Options& options, size_t value_bytes) {
    TestCache cache(options);
    std::mt19937_64 random(1);
    int missed = 0;
    for (int i = 0; i < 300'000; ++i) {
      // Skewed, and one request in five for a key that does not come back.
      const double x = static_cast<double>(random() >> 11) * 0x1p-53;
      const bool is_once = random() % 5 == 0;
      const std::string key = is_once ? "once" + std::to_string(i) : std::to_string(int(std::pow(30'000, x)));
      if (cache->get(key)) continue;
      missed += is_once ? 0 : 1;
      cache->set(key, std::string(value_bytes, 'v'));
    }
    return Missed{.requests = missed, .items = cache->stats().items};
  };
  Options by_bytes = limited_items(0);
  by_bytes.memory_limit_bytes = size_t{4} << 20;
  const Missed without = misses(by_bytes, 1'000);
  const Missed with = misses(limited_items(without.items), 100);
  CAPTURE(without.requests);
  CAPTURE(with.requests);
  CHECK(with.items == without.items);
  CHECK(with.requests < without.requests * 1.06);
}

TEST_CASE("without eviction the item that would be one too many is refused") {
  Options options = limited_items(100);
  options.eviction = false;
  TestCache cache(options);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(cache->set(std::to_string(i), "v", {.expiry = i < 10 ? Expiry(1s) : Expiry()}) == StoreResult::kStored);
  }
  CHECK(cache->set("more", "v") == StoreResult::kNoMemory);
  CHECK(cache->add("more", "v") == StoreResult::kNoMemory);
  CHECK(cache->incr("more", 1, {.initial = 1}).status == CounterStatus::kNoMemory);
  CHECK(cache->set("50", "w") == StoreResult::kStored);
  CHECK(cache->append("51", "w") == StoreResult::kStored);
  CHECK(cache->erase("52") == EraseResult::kErased);
  CHECK(cache->set("more", "v") == StoreResult::kStored);
  CHECK(cache->set("even more", "v") == StoreResult::kNoMemory);
  // What has expired makes room.
  cache.clock.advance_ms(2'000);
  for (int i = 0; i < 10; ++i) CHECK(cache->set("later" + std::to_string(i), "v") == StoreResult::kStored);
  CHECK(cache->set("one too many", "v") == StoreResult::kNoMemory);
  CHECK(cache->stats().items == 100);
  // So does what was flushed.
  cache->flush_all();
  for (int i = 0; i < 100; ++i) CHECK(cache->set(std::to_string(i), "v") == StoreResult::kStored);
}

TEST_CASE("a number of items and the limits of namespaces hold together") {
  Options options = limited_users();
  options.items_max = 1'000;
  TestCache cache(options);
  for (int i = 0; i < 5'000; ++i) {
    cache->set("page:" + std::to_string(i), "p");
    cache->set(user(i), std::string(2'000, 'u'));
    cache->set("other:" + std::to_string(i), "o");
    REQUIRE(cache->stats().items <= 1'000);
    REQUIRE(user_bytes(*cache) <= kUsersLimit);
    if (i % 1'000 == 0) cache->flush_namespace("page:");
  }
  CHECK(cache->stats().items == 1'000);
}

TEST_CASE("what loaders leave counts as no item") {
  TestCache cache(limited_items(10));
  LoadingCache<std::string, int> numbers(*cache);
  const LoadOptions options{.absent_ttl = 60s};
  for (int i = 0; i < 30; ++i) {
    CHECK_FALSE(numbers.get_or_load("absent" + std::to_string(i), options, [](auto&&) {
      return std::optional<int>();
    }).ok());
    CHECK(numbers.get_or_load(std::to_string(i), options, [&](auto&&) { return i; }).value() == i);
    CHECK(cache->stats().items == std::min<size_t>(static_cast<size_t>(i) + 1, 10));
  }
}

TEST_CASE("many threads exceed the number of items by one each at most") {
  TestCache cache(limited_items(1'000));
  constexpr size_t kThreads = 4;
  std::atomic<uint64_t> most = 0;
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 5'000; ++i) {
          cache->set(std::to_string(t) + ":" + std::to_string(i % 2'000), "v");
          if (i % 3 == 0) (void)cache->erase(std::to_string(t) + ":" + std::to_string(i % 700));
          if (i % 1'000 == 0 && t == 0) cache->flush_all();
          if (i % 100 == 0) most = std::max<uint64_t>(most, cache->stats().items);
        }
      });
    }
  }
  CHECK(most <= 1'000 + kThreads);
  CHECK(cache->stats().items <= 1'000 + kThreads);
}

}  // namespace
}  // namespace larder
