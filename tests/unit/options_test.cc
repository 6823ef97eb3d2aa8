#include "larder/options.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMiB = size_t{1} << 20;

absl::Status create_status(size_t memory_limit_bytes, size_t item_bytes_max) {
  Options options;
  options.memory_limit_bytes = memory_limit_bytes;
  options.item_bytes_max = item_bytes_max;
  return Cache::create(options).status();
}

std::unique_ptr<Cache> cache_of(const Options& options) {
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create(options);
  REQUIRE(cache.ok());
  return *std::move(cache);
}

bool is_invalid(const absl::Status& status, const std::string& field, size_t value) {
  const std::string message(status.message());
  return status.code() == absl::StatusCode::kInvalidArgument && message.find(field) != std::string::npos &&
         message.find(std::to_string(value)) != std::string::npos;
}

// --- making a cache ----------------------------------------------------------------------------------------

TEST_CASE("a cache can be made with nothing said, and tells the time by itself") {
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create();
  REQUIRE(cache.ok());
  CHECK((*cache)->stats().memory_limit_bytes == 64 * kMiB);
  CHECK((*cache)->set("key", "value", {.flags = 0, .expiry = 1h}) == StoreResult::kStored);
  const int64_t ttl_ms = (*cache)->get("key").value().ttl_ms;
  CHECK(ttl_ms > 3'000'000);
  CHECK(ttl_ms <= 3'600'000);
}

TEST_CASE("a memory limit on either side of its bounds is taken or refused by name and value") {
  CHECK(create_status(kMemoryLimitBytesMin, 1024).ok());
  CHECK(is_invalid(create_status(kMemoryLimitBytesMin - 1, 1024), "memory_limit_bytes", kMemoryLimitBytesMin - 1));
  CHECK(is_invalid(create_status(0, 1024), "memory_limit_bytes", 0));
  CHECK(is_invalid(create_status(kMemoryLimitBytesMax + 1, 1024), "memory_limit_bytes", kMemoryLimitBytesMax + 1));
}

TEST_CASE("an item size on either side of its bounds is taken or refused by name and value") {
  CHECK(create_status(kMiB, kItemBytesMaxMin).ok());
  CHECK(is_invalid(create_status(kMiB, kItemBytesMaxMin - 1), "item_bytes_max", kItemBytesMaxMin - 1));
  CHECK(create_status(kMiB, kMiB / 4).ok());
  CHECK(is_invalid(create_status(kMiB, kMiB / 4 + 1), "item_bytes_max", kMiB / 4 + 1));
  CHECK(is_invalid(create_status(kMemoryLimitBytesMax, kItemBytesMaxMax + 1), "item_bytes_max",
                   kItemBytesMaxMax + 1));
}

TEST_CASE("what may be pinned on either side of its bounds is taken or refused by name and value") {
  const auto status = [](size_t bytes) {
    return Cache::create({.memory_limit_bytes = kMiB, .item_bytes_max = 1024, .pinned_bytes_max = bytes}).status();
  };
  CHECK(status(0).ok());
  CHECK(status(kMiB / 2).ok());
  CHECK(is_invalid(status(kMiB / 2 + 1), "pinned_bytes_max", kMiB / 2 + 1));
}

TEST_CASE("the smallest cache keeps small items and items of the longest size") {
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = kMemoryLimitBytesMin, .item_bytes_max = kMemoryLimitBytesMin / 4, .seed = 1});
  CHECK(cache->set("small", "v") == StoreResult::kStored);
  CHECK(cache->set("large", std::string(kMemoryLimitBytesMin / 4, 'v')) == StoreResult::kStored);
  CHECK(cache->contains("small"));
  CHECK(cache->contains("large"));
}

// --- cas ---------------------------------------------------------------------------------------------------

