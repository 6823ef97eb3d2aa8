// Memory stayed with a cache that nothing was in any more: of 206 MiB 203. And an item that had expired counted as
// one until somebody asked for it.
#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"
#include "support/resident_bytes.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMiB = size_t{1} << 20;

#ifdef LARDER_SANITIZED
constexpr bool kIsSanitized = true;  // most resident memory is the sanitizer's
#else
constexpr bool kIsSanitized = false;
#endif

struct Fixture {
  explicit Fixture(size_t limit_bytes) {
    Options options;
    options.memory_limit_bytes = limit_bytes;
    options.clock = &clock;
    options.seed = 1;
    cache = *Cache::create(options);
  }

  // Stores of 64 to 4,000 bytes, and one of 200 KiB now and then, until `used_bytes` are used.
  void fill(size_t used_bytes, Expiry expiry) {
    for (count = 0; cache->stats().memory_used_bytes < used_bytes;) {
      for (int i = 0; i < 100; ++i, ++count) {
        const size_t bytes = count % 500 == 0 ? 200'000 : 64 + count * 7919 % 3936;
        REQUIRE(cache->set(std::to_string(count), std::string(bytes, 'v'), {.expiry = expiry}) ==
                StoreResult::kStored);
      }
    }
  }

  void maintain_to_the_end() {
    int steps = 0;
    while (cache->maintain()) REQUIRE(++steps < 100'000);
  }

  ManualClock clock;
  std::unique_ptr<Cache> cache;
  uint64_t count = 0;
};

TEST_CASE("memory goes back when what was stored is flushed, erased or expired") {
  for (const size_t limit_bytes : {64 * kMiB, 300 * kMiB, 1024 * kMiB}) {
    CAPTURE(limit_bytes);
    malloc_trim(0);
    const size_t resident_before = resident_bytes();
    Fixture fixture(limit_bytes);
    Cache& cache = *fixture.cache;
    const size_t used_when_empty = cache.stats().memory_used_bytes;
    const auto check = [&](const char* what, const std::function<void()>& remove) {
      CAPTURE(what);
      fixture.fill(limit_bytes / 4 * 3, 1h);
      remove();
      fixture.maintain_to_the_end();
      CHECK(cache.stats().items == 0);
      CHECK(cache.stats().item_bytes == 0);
      // Of the index a block may stay, and the pages that it began with.
      CHECK(cache.stats().memory_used_bytes <= used_when_empty + limit_bytes / 64);
      const size_t resident_max = resident_before + used_when_empty + limit_bytes / 64 + 8 * kMiB;
      CHECK((kIsSanitized || resident_bytes() <= resident_max));
      CHECK(assert_valid(cache).ToString() == "OK");
    };
    check("flush_all", [&] { cache.flush_all(); });
    check("erase", [&] {
      for (uint64_t i = 0; i < fixture.count; ++i) (void)cache.erase(std::to_string(i));
      // Without upkeep a sixteenth may wait for the next stores, besides the index and what is open.
      CHECK(cache.stats().memory_used_bytes <= limit_bytes / 5);
    });
    check("expiry", [&] { fixture.clock.advance_ms(3'600'000); });
  }
}

TEST_CASE("what has expired leaves the counts within a minute, among what stays and unasked for") {
  for (const size_t limit_bytes : {size_t{64} * kMiB, size_t{300} * kMiB}) {
    CAPTURE(limit_bytes);
    Fixture fixture(limit_bytes);
    Cache& cache = *fixture.cache;
    for (int i = 0; i < 100'000; ++i) {
      const Expiry expiry = i % 20 == 0 ? Expiry(10s) : Expiry::never();
      REQUIRE(cache.set(std::to_string(i), std::string(100, 'v'), {.expiry = expiry}) == StoreResult::kStored);
    }
    fixture.maintain_to_the_end();
    CHECK(cache.stats().items == 100'000);
    const uint64_t bytes = cache.stats().item_bytes;
    fixture.clock.advance_ms(60'000);
    fixture.maintain_to_the_end();
    const Stats stats = cache.stats();
    CHECK(stats.items == 95'000);
    CHECK(stats.item_bytes < bytes / 100 * 96);
    CHECK(stats.expired == 5'000);
    CHECK(stats.expired_in_upkeep == 5'000);
    CHECK(stats.evictions == 0);
    for (int i = 0; i < 100'000; ++i) REQUIRE(cache.contains(std::to_string(i)) == (i % 20 != 0));
    CHECK(assert_valid(cache).ToString() == "OK");
  }
}

TEST_CASE("a step of upkeep is bounded by what it is told") {
  Fixture fixture(64 * kMiB);
  Cache& cache = *fixture.cache;
  for (int i = 0; i < 100'000; ++i) (void)cache.set(std::to_string(i), "v", {.expiry = 10s});
  fixture.clock.advance_ms(10'000);
  uint64_t items = cache.stats().items;
  while (cache.maintain(64 << 10)) {
    const uint64_t now = cache.stats().items;
    // About as many as there are in so many bytes, and as are looked at for them.
    CHECK(items - now <= (64 << 10) / 20 + 2'000);
    items = now;
  }
  CHECK(cache.stats().items == 0);
}

}  // namespace
}  // namespace larder
