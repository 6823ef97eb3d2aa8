// Items that nobody read were evicted while half of the memory was dead: a few keys that were overwritten over and
// over, or a namespace at its limit, left dead memory in segments that the search for sparse ones did not come to
// behind a run of wholly live ones.
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::string quiet_key(size_t number) { return "quiet:" + std::to_string(number); }
std::string busy_key(uint64_t number) { return "busy:" + std::to_string(number); }

// Stores quiet items that take two thirds of the limit, and then three times the limit of busy ones, of which a
// twentieth of the limit is live.
void check_no_quiet_item_is_lost(size_t limit_bytes, bool is_limited,
                                 const std::function<std::string(std::mt19937& random)>& next_busy_key) {
  CAPTURE(limit_bytes);
  Options options;
  options.memory_limit_bytes = limit_bytes;
  options.seed = 1;
  if (is_limited) options.namespaces = {{.prefix = "busy:", .item_bytes_limit = limit_bytes / 20}};
  const std::unique_ptr<Cache> cache = *Cache::create(options);
  const size_t quiet_items = limit_bytes * 6 / 10 / 1024;
  for (size_t i = 0; i < quiet_items; ++i) {
    REQUIRE(cache->set(quiet_key(i), std::string(1000, 'q')) == StoreResult::kStored);
  }
  std::mt19937 random(1);
  for (size_t stored_bytes = 0; stored_bytes < 3 * limit_bytes;) {
    const std::string value(random() % 2000, 'b');
    REQUIRE(cache->set(next_busy_key(random), value) == StoreResult::kStored);
    stored_bytes += value.size();
  }
  size_t lost = 0;
  for (size_t i = 0; i < quiet_items; ++i) lost += cache->contains(quiet_key(i)) ? 0 : 1;
  CHECK(lost == 0);
  CHECK(assert_valid(*cache).ok());
}

TEST_CASE("a few keys that are overwritten cost no quiet item") {
  for (const size_t limit_bytes : {64 * kMiB, 300 * kMiB}) {
    const uint64_t keys = limit_bytes / 20 / 1024;
    check_no_quiet_item_is_lost(limit_bytes, false,
                                [&](std::mt19937& random) { return busy_key(random() % keys); });
  }
}

TEST_CASE("what a namespace at its limit turns over costs no item of another") {
  for (const size_t limit_bytes : {64 * kMiB, 300 * kMiB}) {
    check_no_quiet_item_is_lost(limit_bytes, true, [](std::mt19937& random) { return busy_key(random()); });
  }
}

}  // namespace
}  // namespace larder
