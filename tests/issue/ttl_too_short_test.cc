// A deadline was counted from the last tick of the coarse clock: what was stored for 5 ms could be gone after one.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

using std::chrono::milliseconds;
using std::chrono::sys_time;

constexpr int64_t kTickMs = 4;
constexpr int64_t kLagMs = kTickMs - 1;
// A store may be seen too early by a lag, and so may the end.
constexpr int64_t kLateMsMax = 2 * kLagMs;
constexpr int64_t kUnixStartMs = 1'700'000'000'000;

// Is behind the true time as the system's coarse clocks are.
class TickingClock final : public Clock {
 public:
  [[nodiscard]] int64_t monotonic_ms() const override { return true_ms - true_ms % kTickMs; }
  [[nodiscard]] int64_t lag_ms() const override { return kLagMs; }
  [[nodiscard]] int64_t unix_ms() const override { return kUnixStartMs + monotonic_ms(); }

  int64_t true_ms = 0;
};

struct Fixture {
  // How long the item is there from now on. `in_between` is done every millisecond.
  template <class InBetween>
  int64_t life_ms(InBetween in_between) {
    const int64_t begin_ms = clock.true_ms;
    while (cache->contains("key")) {
      in_between();
      ++clock.true_ms;
    }
    return clock.true_ms - begin_ms;
  }
  int64_t life_ms() {
    return life_ms([] {});
  }

  TickingClock clock;
  std::unique_ptr<Cache> cache = *Cache::create({.clock = &clock, .seed = 1});
};

TEST_CASE("an item lives at least as long as it was given, and twice the clock's lag longer at most") {
  Fixture fixture;
  Cache& cache = *fixture.cache;
  for (int64_t ttl_ms = 1; ttl_ms <= 20; ++ttl_ms) {
    const milliseconds ttl(ttl_ms);
    std::vector<int64_t> lives_ms;
    for (int64_t start_ms = 0; start_ms < kTickMs; ++start_ms) {
      fixture.clock.true_ms = 1000 * kTickMs * (ttl_ms + 1) + start_ms;
      REQUIRE(cache.set("key", "v", {.expiry = ttl}) == StoreResult::kStored);
      CHECK(cache.get("key")->ttl_ms == ttl_ms);
      lives_ms.push_back(fixture.life_ms());

      // A moment is turned into a duration with a clock that is behind, too.
      const sys_time<milliseconds> now(milliseconds(kUnixStartMs + fixture.clock.true_ms));
      REQUIRE(cache.set("key", "v", {.expiry = now + ttl}) == StoreResult::kStored);
      const int64_t life_ms = fixture.life_ms();
      CHECK(life_ms >= ttl_ms);
      CHECK(life_ms <= ttl_ms + kLateMsMax + kLagMs);

      REQUIRE(cache.set("key", "v") == StoreResult::kStored);
      REQUIRE(cache.touch("key", ttl));
      lives_ms.push_back(fixture.life_ms());

      REQUIRE(cache.set("key", "v") == StoreResult::kStored);
      cache.flush_all(ttl);
      lives_ms.push_back(fixture.life_ms());
    }
    CAPTURE(ttl_ms);
    CHECK(*std::ranges::min_element(lives_ms) >= ttl_ms);
    CHECK(*std::ranges::max_element(lives_ms) <= ttl_ms + kLateMsMax);
  }
}

TEST_CASE("a change that leaves the deadline does not move it, however near it is") {
  Fixture fixture;
  Cache& cache = *fixture.cache;
  constexpr int64_t kTtlMs = 10;
  const auto life_ms = [&](auto change) {
    REQUIRE(cache.set("key", "1", {.expiry = milliseconds(kTtlMs)}) == StoreResult::kStored);
    return fixture.life_ms(change);
  };
  const auto is_right = [](int64_t ms) { return ms >= kTtlMs && ms <= kTtlMs + kLateMsMax; };
  CHECK(is_right(life_ms([&] { (void)cache.incr("key", 1); })));
  CHECK(is_right(life_ms([&] { (void)cache.append("key", "0"); })));
  CHECK(is_right(life_ms([&] { (void)cache.update("key", [](const ItemView*) { return Update::store("v"); }); })));
  CHECK(is_right(life_ms([&] {
    if (const std::optional<Item> item = cache.get("key")) CHECK(item->ttl_ms > 0);
  })));
}

}  // namespace
}  // namespace larder
