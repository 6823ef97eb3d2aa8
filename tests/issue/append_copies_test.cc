// Each append to a long value copied it three times, into memory that had to be made resident first: 50 clients
// that appended one byte at a time kept all others waiting for seconds.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::unique_ptr<Cache> cache_of(size_t limit_bytes, size_t item_bytes_max) {
  Options options;
  options.memory_limit_bytes = limit_bytes;
  options.item_bytes_max = item_bytes_max;
  options.seed = 1;
  return *Cache::create(options);
}

TEST_CASE("a long value that is appended to moves only now and then") {
  const std::unique_ptr<Cache> cache = cache_of(64 * kMiB, 4 * kMiB);
  for (const size_t bytes : {10'000, 100'000, 1'000'000}) {
    CAPTURE(bytes);
    std::string expected(bytes, 'x');
    REQUIRE(cache->set("key", expected) == StoreResult::kStored);
    int moves = 0;
    for (int i = 0; i < 20'000; ++i) {
      const uint32_t segment = inspect(*cache, "key")->segment;
      const char byte = static_cast<char>('a' + i % 26);
      REQUIRE(cache->append("key", std::string(1, byte)) == StoreResult::kStored);
      expected += byte;
      if (inspect(*cache, "key")->segment != segment) ++moves;
    }
    CHECK((cache->get("key")->value == expected));
    CHECK(moves <= 20);
  }
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("values that are appended to once take what others of their length do") {
  for (const size_t bytes : {8000, 12'000, 30'000, 300'000}) {
    CAPTURE(bytes);
    const auto items_kept = [&](bool is_appended) {
      const std::unique_ptr<Cache> cache = cache_of(64 * kMiB, 4 * kMiB);
      for (size_t i = 0; i * bytes < 96 * kMiB; ++i) {
        const std::string key = "key" + std::to_string(i);
        const std::string value(bytes, 'v');
        REQUIRE(cache->set(key, is_appended ? value.substr(bytes / 2) : value) == StoreResult::kStored);
        if (is_appended) REQUIRE(cache->append(key, value.substr(0, bytes / 2)) == StoreResult::kStored);
      }
      return cache->stats().items;
    };
    const uint64_t expected = items_kept(false);
    const uint64_t kept = items_kept(true);
    CHECK(kept * 100 >= expected * 95);
  }
}

TEST_CASE("an append that has no room to spare still succeeds") {
  const std::unique_ptr<Cache> cache = cache_of(4 * kMiB, kMiB);
  const Stats empty = cache->stats();
  REQUIRE(cache->set("key", std::string(900'000, 'x')) == StoreResult::kStored);
  // It is copied: there is room for it twice, but not for more.
  const size_t taken = cache->stats().memory_used_bytes - empty.memory_used_bytes;
  add_external_bytes(*cache, static_cast<int64_t>(empty.memory_limit_bytes - empty.memory_used_bytes - 2 * taken -
                                                  2 * cache->stats().segment_bytes));
  size_t bytes = 900'000;
  for (; bytes < 920'000; bytes += 1000) {
    const StoreResult result = cache->append("key", std::string(1000, 'y'));
    // It may have been evicted to make room for itself.
    if (result != StoreResult::kStored) break;
  }
  CHECK(bytes >= 910'000);
}

TEST_CASE("who reads without a lock never sees half of an append") {
  const std::unique_ptr<Cache> cache = cache_of(4 * kMiB, kMiB);
  std::string whole;
  for (int i = 0; whole.size() < 7000; ++i) whole += std::to_string(i) + ",";
  std::atomic<bool> is_over{false};
  std::atomic<int> wrong{0};
  REQUIRE(cache->set("key", "") == StoreResult::kStored);
  std::thread reader([&] {
    std::string value;
    while (!is_over) {
      if (cache->get("key", value) && !whole.starts_with(value)) ++wrong;
    }
  });
  for (int round = 0; round < 50; ++round) {
    REQUIRE(cache->set("key", "") == StoreResult::kStored);
    for (size_t at = 0; at < whole.size();) {
      const size_t bytes = std::min<size_t>(whole.size() - at, 1 + at % 37);
      REQUIRE(cache->append("key", std::string_view(whole).substr(at, bytes)) == StoreResult::kStored);
      at += bytes;
    }
    REQUIRE(cache->get("key")->value == whole);
  }
  is_over = true;
  reader.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace larder
