// The copies that handles have, and what the owner charges, were charged first, and room for them was made
// afterwards: the cache used more than its limit meanwhile, though nearly all of it could be evicted.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr int kKeys = 60;

std::string key(int number) { return "key" + std::to_string(number); }

struct Case {
  size_t limit_bytes;
  size_t pinned_bytes_max;
};

TEST_CASE("memory for copies and for the owner is there before it is charged") {
  for (const Case& tried : {Case{64 * kMiB, 0}, Case{256 * kMiB, 0}, Case{256 * kMiB, 16 * kMiB}}) {
    const size_t limit_bytes = tried.limit_bytes;
    const size_t pinned_bytes_max = tried.pinned_bytes_max;
    CAPTURE(limit_bytes);
    CAPTURE(pinned_bytes_max);
    Options options{.memory_limit_bytes = limit_bytes, .item_bytes_max = limit_bytes / 32};
    options.pinned_bytes_max = pinned_bytes_max;
    options.seed = 1;
    const std::unique_ptr<Cache> cache = *Cache::create(options);
    const std::string value(limit_bytes / 36, 'v');
    for (int i = 0; i < kKeys; ++i) (void)cache->set(key(i), value);
    // All that may be held where it lies: the other handles have copies.
    std::vector<Handle> held;
    for (int i = kKeys; held.empty() || !held.back().is_copy();) {
      Handle handle = cache->hold(key(--i));
      if (handle) held.push_back(std::move(handle));
    }
    held.pop_back();

    std::atomic<int> working = 4;
    const auto work = [&](int number) {
      for (int i = 0; i < 200; ++i) {
        const std::string wanted = key((i * 7 + number * 13) % kKeys);
        Handle handle = cache->hold(wanted);
        const bool is_missing = !handle;
        add_external_bytes(*cache, static_cast<int64_t>(value.size()));
        add_external_bytes(*cache, -static_cast<int64_t>(value.size()));
        handle.release();
        if (is_missing) (void)cache->set(wanted, value);
      }
      --working;
    };
    std::vector<std::jthread> workers;
    for (int number = 0; number < 4; ++number) workers.emplace_back(work, number);
    size_t most_bytes = 0;
    while (working > 0) most_bytes = std::max(most_bytes, cache->stats().memory_used_bytes);
    workers.clear();
    CHECK(most_bytes <= limit_bytes);
  }
}

}  // namespace
}  // namespace larder
