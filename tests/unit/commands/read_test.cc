// larder::read: winning, renewing, and what is known of an item's past.
#include <chrono>
#include <string>

#include "../test_cache.h"
#include "doctest/doctest.h"
#include "larder/renewal.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

// What read shows, as copies.
struct Seen {
  bool is_found = false;
  std::string value;
  Reading reading;
};

Seen read(TestCache& cache, std::string_view key, const ReadOptions& options = {}) {
  Seen seen;
  seen.is_found = read(*cache, key, options, [&](const Reading& reading) {
    seen.value = reading.item.value;
    seen.reading = reading;
    CHECK(reading.item.key == key);
  });
  return seen;
}

TEST_CASE("a plain read shows the item and wins nothing") {
  TestCache cache;
  CHECK_FALSE(read(cache, "k").is_found);
  (void)cache->set("k", "v", {.flags = 3, .expiry = 10s});
  const Seen seen = read(cache, "k");
  CHECK(seen.is_found);
  CHECK(seen.value == "v");
  CHECK(seen.reading.item.flags == 3);
  CHECK(seen.reading.item.ttl_ms == 10'000);
  CHECK(seen.reading.previous_ttl_ms == 10'000);
  CHECK_FALSE(seen.reading.has_won);
  CHECK_FALSE(seen.reading.item.is_won);
  CHECK_FALSE(read(*cache, "", {}, [](const Reading&) {}));
}

TEST_CASE("a missing key is created by the first reader who offers to, who wins it") {
  TestCache cache;
  const ReadOptions options{.vivify = SetOptions{.flags = 6, .expiry = 30s, .cas = 77, .is_key_binary = true}};
  Seen seen = read(cache, "k", options);
  CHECK(seen.is_found);
  CHECK(seen.value.empty());
  CHECK(seen.reading.is_created);
  CHECK(seen.reading.has_won);
  CHECK(seen.reading.item.ttl_ms == 30'000);
  CHECK(seen.reading.previous_ttl_ms == 30'000);
  CHECK(seen.reading.item.cas == 77);
  CHECK(seen.reading.item.flags == 6);
  CHECK(seen.reading.item.is_key_binary);
  seen = read(cache, "k", options);
  CHECK_FALSE(seen.reading.is_created);
  CHECK_FALSE(seen.reading.has_won);
  CHECK(seen.reading.item.is_won);
  CHECK(seen.reading.item.is_key_binary);
  CHECK(cache.value("k").empty());
  CHECK(cache->add("k", "v") == StoreResult::kNotStored);
  cache.clock.advance_ms(30'000);
  CHECK(read(cache, "k", options).reading.has_won);
}

TEST_CASE("what is created with an expiry that is past is shown to its winner alone") {
  TestCache cache;
  const Seen seen = read(cache, "k", {.vivify = SetOptions{.expiry = -1s}});
  CHECK(seen.reading.has_won);
  CHECK(seen.reading.item.ttl_ms == 0);
  CHECK_FALSE(cache->contains("k"));
}

TEST_CASE("one reader wins a stale item, the others see that it is won, until it is stored") {
  TestCache cache;
  (void)cache->set("k", "v");
  CHECK(invalidate(*cache, "k") == EraseResult::kErased);
  Seen seen = read(cache, "k");
  CHECK(seen.reading.has_won);
  CHECK(seen.reading.item.is_stale);
  for (int i = 0; i < 3; ++i) {
    seen = read(cache, "k");
    CHECK_FALSE(seen.reading.has_won);
    CHECK(seen.reading.item.is_won);
    CHECK(seen.reading.item.is_stale);
    CHECK(seen.value == "v");
  }
  CHECK(cache->touch("k", 10s));
  CHECK(read(cache, "k").reading.item.is_won);
  (void)cache->set("k", "w");
  seen = read(cache, "k");
  CHECK_FALSE(seen.reading.item.is_won);
  CHECK_FALSE(seen.reading.item.is_stale);
}

TEST_CASE("a read that wins counts as one use") {
  TestCache cache;
  (void)cache->set("k", "v");
  CHECK(invalidate(*cache, "k") == EraseResult::kErased);
  CHECK(read(cache, "k").reading.has_won);
  CHECK(inspect(*cache, "k")->frequency == 1);
}

TEST_CASE("an item is won when less than the recache time is left of it, and never if it does not expire") {
  TestCache cache;
  (void)cache->set("k", "v", {.expiry = 20s});
  CHECK_FALSE(read(cache, "k", {.recache = 20s}).reading.has_won);
  CHECK_FALSE(read(cache, "k", {.recache = -1s}).reading.has_won);
  CHECK(read(cache, "k", {.recache = 20'001ms}).reading.has_won);
  CHECK_FALSE(read(cache, "k", {.recache = 20'001ms}).reading.has_won);
  (void)cache->set("forever", "v");
  CHECK_FALSE(read(cache, "forever", {.recache = std::chrono::hours(24 * 365)}).reading.has_won);
}

TEST_CASE("a read may set a new expiry, and tells both; recache goes by the old one") {
  TestCache cache;
  (void)cache->set("k", "v", {.expiry = 10s});
  const uint64_t cas = cache->peek("k")->cas;
  const Seen seen = read(cache, "k", {.expiry = 60s, .recache = 30s});
  CHECK(seen.reading.item.ttl_ms == 60'000);
  CHECK(seen.reading.previous_ttl_ms == 10'000);
  CHECK(seen.reading.has_won);
  CHECK(seen.reading.item.cas == cas);
  CHECK(cache->peek("k")->ttl_ms == 60'000);
  CHECK(read(cache, "k", {.expiry = -1s}).value == "v");
  CHECK_FALSE(cache->contains("k"));
  CHECK_FALSE(read(cache, "k", {.expiry = 5s}).is_found);
}

TEST_CASE("a new expiry goes for an item that is created, too") {
  TestCache cache;
  const Seen seen = read(cache, "k", {.expiry = 60s, .vivify = SetOptions{.expiry = 30s}});
  CHECK(seen.reading.previous_ttl_ms == 30'000);
  CHECK(seen.reading.item.ttl_ms == 60'000);
  CHECK(cache->peek("k")->ttl_ms == 60'000);
}

TEST_CASE("the other ways to read win nothing") {
  TestCache cache;
  (void)cache->set("k", "v");
  CHECK(invalidate(*cache, "k") == EraseResult::kErased);
  CHECK(cache->get("k")->is_stale);
  CHECK(cache->peek("k")->is_stale);
  CHECK(cache->contains("k"));
  CHECK_FALSE(cache->get_and_touch("k", 10s)->is_won);
  CHECK(visit_and_touch(*cache, "k", 10s, [](const ItemView&) {}));
  CHECK_FALSE(read(cache, "k", {.recache = 20s, .may_win = false}).reading.has_won);
  CHECK_FALSE(cache->get("k")->is_won);
  CHECK(read(cache, "k").reading.has_won);
}

TEST_CASE("long items are read, won and renewed like short ones") {
  TestCache cache;
  const std::string value(kItemBytesMax, 'v');
  (void)cache->set("k", value, {.expiry = 10s});
  CHECK(read(cache, "k").value == value);
  CHECK(read(cache, "k", {.recache = 20s}).reading.has_won);
  const Seen seen = read(cache, "k", {.expiry = 50s, .wants_history = true});
  CHECK(seen.value == value);
  CHECK(seen.reading.item.is_won);
  CHECK(cache.value("k") == value);
}

TEST_CASE("reads count as gets, what is found with an expiry as touches, and what they create besides") {
  TestCache cache;
  (void)read(cache, "k");
  (void)read(cache, "k", {.vivify = SetOptions{}});
  (void)read(cache, "k", {.marks_used = false});
  (void)read(cache, "k", {.expiry = 5s});
  (void)read(cache, "l", {.expiry = 5s});
  const Stats stats = cache->stats();
  CHECK(stats.get_misses == 2);
  CHECK(stats.get_hits == 2);
  CHECK(stats.vivified == 1);
  CHECK(stats.touch_hits == 1);
  CHECK(stats.touch_misses == 0);
  CHECK(stats.items_stored == 1);
}

TEST_CASE("with a full cache that may not evict, nobody wins, and the item is still shown") {
  TestCache cache(
      {.memory_limit_bytes = size_t{1} << 20, .item_bytes_max = kItemBytesMax, .eviction = false, .seed = 1});
  (void)cache->set("k", "value", {.expiry = 10s});
  for (int i = 0; cache->set("filler " + std::to_string(i), std::string(100, 'f')) == StoreResult::kStored; ++i) {
  }
  for (int i = 0; cache->set("small " + std::to_string(i), "") == StoreResult::kStored; ++i) {
  }
  const Seen seen = read(cache, "k", {.recache = 20s});
  CHECK(seen.value == "value");
  CHECK(seen.reading.has_won == seen.reading.item.is_won);
  CHECK(seen.reading.has_won == cache->peek("k")->is_won);
  const Seen created = read(cache, "new", {.vivify = SetOptions{}});
  CHECK(created.is_found == cache->contains("new"));
}

// --- history ---

TEST_CASE("an item is idle since its last change, and once it was asked about, since its last access") {
  TestCache cache;
  (void)cache->set("k", "v");
  cache.clock.advance_ms(5'000);
  Seen seen = read(cache, "k", {.wants_history = true});
  CHECK_FALSE(seen.reading.was_fetched);
  CHECK(seen.reading.idle_s == 5);
  cache.clock.advance_ms(3'000);
  seen = read(cache, "k", {.wants_history = true});
  CHECK(seen.reading.was_fetched);
  CHECK(seen.reading.idle_s == 3);
  cache.clock.advance_ms(3'000);
  CHECK(cache.value("k") == "v");
  cache.clock.advance_ms(1'000);
  CHECK(read(cache, "k", {.wants_history = true}).reading.idle_s == 1);
  cache.clock.advance_ms(7'000);
  (void)cache->set("k", "w");
  cache.clock.advance_ms(2'000);
  seen = read(cache, "k", {.wants_history = true});
  CHECK(seen.reading.idle_s == 2);
  CHECK_FALSE(seen.reading.was_fetched);
}

TEST_CASE("an item that is stored over an expired one has nothing of it") {
  TestCache cache;
  (void)cache->set("k", "v", {.expiry = Expiry(2s)});
  const size_t untracked_bytes = inspect(*cache, "k")->item_bytes;
  (void)read(cache, "k", {.wants_history = true});
  cache.clock.advance_ms(5'000);
  (void)cache->set("k", "v", {.expiry = Expiry(20s)});
  CHECK(inspect(*cache, "k")->item_bytes == untracked_bytes);
}

TEST_CASE("reads of items that nobody has asked about are not recorded, but for having happened") {
  TestCache cache;
  (void)cache->set("k", "v");
  cache.clock.advance_ms(5'000);
  CHECK(cache.value("k") == "v");
  cache.clock.advance_ms(5'000);
  const Seen seen = read(cache, "k", {.wants_history = true});
  CHECK(seen.reading.was_fetched);
  CHECK(seen.reading.idle_s == 10);
}

TEST_CASE("a read that leaves no trace begins no record and adds nothing to one") {
  TestCache cache;
  (void)cache->set("k", "v");
  const size_t bytes = inspect(*cache, "k")->item_bytes;
  cache.clock.advance_ms(2'000);
  const ReadOptions quiet{.marks_used = false, .wants_history = true};
  for (int i = 0; i < 2; ++i) {
    const Seen seen = read(cache, "k", quiet);
    CHECK_FALSE(seen.reading.was_fetched);
    CHECK(seen.reading.idle_s == 2);
  }
  CHECK(inspect(*cache, "k")->item_bytes == bytes);
  (void)read(cache, "k", {.wants_history = true});
  cache.clock.advance_ms(4'000);
  for (int i = 0; i < 2; ++i) CHECK(read(cache, "k", quiet).reading.idle_s == 4);
  CHECK(read(cache, "k", {.recache = 1s, .marks_used = false}).is_found);
  CHECK(cache->peek("k"));
  CHECK(read(cache, "k", quiet).reading.idle_s == 4);
}

TEST_CASE("a touch is an access, winning an item without a trace is none") {
  TestCache cache;
  (void)cache->set("k", "v", {.expiry = 100s});
  (void)read(cache, "k", {.wants_history = true});
  cache.clock.advance_ms(4'000);
  CHECK(read(cache, "k", {.recache = 1000s, .marks_used = false}).reading.has_won);
  CHECK(inspect(*cache, "k")->idle_s == 4);
  CHECK(cache->touch("k", 50s));
  CHECK(inspect(*cache, "k")->idle_s == 0);
}

TEST_CASE("of an item with a chosen CAS number nothing is known until it is asked about") {
  TestCache cache;
  (void)cache->set("k", "v", {.cas = 1000});
  cache.clock.advance_ms(4'000);
  CHECK(read(cache, "k", {.wants_history = true}).reading.idle_s == 0);
  cache.clock.advance_ms(4'000);
  CHECK(read(cache, "k", {.wants_history = true}).reading.idle_s == 4);
}

TEST_CASE("the accesses of a long item are recorded, too") {
  TestCache cache;
  (void)cache->set("k", std::string(20'000, 'v'));
  (void)read(cache, "k", {.wants_history = true});
  cache.clock.advance_ms(4'000);
  CHECK(cache.value("k").size() == 20'000);
  cache.clock.advance_ms(1'000);
  CHECK(inspect(*cache, "k")->idle_s == 1);
}

// --- presence ---

TEST_CASE("what is left of an item can be told until a get comes upon it") {
  TestCache cache;
  CHECK(presence(*cache, "") == Presence::kMissing);
  for (const bool is_flushed : {false, true}) {
    CAPTURE(is_flushed);
    CHECK(presence(*cache, "k") == Presence::kMissing);
    (void)cache->set("k", "v", {.expiry = 5s});
    CHECK(presence(*cache, "k") == Presence::kPresent);
    is_flushed ? cache->flush_all() : cache.clock.advance_ms(5'000);
    for (int i = 0; i < 2; ++i) {
      CHECK(presence(*cache, "k") == (is_flushed ? Presence::kFlushed : Presence::kExpired));
    }
    CHECK_FALSE(cache->get("k"));
  }
  CHECK(presence(*cache, "k") == Presence::kMissing);
  CHECK(cache->stats().get_misses == 2);
}

// --- inspect ---

TEST_CASE("an inspection tells all there is to an item and leaves no trace") {
  TestCache cache;
  CHECK_FALSE(inspect(*cache, "k"));
  CHECK_FALSE(inspect(*cache, ""));
  (void)cache->set("k", "value", {.flags = 3, .expiry = 10s, .cas = 99, .is_key_binary = true});
  cache.clock.advance_ms(4'000);
  for (int i = 0; i < 2; ++i) {
    const ItemDetails details = *inspect(*cache, "k");
    CHECK(details.value_bytes == 5);
    CHECK(details.item_bytes >= 4 + 1 + 8 + 5 + 4 + 5 + 5);
    CHECK(details.flags == 3);
    CHECK(details.cas == 99);
    CHECK(details.ttl_ms == 6'000);
    CHECK(details.is_key_binary);
    CHECK_FALSE(details.is_stale);
    CHECK_FALSE(details.is_won);
    CHECK_FALSE(details.was_fetched);
    CHECK(details.frequency == 0);
  }
  CHECK(cache->get("k"));
  CHECK(inspect(*cache, "k")->was_fetched);
  CHECK(inspect(*cache, "k")->frequency == 1);
  CHECK(cache->stats().get_hits == 1);
  cache.clock.advance_ms(6'000);
  CHECK_FALSE(inspect(*cache, "k"));
}

}  // namespace
}  // namespace larder
