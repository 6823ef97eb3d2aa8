// Pages of the index that merged while for_each was between two of them were walked again from their beginning:
// items that nobody had touched were shown twice.
#include <map>
#include <memory>
#include <string>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

TEST_CASE("a walk shows every item that stays exactly once, whatever becomes of the others") {
  Options options;
  options.memory_limit_bytes = size_t{16} << 20;
  options.seed = 1;
  const std::unique_ptr<Cache> cache = *Cache::create(options);
  constexpr int kItems = 150'000;
  const auto name = [](int number) { return "key" + std::to_string(number); };
  for (int i = 0; i < kItems; ++i) REQUIRE(cache->set(name(i), "v") == StoreResult::kStored);
  REQUIRE(cache->stats().evictions == 0);

  std::map<std::string, int> shown;
  bool is_thinned_out = false;
  cache->for_each([&](const ItemView& item) {
    ++shown[std::string(item.key)];
    if (!is_thinned_out && shown.size() > 500) {
      is_thinned_out = true;
      for (int i = 0; i < kItems; ++i) {
        if (i % 10 != 0) (void)cache->erase(name(i));
      }
    }
    return true;
  });
  for (int i = 0; i < kItems; i += 10) REQUIRE(shown[name(i)] == 1);
}

}  // namespace
}  // namespace larder
