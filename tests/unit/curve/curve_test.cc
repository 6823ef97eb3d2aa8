#include "larder/internal/curve/curve.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"
#include "larder/sizing.h"

namespace larder {
namespace {

TEST_CASE("threads that use the cache while others ask for its curve do not disturb each other") {
  auto made = Cache::create({.memory_limit_bytes = size_t{8} << 20, .curve_share_max = 0.5});
  REQUIRE(made.ok());
  const std::unique_ptr<Cache> cache = *std::move(made);
  const std::string value(500, 'v');
  std::atomic<bool> is_over = false;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 20'000; ++i) {
        const std::string key = "key " + std::to_string(random() % (random() % 3000 + 1));
        switch (random() % 16) {
          case 0:
            (void)cache->erase(key);
            break;
          case 1:
            (void)cache->touch(key, std::chrono::seconds(1));
            break;
          case 2:
            (void)cache->get_multi({key, "key 1", "key 2"}, [](size_t, const ItemView&) {});
            break;
          case 3:
            if (i % 1000 == 3) cache->flush_all();
            break;
          case 4:
            (void)cache->hold(key);
            break;
          default:
            if (!cache->visit(key, [](const ItemView&) {})) (void)cache->set(key, std::string_view(value).substr(0, key.size() * 20));
        }
      }
    });
  }
  std::thread asking([&] {
    while (!is_over.load()) {
      const MissRatioCurve curve = miss_ratio_curve(*cache);
      CHECK(curve.miss_ratio <= 1);
      std::this_thread::yield();
    }
  });
  for (std::thread& thread : threads) thread.join();
  is_over.store(true);
  asking.join();
  CHECK(assert_valid(*cache).ok());
}

}  // namespace
}  // namespace larder
