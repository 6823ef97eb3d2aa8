// Cache::store and larder::invalidate: what the functions for each mode leave out; those are in cache_test.cc.
#include <chrono>
#include <string>

#include "../test_cache.h"
#include "doctest/doctest.h"
#include "larder/renewal.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a store answers with the CAS number and the size of what it stored") {
  TestCache cache;
  StoreOutcome outcome = cache->store("k", "abc");
  CHECK(outcome.result == StoreResult::kStored);
  CHECK(outcome.cas == cache->peek("k")->cas);
  CHECK(outcome.value_bytes == 3);
  outcome = cache->store("k", "de", {.mode = StoreMode::kAppend});
  CHECK(outcome.cas == cache->peek("k")->cas);
  CHECK(outcome.value_bytes == 5);
  CHECK(cache.value("k") == "abcde");
  CHECK(cache->store("k", "x", {.mode = StoreMode::kAdd}).result == StoreResult::kNotStored);
  CHECK(cache->store("l", "x", {.mode = StoreMode::kReplace}).result == StoreResult::kNotStored);
}

TEST_CASE("the caller can choose the CAS number, and the next change takes one of the cache's own") {
  TestCache cache;
  CHECK(cache->store("k", "a", {.item = {.cas = UINT64_MAX}}).cas == UINT64_MAX);
  CHECK(cache->peek("k")->cas == UINT64_MAX);
  CHECK(cache->cas("k", "b", UINT64_MAX, {.cas = 5}) == StoreResult::kStored);
  CHECK(cache->peek("k")->cas == 5);
  (void)cache->touch("k", 10s);
  CHECK(cache->peek("k")->cas == 5);
  (void)cache->append("k", "c");
  CHECK(cache->peek("k")->cas != 5);
}

TEST_CASE("without CAS numbers a chosen one is not kept either") {
  Options options{.memory_limit_bytes = size_t{8} << 20, .item_bytes_max = kItemBytesMax, .cas = false, .seed = 1};
  TestCache cache(options);
  CHECK(cache->store("k", "a", {.item = {.cas = 7}}).cas == 0);
  CHECK(cache->store("k", "a", {.expected = 7}).result == StoreResult::kExists);
}

TEST_CASE("an expected CAS number is compared in every mode but add") {
  TestCache cache;
  for (const StoreMode mode : {StoreMode::kSet, StoreMode::kReplace}) {
    CHECK(cache->store("missing", "x", {.mode = mode, .expected = 5}).result == StoreResult::kNotFound);
  }
  for (const StoreMode mode : {StoreMode::kAppend, StoreMode::kPrepend}) {
    CHECK(cache->store("missing", "x", {.mode = mode, .expected = 5}).result == StoreResult::kNotStored);
  }
  CHECK(cache->store("k", "x", {.mode = StoreMode::kAdd, .expected = 5}).result == StoreResult::kStored);
  for (const StoreMode mode : {StoreMode::kSet, StoreMode::kReplace, StoreMode::kAppend, StoreMode::kPrepend}) {
    const uint64_t cas = cache->peek("k")->cas;
    CHECK(cache->store("k", "y", {.mode = mode, .expected = cas + 1}).result == StoreResult::kExists);
    CHECK(cache->store("k", "y", {.mode = mode, .expected = 0}).result == StoreResult::kExists);
    CHECK(cache->store("k", "y", {.mode = mode, .expected = cas}).result == StoreResult::kStored);
  }
  CHECK(cache->store("k", "x", {.mode = StoreMode::kAdd, .expected = 5}).result == StoreResult::kNotStored);
}

