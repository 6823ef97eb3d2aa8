// What the tests of the cache's operations share.
#ifndef LARDER_TESTS_UNIT_TEST_CACHE_H_
#define LARDER_TESTS_UNIT_TEST_CACHE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {

inline constexpr size_t kItemBytesMax = size_t{256} << 10;

// A cache of 8 MiB whose time stands still.
class TestCache {
 public:
  TestCache() : TestCache({.memory_limit_bytes = size_t{8} << 20, .item_bytes_max = kItemBytesMax, .seed = 1}) {}
  explicit TestCache(Options options) {
    options.clock = &clock;
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create(options);
    REQUIRE(cache.ok());
    cache_ = *std::move(cache);
  }
  ~TestCache() { CHECK(assert_valid(*cache_).ToString() == "OK"); }
  TestCache(const TestCache&) = delete;
  TestCache& operator=(const TestCache&) = delete;

  Cache* operator->() { return cache_.get(); }
  Cache& operator*() { return *cache_; }

  // The value, or "(none)".
  [[nodiscard]] std::string value(std::string_view key) {
    const std::optional<Item> item = cache_->get(key);
    return item ? item->value : "(none)";
  }

  ManualClock clock;

 private:
  std::unique_ptr<Cache> cache_;
};

}  // namespace larder

#endif  // LARDER_TESTS_UNIT_TEST_CACHE_H_
