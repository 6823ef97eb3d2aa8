#include "larder/internal/policy/quota.h"

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../test_cache.h"
#include "doctest/doctest.h"
#include "larder/serving.h"

namespace larder {
namespace {

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
  using namespace std::chrono_literals;
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
  using namespace std::chrono_literals;
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

}  // namespace
}  // namespace larder
