// erase_prefix evicted items that it was not asked for, though it freed memory: after every change a full cache
// cleaned a little, however much room the change had taken.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

TEST_CASE("what takes no room evicts nothing, however full the cache is") {
  for (const size_t limit_mib : {4, 300}) {
    CAPTURE(limit_mib);
    ManualClock clock;
    Options options;
    options.memory_limit_bytes = limit_mib << 20;
    options.clock = &clock;
    options.seed = 1;
    const std::unique_ptr<Cache> cache = *Cache::create(options);
    const auto key = [](uint64_t number) { return std::to_string(number % 7) + ":" + std::to_string(number); };
    uint64_t count = 0;
    while (cache->stats().evictions < 1000) {
      for (int i = 0; i < 100; ++i) (void)cache->set(key(count++), std::string(1000, 'v'));
    }

    const auto check = [&](const char* what, const std::function<void(const std::string& key)>& change) {
      CAPTURE(what);
      const uint64_t evictions = cache->stats().evictions;
      for (uint64_t i = 0; i < count; ++i) change(key(i));
      CHECK(cache->stats().evictions == evictions);
    };
    check("failed add", [&](const std::string& k) {
      if (cache->contains(k)) (void)cache->add(k, "value");
    });
    check("failed cas", [&](const std::string& k) { (void)cache->cas(k, "value", 1); });
    check("failed replace", [&](const std::string& k) {
      if (!cache->contains(k)) (void)cache->replace(k, "value");
    });
    check("set in place", [&](const std::string& k) {
      if (cache->contains(k)) (void)cache->set(k, std::string(1000, 'w'));
    });
    check("touch", [&](const std::string& k) { (void)cache->touch(k, Expiry::never()); });
    check("erase", [&](const std::string& k) {
      if (k.ends_with('1')) (void)cache->erase(k);
    });

    const uint64_t evictions = cache->stats().evictions;
    const uint64_t items = cache->stats().items;
    const size_t erased = erase_prefix(*cache, "3:");
    CHECK(erased > items / 8);
    CHECK(cache->stats().items == items - erased);
    CHECK(cache->stats().evictions == evictions);
    CHECK(assert_valid(*cache).ok());
  }
}

TEST_CASE("memory over the limit is made room for, even if all stores are in place") {
  Options options;
  options.memory_limit_bytes = size_t{4} << 20;
  options.pinned_bytes_max = size_t{2} << 20;
  options.seed = 1;
  const std::unique_ptr<Cache> cache = *Cache::create(options);
  const auto key = [](uint64_t number) { return std::to_string(number); };
  uint64_t count = 0;
  while (cache->stats().evictions == 0) (void)cache->set(key(count++), std::string(1000, 'v'));
  {
    // No room can be made for what is charged while half of all is held.
    std::vector<Handle> handles;
    for (uint64_t i = count; handles.empty() || !handles.back().is_copy();)
      handles.push_back(cache->hold(key(--i)));
    add_external_bytes(*cache, 2 << 20);
  }
  REQUIRE(cache->stats().memory_used_bytes > options.memory_limit_bytes);
  for (int round = 0; round < 100 && cache->stats().memory_used_bytes > options.memory_limit_bytes; ++round) {
    for (uint64_t i = 0; i < count; ++i) {
      if (cache->contains(key(i))) (void)cache->set(key(i), std::string(1000, 'w'));
    }
  }
  CHECK(cache->stats().memory_used_bytes <= options.memory_limit_bytes);
}

}  // namespace
}  // namespace larder
