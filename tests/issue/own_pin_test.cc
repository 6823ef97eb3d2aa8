// A visitor pins what it is shown, and may call the cache. What then needed room looked a thousand times whether
// the pinned item could go, giving its turn away each time, with a mutex held that every store needs: on a busy
// machine nobody could store for ten seconds.
#include <sched.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace {
std::atomic<int> yields{0};
}  // namespace

// Instead of the system's, which is the same for a program that does not look at it.
extern "C" int sched_yield() noexcept {
  ++yields;
  return 0;
}

namespace larder {
namespace {

// Below and from 256 MiB on: of the latter segments are huge pages.
std::unique_ptr<Cache> cache_of_mib(size_t mib) {
  Options options;
  options.memory_limit_bytes = mib << 20;
  options.item_bytes_max = size_t{1} << 20;
  options.seed = 1;
  return *Cache::create(options);
}

TEST_CASE("nobody waits for the item that a visitor is shown while it makes room") {
  for (const size_t mib : {8, 256}) {
    CAPTURE(mib);
    const std::unique_ptr<Cache> cache = cache_of_mib(mib);
    const auto external_bytes = static_cast<int64_t>(cache->options().memory_limit_bytes);
    REQUIRE(cache->set("shown", std::string(900'000, 'x')) == StoreResult::kStored);
    yields = 0;
    CHECK(cache->peek("shown", [&](const ItemView& item) {
      add_external_bytes(*cache, external_bytes);
      while (cache->maintain()) {
      }
      CHECK(bytes_over_limit(*cache) > 0);
      // There is room for it in an open segment, or none.
      std::thread([&] { (void)cache->set("other", std::string(100, 'y')); }).join();
      CHECK(cache->set("long", std::string(900'000, 'y')) == StoreResult::kNoMemory);
      CHECK(item.value == std::string(900'000, 'x'));
    }));
    // Between the steps of a cleaning that goes on.
    CHECK(yields.load() < 100);
    add_external_bytes(*cache, -external_bytes);
    CHECK(cache->set("long", std::string(900'000, 'y')) == StoreResult::kStored);
    CHECK(assert_valid(*cache).ToString() == "OK");
  }
}

TEST_CASE("what a visitor is shown stays, and others go in its place") {
  for (const size_t mib : {8, 256}) {
    CAPTURE(mib);
    const std::unique_ptr<Cache> cache = cache_of_mib(mib);
    REQUIRE(cache->set("shown", std::string(900'000, 'x')) == StoreResult::kStored);
    CHECK(cache->peek("shown", [&](const ItemView&) {
      for (size_t i = 0; i < 2 * mib; ++i) {
        REQUIRE(cache->set("key" + std::to_string(i), std::string(900'000, 'v')) == StoreResult::kStored);
      }
    }));
    CHECK(cache->contains("shown"));
    CHECK(cache->stats().memory_used_bytes <= cache->stats().memory_limit_bytes);
    CHECK(assert_valid(*cache).ToString() == "OK");
  }
}

}  // namespace
}  // namespace larder