TEST_CASE("without cas every number is 0, cas on a present key answers exists and items are smaller") {
  ManualClock clock;
  const std::unique_ptr<Cache> with = cache_of({.memory_limit_bytes = kMiB, .item_bytes_max = 1024, .seed = 1});
  const std::unique_ptr<Cache> without =
      cache_of({.memory_limit_bytes = kMiB, .item_bytes_max = 1024, .cas = false, .clock = &clock, .seed = 1});
  for (const auto& cache : {std::cref(with), std::cref(without)}) {
    CHECK(cache.get()->set("key", std::string(40, 'v')) == StoreResult::kStored);
  }
  CHECK(with->get("key")->cas != 0);
  CHECK(without->get("key")->cas == 0);
  CHECK(without->stats().item_bytes < with->stats().item_bytes);
  CHECK(without->cas("missing", "v", 0) == StoreResult::kNotFound);
  CHECK(without->cas("key", "v", 0) == StoreResult::kExists);
  CHECK(without->cas("key", "v", 1) == StoreResult::kExists);
  CHECK(without->get("key")->value == std::string(40, 'v'));
  CHECK(without->append("key", "w") == StoreResult::kStored);
  CHECK(without->touch("key", 1s));
  CHECK(without->get("key")->cas == 0);
  CHECK(without->erase("key", 5) == EraseResult::kExists);
  CHECK(without->erase("key") == EraseResult::kErased);
}

// --- seed and clock ----------------------------------------------------------------------------------------

struct Outcome {
  std::vector<bool> is_there;
  std::vector<uint64_t> numbers;

  bool operator==(const Outcome&) const = default;
};

std::vector<uint64_t> numbers_of(const Stats& s) {
  return {s.get_hits,       s.get_misses,        s.get_expired,
          s.get_flushed,    s.touch_hits,        s.touch_misses,
          s.stores,         s.store_too_large,   s.store_no_memory,
          s.erase_hits,     s.erase_misses,      s.items_stored,
          s.evictions,      s.evicted_unfetched, s.evicted_active,
          s.expired,        s.expired_unfetched, s.ghost_hits,
          s.items_promoted, s.items_moved,       s.segments_cleaned,
          s.items,          s.item_bytes,        s.memory_used_bytes,
          s.live_bytes,     s.dead_bytes,        s.free_bytes,
          s.large_bytes,    s.index_bytes,       s.segments,
          s.segments_free,  s.index_slots};
}

Outcome run(uint64_t seed) {
  constexpr size_t kKeys = 3000;
  ManualClock clock;
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = kMiB, .item_bytes_max = 100'000, .clock = &clock, .seed = seed});
  std::mt19937 random(3);
  for (int i = 0; i < 30'000; ++i) {
    const std::string key = "key" + std::to_string(std::min<size_t>(random() % kKeys, random() % kKeys));
    switch (random() % 16) {
      case 0:
        (void)cache->erase(key);
        break;
      case 1:
        (void)cache->touch(key, std::chrono::milliseconds(random() % 5000));
        break;
      case 2:
        clock.advance_ms(random() % 20);
        break;
      case 3:
        (void)cache->set(key, std::string(random() % 20'000, 'v'));
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        (void)cache->set(key, std::string(random() % 2000, 'v'),
                         {.flags = 1, .expiry = std::chrono::seconds(random() % 50)});
        break;
      default:
        (void)cache->get(key);
    }
  }
  Outcome outcome{.is_there = {}, .numbers = numbers_of(cache->stats())};
  for (size_t i = 0; i < kKeys; ++i) outcome.is_there.push_back(cache->contains("key" + std::to_string(i)));
  CHECK(assert_valid(*cache).ToString() == "OK");
  return outcome;
}

TEST_CASE("the same seed, clock and operations repeat exactly, down to what is evicted") {
  const Outcome first = run(99);
  const Outcome second = run(99);
  CHECK((first == second));
  CHECK(first.numbers[12] > 0);  // evictions
}

// --- the limit at run time ---------------------------------------------------------------------------------

TEST_CASE("a new limit out of bounds is refused by name and value, and the old one stays") {
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = 32 * kMiB, .item_bytes_max = kMiB, .seed = 1});
  for (const size_t bytes : {size_t{0}, kMiB - 1, 2 * kMiB - 1, 4 * kMiB - 1, kMemoryLimitBytesMax + 1}) {
    CHECK(is_invalid(cache->set_memory_limit(bytes), "memory_limit_bytes", bytes));
    CHECK(cache->stats().memory_limit_bytes == 32 * kMiB);
  }
  CHECK(cache->set_memory_limit(4 * kMiB).ok());
  CHECK(cache->stats().memory_limit_bytes == 4 * kMiB);
}

