// A deadline was counted from the last tick of the coarse clock: what was stored for 5 ms could be gone after one.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

constexpr int64_t kTickMs = 4;

// Whose monotonic_ms and unix_ms lag behind the true time as the system's coarse clocks do.
class TickingClock final : public Clock {
 public:
  [[nodiscard]] int64_t monotonic_ms() const override { return true_ms - true_ms % kTickMs; }
  [[nodiscard]] int64_t monotonic_ms_rounded_up() const override { return true_ms; }
  [[nodiscard]] int64_t unix_ms() const override { return 1'700'000'000'000 + monotonic_ms(); }

  int64_t true_ms = 0;
};

struct Fixture {
  Fixture() : cache(*Cache::create({.clock = &clock, .seed = 1})) {}

  // How long the item is there from now on.
  int64_t life_ms() {
    const int64_t begin_ms = clock.true_ms;
    while (cache->contains("key")) ++clock.true_ms;
    return clock.true_ms - begin_ms;
  }

  TickingClock clock;
  std::unique_ptr<Cache> cache;
};

TEST_CASE("an item lives at least as long as it was given, and a tick longer at most") {
  Fixture fixture;
  Cache& cache = *fixture.cache;
  for (int64_t start_ms = 0; start_ms < 3 * kTickMs; ++start_ms) {
    for (int64_t ttl_ms = 1; ttl_ms <= 20; ++ttl_ms) {
      CAPTURE(start_ms);
      CAPTURE(ttl_ms);
      const std::chrono::milliseconds ttl(ttl_ms);
      const auto now = [&] {
        return std::chrono::sys_time<std::chrono::milliseconds>(
            std::chrono::milliseconds(1'700'000'000'000 + fixture.clock.true_ms));
      };
      int64_t least_ms = INT64_MAX;
      int64_t most_ms = 0;
      const auto measure = [&] {
        const int64_t life_ms = fixture.life_ms();
        least_ms = std::min(least_ms, life_ms);
        most_ms = std::max(most_ms, life_ms);
        fixture.clock.true_ms += start_ms;
      };
      fixture.clock.true_ms += start_ms;
      CHECK(cache.set("key", "v", {.expiry = ttl}) == StoreResult::kStored);
      measure();
      CHECK(cache.set("key", "v", {.expiry = std::chrono::system_clock::time_point(now() + ttl)}) ==
            StoreResult::kStored);
      measure();
      CHECK(cache.set("key", "v") == StoreResult::kStored);
      CHECK(cache.touch("key", ttl));
      measure();
      CHECK(cache.set("key", "v") == StoreResult::kStored);
      cache.flush_all(ttl);
      measure();
      CHECK(least_ms >= ttl_ms);
      // A moment is turned into a duration with a clock that lags, too.
      CHECK(most_ms <= ttl_ms + 2 * kTickMs);
    }
  }
}

}  // namespace
}  // namespace larder