TEST_CASE("append and prepend create a missing key if they are given an expiry for it") {
  TestCache cache;
  const StoreOptions options{.mode = StoreMode::kAppend, .item = {.flags = 5, .expiry = 99s}, .vivify = 30s};
  CHECK(cache->store("k", "a", options).value_bytes == 1);
  CHECK(cache->peek("k")->ttl_ms == 30'000);
  CHECK(cache->peek("k")->flags == 5);
  CHECK(cache->store("k", "b", options).value_bytes == 2);
  CHECK(cache.value("k") == "ab");
}

TEST_CASE("what comes late is stored as stale, keeping the expiry and the winner") {
  TestCache cache;
  (void)cache->store("k", "new", {.item = {.flags = 1, .expiry = 10s, .cas = 2000}});
  CHECK(read(*cache, "k", {.recache = 20s}, [](const Reading& reading) { CHECK(reading.has_won); }));
  const StoreOptions late{.item = {.flags = 2, .expiry = 99s}, .expected = 1500, .takes_older = true};
  CHECK(cache->store("k", "late", late).result == StoreResult::kStored);
  const Item item = *cache->peek("k");
  CHECK(item.value == "late");
  CHECK(item.flags == 2);
  CHECK(item.ttl_ms == 10'000);
  CHECK(item.is_stale);
  CHECK(item.is_won);
}

TEST_CASE("what comes with a number that the item has not had yet is no late comer") {
  TestCache cache;
  (void)cache->store("k", "a", {.item = {.cas = 2000}});
  CHECK(cache->store("k", "b", {.expected = 2001, .takes_older = true}).result == StoreResult::kExists);
  CHECK(cache->store("k", "b", {.expected = 2000, .takes_older = true}).result == StoreResult::kStored);
  CHECK_FALSE(cache->peek("k")->is_stale);
}

TEST_CASE("late comers are neither appended nor prepended") {
  TestCache cache;
  (void)cache->store("k", "a", {.item = {.cas = 2000}});
  CHECK(cache->store("k", "b", {.mode = StoreMode::kAppend, .expected = 5, .takes_older = true}).result ==
        StoreResult::kExists);
}

TEST_CASE("every store ends being stale and being won") {
  for (const StoreMode mode : {StoreMode::kSet, StoreMode::kReplace, StoreMode::kAppend, StoreMode::kPrepend}) {
    TestCache cache;
    (void)cache->set("k", "v");
    CHECK(invalidate(*cache, "k") == EraseResult::kErased);
    CHECK(read(*cache, "k", {}, [](const Reading& reading) { CHECK(reading.has_won); }));
    CHECK(cache->store("k", "w", {.mode = mode}).result == StoreResult::kStored);
    CHECK_FALSE(cache->peek("k")->is_stale);
    CHECK_FALSE(cache->peek("k")->is_won);
  }
}

TEST_CASE("a store of either kind decides whether the key is binary") {
  TestCache cache;
  (void)cache->set("k", "v", {.is_key_binary = true});
  CHECK(cache->peek("k")->is_key_binary);
  (void)cache->touch("k", 10s);
  CHECK(cache->get("k")->is_key_binary);
  (void)cache->append("k", "w");
  CHECK_FALSE(cache->peek("k")->is_key_binary);
}

TEST_CASE("items without marks take no more room than they would if there were none") {
  TestCache cache;
  (void)cache->set("plain", std::string(3, 'v'));
  CHECK(inspect(*cache, "plain")->item_bytes == 16);  // header 4, key 5, CAS 4, value 3
  (void)cache->set("mark", std::string(3, 'v'), {.is_key_binary = true});
  CHECK(inspect(*cache, "mark")->item_bytes == 24);  // 5 more
}

// --- invalidate ---

TEST_CASE("an invalidated item is still shown, stale, with a new CAS number and its own expiry or a new one") {
  TestCache cache;
  (void)cache->set("k", "v", {.flags = 3, .expiry = 100s});
  const uint64_t cas = cache->peek("k")->cas;
  CHECK(invalidate(*cache, "k") == EraseResult::kErased);
  Item item = *cache->peek("k");
  CHECK(item.value == "v");
  CHECK(item.flags == 3);
  CHECK(item.ttl_ms == 100'000);
  CHECK(item.is_stale);
  CHECK(item.cas != cas);
  CHECK(invalidate(*cache, "k", {.expiry = 30s, .cas = 9}) == EraseResult::kErased);
  item = *cache->peek("k");
  CHECK(item.ttl_ms == 30'000);
  CHECK(item.cas == 9);
}

TEST_CASE("to invalidate again gives the item a new winner") {
  TestCache cache;
  (void)cache->set("k", "v");
  for (int i = 0; i < 2; ++i) {
    CHECK(invalidate(*cache, "k") == EraseResult::kErased);
    CHECK(read(*cache, "k", {}, [](const Reading& reading) { CHECK(reading.has_won); }));
    CHECK(read(*cache, "k", {}, [](const Reading& reading) { CHECK_FALSE(reading.has_won); }));
  }
}

TEST_CASE("an emptied item stays, with the flags and expiry given, and keeps its CAS number") {
  TestCache cache;
  (void)cache->set("k", "v", {.flags = 7, .expiry = 100s});
  const uint64_t cas = cache->peek("k")->cas;
  CHECK(invalidate(*cache, "k", {.is_stale = false, .is_empty = true, .flags = 4}) == EraseResult::kErased);
  const Item item = *cache->peek("k");
  CHECK(item.value.empty());
  CHECK(item.flags == 4);
  CHECK(item.ttl_ms == kNeverExpires);
  CHECK(item.cas == cas);
  CHECK_FALSE(item.is_stale);
}

TEST_CASE("an item can be emptied and stale, and has then a new CAS number") {
  TestCache cache;
  (void)cache->set("k", "v");
  const uint64_t cas = cache->peek("k")->cas;
  CHECK(invalidate(*cache, "k", {.is_empty = true, .expiry = 5s}) == EraseResult::kErased);
  const Item item = *cache->peek("k");
  CHECK(item.value.empty());
  CHECK(item.ttl_ms == 5'000);
  CHECK(item.is_stale);
  CHECK(item.cas != cas);
}

TEST_CASE("only the item with the expected CAS number is invalidated, and a missing one is not found") {
  TestCache cache;
  CHECK(invalidate(*cache, "k") == EraseResult::kNotFound);
  (void)cache->set("k", "v");
  const uint64_t cas = cache->peek("k")->cas;
  CHECK(invalidate(*cache, "k", {.expected = cas + 1}) == EraseResult::kExists);
  CHECK(invalidate(*cache, "k", {.expected = 0}) == EraseResult::kExists);
  CHECK_FALSE(cache->peek("k")->is_stale);
  CHECK(invalidate(*cache, "k", {.expected = cas}) == EraseResult::kErased);
  CHECK(cache->stats().erase_hits == 0);
  CHECK(cache->stats().erase_misses == 3);
}

TEST_CASE("to invalidate with an expiry that is past removes the item") {
  TestCache cache;
  (void)cache->set("k", "v");
  CHECK(invalidate(*cache, "k", {.expiry = -1s}) == EraseResult::kErased);
  CHECK_FALSE(cache->contains("k"));
}

}  // namespace
}  // namespace larder