TEST_CASE("a limit beyond the address space there is is refused as exhausted, and the old one stays") {
  const std::unique_ptr<Cache> cache = cache_of({.memory_limit_bytes = kMiB, .item_bytes_max = 1024, .seed = 1});
  const absl::Status status = cache->set_memory_limit(kMemoryLimitBytesMax);
  CHECK(status.code() == absl::StatusCode::kResourceExhausted);
  CHECK(std::string(status.message()).find("memory_limit_bytes") != std::string::npos);
  CHECK(cache->stats().memory_limit_bytes == kMiB);
}

TEST_CASE("a lowered limit holds at once, down to a sixteenth of the first") {
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = 16 * kMiB, .item_bytes_max = 256 << 10, .seed = 1});
  for (int i = 0; cache->stats().evictions == 0; ++i) {
    const std::string value(i % 50 == 0 ? 100'000 : 1000, 'v');
    REQUIRE(cache->set("key" + std::to_string(i), value) == StoreResult::kStored);
  }
  for (const size_t limit : {8 * kMiB, 3 * kMiB, kMiB}) {
    CHECK(cache->set_memory_limit(limit).ok());
    const Stats stats = cache->stats();
    CHECK(stats.memory_limit_bytes == limit);
    CHECK(stats.memory_used_bytes <= limit);
    CHECK(stats.items > 0);
    CHECK(assert_valid(*cache).ToString() == "OK");
    CHECK(cache->set("new", std::string(1000, 'v')) == StoreResult::kStored);
    CHECK(cache->contains("new"));
    CHECK(cache->stats().memory_used_bytes <= limit);
  }
  CHECK_FALSE(cache->set_memory_limit(kMiB - 1).ok());
}

TEST_CASE("a raised limit is made use of") {
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = kMiB, .item_bytes_max = 64 << 10, .seed = 1});
  const auto fill = [&] {
    for (int i = 0; i < 20'000; ++i) (void)cache->set("key" + std::to_string(i), std::string(1000, 'v'));
    return cache->stats().items;
  };
  const uint64_t before = fill();
  CHECK(cache->set_memory_limit(16 * kMiB).ok());
  CHECK(cache->stats().items > 0);
  const uint64_t after = fill();
  CHECK(after > 12 * before);
  CHECK(cache->stats().memory_used_bytes > 15 * kMiB);
  CHECK(cache->stats().memory_used_bytes <= 16 * kMiB);
  CHECK(cache->set_memory_limit(kMiB).ok());
  CHECK(cache->stats().memory_used_bytes <= kMiB);
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("a limit that visitors stand in the way of is refused, and the old one holds") {
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = 16 * kMiB, .item_bytes_max = kMiB / 4, .seed = 1});
  int held = 0;
  absl::Status status;
  const std::function<void()> hold = [&] {
    const std::string key = "key" + std::to_string(held);
    REQUIRE(cache->set(key, std::string(kMiB / 4, 'v')) == StoreResult::kStored);
    cache->visit(key, [&](const ItemView& item) {
      if (++held < 16) {
        hold();
      } else {
        status = cache->set_memory_limit(kMiB);
      }
      CHECK((item.value == std::string(kMiB / 4, 'v')));
    });
  };
  hold();
  CHECK(status.code() == absl::StatusCode::kResourceExhausted);
  CHECK(std::string(status.message()).find("memory_limit_bytes") != std::string::npos);
  CHECK(cache->stats().memory_limit_bytes == 16 * kMiB);
  CHECK(bytes_over_limit(*cache) == 0);
  CHECK(assert_valid(*cache).ToString() == "OK");
  CHECK(cache->set_memory_limit(kMiB).ok());
  CHECK(cache->stats().memory_used_bytes <= kMiB);
}

