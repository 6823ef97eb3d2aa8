// Time per operation of the cache, each next to a peer that does the same work in the same run.
//
//   cache_bench [items] [rounds]
//
// 24-byte keys, 100-byte values, uniformly random keys made before the clock runs. Every round measures each
// contender once, in turn; the figures are medians over the rounds, and the ratio is of medians.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fmt/core.h"
#include "larder/cache.h"

namespace larder::bench {
namespace {

constexpr size_t kKeyBytes = 24;
constexpr size_t kValueBytes = 100;
constexpr size_t kOperations = 2'000'000;
constexpr uint64_t kSeed = 42;

using Map = absl::flat_hash_map<std::string, std::string>;

// The usual way to bound a map: a mutex, a list in order of use, in 64 shards.
class ShardedLru {
 public:
  explicit ShardedLru(size_t items_max) : items_max_(items_max / kShards) {}

  bool get(std::string_view key, std::string& value) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found == shard.map.end()) return false;
    shard.order.splice(shard.order.begin(), shard.order, found->second);
    value = found->second->second;
    return true;
  }

  void set(std::string_view key, std::string_view value) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found != shard.map.end()) {
      found->second->second = value;
      shard.order.splice(shard.order.begin(), shard.order, found->second);
      return;
    }
    shard.order.emplace_front(key, value);
    shard.map.emplace(shard.order.front().first, shard.order.begin());
    if (shard.map.size() <= items_max_) return;
    shard.map.erase(shard.order.back().first);
    shard.order.pop_back();
  }

 private:
  static constexpr size_t kShards = 64;
  struct alignas(64) Shard {
    std::mutex mutex;
    std::list<std::pair<std::string, std::string>> order;
    absl::flat_hash_map<std::string_view, decltype(order)::iterator> map;
  };
  Shard& shard_of(std::string_view key) { return shards_[std::hash<std::string_view>{}(key) % kShards]; }

  const size_t items_max_;
  std::vector<Shard> shards_{kShards};
};

struct Contender {
  std::string name;
  std::function<void()> run;  // kOperations operations
  std::vector<double> ns = {};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The first contender is the peer that the others are compared with.
void compare(const std::string& title, size_t rounds, std::vector<Contender> contenders) {
  for (size_t round = 0; round < rounds; ++round) {
    for (Contender& contender : contenders) {
      const auto begin = std::chrono::steady_clock::now();
      contender.run();
      const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
      contender.ns.push_back(took.count() / static_cast<double>(kOperations));
    }
  }
  const double peer = median(contenders.front().ns);
  for (const Contender& contender : contenders) {
    const auto [low, high] = std::minmax_element(contender.ns.begin(), contender.ns.end());
    fmt::print("{:<28} {:<26} {:7.1f} ns  ({:.1f}..{:.1f})  {:.2f} x\n", title, contender.name,
               median(contender.ns), *low, *high, median(contender.ns) / peer);
  }
}

std::unique_ptr<Cache> make_cache(size_t memory_limit_bytes) {
  Options options;
  options.memory_limit_bytes = memory_limit_bytes;
  options.seed = kSeed;
  auto cache = Cache::create(options);
  if (!cache.ok()) {
    fmt::print(stderr, "{}\n", cache.status().ToString());
    std::exit(1);
  }
  return *std::move(cache);
}

std::vector<std::string> make_keys(size_t count) {
  std::vector<std::string> keys;
  keys.reserve(count);
  for (size_t i = 0; i < count; ++i) keys.push_back(fmt::format("{:0{}}", i * 7919, kKeyBytes));
  return keys;
}

void run(size_t items, size_t rounds) {
  fmt::print("{} items, {}-byte keys, {}-byte values, uniform, {} operations a round, {} rounds, seed {}\n", items,
             kKeyBytes, kValueBytes, kOperations, rounds, kSeed);
  const std::vector<std::string> keys = make_keys(2 * items);
  const std::string value(kValueBytes, 'v');
  std::mt19937_64 random(kSeed);
  std::vector<uint32_t> order(kOperations);
  for (uint32_t& number : order) number = static_cast<uint32_t>(random() % items);

  Map map;
  ShardedLru lru(2 * items);
  const std::unique_ptr<Cache> cache = make_cache(items * 400);
  const std::unique_ptr<Cache> full = make_cache(std::max<size_t>(items * 100, kMemoryLimitBytesMin * 4));
  for (size_t i = 0; i < items; ++i) {
    map[keys[i]] = value;
    lru.set(keys[i], value);
    (void)cache->set(keys[i], value);
    (void)full->set(keys[i], value);
  }

  std::string out;
  compare("get", rounds,
          {{"flat_hash_map",
            [&] {
              for (const uint32_t i : order) out = map.find(keys[i])->second;
            }},
           {"larder",
            [&] {
              for (const uint32_t i : order) (void)cache->get(keys[i], out);
            }},
           {"sharded mutex LRU", [&] {
              for (const uint32_t i : order) (void)lru.get(keys[i], out);
            }}});

  constexpr size_t kBatch = 32;
  compare("get_multi of 32, a key", rounds,
          {{"flat_hash_map",
            [&] {
              for (const uint32_t i : order) out = map.find(keys[i])->second;
            }},
           {"larder", [&] {
              std::vector<std::string_view> batch(kBatch);
              for (size_t at = 0; at + kBatch <= order.size(); at += kBatch) {
                for (size_t i = 0; i < kBatch; ++i) batch[i] = keys[order[at + i]];
                cache->get_multi(batch, [&](size_t, const ItemView& item) { out.assign(item.value); });
              }
            }}});

  compare("set, overwriting", rounds,
          {{"flat_hash_map",
            [&] {
              for (const uint32_t i : order) map.insert_or_assign(keys[i], value);
            }},
           {"larder",
            [&] {
              for (const uint32_t i : order) (void)cache->set(keys[i], value);
            }},
           {"sharded mutex LRU", [&] {
              for (const uint32_t i : order) lru.set(keys[i], value);
            }}});

  // Twice as many keys as fit: most sets insert, and evict.
  size_t at = 0;
  compare("set, inserting and evicting", rounds,
          {{"flat_hash_map (overwriting)",
            [&] {
              for (const uint32_t i : order) map.insert_or_assign(keys[i], value);
            }},
           {"larder", [&] {
              for (size_t i = 0; i < kOperations; ++i, ++at) (void)full->set(keys[at % keys.size()], value);
            }}});

  const auto by_two_threads = [&](auto&& operation) {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        std::string mine;
        for (size_t i = t * kOperations / 2; i < (t + 1) * kOperations / 2; ++i) operation(i, mine);
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  compare("two threads: get", rounds,
          {{"larder, one thread",
            [&] {
              for (const uint32_t i : order) (void)cache->get(keys[i], out);
            }},
           {"larder, two threads", [&] {
              by_two_threads([&](size_t i, std::string& mine) { (void)cache->get(keys[order[i]], mine); });
            }}});
  compare("two threads: one hot key", rounds,
          {{"larder, one thread",
            [&] {
              for (size_t i = 0; i < kOperations; ++i) (void)cache->get(keys[0], out);
            }},
           {"larder, two threads",
            [&] { by_two_threads([&](size_t, std::string& mine) { (void)cache->get(keys[0], mine); }); }}});
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  const size_t items = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const size_t rounds = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 5;
  larder::bench::run(items, rounds);
}
