// What knowing the hot keys costs a get, and a set (larder/hot_keys.h).
//
//   hot_keys_bench [items] [rounds]        1000 and 1001
//   hot_keys_bench once on|off [gets]      for callgrind: nothing but as many gets, after the cache was filled
//
// Two caches with it and two without take turns in short rounds on one core, in random order of keys. A line has
// the best round of each, and the lower quartile: what two caches of the same kind differ by, is chance.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "larder/cache.h"
#include "program.h"

namespace larder::bench {
namespace {

// So few that many a round is not interrupted.
constexpr size_t kOperations = 20'000;
constexpr std::array<std::string_view, 4> kNames = {"off", "on", "off", "on"};

std::unique_ptr<Cache> make_filled(const std::vector<std::string>& keys, bool has_hot_keys) {
  auto cache =
      Cache::create({.memory_limit_bytes = size_t{256} << 20, .seed = 1, .curve = false, .hot_keys = has_hot_keys});
  if (!cache.ok()) fail(cache.status().ToString());
  for (const std::string& key : keys) {
    if ((*cache)->set(key, std::string(100, 'v')) != StoreResult::kStored) fail("a set failed");
  }
  return *std::move(cache);
}

std::vector<std::string> make_keys(size_t items) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < items; ++i) keys.push_back(fmt::format("key:{:020}", i));
  std::ranges::shuffle(keys, std::mt19937_64(1));
  return keys;
}

using Operation = std::function<void(Cache& cache, const std::vector<std::string>& keys, size_t count)>;

struct Row {
  std::string_view name;
  Operation run;
};

double ns_per_operation(const Row& row, Cache& cache, const std::vector<std::string>& keys) {
  const auto start = std::chrono::steady_clock::now();
  row.run(cache, keys, kOperations);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / kOperations;
}

void get(Cache& cache, const std::vector<std::string>& keys, size_t count) {
  std::string value;
  size_t found = 0;
  for (size_t i = 0, at = 0; i < count; ++i, at = at + 1 == keys.size() ? 0 : at + 1) {
    found += cache.get(keys[at], value) ? 1 : 0;
  }
  if (found != count) fail("a get missed");
}

void get_one(Cache& cache, const std::vector<std::string>& keys, size_t count) {
  std::string value;
  for (size_t i = 0; i < count; ++i) (void)cache.get(keys[0], value);
}

void visit(Cache& cache, const std::vector<std::string>& keys, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0, at = 0; i < count; ++i, at = at + 1 == keys.size() ? 0 : at + 1) {
    (void)cache.visit(keys[at], [&](const ItemView& item) { bytes += item.value.size(); });
  }
  if (bytes == 0) fail("all gets missed");
}

void get_many(Cache& cache, const std::vector<std::string>& keys, size_t count) {
  constexpr size_t kBatch = 32;
  std::array<std::string_view, kBatch> batch;
  size_t bytes = 0;
  for (size_t i = 0, at = 0; i + kBatch <= count; i += kBatch) {
    for (std::string_view& key : batch) {
      key = keys[at];
      at = at + 1 == keys.size() ? 0 : at + 1;
    }
    (void)cache.get_multi(batch, [&](size_t, const ItemView& item) { bytes += item.value.size(); });
  }
  if (bytes == 0) fail("all gets missed");
}

void set(Cache& cache, const std::vector<std::string>& keys, size_t count) {
  const std::string value(100, 'w');
  for (size_t i = 0, at = 0; i < count; ++i, at = at + 1 == keys.size() ? 0 : at + 1) {
    if (cache.set(keys[at], value) != StoreResult::kStored) fail("a set failed");
  }
}

void compare(size_t items, size_t rounds) {
  const std::vector<std::string> keys = make_keys(items);
  std::array<std::unique_ptr<Cache>, kNames.size()> caches;
  for (size_t i = 0; i < caches.size(); ++i) caches[i] = make_filled(keys, kNames[i] == "on");
  fmt::print("{} items, {} rounds of {} operations, pinned to core 1; ns per operation\n", items, rounds,
             kOperations);
  const std::array<Row, 5> rows = {
      {{"get", get}, {"get of one key", get_one}, {"visit", visit}, {"get_multi of 32", get_many}, {"set", set}}};
  for (const Row& row : rows) {
    std::array<std::vector<double>, kNames.size()> times;
    for (size_t round = 0; round < rounds; ++round) {
      // In turn, so that none is always the first.
      for (size_t i = 0; i < caches.size(); ++i) {
        const size_t now = (round + i) % caches.size();
        times[now].push_back(ns_per_operation(row, *caches[now], keys));
      }
    }
    fmt::print("{:<16}", row.name);
    for (size_t i = 0; i < caches.size(); ++i) {
      fmt::print(" {} {:.2f} ({:.2f})", kNames[i], quantile(times[i], 0), quantile(times[i], 0.25));
    }
    fmt::print("\n");
  }
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  using namespace larder::bench;
  print_by_lines();
  pin_to(1);
  if (argc > 2 && std::string_view(argv[1]) == "once") {
    const std::vector<std::string> keys = make_keys(1000);
    const auto cache = make_filled(keys, std::string_view(argv[2]) == "on");
    get(*cache, keys, number_argument(argc, argv, 3, 0));
    return 0;
  }
  compare(number_argument(argc, argv, 1, 1000), number_argument(argc, argv, 2, 1001));
}