TEST_CASE("a limit that external bytes or handles stand in the way of is refused, and nothing goes for it") {
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = 16 * kMiB, .item_bytes_max = kMiB / 4, .seed = 1});
  for (int i = 0; i < 48; ++i) (void)cache->set("key" + std::to_string(i), std::string(kMiB / 4, 'v'));
  const uint64_t items = cache->stats().items;
  REQUIRE(items == 48);
  std::vector<Handle> handles;
  const auto check_refusal = [&] {
    CHECK(check_memory_limit(*cache, kMiB).code() == absl::StatusCode::kResourceExhausted);
    CHECK(cache->set_memory_limit(kMiB).code() == absl::StatusCode::kResourceExhausted);
    CHECK(cache->stats().memory_limit_bytes == 16 * kMiB);
    CHECK(cache->stats().items == items);
    CHECK(check_memory_limit(*cache, 8 * kMiB).ok());
    CHECK(cache->stats().items == items);
  };
  add_external_bytes(*cache, kMiB);
  check_refusal();
  CHECK(cache->set_memory_limit(32 * kMiB).ok());
  CHECK(cache->set_memory_limit(16 * kMiB).ok());
  add_external_bytes(*cache, -int64_t{kMiB});
  for (int i = 0; i < 8; ++i) handles.push_back(cache->hold("key" + std::to_string(i)));
  check_refusal();
  handles.clear();
  CHECK(cache->set_memory_limit(kMiB).ok());
}

TEST_CASE("items make room for external bytes, and come back when these are returned") {
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = 4 * kMiB, .item_bytes_max = 64 << 10, .seed = 1});
  const auto fill = [&] {
    for (int i = 0; i < 8000; ++i) (void)cache->set("key" + std::to_string(i), std::string(1000, 'v'));
    return cache->stats().items;
  };
  const uint64_t before = fill();
  add_external_bytes(*cache, 2 * kMiB);
  CHECK(cache->stats().memory_used_bytes <= 4 * kMiB);
  CHECK(cache->stats().items > before * 4 / 10);
  const uint64_t during = fill();
  CHECK(during < before * 6 / 10);
  CHECK(cache->stats().memory_used_bytes <= 4 * kMiB);
  add_external_bytes(*cache, -int64_t{2 * kMiB});
  CHECK(fill() > before * 9 / 10);
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("maintain takes back what is expired, step by step, and then has nothing more to do") {
  ManualClock clock;
  const std::unique_ptr<Cache> cache =
      cache_of({.memory_limit_bytes = 4 * kMiB, .item_bytes_max = 64 << 10, .clock = &clock, .seed = 1});
  CHECK_FALSE(cache->maintain());
  for (int i = 0; i < 2000; ++i) {
    const std::string value(1000, 'v');
    REQUIRE(cache->set("key" + std::to_string(i), value, {.flags = 0, .expiry = 1s}) == StoreResult::kStored);
  }
  CHECK(cache->set("stays", "v") == StoreResult::kStored);
  CHECK_FALSE(cache->maintain());
  clock.advance_ms(1000);
  int steps = 0;
  while (cache->maintain(4096)) {
    REQUIRE(++steps < 10'000);
  }
  CHECK(steps > 100);
  CHECK(cache->stats().items < 60);
  CHECK(cache->contains("stays"));
  CHECK(assert_valid(*cache).ToString() == "OK");
}

}  // namespace
}  // namespace larder
