// The operations that scale_bench looks at, and threads that do them in step.
#ifndef LARDER_TESTS_BENCH_SCALE_LOADS_H_
#define LARDER_TESTS_BENCH_SCALE_LOADS_H_

#include <array>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "larder/cache.h"
#include "make_cache.h"
#include "program.h"

namespace larder::bench {

inline constexpr size_t kScaleBatch = 32;
inline constexpr size_t kScaleWindow = 1'024;  // operations of a thread between two meetings of all
inline constexpr size_t kScaleLimitBytes = size_t{512} << 20;

struct ScaleLoad {
  std::string title;
  std::string value;
  size_t items;                             // stored before
  size_t operations_a_call;                 // keys of a batch
  std::function<void(size_t number)> call;  // operations from this one on; each number once
};

// All loads in turn: `visit` gets each with its cache filled.
inline void for_each_scale_load(const std::function<void(const ScaleLoad&)>& visit) {
  constexpr size_t kKeyCount = 4'000'000;
  std::vector<std::array<char, 24>> keys(kKeyCount);
  for (size_t i = 0; i < kKeyCount; ++i) fmt::format_to_n(keys[i].data(), keys[i].size(), "{:024}", i * 7'919);
  const auto key = [&](size_t i) { return std::string_view(keys[i].data(), keys[i].size()); };
  const auto random = [](size_t number, size_t below) { return number * 0x9e3779b97f4a7c15 % 0xfffffffb % below; };

  std::string value;
  std::unique_ptr<Cache> cache;
  const auto measure = [&](const ScaleLoad& load) {
    value = load.value;
    cache = make_cache({.memory_limit_bytes = kScaleLimitBytes, .seed = 42});
    for (size_t i = 0; i < load.items; ++i) (void)cache->set(key(i), value);
    visit(load);
  };
  constexpr size_t kItems = 1'000'000;
  const auto get = [&](std::string_view at) {
    thread_local std::string out;
    (void)cache->get(at, out);
  };
  const auto next_set = [&](size_t items) {
    return [&, items](size_t number) { (void)cache->set(key((items + number) % kKeyCount), value); };
  };

  const std::string shorter(100, 'v');
  const std::string longer(1'000, 'v');

  measure({"get, hit", shorter, kItems, 1, [&](size_t i) { get(key(random(i, kItems))); }});
  measure({"get, miss", shorter, kItems, 1, [&](size_t i) { get(key(kItems + random(i, kItems))); }});
  measure(
      {"set, in place", shorter, kItems, 1, [&](size_t i) { (void)cache->set(key(random(i, kItems)), value); }});
  measure({"set, evicting, 100 bytes", shorter, kKeyCount / 2, 1, next_set(kKeyCount / 2)});
  measure({"set, evicting, 1000 bytes", longer, kKeyCount / 8, 1, next_set(kKeyCount / 8)});
  const auto get_batch = [&](size_t i) {
    std::array<std::string_view, kScaleBatch> batch;
    for (size_t k = 0; k < batch.size(); ++k) batch[k] = key(random(i + k, kItems));
    cache->get_multi(batch, [](size_t, const ItemView&) {});
  };
  measure({"get_multi of 32, a key", shorter, kItems, kScaleBatch, get_batch});
  const auto set_batch = [&](size_t i) {
    std::array<SetEntry, kScaleBatch> batch;
    for (size_t k = 0; k < batch.size(); ++k) batch[k] = {.key = key(random(i + k, kItems)), .value = value};
    (void)cache->set_multi(batch);
  };
  measure({"set_multi of 32, a key", shorter, kItems, kScaleBatch, set_batch});
  // Each item once, out of order: neighbours lie in the same segment.
  const auto erase = [&](size_t i) { (void)cache->erase(key(i * 611'953 % kItems)); };
  measure({"delete", shorter, kItems, 1, erase});
  measure({"incr", "100", kItems, 1, [&](size_t i) { (void)cache->incr(key(random(i, kItems))); }});
}

// `threads` threads, pinned to the cores in turn, do operations of the load from number `first` on, in windows: all
// meet, work, and meet again. Each thread tells `observer` when its window and each of its calls start and end;
// of the threads that have met at the end of a window, one tells it so. Returns the number of the next operation.
template <class Observer>
size_t run_windows(const ScaleLoad& load, size_t threads, size_t windows, size_t first, Observer& observer) {
  size_t meetings = 0;
  std::barrier meeting(static_cast<std::ptrdiff_t>(threads), [&]() noexcept {
    if (meetings++ % 2 == 1) observer.all_ended_window();
  });
  const auto work = [&](size_t thread) {
    pin_to(static_cast<int>(thread % std::thread::hardware_concurrency()));
    for (size_t window = 0; window < windows; ++window) {
      const size_t begin = first + (window * threads + thread) * kScaleWindow;
      meeting.arrive_and_wait();
      observer.begin_window();
      for (size_t i = begin; i < begin + kScaleWindow; i += load.operations_a_call) {
        observer.begin_call();
        load.call(i);
        observer.end_call();
      }
      observer.end_window();
      meeting.arrive_and_wait();
    }
  };
  std::vector<std::thread> workers;
  for (size_t thread = 0; thread < threads; ++thread) workers.emplace_back(work, thread);
  for (std::thread& worker : workers) worker.join();
  return first + windows * threads * kScaleWindow;
}

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_SCALE_LOADS_H_
