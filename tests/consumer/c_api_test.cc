// larder.h, as C sees it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/larder.h"

namespace {

class CCache {
 public:
  explicit CCache(size_t item_bytes_max = 0) {
    const larder_options options{
        .struct_bytes = sizeof options, .memory_limit_bytes = size_t{8} << 20, .item_bytes_max = item_bytes_max};
    REQUIRE(larder_create(&options, &cache_, nullptr, 0) == LARDER_OK);
  }
  ~CCache() { larder_destroy(cache_); }
  CCache(const CCache&) = delete;
  CCache& operator=(const CCache&) = delete;

  larder_status set(std::string_view key, std::string_view value, int64_t ttl_ms = -1, uint32_t flags = 0) {
    return larder_set(cache_, key.data(), key.size(), value.data(), value.size(), ttl_ms, flags);
  }
  larder_status add(std::string_view key, std::string_view value) {
    return larder_add(cache_, key.data(), key.size(), value.data(), value.size(), -1, 0);
  }
  larder_status cas(std::string_view key, std::string_view value, uint64_t cas) {
    return larder_cas(cache_, key.data(), key.size(), value.data(), value.size(), -1, 0, cas);
  }
  // Its value, or "none".
  std::string get(std::string_view key, larder_item* shown = nullptr) {
    larder_item item;
    if (larder_get(cache_, key.data(), key.size(), &item) != LARDER_OK) {
      CHECK(item.handle == nullptr);
      return "none";
    }
    std::string value(static_cast<const char*>(item.value), item.value_bytes);
    if (shown != nullptr) *shown = item;
    larder_release(&item);
    CHECK(item.handle == nullptr);
    larder_release(&item);
    return value;
  }
  larder_status erase(std::string_view key) { return larder_erase(cache_, key.data(), key.size()); }
  larder_status touch(std::string_view key, int64_t ttl_ms) {
    return larder_touch(cache_, key.data(), key.size(), ttl_ms);
  }
  larder_stats stats() {
    larder_stats stats;
    larder_get_stats(cache_, &stats, sizeof stats);
    return stats;
  }
  operator larder_cache*() { return cache_; }  // NOLINT

