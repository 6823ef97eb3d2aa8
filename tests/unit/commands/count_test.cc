// What incr and decr do beyond counting; the counting itself is in cache_test.cc.
#include <chrono>
#include <string>

#include "../test_cache.h"
#include "doctest/doctest.h"
#include "larder/renewal.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

TEST_CASE("only the number with the expected CAS number is counted") {
  TestCache cache;
  (void)cache->set("n", "5");
  const uint64_t cas = cache->peek("n")->cas;
  CHECK(cache->incr("n", 1, {.expected = cas + 1}).status == CounterStatus::kExists);
  CHECK(cache->incr("n", 1, {.expected = 0}).status == CounterStatus::kExists);
  CHECK(cache.value("n") == "5");
  CHECK(cache->incr("n", 1, {.expected = cas}).value == 6);
  CHECK(cache->decr("missing", 1, {.expected = cas}).status == CounterStatus::kNotFound);
}

TEST_CASE("the answer tells the CAS number that the item has now, chosen or not") {
  TestCache cache;
  (void)cache->set("n", "5");
  const CounterResult result = cache->incr("n");
  CHECK(result.cas == cache->peek("n")->cas);
  CHECK(cache->incr("n", 1, {.cas = 1000}).cas == 1000);
  CHECK(cache->peek("n")->cas == 1000);
  CHECK(cache->decr("new", 1, {.initial = 3, .cas = 2000}).cas == 2000);
}

TEST_CASE("a number gets a new expiry if one is given, whether it was there or is created") {
  TestCache cache;
  (void)cache->set("n", "5", {.expiry = 10s});
  CounterResult result = cache->incr("n", 1, {.expiry = 99s});
  CHECK(result.ttl_ms == 10'000);
  result = cache->incr("n", 1, {.new_expiry = 20s});
  CHECK(result.ttl_ms == 20'000);
  CHECK(result.previous_ttl_ms == 10'000);
  CHECK(cache->peek("n")->ttl_ms == 20'000);
  result = cache->incr("m", 1, {.initial = 0, .expiry = 30s, .new_expiry = 60s});
  CHECK(result.status == CounterStatus::kCreated);
  CHECK(result.ttl_ms == 60'000);
  CHECK(result.previous_ttl_ms == 30'000);
  CHECK(cache->peek("m")->ttl_ms == 60'000);
}

TEST_CASE("counting leaves a stale item stale and a won one won") {
  TestCache cache;
  (void)cache->set("n", "5", {.is_key_binary = true});
  CHECK(invalidate(*cache, "n") == EraseResult::kErased);
  CHECK(read(*cache, "n", {}, [](const Reading& reading) { CHECK(reading.has_won); }));
  (void)cache->incr("n");
  const Item item = *cache->peek("n");
  CHECK(item.is_stale);
  CHECK(item.is_won);
  CHECK(item.is_key_binary);
}

}  // namespace
}  // namespace larder
