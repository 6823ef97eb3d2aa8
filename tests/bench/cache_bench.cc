// Time per operation of the cache, each next to a peer that does the same work in the same run.
//
//   cache_bench [items] [rounds]
//
// 24-byte keys, 100-byte values, uniformly random requests made before the clock runs, which lie in memory one
// behind the other, as requests do that a program was just sent: what is measured is finding the item, not the
// question. Every round measures each contender once, in turn; the figures are medians over the rounds, and the
// ratio is of medians. With two threads, each on a core of its own, the ratio is how many times as many operations
// they get done as one of the same contender; that wants two idle cores.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compare.h"
#include "fmt/core.h"
#include "larder/cache.h"
#include "make_cache.h"
#include "program.h"
#include "sharded_lru.h"

#ifdef LARDER_HAVE_TBB
#include "tbb/concurrent_hash_map.h"
#endif

namespace larder::bench {
namespace {

constexpr size_t kKeyBytes = 24;
constexpr size_t kValueBytes = 100;
constexpr size_t kOperations = 2'000'000;
constexpr size_t kHotPasses = 10;  // of one hot key, which is in the processor's cache
constexpr uint64_t kSeed = 42;

using Map = absl::flat_hash_map<std::string, std::string>;

#ifdef LARDER_HAVE_TBB
using ConcurrentMap = tbb::concurrent_hash_map<std::string, std::string>;

bool get(const ConcurrentMap& map, const std::string& key, std::string& value) {
  ConcurrentMap::const_accessor found;
  if (!map.find(found, key)) return false;
  value = found->second;
  return true;
}

void set(ConcurrentMap& map, const std::string& key, const std::string& value) {
  ConcurrentMap::accessor found;
  map.insert(found, key);
  found->second = value;
}
#endif

// What each contender gets done with two threads, which share the operations, compared with one thread.
struct Pair {
  std::string name;
  std::function<void(size_t first, size_t last, size_t thread)> run;  // operations first..last-1
};

// Seconds that so many threads take for all operations, `passes` times. A first pass of each is not counted: a core
// that was idle is slow for a while, on a virtual machine until the host gives it time again. Waiting for each
// other the threads spin, so that none falls idle.
double seconds_of(const Pair& pair, size_t threads, size_t passes) {
  using Clock = std::chrono::steady_clock;
  struct Span {
    Clock::time_point begin, end;
  };
  std::vector<Span> spans(threads);
  std::atomic<size_t> ready = 0;
  const auto work = [&](size_t thread) {
    pin_to(static_cast<int>(thread));
    const size_t first = thread * kOperations / threads;
    const size_t last = (thread + 1) * kOperations / threads;
    pair.run(first, last, thread);
    ++ready;
    while (ready < threads) {
    }
    spans[thread].begin = Clock::now();
    for (size_t pass = 0; pass < passes; ++pass) pair.run(first, last, thread);
    spans[thread].end = Clock::now();
  };
  std::vector<std::thread> workers;
  for (size_t thread = 0; thread < threads; ++thread) workers.emplace_back(work, thread);
  for (std::thread& worker : workers) worker.join();
  const auto begin =
      std::min_element(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  const auto end =
      std::max_element(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.end < b.end; });
  return std::chrono::duration<double>(end->end - begin->begin).count();
}

void compare_threads(const std::string& title, size_t rounds, size_t passes, const std::vector<Pair>& pairs) {
  struct Times {
    std::vector<double> one, two, speedups;
  };
  std::vector<Times> times(pairs.size());
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t p = 0; p < pairs.size(); ++p) {
      const double one = seconds_of(pairs[p], 1, passes);
      const double two = seconds_of(pairs[p], 2, passes);
      const double operations = static_cast<double>(passes * kOperations);
      times[p].one.push_back(one * 1e9 / operations);
      times[p].two.push_back(two * 1e9 / operations);
      times[p].speedups.push_back(one / two);
    }
  }
  for (size_t p = 0; p < pairs.size(); ++p) {
    const auto [low, high] = std::minmax_element(times[p].speedups.begin(), times[p].speedups.end());
    fmt::print("{:<28} {:<26} {:7.1f} ns, {:.1f} by two threads: {:.2f} x as many  ({:.2f}..{:.2f})\n", title,
               pairs[p].name, median(times[p].one), median(times[p].two),
               median(times[p].one) / median(times[p].two), *low, *high);
  }
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
  std::vector<std::string> requests;
  requests.reserve(kOperations);
  while (requests.size() < kOperations) requests.push_back(keys[random() % items]);

  Map map;
  ShardedLru lru(2 * items * (kKeyBytes + kValueBytes));
#ifdef LARDER_HAVE_TBB
  ConcurrentMap concurrent;
#endif
  const std::unique_ptr<Cache> cache = make_cache({.memory_limit_bytes = items * 400, .seed = kSeed});
  const std::unique_ptr<Cache> full =
      make_cache({.memory_limit_bytes = std::max<size_t>(items * 100, kMemoryLimitBytesMin * 4), .seed = kSeed});
  for (size_t i = 0; i < items; ++i) {
    map[keys[i]] = value;
    lru.set(keys[i], value);
#ifdef LARDER_HAVE_TBB
    set(concurrent, keys[i], value);
#endif
    (void)cache->set(keys[i], value);
    (void)full->set(keys[i], value);
  }

