#include "larder/explain.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "doctest/doctest.h"
#include "larder/internal/base/arena.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/base/page_size.h"
#include "larder/loader.h"
#include "larder/renewal.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMiB = size_t{1} << 20;

bool has(const Explanation& told, std::string_view text) {
  CAPTURE(to_string(told));
  return to_string(told).find(text) != std::string::npos;
}

// Stores items of `bytes` until `key` is gone.
void push_out(TestCache& cache, std::string_view key, size_t bytes = 1000) {
  const std::string value(bytes, 'v');
  for (int i = 0; i < 200'000 && cache->contains(key); ++i) (void)cache->set("filler" + std::to_string(i), value);
  REQUIRE_FALSE(cache->contains(key));
}

// So many removals that fewer keys are followed.
void make_rare(TestCache& cache, double share) {
  for (int i = 0; i < 10'000'000 && cache->explain("x").share_followed > share; ++i) {
    const std::string key = "passing" + std::to_string(i);
    (void)cache->set(key, "v");
    (void)cache->erase(key);
  }
  REQUIRE(cache->explain("x").share_followed == share);
}

// A key that is followed, or is not.
std::string key_that_is(TestCache& cache, bool followed) {
  for (int i = 0;; ++i) {
    const std::string key = "candidate" + std::to_string(i);
    if (cache->explain(key).is_followed == followed) return key;
  }
}

// A key that is followed however many removals there are: ten bits of its hash, after those that select one of the
// stripes, of which there is one per 512 KiB of the first limit, and the first twelve of its tag, are zero.
std::string key_always_followed(size_t limit_bytes) {
  const int stripe_bits = std::bit_width(limit_bytes >> 19) - 1;
  for (int i = 0;; ++i) {
    std::string key = "rare" + std::to_string(i);
    if ((internal::hash_key(key, 1) >> (64 - stripe_bits - 22) & 1023) == 0) return key;
  }
}

TEST_CASE("of an item that is there it is told when it was stored, how often it was read, and when it expires") {
  TestCache cache;
  cache.clock.advance_ms(100'000);
  REQUIRE(cache->set("a", "1", {.expiry = 60s}) == StoreResult::kStored);
  cache.clock.advance_ms(10'000);
  Explanation told = cache->explain("a");
  CHECK(told.state == KeyState::kPresent);
  CHECK(told.stored_s == 10u);
  CHECK_FALSE(told.read_s);
  CHECK(told.frequency == 0);
  CHECK(told.ttl_ms == 50'000);
  CHECK(told.chain == ItemChain::kSmall);
  CHECK_FALSE(told.is_large);
  CHECK_FALSE(told.gone_s);
  CHECK_FALSE(told.lived_s);
  CHECK_FALSE(told.was_read);
  CHECK(told.collision_chance == 0);
  CHECK(to_string(told) == "Here, stored 10 s ago, not read yet, in the small chain; it expires in 50 s.");
  for (const char* const reads : {"read once", "read twice", "read three times or more", "three times or more"}) {
    (void)cache->get("a");
    CHECK(has(cache->explain("a"), reads));
  }
  CHECK(cache->explain("a").frequency == 3);
  REQUIRE(cache->set("a", "2") == StoreResult::kStored);
  told = cache->explain("a");
  CHECK(told.stored_s == 0u);
  CHECK(told.ttl_ms == kNeverExpires);
  CHECK(has(told, "; it never expires."));
}

TEST_CASE("to ask leaves no trace") {
  TestCache cache;
  REQUIRE(cache->set("a", "1", {.expiry = 1s}) == StoreResult::kStored);
  const Stats before = cache->stats();
  for (int i = 0; i < 5; ++i) {
    CHECK(cache->explain("a").frequency == 0);
    CHECK(cache->explain("b").state == KeyState::kUnknown);
  }
  cache.clock.advance_ms(1000);
  CHECK(cache->explain("a").state == KeyState::kExpired);
  const Stats after = cache->stats();
  CHECK(after.get_hits + after.get_misses + after.expired == 0);
  CHECK(after.items == before.items);
  CHECK(after.memory_used_bytes == before.memory_used_bytes);
}

TEST_CASE("the last read is known once somebody has asked for the item's history") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  (void)cache->get("a");
  CHECK_FALSE(cache->explain("a").read_s);
  CHECK(read(*cache, "a", {.wants_history = true}, [](const Reading&) {}));
  cache.clock.advance_ms(5000);
  CHECK(cache->explain("a").read_s == 5u);
  CHECK(cache->explain("a").stored_s == 5u);
  (void)cache->get("a");
  CHECK(cache->explain("a").read_s == 0u);
  CHECK(has(cache->explain("a"), ", the last time 0 s ago"));
  REQUIRE(cache->set("a", "2") == StoreResult::kStored);
  CHECK_FALSE(cache->explain("a").read_s);
}

TEST_CASE("without CAS numbers, or with one that a caller chose, it is not known when it was stored") {
  TestCache cache({.memory_limit_bytes = 8 * kMiB, .cas = false, .seed = 1});
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  CHECK_FALSE(cache->explain("a").stored_s);
  CHECK(to_string(cache->explain("a")) == "Here, not read yet, in the small chain; it never expires.");
  CHECK(cache->erase("a") == EraseResult::kErased);
  CHECK(cache->explain("a").state == KeyState::kErased);
  CHECK(cache->explain("a").gone_s == 0u);
  CHECK_FALSE(cache->explain("a").lived_s);
  TestCache other;
  REQUIRE(other->set("a", "1", {.cas = 77}) == StoreResult::kStored);
  CHECK_FALSE(other->explain("a").stored_s);
}

TEST_CASE("an evicted item: when, how long after it was stored, whether it was read, and from where") {
  for (const bool is_read : {false, true}) {
    CAPTURE(is_read);
    TestCache cache;
    REQUIRE(cache->set("a", "1") == StoreResult::kStored);
    if (is_read) (void)cache->get("a");
    cache.clock.advance_ms(300'000);
    push_out(cache, "a");
    cache.clock.advance_ms(41'000);
    const Explanation told = cache->explain("a");
    CHECK(told.state == KeyState::kEvicted);
    CHECK(told.gone_s == 41u);
    REQUIRE(told.lived_s);
    CHECK(*told.lived_s == doctest::Approx(300).epsilon(1.0 / 15));
    CHECK(told.was_read == is_read);
    CHECK(told.chain == ItemChain::kSmall);
    CHECK(told.is_followed);
    CHECK(told.is_in_ghost);
    CHECK(told.collision_chance > 0);
    CHECK(told.collision_chance < 1e-4);
    CHECK_FALSE(told.stored_s);
    const std::string lived = std::to_string(*told.lived_s);
    CHECK(to_string(told) == "Evicted 41 s ago from the small chain, " + lived + " s after it was stored, " +
                                 (is_read ? "having been read." : "without having been read.") +
                                 " With a chance of 1 in 32768 at most, this is about another key.");
  }
}

TEST_CASE("an item that was read twice goes from the main chain") {
  TestCache cache;
  const std::string key = key_always_followed(8 * kMiB);
  REQUIRE(cache->set(key, "1") == StoreResult::kStored);
  for (int i = 0; i < 2; ++i) (void)cache->get(key);
  const std::string value(1000, 'v');
  for (int i = 0; i < 20'000 && cache->explain(key).chain == ItemChain::kSmall; ++i) {
    (void)cache->set("filler" + std::to_string(i), value);
  }
  CHECK(cache->explain(key).state == KeyState::kPresent);
  CHECK(cache->explain(key).chain == ItemChain::kMain);
  CHECK(has(cache->explain(key), "in the main chain"));
  // Others that were read, too, push it out there.
  for (int i = 0; i < 200'000 && cache->contains(key); ++i) {
    const std::string other = "read" + std::to_string(i);
    (void)cache->set(other, value);
    for (int j = 0; j < 2; ++j) (void)cache->get(other);
  }
  const Explanation told = cache->explain(key);
  CHECK(told.state == KeyState::kEvicted);
  CHECK(told.gone_s == 0u);
  CHECK(told.chain == ItemChain::kMain);
  CHECK_FALSE(told.is_in_ghost);
}

TEST_CASE("an expired item: to the millisecond while its room is unclaimed, and then when it was found") {
  TestCache cache;
  cache.clock.advance_ms(1000);
  REQUIRE(cache->set("a", "1", {.expiry = 60s}) == StoreResult::kStored);
  cache.clock.advance_ms(59'999);
  CHECK(cache->explain("a").state == KeyState::kPresent);
  CHECK(cache->explain("a").ttl_ms == 1);
  cache.clock.advance_ms(1);
  CHECK(cache->explain("a").state == KeyState::kExpired);
  CHECK(cache->explain("a").gone_s == 0u);
  cache.clock.advance_ms(20'000);
  Explanation told = cache->explain("a");
  CHECK(told.state == KeyState::kExpired);
  CHECK(told.gone_s == 20u);
  CHECK(told.lived_s == 60u);
  CHECK(told.was_read == false);
  CHECK(told.collision_chance == 0);
  CHECK(to_string(told) ==
        "Expired 20 s ago from the small chain, 60 s after it was stored, without having been read.");
  CHECK_FALSE(cache->get("a"));
  cache.clock.advance_ms(5000);
  told = cache->explain("a");
  CHECK(told.state == KeyState::kExpired);
  CHECK(told.gone_s == 5u);
  CHECK(told.lived_s == 80u);
  CHECK(told.collision_chance > 0);
  CHECK(has(told, "Expired, and removed 5 s ago"));
}

TEST_CASE("an erased item, in each way that callers remove one") {
  TestCache cache;
  const std::string too_long(kItemBytesMax + 1, 'v');
  for (const auto& remove : std::initializer_list<void (*)(Cache&, const std::string&)>{
           [](Cache&of, const std::string&) { CHECK(of.erase("a") == EraseResult::kErased); },
           [](Cache&of, const std::string&) { CHECK(of.touch("a", Expiry(std::chrono::milliseconds(-1)))); },
           [](Cache&of, const std::string&value) { CHECK(of.set("a", value) == StoreResult::kTooLarge); },
           [](Cache&of, const std::string&) {
             CHECK(of.erase_if([](const ItemView& item) { return item.key == "a"; }) == 1);
           }}) {
    REQUIRE(cache->set("a", "1") == StoreResult::kStored);
    CHECK(cache->explain("a").state == KeyState::kPresent);
    cache.clock.advance_ms(7000);
    remove(*cache, too_long);
    cache.clock.advance_ms(2000);
    const Explanation told = cache->explain("a");
    CHECK(told.state == KeyState::kErased);
    CHECK(told.gone_s == 2u);
    CHECK(told.lived_s == 7u);
  }
}

TEST_CASE("what went years ago is told as such") {
  for (const double years : {5.0, 7.9}) {
    TestCache cache;
    REQUIRE(cache->set("a", "1") == StoreResult::kStored);
    CHECK(cache->erase("a") == EraseResult::kErased);
    const auto seconds = static_cast<uint32_t>(years * 365 * 86400);
    cache.clock.advance_ms(seconds * int64_t{1000});
    CHECK(cache->explain("a").gone_s == seconds);
    CHECK(has(cache->explain("a"), "Erased " + std::to_string(seconds / 86400) + " days ago"));
  }
}

TEST_CASE("a replaced item is not gone, and what is told of its removal counts from the last store") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  cache.clock.advance_ms(10'000);
  for (const size_t bytes : {1, 500}) REQUIRE(cache->set("a", std::string(bytes, 'v')) == StoreResult::kStored);
  CHECK(cache->explain("a").state == KeyState::kPresent);
  cache.clock.advance_ms(3000);
  CHECK(cache->erase("a") == EraseResult::kErased);
  CHECK(cache->explain("a").lived_s == 3u);
}

TEST_CASE("a flushed item: as long as its remains are there, and then that there was a flush") {
  TestCache cache;
  for (const char* const key : {"a", "b"}) REQUIRE(cache->set(key, "1") == StoreResult::kStored);
  CHECK_FALSE(cache->explain("a").flushed_s);
  (void)cache->get("b");
  cache.clock.advance_ms(12'000);
  cache->flush_all();
  cache.clock.advance_ms(5000);
  Explanation told = cache->explain("a");
  CHECK(told.state == KeyState::kFlushed);
  CHECK(told.gone_s == 5u);
  CHECK(told.flushed_s == 5u);
  CHECK(told.lived_s == 12u);
  CHECK(told.was_read == false);
  CHECK(cache->explain("b").was_read == true);
  CHECK(told.collision_chance == 0);
  CHECK(to_string(told) ==
        "Flushed 5 s ago from the small chain, 12 s after it was stored, without having been read.");
  // One more flush: when the first one was, is forgotten.
  cache->flush_all();
  cache.clock.advance_ms(1000);
  told = cache->explain("a");
  CHECK(told.state == KeyState::kFlushed);
  CHECK_FALSE(told.gone_s);
  CHECK(told.flushed_s == 1u);
  CHECK(has(told, "Flushed 1 s ago or before"));
  // A miss takes the remains away.
  CHECK_FALSE(cache->get("a"));
  told = cache->explain("a");
  CHECK(told.state == KeyState::kUnknown);
  CHECK(told.flushed_s == 1u);
  CHECK(has(told, "Its namespace was flushed 1 s ago, which took it if it was there."));
}

TEST_CASE("an item that had expired before the flush has expired") {
  TestCache cache;
  REQUIRE(cache->set("a", "1", {.expiry = 10s}) == StoreResult::kStored);
  REQUIRE(cache->set("b", "1", {.expiry = 30s}) == StoreResult::kStored);
  cache.clock.advance_ms(20'000);
  cache->flush_all();
  cache.clock.advance_ms(20'000);
  CHECK(cache->explain("a").state == KeyState::kExpired);
  CHECK(cache->explain("a").gone_s == 30u);
  CHECK(cache->explain("b").state == KeyState::kFlushed);
  CHECK(cache->explain("b").gone_s == 20u);
}

TEST_CASE("whether an item expired before the flush or after it is told to the millisecond") {
  TestCache cache;
  const auto set = [&](const char* key, std::chrono::milliseconds expiry) {
    REQUIRE(cache->set(key, "1", {.expiry = expiry}) == StoreResult::kStored);
  };
  set("before", 20'500ms);
  set("at once", 20'900ms);
  set("after", 20'901ms);
  cache.clock.advance_ms(20'900);
  cache->flush_all();
  cache.clock.advance_ms(5000);
  CHECK(cache->explain("before").state == KeyState::kExpired);
  CHECK(cache->explain("before").gone_s == 5u);
  CHECK(cache->explain("at once").state == KeyState::kExpired);
  CHECK(cache->explain("after").state == KeyState::kFlushed);
  CHECK(cache->explain("after").gone_s == 5u);
}

TEST_CASE("a delayed flush takes effect in its time, and is noted when it does") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  cache->flush_all(10s);
  cache.clock.advance_ms(9999);
  CHECK(cache->explain("a").state == KeyState::kPresent);
  CHECK_FALSE(cache->explain("a").flushed_s);
  cache.clock.advance_ms(1);
  CHECK(cache->explain("a").state == KeyState::kFlushed);
  CHECK(cache->explain("a").gone_s == 0u);
}

TEST_CASE("a delayed flush that comes due while nobody calls was when it was due") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  REQUIRE(cache->set("b", "1", {.expiry = 50s}) == StoreResult::kStored);
  REQUIRE(cache->set("c", "1", {.expiry = 5s}) == StoreResult::kStored);
  cache->flush_all(10s);
  cache.clock.advance_ms(100'000);
  for (const char* const key : {"a", "b"}) {
    CHECK(cache->explain(key).state == KeyState::kFlushed);
    CHECK(cache->explain(key).flushed_s == 90u);
    CHECK(cache->explain(key).gone_s == 90u);
    CHECK(cache->explain(key).lived_s == 10u);
  }
  CHECK(cache->explain("c").state == KeyState::kExpired);
  CHECK(cache->explain("c").gone_s == 95u);
}

TEST_CASE("a flush after a logged removal may have taken a later value, and that is said") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  CHECK(cache->erase("a") == EraseResult::kErased);
  cache.clock.advance_ms(10'000);
  cache->flush_all();
  cache.clock.advance_ms(1000);
  CHECK(cache->explain("a").state == KeyState::kErased);
  CHECK(has(cache->explain("a"), "Its namespace was flushed 1 s ago, which took a later value, if there was one."));
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  CHECK(cache->erase("a") == EraseResult::kErased);
  CHECK_FALSE(has(cache->explain("a"), "flushed"));
}

TEST_CASE("each namespace has its own flushes, and its keys are followed like others") {
  TestCache cache({.memory_limit_bytes = 16 * kMiB, .seed = 1, .namespaces = {{.prefix = "n:"}, {.prefix = "m:"}}});
  for (const char* const key : {"n:a", "m:a", "a", "n:b"}) REQUIRE(cache->set(key, "1") == StoreResult::kStored);
  CHECK(cache->erase("n:b") == EraseResult::kErased);
  cache.clock.advance_ms(1000);
  CHECK(cache->explain("n:b").state == KeyState::kErased);
  CHECK(cache->flush_namespace("n:"));
  CHECK(cache->explain("n:a").state == KeyState::kFlushed);
  CHECK(cache->explain("m:a").state == KeyState::kPresent);
  CHECK(cache->explain("a").state == KeyState::kPresent);
  CHECK(cache->explain("n:b").flushed_s == 0u);
  CHECK_FALSE(cache->explain("m:b").flushed_s);
  CHECK_FALSE(cache->explain("b").flushed_s);
  push_out(cache, "m:a");
  CHECK(cache->explain("m:a").state == KeyState::kEvicted);
  CHECK(cache->explain("m:a").lived_s == 1u);
}

TEST_CASE("what is evicted for a namespace's own limit is evicted") {
  TestCache cache(
      {.memory_limit_bytes = 16 * kMiB, .seed = 1, .namespaces = {{.prefix = "n:", .item_bytes_limit = 100'000}}});
  REQUIRE(cache->set("n:a", "1") == StoreResult::kStored);
  for (int i = 0; i < 10'000 && cache->contains("n:a"); ++i) {
    (void)cache->set("n:" + std::to_string(i), std::string(1000, 'v'));
  }
  CHECK(cache->explain("n:a").state == KeyState::kEvicted);
  CHECK(cache->explain("n:a").gone_s == 0u);
}

TEST_CASE("large items are told as such, there and gone") {
  TestCache cache;
  REQUIRE(cache->set("a", std::string(kItemBytesMax, 'v')) == StoreResult::kStored);
  CHECK(cache->explain("a").is_large);
  CHECK(has(cache->explain("a"), "in the small chain (a large item)"));
  push_out(cache, "a", 10'000);
  CHECK(cache->explain("a").state == KeyState::kEvicted);
  CHECK(cache->explain("a").is_large);
  CHECK(has(cache->explain("a"), "from the small chain (a large item)"));
  REQUIRE(cache->set("a", std::string(kItemBytesMax, 'v')) == StoreResult::kStored);
  CHECK(cache->erase("a") == EraseResult::kErased);
  CHECK(cache->explain("a").state == KeyState::kErased);
  CHECK(cache->explain("a").is_large);
}

TEST_CASE("without eviction nothing is evicted, and the rest is told all the same") {
  TestCache cache({.memory_limit_bytes = 8 * kMiB, .eviction = false, .seed = 1});
  REQUIRE(cache->set("a", "1", {.expiry = 1s}) == StoreResult::kStored);
  REQUIRE(cache->set("b", "1") == StoreResult::kStored);
  int stored = 0;
  while (cache->set("filler" + std::to_string(stored), std::string(1000, 'v')) == StoreResult::kStored) ++stored;
  CHECK(cache->explain("b").state == KeyState::kPresent);
  CHECK(cache->set("b", std::string(100'000, 'v')) == StoreResult::kNoMemory);
  CHECK(cache->explain("b").state == KeyState::kErased);
  cache.clock.advance_ms(1000);
  CHECK(cache->explain("a").state == KeyState::kExpired);
  CHECK_FALSE(cache->get("a"));
  CHECK(cache->explain("a").state == KeyState::kExpired);
}

TEST_CASE("what loaders leave is no item, and its removal is not one of an item") {
  TestCache cache;
  Loader loader(*cache, 1);
  const auto load_nothing = [](std::span<const size_t>, Loader::Deliver) { return absl::NotFoundError("none"); };
  const auto show = [](size_t, std::string_view) { return true; };
  const LoadOptions options{.absent_ttl = 100s};
  CHECK(absl::IsNotFound(loader.get_or_load("a", options, load_nothing, show)));
  CHECK(cache->explain("a").state == KeyState::kUnknown);
  CHECK(cache->erase("a") == EraseResult::kNotFound);
  CHECK(cache->explain("a").state == KeyState::kUnknown);
  // An item in the place of which there is one was removed by the load.
  REQUIRE(cache->set("b", "1") == StoreResult::kStored);
  CHECK(invalidate(*cache, "b") == EraseResult::kErased);
  CHECK(absl::IsNotFound(loader.get_or_load("b", options, load_nothing, show)));
  CHECK_FALSE(cache->contains("b"));
  CHECK(cache->explain("b").state == KeyState::kErased);
  // Nor is it one that expires or is flushed.
  CHECK(absl::IsNotFound(loader.get_or_load("c", options, load_nothing, show)));
  cache.clock.advance_ms(200'000);
  CHECK(cache->explain("c").state == KeyState::kUnknown);
  CHECK_FALSE(cache->get("c"));
  CHECK(cache->explain("c").state == KeyState::kUnknown);
  CHECK(absl::IsNotFound(loader.get_or_load("d", options, load_nothing, show)));
  cache->flush_all();
  CHECK(cache->explain("d").state == KeyState::kUnknown);
}

TEST_CASE("a key that never was: it is said how far back that is known") {
  TestCache cache;
  cache.clock.advance_ms(500'000);
  const Explanation told = cache->explain("a");
  CHECK(told.state == KeyState::kUnknown);
  CHECK(told.is_followed);
  CHECK(told.share_followed == 1);
  CHECK(told.reach_s == 500);
  CHECK_FALSE(told.is_in_ghost);
  CHECK_FALSE(told.flushed_s);
  CHECK(to_string(told) ==
        "Not here. Removals of all keys are logged: it was neither evicted, nor erased, nor found expired in the "
        "last 500 s. It went before that, or was never stored.");
}

TEST_CASE("a flush within the log's reach is what took a key of which nothing is logged, if anything did") {
  TestCache cache;
  cache.clock.advance_ms(500'000);
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  cache.clock.advance_ms(10'000);
  cache->flush_all();
  CHECK_FALSE(cache->get("a"));
  cache.clock.advance_ms(10'000);
  CHECK(to_string(cache->explain("a")) ==
        "Not here. Removals of all keys are logged: it was neither evicted, nor erased, nor found expired in the "
        "last 520 s. Its namespace was flushed 10 s ago, which took it if it was there.");
  // The log begins anew.
  REQUIRE(cache->set_memory_limit(16 * kMiB).ok());
  cache.clock.advance_ms(5000);
  CHECK(to_string(cache->explain("a")) ==
        "Not here. Removals of all keys are logged: it was neither evicted, nor erased, nor found expired in the "
        "last 5 s. It went before that, or was never stored. Its namespace was flushed 15 s ago, which took it if "
        "it was there.");
}

TEST_CASE("of keys that are not followed it is said that they are not, and what the ghost knows") {
  TestCache cache;
  make_rare(cache, 1.0 / 4);
  const std::string followed = key_that_is(cache, true);
  const std::string unfollowed = key_that_is(cache, false);
  for (const std::string& key : {followed, unfollowed}) {
    REQUIRE(cache->set(key, "1") == StoreResult::kStored);
    CHECK(cache->erase(key) == EraseResult::kErased);
  }
  CHECK(cache->explain(followed).state == KeyState::kErased);
  Explanation told = cache->explain(unfollowed);
  CHECK(told.state == KeyState::kUnknown);
  CHECK(told.share_followed == 0.25);
  CHECK(has(told, "Not here. Removals of 1 key in 4 are logged, and this is not one of them. The ghost does not"));

  CHECK(
      has(told, "was stored since. It was erased, expired, was evicted from the main chain or long ago, or was "));
  cache->flush_all();
  CHECK(
      has(cache->explain(unfollowed), "It was erased, expired, was flushed, was evicted from the main chain or "));

  REQUIRE(cache->set(unfollowed, "1") == StoreResult::kStored);
  push_out(cache, unfollowed);
  told = cache->explain(unfollowed);
  CHECK(told.state == KeyState::kEvicted);
  CHECK(told.is_in_ghost);
  CHECK_FALSE(told.gone_s);
  CHECK(told.chain == ItemChain::kSmall);
  CHECK(has(told, "Evicted from the small chain, read once at most"));
  CHECK(has(told, "and this is not one of them"));
  CHECK(has(told, "With a chance of 1 in 2097152 at most"));
}

TEST_CASE("maintenance has all keys followed again when removals have become few") {
  TestCache cache;
  make_rare(cache, 1.0 / 4);
  for (int i = 0; i < 3; ++i) {
    cache.clock.advance_ms(600'000);
    (void)cache->maintain();
  }
  CHECK(cache->explain("a").share_followed == 1);
}

TEST_CASE("a followed key of which nothing is logged is told with how far back that is so") {
  TestCache cache;
  make_rare(cache, 1.0 / 2);
  std::string key;
  for (int i = 0; key.empty(); ++i) {
    const std::string candidate = "new" + std::to_string(i);
    if (cache->explain(candidate).is_followed) key = candidate;
  }
  CHECK(has(cache->explain(key), "Removals of 1 key in 2 are logged, and this is one of them: it was neither"));
}

TEST_CASE("a listener, which is told by the same operations, changes nothing") {
  struct Listener : RemovalListener {
    void removed(const RemovedItem&, Removal) override { ++count; }
    int count = 0;
  } listener;
  TestCache cache({.memory_limit_bytes = 8 * kMiB, .seed = 1, .removal_listener = &listener});
  for (const char* const key : {"a", "b", "c"}) REQUIRE(cache->set(key, "1") == StoreResult::kStored);
  CHECK(cache->erase("b") == EraseResult::kErased);
  CHECK(listener.count == 1);
  CHECK(cache->explain("b").state == KeyState::kErased);
  push_out(cache, "a");
  CHECK(cache->explain("a").state == KeyState::kEvicted);
  REQUIRE(cache->set("d", "1") == StoreResult::kStored);
  cache->flush_all();
  CHECK(cache->explain("d").state == KeyState::kFlushed);
  CHECK_FALSE(cache->get("d"));
  CHECK(cache->explain("d").state == KeyState::kUnknown);
}

TEST_CASE("the log follows a limit that is lowered to a tenth and raised again") {
  if (internal::os_page_bytes() > 64 * kMiB / 10 / 128) return;  // a tenth has no log
  TestCache cache({.memory_limit_bytes = 64 * kMiB, .seed = 1});
  const auto log_bytes = [](size_t limit) {
    return internal::round_up(std::min(std::bit_floor(limit / 512), kMiB), internal::os_page_bytes());
  };
  CHECK(cache->stats().removal_log_bytes == log_bytes(64 * kMiB));
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  CHECK(cache->erase("a") == EraseResult::kErased);
  CHECK(cache->explain("a").state == KeyState::kErased);
  const std::string key = key_always_followed(64 * kMiB);
  const std::string value(1000, 'v');
  for (int i = 0; i < 100'000; ++i) (void)cache->set("filler" + std::to_string(i), value);
  for (const size_t limit : {64 * kMiB / 10, 64 * kMiB, 1024 * kMiB, 64 * kMiB}) {
    CAPTURE(limit);
    cache.clock.advance_ms(10'000);
    REQUIRE(cache->set_memory_limit(limit).ok());
    CHECK(cache->stats().removal_log_bytes == log_bytes(limit));
    CHECK(cache->stats().memory_used_bytes <= limit);
    CHECK(cache->explain("a").state == KeyState::kUnknown);
    CHECK(cache->explain(key).state == KeyState::kUnknown);
    CHECK(cache->explain(key).reach_s == 0);
    REQUIRE(cache->set(key, "1") == StoreResult::kStored);
    CHECK(cache->erase(key) == EraseResult::kErased);
    CHECK(cache->explain(key).state == KeyState::kErased);
    CHECK(cache->explain(key).lived_s == 0u);
  }
}

TEST_CASE("a limit that is refused at once leaves the log as it was") {
  TestCache cache({.memory_limit_bytes = 64 * kMiB, .seed = 1});
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  CHECK(cache->erase("a") == EraseResult::kErased);
  add_external_bytes(*cache, 40 * kMiB);
  const uint64_t bytes = cache->stats().removal_log_bytes;
  CHECK_FALSE(cache->set_memory_limit(16 * kMiB).ok());
  CHECK(cache->stats().removal_log_bytes == bytes);
  CHECK(cache->explain("a").state == KeyState::kErased);
  add_external_bytes(*cache, -static_cast<int64_t>(40 * kMiB));
}

TEST_CASE("a limit to which the items cannot be brought is taken back, and the log is as large as before") {
  TestCache cache({.memory_limit_bytes = 64 * kMiB, .eviction = false, .seed = 1});
  const std::string value(100'000, 'v');
  for (int i = 0; i < 400; ++i) REQUIRE(cache->set(std::to_string(i), value) == StoreResult::kStored);
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  CHECK(cache->erase("a") == EraseResult::kErased);
  cache.clock.advance_ms(5000);
  const uint64_t bytes = cache->stats().removal_log_bytes;
  // With pages of 64 KiB, the lower one has no log at all.
  for (const size_t limit : {16 * kMiB, 7 * kMiB}) {
    CAPTURE(limit);
    CHECK_FALSE(cache->set_memory_limit(limit).ok());
    CHECK(cache->stats().memory_limit_bytes == 64 * kMiB);
    CHECK(cache->stats().removal_log_bytes == bytes);
    // It was smaller in between, and has forgotten what it knew.
    CHECK(cache->explain("a").state == KeyState::kUnknown);
    CHECK(cache->explain("a").reach_s == 0);
    REQUIRE(cache->set("a", "1") == StoreResult::kStored);
    CHECK(cache->erase("a") == EraseResult::kErased);
    CHECK(cache->explain("a").state == KeyState::kErased);
    cache.clock.advance_ms(5000);
  }
}

TEST_CASE("the smallest cache has a log of one page, where pages are small") {
  TestCache cache({.memory_limit_bytes = kMiB, .item_bytes_max = 1024, .seed = 1});
  const size_t page_bytes = internal::os_page_bytes();
  CHECK(cache->stats().removal_log_bytes == (page_bytes <= kMiB / 128 ? page_bytes : 0));
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  CHECK(cache->erase("a") == EraseResult::kErased);
  if (cache->stats().removal_log_bytes > 0) {
    CHECK(cache->explain("a").state == KeyState::kErased);
  } else {
    CHECK(cache->explain("a").share_followed == 0);
    CHECK(has(cache->explain("a"), "Removals are not logged: the memory limit is too low for that."));
  }
}

TEST_CASE("of a key that cannot be one nothing is known") {
  TestCache cache;
  for (const std::string& key : {std::string(), std::string(kKeyBytesMax + 1, 'k')}) {
    CHECK(cache->explain(key).state == KeyState::kUnknown);
    CHECK_FALSE(cache->explain(key).is_followed);
  }
  const std::string longest(kKeyBytesMax, 'k');
  REQUIRE(cache->set(longest, "1") == StoreResult::kStored);
  CHECK(cache->explain(longest).state == KeyState::kPresent);
  CHECK(cache->erase(longest) == EraseResult::kErased);
  CHECK(cache->explain(longest).state == KeyState::kErased);
}

TEST_CASE("each state and chain has a name") {
  const KeyState states[] = {KeyState::kPresent, KeyState::kEvicted, KeyState::kExpired,
                             KeyState::kErased,  KeyState::kFlushed, KeyState::kUnknown};
  std::string names;
  for (const KeyState state : states) names.append(to_string(state)).append(" ");
  CHECK(names == "present evicted expired erased flushed unknown ");
  CHECK(to_string(ItemChain::kSmall) == "small");
  CHECK(to_string(ItemChain::kMain) == "main");
}

}  // namespace
}  // namespace larder