 private:
  larder_cache* cache_ = nullptr;
};

TEST_CASE("items are stored, read and removed") {
  CCache cache;
  CHECK(cache.get("a") == "none");
  CHECK(cache.set("a", "1", 60'000, 7) == LARDER_OK);
  larder_item item;
  CHECK(cache.get("a", &item) == "1");
  CHECK(item.flags == 7);
  CHECK(item.ttl_ms > 0);
  CHECK(item.ttl_ms <= 61'000);
  CHECK(cache.add("a", "2") == LARDER_NOT_STORED);
  CHECK(cache.cas("a", "2", item.cas) == LARDER_OK);
  CHECK(cache.cas("a", "3", item.cas) == LARDER_EXISTS);
  CHECK(cache.cas("b", "3", item.cas) == LARDER_NOT_FOUND);
  CHECK(cache.get("a", &item) == "2");
  CHECK(item.ttl_ms == -1);
  CHECK(cache.touch("a", 0) == LARDER_OK);
  CHECK(cache.touch("a", 0) == LARDER_NOT_FOUND);
  CHECK(cache.set("", "x") == LARDER_BAD_KEY);
  CHECK(cache.set("empty", "") == LARDER_OK);
  CHECK(cache.get("empty") == "");
  CHECK(cache.erase("empty") == LARDER_OK);
  CHECK(cache.erase("empty") == LARDER_NOT_FOUND);
  CHECK(cache.set("b", "1") == LARDER_OK);
  larder_flush(cache);
  CHECK(cache.get("b") == "none");
  const larder_stats stats = cache.stats();
  CHECK(stats.items == 0);
  CHECK(stats.get_hits == 3);
  CHECK(stats.get_misses == 2);
  CHECK(stats.memory_limit_bytes == size_t{8} << 20);
}

TEST_CASE("an item that is held stays as it is") {
  CCache cache;
  const std::string value(100'000, 'x');
  CHECK(cache.set("a", value) == LARDER_OK);
  larder_item item;
  REQUIRE(larder_get(cache, "a", 1, &item) == LARDER_OK);
  CHECK(cache.set("a", std::string(100'000, 'y')) == LARDER_OK);
  CHECK(std::string_view(static_cast<const char*>(item.value), item.value_bytes) == value);
  larder_release(&item);
}

TEST_CASE("a value is copied if there is room for it") {
  CCache cache;
  CHECK(cache.set("a", "12345") == LARDER_OK);
  char room[5];
  size_t length = 0;
  CHECK(larder_read(cache, "a", 1, room, 4, &length) == LARDER_TOO_LARGE);
  CHECK(length == 5);
  CHECK(larder_read(cache, "a", 1, room, 5, &length) == LARDER_OK);
  CHECK(std::string_view(room, length) == "12345");
  CHECK(larder_read(cache, "b", 1, room, 5, &length) == LARDER_NOT_FOUND);
  CHECK(length == 0);
  CHECK(larder_read(cache, "a", 1, nullptr, 0, &length) == LARDER_TOO_LARGE);
}

TEST_CASE("options that are out of range are told, in as much room as there is") {
  larder_cache* cache = nullptr;
  char error[128];
  larder_options options{.struct_bytes = sizeof options, .memory_limit_bytes = 1, .item_bytes_max = 0};
  CHECK(larder_create(&options, &cache, error, sizeof error) == LARDER_BAD_OPTION);
  CHECK(cache == nullptr);
  CHECK(std::string_view(error).starts_with("memory_limit_bytes: 1 is not in "));
  CHECK(larder_create(&options, &cache, error, 7) == LARDER_BAD_OPTION);
  CHECK(std::string_view(error) == "memory");
  CHECK(larder_create(&options, &cache, nullptr, 0) == LARDER_BAD_OPTION);
  larder_destroy(nullptr);

  CHECK(larder_create(nullptr, &cache, error, sizeof error) == LARDER_OK);
  CHECK(error[0] == '\0');
  larder_destroy(cache);
  // One of a program that knew fewer options.
  options.memory_limit_bytes = size_t{1} << 20;
  options.item_bytes_max = SIZE_MAX;
  options.struct_bytes = offsetof(larder_options, item_bytes_max);
  CHECK(larder_create(&options, &cache, nullptr, 0) == LARDER_OK);
  larder_stats stats{};
  stats.expired = 77;
  larder_get_stats(cache, &stats, offsetof(larder_stats, expired));
  CHECK(stats.memory_limit_bytes == size_t{1} << 20);
  CHECK(stats.expired == 77);
  // And of one that knows more statistics than the library.
  struct {
    larder_stats known;
    uint64_t more;
  } newer = {{}, 77};
  larder_get_stats(cache, &newer.known, sizeof newer);
  CHECK(newer.known.memory_limit_bytes == size_t{1} << 20);
  CHECK(newer.more == 0);
  larder_destroy(cache);
  options.struct_bytes = 0;
  CHECK(larder_create(&options, &cache, error, sizeof error) == LARDER_BAD_OPTION);
  CHECK(std::string_view(error).starts_with("struct_bytes"));
  CHECK(cache == nullptr);
}

TEST_CASE("values that are too large are refused, and several threads may use it") {
  CCache cache(1024);
  CHECK(cache.set("a", "old") == LARDER_OK);
  CHECK(cache.set("a", std::string(1025, 'x')) == LARDER_TOO_LARGE);
  CHECK(cache.get("a") == "none");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1'000; ++i) {
        const std::string key = std::to_string(t) + ":" + std::to_string(i);
        if (larder_set(cache, key.data(), key.size(), key.data(), key.size(), -1, 0) != LARDER_OK) std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(cache.stats().items == 4'000);
}

}  // namespace