  std::string out;
  compare("get", rounds, kOperations,
          {{"flat_hash_map",
            [&] {
              for (const std::string& key : requests) out = map.find(key)->second;
            }},
           {"larder",
            [&] {
              for (const std::string& key : requests) (void)cache->get(key, out);
            }},
#ifdef LARDER_HAVE_TBB
           {"tbb::concurrent_hash_map",
            [&] {
              for (const std::string& key : requests) (void)get(concurrent, key, out);
            }},
#endif
           {"sharded mutex LRU", [&] {
              for (const std::string& key : requests) (void)lru.get(key, out);
            }}});

  constexpr size_t kBatch = 32;
  compare("get_multi of 32, a key", rounds, kOperations,
          {{"flat_hash_map",
            [&] {
              for (const std::string& key : requests) out = map.find(key)->second;
            }},
           {"larder", [&] {
              std::vector<std::string_view> batch(kBatch);
              for (size_t at = 0; at + kBatch <= requests.size(); at += kBatch) {
                std::copy_n(requests.begin() + static_cast<std::ptrdiff_t>(at), kBatch, batch.begin());
                cache->get_multi(batch, [&](size_t, const ItemView& item) { out.assign(item.value); });
              }
            }}});

  compare("set, overwriting", rounds, kOperations,
          {{"flat_hash_map",
            [&] {
              for (const std::string& key : requests) map.insert_or_assign(key, value);
            }},
           {"larder",
            [&] {
              for (const std::string& key : requests) (void)cache->set(key, value);
            }},
#ifdef LARDER_HAVE_TBB
           {"tbb::concurrent_hash_map",
            [&] {
              for (const std::string& key : requests) set(concurrent, key, value);
            }},
#endif
           {"sharded mutex LRU", [&] {
              for (const std::string& key : requests) lru.set(key, value);
            }}});

  compare("set_multi of 32, a key", rounds, kOperations,
          {{"flat_hash_map",
            [&] {
              for (const std::string& key : requests) map.insert_or_assign(key, value);
            }},
           {"larder", [&] {
              std::vector<SetEntry> batch(kBatch, {.key = {}, .value = value});
              for (size_t at = 0; at + kBatch <= requests.size(); at += kBatch) {
                for (size_t i = 0; i < kBatch; ++i) batch[i].key = requests[at + i];
                (void)cache->set_multi(batch);
              }
            }}});

  // Twice as many keys as fit: most sets insert, and evict.
  size_t at = 0;
  compare("set, inserting and evicting", rounds, kOperations,
          {{"flat_hash_map (overwriting)",
            [&] {
              for (const std::string& key : requests) map.insert_or_assign(key, value);
            }},
           {"larder", [&] {
              for (size_t i = 0; i < kOperations; ++i, ++at) (void)full->set(keys[at % keys.size()], value);
            }}});

  // Each thread copies into a string of its own, on cache lines of its own.
  struct alignas(64) Out {
    std::string value;
  };
  std::array<Out, 2> outs;
  struct Case {
    std::string title;
    bool is_hot;        // all on one key; otherwise uniform
    size_t set_one_in;  // 0: gets only
  };
  for (const Case& load : {Case{"two threads: get", false, 0}, Case{"two threads: one hot key", true, 0},
                           Case{"two threads: 10 % sets", false, 10}}) {
    const auto pair = [&](std::string name, auto&& get_one, auto&& set_one) {
      return Pair{std::move(name), [&, get_one, set_one](size_t first, size_t last, size_t thread) {
                    for (size_t i = first; i < last; ++i) {
                      const std::string& key = load.is_hot ? keys[0] : requests[i];
                      if (load.set_one_in != 0 && i % load.set_one_in == 0) {
                        set_one(key);
                      } else {
                        get_one(key, outs[thread].value);
                      }
                    }
                  }};
    };
    std::vector<Pair> pairs = {
        pair(
            "larder", [&](const std::string& key, std::string& to) { (void)cache->get(key, to); },
            [&](const std::string& key) { (void)cache->set(key, value); }),
#ifdef LARDER_HAVE_TBB
        pair(
            "tbb::concurrent_hash_map",
            [&](const std::string& key, std::string& to) { (void)get(concurrent, key, to); },
            [&](const std::string& key) { set(concurrent, key, value); }),
#endif
        pair(
            "sharded mutex LRU", [&](const std::string& key, std::string& to) { (void)lru.get(key, to); },
            [&](const std::string& key) { lru.set(key, value); })};
    if (load.set_one_in == 0) {
      // Threads that share nothing they write: what the machine has to give.
      pairs.push_back(pair(
          "flat_hash_map, unlocked", [&](const std::string& key, std::string& to) { to = map.find(key)->second; },
          [](const std::string&) {}));
    }
    compare_threads(load.title, rounds, load.is_hot ? kHotPasses : 1, pairs);
  }
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::print_by_lines();
  const size_t items = larder::bench::number_argument(argc, argv, 1, 1'000'000);
  const size_t rounds = larder::bench::number_argument(argc, argv, 2, 5);
  larder::bench::run(items, rounds);
}
