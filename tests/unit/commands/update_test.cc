#include "larder/internal/commands/update.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../test_cache.h"
#include "doctest/doctest.h"
#include "larder/renewal.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

TEST_CASE("update stores what the updater makes of the item, or of none") {
  TestCache cache;
  std::string text;
  const auto add_a_letter = [&](const ItemView* item) {
    text = item != nullptr ? std::string(item->value) + "b" : "a";
    return Update::store(text);
  };
  const UpdateOutcome first = cache->update("key", add_a_letter);
  CHECK(first.status == UpdateStatus::kStored);
  CHECK(first.cas == cache->peek("key")->cas);
  CHECK(cache.value("key") == "a");
  const UpdateOutcome second = cache->update("key", add_a_letter);
  CHECK(second.status == UpdateStatus::kStored);
  CHECK(second.cas == cache->peek("key")->cas);
  CHECK(second.cas != first.cas);
  CHECK(cache.value("key") == "ab");
  CHECK(cache->stats().stores == 2);
  CHECK(cache->stats().items_stored == 2);
}

TEST_CASE("flags and expiry stay as they are unless the updater gives others") {
  TestCache cache;
  REQUIRE(cache->set("key", "v", {.flags = 5, .expiry = 10s}) == StoreResult::kStored);
  (void)cache->update("key", [](const ItemView* item) {
    CHECK(item->flags == 5);
    CHECK(item->ttl_ms == 10'000);
    return Update::store("w");
  });
  CHECK(cache->get("key")->flags == 5);
  CHECK(cache->get("key")->ttl_ms == 10'000);
  (void)cache->update("key", [](const ItemView*) { return Update::store("x", 20s, 6); });
  CHECK(cache->get("key")->flags == 6);
  CHECK(cache->get("key")->ttl_ms == 20'000);
  (void)cache->update("key", [](const ItemView*) { return Update::store("y", Expiry::never()); });
  CHECK(cache->get("key")->ttl_ms == kNeverExpires);
  (void)cache->update("new", [](const ItemView*) { return Update::store("z"); });
  CHECK(cache->get("new")->flags == 0);
  CHECK(cache->get("new")->ttl_ms == kNeverExpires);
}

TEST_CASE("a temporary string that the updater returns is stored as it was") {
  TestCache cache;
  const auto add_letters = [](const ItemView* item) {
    return Update::store((item != nullptr ? std::string(item->value) : std::string()) + std::string(100, 'x'));
  };
  CHECK(cache->update("key", add_letters).status == UpdateStatus::kStored);
  CHECK(cache.value("key") == std::string(100, 'x'));
  CHECK(cache->update("key", add_letters).status == UpdateStatus::kStored);
  CHECK(cache.value("key") == std::string(200, 'x'));
  // So short that it lies in the string itself.
  CHECK(cache->update("key", [](const ItemView*) { return Update::store(std::string("short")); }).status ==
        UpdateStatus::kStored);
  CHECK(cache.value("key") == "short");
}

TEST_CASE("Update owns what only it may still have, and views what others have") {
  struct Text {
    operator std::string_view() const { return letters; }  // NOLINT
    std::string letters = std::string(100, 't');
  };
  const auto owns = [](const Update& update) { return update.owned.has_value(); };
  std::string text(100, 's');
  const std::string& constant = text;
  CHECK(owns(Update::store(text + "x")));
  CHECK(Update::store(text + "x").bytes() == text + "x");
  CHECK(owns(Update::store(Text())));
  CHECK(Update::store(Text()).bytes() == Text().letters);
  CHECK(owns(Update::store(std::as_const(text) + "x", std::chrono::seconds(1), 2)));
  CHECK(Update::store(text).bytes().data() == text.data());
  CHECK(Update::store(constant).bytes().data() == text.data());
  CHECK(Update::store(std::string_view(text)).bytes().data() == text.data());
  CHECK(Update::store(text.c_str()).bytes().data() == text.data());
  CHECK_FALSE(owns(Update::store("literal")));
  CHECK(Update::store(std::move(text)).bytes() == std::string(100, 's'));
}

TEST_CASE("update stores a part of the item's own value, in place or elsewhere") {
  TestCache cache;
  const std::string half(400, 'h');
  REQUIRE(cache->set("key", half + "middle" + half) == StoreResult::kStored);
  for (const std::string& part : {half + "middle", std::string("middle")}) {
    (void)cache->update("key", [&](const ItemView* item) {
      return Update::store(item->value.substr(item->value.find(part), part.size()));
    });
    CHECK(cache.value("key") == part);
  }
}

TEST_CASE("update erases, or leaves everything as it is") {
  TestCache cache;
  REQUIRE(cache->set("key", "v", {.flags = 5, .expiry = 10s}) == StoreResult::kStored);
  const uint64_t number = cache->peek("key")->cas;
  CHECK(cache->update("key", [](const ItemView*) { return Update::leave(); }).status == UpdateStatus::kLeft);
  CHECK(cache->peek("key")->cas == number);
  CHECK(cache->peek("key")->ttl_ms == 10'000);
  CHECK(cache->update("key", [](const ItemView*) { return Update::erase(); }).status == UpdateStatus::kErased);
  CHECK_FALSE(cache->contains("key"));
  CHECK(cache->update("key", [](const ItemView*) { return Update::erase(); }).status == UpdateStatus::kLeft);
  CHECK(cache->update("key", [](const ItemView*) { return Update::leave(); }).status == UpdateStatus::kLeft);
  CHECK(cache->stats().erase_hits == 1);
  CHECK(cache->stats().stores == 1);
}

TEST_CASE("an expiry already past stores nothing that could be found") {
  TestCache cache;
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  const UpdateOutcome outcome = cache->update("key", [](const ItemView*) { return Update::store("w", -1s); });
  CHECK(outcome.status == UpdateStatus::kStored);
  CHECK(outcome.cas == 0);
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("an expired item is none to an updater") {
  TestCache cache;
  REQUIRE(cache->set("key", "v", {.expiry = 1s}) == StoreResult::kStored);
  cache.clock.advance_ms(1000);
  (void)cache->update("key", [](const ItemView* item) {
    CHECK(item == nullptr);
    return Update::leave();
  });
}

TEST_CASE("what an update stores is neither stale nor won") {
  TestCache cache;
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  REQUIRE(invalidate(*cache, "key") == EraseResult::kErased);
  REQUIRE(read(*cache, "key", {}, [](const Reading& reading) { CHECK(reading.has_won); }));
  (void)cache->update("key", [](const ItemView* item) {
    CHECK(item->is_stale);
    CHECK(item->is_won);
    return Update::store("w");
  });
  CHECK_FALSE(cache->peek("key")->is_stale);
  CHECK_FALSE(cache->peek("key")->is_won);
}

TEST_CASE("a value that is too long, and a bad key, leave everything as it is") {
  TestCache cache;
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  const std::string long_value(kItemBytesMax + 1, 'v');
  CHECK(cache->update("key", [&](const ItemView*) { return Update::store(long_value); }).status ==
        UpdateStatus::kTooLarge);
  CHECK(cache.value("key") == "v");
  CHECK(cache->stats().store_too_large == 1);
  const auto fail = [](const ItemView*) {
    FAIL("called");
    return Update::leave();
  };
  CHECK(cache->update("", fail).status == UpdateStatus::kBadKey);
  CHECK(cache->update(std::string(kKeyBytesMax + 1, 'k'), fail).status == UpdateStatus::kBadKey);
}

TEST_CASE("an update that finds no room leaves the item as it is") {
  TestCache cache(
      {.memory_limit_bytes = size_t{1} << 20, .item_bytes_max = kItemBytesMax, .eviction = false, .seed = 1});
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  for (int i = 0; cache->set("fill" + std::to_string(i), std::string(500, 'f')) == StoreResult::kStored; ++i) {
  }
  const std::string value(100'000, 'w');
  CHECK(cache->update("key", [&](const ItemView*) { return Update::store(value); }).status ==
        UpdateStatus::kNoMemory);
  CHECK(cache.value("key") == "v");
}

TEST_CASE("out of an updater that throws, the item comes unchanged, and the cache works on") {
  TestCache cache;
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  CHECK_THROWS_AS((void)cache->update("key", [](const ItemView*) -> Update { throw std::runtime_error("no"); }),
                  std::runtime_error);
  CHECK(cache.value("key") == "v");
  CHECK(cache->set("key", "w") == StoreResult::kStored);
}

TEST_CASE("updates of one key by many threads are each one step") {
  TestCache cache;
  constexpr int kThreads = 4;
  constexpr int kUpdates = 5000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      std::string text;
      for (int n = 0; n < kUpdates; ++n) {
        (void)cache->update("key", [&](const ItemView* item) {
          text = std::to_string((item != nullptr ? std::stoi(std::string(item->value)) : 0) + 1);
          return Update::store(text);
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(cache.value("key") == std::to_string(kThreads * kUpdates));
}

}  // namespace
}  // namespace larder
