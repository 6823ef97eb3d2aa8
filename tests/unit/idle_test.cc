// SetOptions::idle: items that go when nobody reads them.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/handle.h"
#include "larder/loading_cache.h"
#include "larder/renewal.h"
#include "larder/serving.h"
#include "larder/sizing.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr SetOptions kTenSeconds{.idle = 10s};

// The longest that an item may be there after a use.
constexpr int64_t kMostMs = 10'000 + 10'000 / 16 + 1;

TEST_CASE("an item is there for its idle time, and at most a sixteenth longer") {
  TestCache cache;
  cache->set("a", "1", kTenSeconds);
  CHECK(cache->peek("a")->ttl_ms == kMostMs);
  cache.clock.advance_ms(10'000);
  CHECK(cache->peek("a"));
  // A peek is no read.
  cache.clock.advance_ms(kMostMs - 10'000);
  CHECK_FALSE(cache->peek("a"));
  CHECK_FALSE(cache->get("a"));
  CHECK(cache->stats().expired == 1);
}

// Whatever reads or changes an item and leaves it its expiry.
struct Use {
  std::string_view name;
  void (*use)(Cache& cache, const std::string& key);
};
const Use kUses[] = {
    {"get", [](Cache& cache, const std::string& key) { CHECK(cache.get(key)); }},
    {"get into a string",
     [](Cache& cache, const std::string& key) {
       std::string value;
       CHECK(cache.get(key, value));
     }},
    {"visit", [](Cache& cache, const std::string& key) { CHECK(cache.visit(key, [](const ItemView&) {})); }},
    {"get_multi",
     [](Cache& cache, const std::string& key) { CHECK(cache.get_multi(std::vector<std::string>{key})[0]); }},
    {"hold", [](Cache& cache, const std::string& key) { CHECK(cache.hold(key)); }},
    {"append", [](Cache& cache, const std::string& key) { CHECK(cache.append(key, "1") == StoreResult::kStored); }},
    {"prepend",
     [](Cache& cache, const std::string& key) { CHECK(cache.prepend(key, "1") == StoreResult::kStored); }},
    {"incr",
     [](Cache& cache, const std::string& key) { CHECK(cache.incr(key, 1).status == CounterStatus::kDone); }},
    {"update",
     [](Cache& cache, const std::string& key) {
       cache.update(key, [](const ItemView* item) {
         CHECK(item != nullptr);
         return Update::store("7");
       });
     }},
    {"read",
     [](Cache& cache, const std::string& key) {
       bool is_there = false;
       read(cache, key, {}, [&](const Reading&) { is_there = true; });
       CHECK(is_there);
     }},
    {"read with history",
     [](Cache& cache, const std::string& key) {
       int64_t ttl_ms = 0;
       read(cache, key, {.wants_history = true}, [&](const Reading& reading) { ttl_ms = reading.item.ttl_ms; });
       CHECK(ttl_ms == std::min(kMostMs, cache.peek(key)->ttl_ms));
     }},
    {"add", [](Cache& cache, const std::string& key) { CHECK(cache.add(key, "2") == StoreResult::kNotStored); }},
    {"a visitor that overwrites the key",
     [](Cache& cache, const std::string& key) {
       std::string own_key = key;
       CHECK(cache.visit(own_key, [&](const ItemView& item) { own_key = std::string(item.value); }));
     }},
};

TEST_CASE("whatever uses an item in time keeps it, until its expiry") {
  for (const Use& use : kUses) {
    CAPTURE(use.name);
    TestCache cache;
    // A large one lies by itself; a short one is copied to be shown.
    for (const bool is_large : {false, true}) {
      if (is_large && (use.name == "incr" || use.name == "append" || use.name == "prepend")) continue;
      CAPTURE(is_large);
      const std::string key = is_large ? "large" : "short";
      cache->set(key, is_large ? std::string(100'000, 'x') : "1", {.expiry = 60s, .idle = 10s});
      for (int i = 0; i < 6; ++i) {
        cache.clock.advance_ms(9'999);
        use.use(*cache, key);
      }
      CHECK(cache->peek(key)->ttl_ms == 6);
      cache.clock.advance_ms(6);
      CHECK_FALSE(cache->get(key));
    }
  }
}

TEST_CASE("each use moves the end to no less than the idle time from then") {
  TestCache cache;
  cache->set("a", "1", kTenSeconds);
  for (int64_t step = 0; step < 10'000; step += 97) {
    cache.clock.advance_ms(step);
    REQUIRE(cache->get("a"));
    const int64_t ttl_ms = cache->peek("a")->ttl_ms;
    CHECK(ttl_ms > 10'000);
    CHECK(ttl_ms <= kMostMs);
  }
}

TEST_CASE("most reads write nothing") {
  TestCache cache;
  cache->set("a", "1", kTenSeconds);
  int moved = 0;
  int64_t end_ms = 0;
  for (int ms = 0; ms < 100'000; ms += 10) {
    cache.clock.advance_ms(10);
    REQUIRE(cache->get("a"));
    const int64_t now_end_ms = ms + cache->peek("a")->ttl_ms;
    if (now_end_ms != end_ms) ++moved;
    end_ms = now_end_ms;
  }
  CHECK(moved <= 16 * 10 + 2);
}

TEST_CASE("what nobody reads is taken back by maintain") {
  TestCache cache;
  for (int i = 0; i < 1'000; ++i) cache->set(std::to_string(i), "1", {.idle = 1s});
  cache.clock.advance_ms(3'600'000);
  while (cache->maintain()) {
  }
  CHECK(cache->stats().items == 0);
}

TEST_CASE("an item that is held all the time is copied once, when it would end") {
  TestCache cache;
  cache->set("a", std::string(100'000, 'x'), kTenSeconds);
  const Handle first = cache->hold("a");
  REQUIRE(first);
  int places = 1;
  const char* place = first->value.data();
  for (int i = 0; i < 100; ++i) {
    cache.clock.advance_ms(500);
    const Handle handle = cache->hold("a");
    REQUIRE(handle);
    CHECK(handle->value == first->value);
    if (handle->value.data() != place) ++places;
    place = handle->value.data();
  }
  CHECK(places == 2);
}

TEST_CASE("a clock that lags behind ends nothing too early") {
  struct Lagging : Clock {
    [[nodiscard]] int64_t monotonic_ms() const override { return now_ms; }
    [[nodiscard]] int64_t unix_ms() const override { return now_ms; }
    [[nodiscard]] int64_t lag_ms() const override { return 10; }
    int64_t now_ms = 1'000;
  } clock;
  const auto cache = *Cache::create({.memory_limit_bytes = size_t{8} << 20, .clock = &clock});
  cache->set("a", "1", {.expiry = 50ms, .idle = 5ms});
  CHECK(cache->peek("a")->ttl_ms >= 5);
  for (int i = 0; i < 20; ++i) {
    clock.now_ms += 2;
    CHECK(cache->get("a"));
    // Up to ten later by true time.
    clock.now_ms += 10;
    CHECK(cache->peek("a").has_value() == (clock.now_ms < 1'060));
    clock.now_ms -= 10;
  }
}

TEST_CASE("a read shows the time that is left after it, and until the expiry") {
  TestCache cache;
  cache->set("a", "1", {.expiry = 60s, .idle = 10s});
  cache.clock.advance_ms(9'900);
  cache->visit("a", [](const ItemView& item) {
    CHECK(item.ttl_ms == kMostMs);
    CHECK(item.expiry_ttl_ms == 50'100);
  });
  read(*cache, "a", {.expiry = 30s}, [](const Reading& reading) {
    CHECK(reading.item.ttl_ms == kMostMs);
    CHECK(reading.item.expiry_ttl_ms == 30'000);
  });
  cache->set("b", "1", {.expiry = 60s});
  cache->visit("b", [](const ItemView& item) { CHECK(item.expiry_ttl_ms == 60'000); });
  read(*cache, "b", {.expiry = 30s}, [](const Reading& reading) { CHECK(reading.item.expiry_ttl_ms == 30'000); });
  read(*cache, "c", {.vivify = SetOptions{.expiry = 7s}},
       [](const Reading& reading) { CHECK(reading.item.expiry_ttl_ms == 7'000); });
  // To be read before it expires does not depend on the idle time.
  bool has_won = true;
  read(*cache, "a", {.recache = 20s}, [&](const Reading& reading) { has_won = reading.has_won; });
  CHECK_FALSE(has_won);
}

TEST_CASE("an idle time that is never over changes nothing of the miss-ratio curve") {
  const auto misses = [](const SetOptions& options) {
    ManualClock clock;
    const auto cache =
        *Cache::create({.memory_limit_bytes = size_t{8} << 20, .clock = &clock, .seed = 1, .curve_share_max = 1});
    std::mt19937_64 random(1);
    for (int i = 0; i < 300'000; ++i) {
      const std::string key = std::to_string(random() % (1 + random() % 20'000));
      if (!cache->get(key)) cache->set(key, std::string(500, 'x'), options);
      if (i % 100 == 0) clock.advance_ms(100);
    }
    std::vector<double> ratios;
    for (const MissRatio& size : miss_ratio_curve(*cache).sizes) ratios.push_back(size.miss_ratio);
    return ratios;
  };
  const std::vector<double> without = misses({});
  const std::vector<double> with = misses({.idle = 200s});
  REQUIRE(without.size() == with.size());
  REQUIRE_FALSE(without.empty());
  for (size_t i = 0; i < with.size(); ++i) CHECK(with[i] == doctest::Approx(without[i]).epsilon(0.05));
}

TEST_CASE("a touch gives another expiry, and leaves the idle time") {
  TestCache cache;
  cache->set("a", "1", {.expiry = 5s, .idle = 10s});
  CHECK(cache->peek("a")->ttl_ms == 5'000);
  CHECK(cache->touch("a", 60s));
  CHECK(cache->peek("a")->ttl_ms == kMostMs);
  cache.clock.advance_ms(9'000);
  CHECK(cache->get("a"));
  CHECK(cache->touch("a", 3s));
  CHECK(cache->peek("a")->ttl_ms == 3'000);
  CHECK(cache->touch("a", Expiry::never()));
  cache.clock.advance_ms(kMostMs);
  CHECK_FALSE(cache->get("a"));
}

TEST_CASE("an idle time is kept by what changes other things, and ends with a store") {
  TestCache cache;
  cache->set("a", "1", kTenSeconds);
  const uint64_t cas = cache->get("a")->cas;
  cache.clock.advance_ms(5'000);
  CHECK(cache->get("a")->cas == cas);
  CHECK(invalidate(*cache, "a", {.is_stale = true, .expiry = 60s}) == EraseResult::kErased);
  CHECK(cache->peek("a")->ttl_ms == kMostMs);
  cache->set("a", "2");
  CHECK(cache->peek("a")->ttl_ms == kNeverExpires);
  cache.clock.advance_ms(100'000);
  CHECK(cache->get("a"));
}

TEST_CASE("idle times are 1 ms to 46 days") {
  TestCache cache;
  cache->set("a", "1", {.idle = 0ms});
  CHECK(cache->get("a"));
  cache.clock.advance_ms(2);
  CHECK_FALSE(cache->get("a"));
  cache->set("a", "1", {.idle = std::chrono::milliseconds::max()});
  CHECK(cache->peek("a")->ttl_ms == 4'250'000'001);
  cache->set("a", "1", {.idle = std::chrono::milliseconds::min()});
  CHECK(cache->peek("a")->ttl_ms <= 2);
}

TEST_CASE("items with an idle time are moved, tracked and overwritten like others") {
  TestCache cache;
  const auto value = [](int i) { return std::string(static_cast<size_t>(100 + i % 900), 'a' + i % 26); };
  for (int i = 0; i < 3'000; ++i) cache->set(std::to_string(i), value(i), {.flags = 7, .expiry = 1h, .idle = 1min});
  for (int round = 0; round < 10; ++round) {
    cache.clock.advance_ms(50'000);
    for (int i = 0; i < 3'000; ++i) {
      const std::optional<Item> item = cache->get(std::to_string(i));
      REQUIRE(item);
      CHECK(item->value == value(i));
      CHECK(item->flags == 7);
      if (i % 7 == 0) {
        read(*cache, std::to_string(i), {.wants_history = true}, [](const Reading&) {});
      }
      // Others come and go.
      cache->set("other" + std::to_string(i % 500), value(i + round));
    }
  }
  cache.clock.advance_ms(64'000);
  for (int i = 0; i < 3'000; ++i) CHECK_FALSE(cache->peek(std::to_string(i)));
}

TEST_CASE("loaded values go when nobody asks, and are due by their ttl alone") {
  TestCache cache;
  LoadingCache<std::string, int> numbers(*cache);
  int loads = 0;
  const auto load = [&](std::string_view) { return ++loads; };
  const LoadOptions options{.ttl = 60s, .refresh_ahead = 10s, .stale_grace = 60s, .idle = 5s};
  const auto get = [&] { return *numbers.get_or_load("k", options, load); };
  for (int i = 0; i < 10; ++i) {
    CHECK(get() == 1);
    cache.clock.advance_ms(5'000);
  }
  cache.clock.advance_ms(1);
  CHECK(get() == 2);
  cache.clock.advance_ms(5'400);
  CHECK(get() == 3);
  // Past its ttl it is old, not gone, as long as somebody asks.
  const auto down = [](std::string_view) -> absl::StatusOr<int> { return absl::UnavailableError("down"); };
  for (int i = 0; i < 20; ++i) {
    cache.clock.advance_ms(5'000);
    CHECK(*numbers.get_or_load("k", options, down) == 3);
  }
}

TEST_CASE("many threads read and touch items with an idle time") {
  TestCache cache;
  for (int i = 0; i < 100; ++i) cache->set(std::to_string(i), std::string(200, 'x'), kTenSeconds);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 20'000; ++i) {
          const std::string key = std::to_string(i % 100);
          CHECK(cache->get(key)->value.size() == 200);
          if (thread == 0 && i % 100 == 0) cache.clock.advance_ms(700);
          if (thread == 1 && i % 1'000 == 0) cache->set("more", std::string(50'000, 'y'));
        }
      });
    }
  }
}

}  // namespace
}  // namespace larder
