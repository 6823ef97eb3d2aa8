// How long single operations take, all of them, while a cache grows from empty, fills and evicts.
//
//   latency_bench [operations] [limit in MiB] [how many values to a long one]
//
// One thread; 70 % get, 25 % set, 4 % erase, 1 % others (incr, touch, append); keys of 24 bytes, half of the
// requests uniform over all keys and half log-uniform (the lower numbers more often); values of 16..500 bytes, one
// in 2,000 (0: none) of up to 200,000. Each contender gets the same operations, in turn, a block at a time;
// "nothing" does nothing, and so shows what the clock adds; "waiting" waits for half a microsecond, and so shows
// what the machine adds to operations that take some time: its interrupts fall into them. Nothing is subtracted.
//
// A phase is "growing" until the contender has evicted for the first time. Where an operation took more than 64 us,
// the system is asked whether it took the CPU away meanwhile: "interrupted" counts those, and the last two columns
// are of all others.
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "histogram.h"
#include "larder/cache.h"
#include "make_cache.h"
#include "program.h"
#include "sharded_lru.h"

namespace larder::bench {
namespace {

constexpr size_t kKeyBytes = 24;
constexpr uint64_t kKeysPerMiB = 16'384;
constexpr size_t kBlock = 65'536;
constexpr uint64_t kSeed = 42;
constexpr uint64_t kSlowNs = 64'000;
constexpr uint64_t kVerySlowNs = 1'000'000;
constexpr std::chrono::nanoseconds kWait{500};

enum class Kind : uint8_t { kGet, kSet, kErase, kOther };
constexpr size_t kKinds = 4;
constexpr std::array<std::string_view, kKinds> kKindNames = {"get", "set", "erase", "others"};

struct Operation {
  Kind kind;
  uint32_t detail;  // the length of the value; which of the others
  std::array<char, kKeyBytes> key;

  [[nodiscard]] std::string_view key_view() const { return {key.data(), key.size()}; }
};

// Makes operations in blocks, apart from the timing.
class Source {
 public:
  // Of so many values one is long; 0: none is.
  Source(uint64_t keys, uint64_t values_to_a_long)
      : keys_(keys), values_to_a_long_(values_to_a_long), block_(kBlock) {}

  const std::vector<Operation>& next() {
    std::uniform_real_distribution<double> share(0, 1);
    for (Operation& operation : block_) {
      const double dice = share(random_);
      operation.kind = dice < 0.70   ? Kind::kGet
                       : dice < 0.95 ? Kind::kSet
                       : dice < 0.99 ? Kind::kErase
                                     : Kind::kOther;
      const double place = share(random_);
      const auto keys = static_cast<double>(keys_);
      const double number = random_() % 2 == 0 ? place * keys : std::pow(keys, place) - 1;
      // Scattered over the numbers, so that neighbours in popularity are none in spelling.
      const uint64_t name = static_cast<uint64_t>(number) * 0x9e3779b97f4a7c15u;
      fmt::format_to_n(operation.key.data(), kKeyBytes, "{:0{}}", name, kKeyBytes);
      operation.detail =
          static_cast<uint32_t>(is_long() ? random_() % kLargeBytes : 16 + random_() % (500 - 16 + 1));
    }
    return block_;
  }

  static constexpr size_t kLargeBytes = 200'000;

 private:
  [[nodiscard]] bool is_long() { return values_to_a_long_ != 0 && random_() % values_to_a_long_ == 0; }

  const uint64_t keys_;
  const uint64_t values_to_a_long_;
  std::mt19937_64 random_{kSeed};
  std::vector<Operation> block_;
};

uint64_t interruptions() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_nivcsw) + static_cast<uint64_t>(usage.ru_nvcsw);
}

struct Phase {
  void add(const Phase& other) {
    all.merge(other.all);
    slow += other.slow;
    very_slow += other.very_slow;
    undisturbed.merge(other.undisturbed);
  }

  Histogram all;
  uint64_t slow = 0;
  uint64_t very_slow = 0;
  Histogram undisturbed;  // all but those of slow during which the CPU was taken away
};

struct Times {
  std::array<std::array<Phase, kKinds>, 2> phases;  // growing, full
  bool is_full = false;
};

// Runs a block of operations on one contender.
template <class Run>
void measure(const std::vector<Operation>& block, Times& times, Run&& run) {
  std::array<Phase, kKinds>& phase = times.phases[times.is_full ? 1 : 0];
  uint64_t interrupted_before = interruptions();
  for (const Operation& operation : block) {
    const auto begin = std::chrono::steady_clock::now();
    run(operation);
    const auto end = std::chrono::steady_clock::now();
    const auto ns = static_cast<uint64_t>(std::chrono::nanoseconds(end - begin).count());
    Phase& of = phase[static_cast<size_t>(operation.kind)];
    of.all.add(ns);
    if (ns <= kSlowNs) {
      of.undisturbed.add(ns);
      continue;
    }
    ++of.slow;
    if (ns > kVerySlowNs) ++of.very_slow;
    const uint64_t interrupted = interruptions();
    if (interrupted == interrupted_before) of.undisturbed.add(ns);
    interrupted_before = interrupted;
  }
}

void wait() {
  const auto end = std::chrono::steady_clock::now() + kWait;
  while (std::chrono::steady_clock::now() < end) continue;
}

void print_line(std::string_view contender, std::string_view phase, std::string_view kind, const Phase& of) {
  if (of.all.total() == 0) return;
  const auto at = [&](double share) { return of.all.percentile(share); };
  const uint64_t median = at(0.5);
  fmt::print(
      "{:<18} {:<8} {:<7} {:>9} {:>6} {:>6} {:>6} {:>7} {:>8} {:>9}  {:>6.1f} x {:>7} {:>6} {:>11} {:>8} {:>9}\n",
      contender, phase, kind, of.all.total(), median, at(0.9), at(0.99), at(0.999), at(0.9999), of.all.max(),
      static_cast<double>(at(0.9999)) / static_cast<double>(median), of.slow, of.very_slow,
      of.all.total() - of.undisturbed.total(), of.undisturbed.percentile(0.9999), of.undisturbed.max());
}

void print(std::string_view contender, const Times& times) {
  for (size_t p = 0; p < times.phases.size(); ++p) {
    const std::string_view phase = p == 0 ? "growing" : "full";
    const auto all = std::make_unique<Phase>();
    for (const Phase& of : times.phases[p]) all->add(of);
    print_line(contender, phase, "all", *all);
    for (size_t kind = 0; kind < kKinds; ++kind) print_line("", "", kKindNames[kind], times.phases[p][kind]);
  }
}

void run(uint64_t operations, size_t limit_mib, uint64_t values_to_a_long) {
  const uint64_t keys = kKeysPerMiB * limit_mib;
  fmt::print(
      "{} operations, one thread: 70 % get, 25 % set, 4 % erase, 1 % others; limit {} MiB; {} keys of {} bytes, "
      "half of the requests uniform, half log-uniform; values 16..500, {}; seed {}; times in ns\n",
      operations, limit_mib, keys, kKeyBytes,
      values_to_a_long == 0 ? "none longer"
                            : fmt::format("one in {} up to {}", values_to_a_long, Source::kLargeBytes),
      kSeed);

  const std::unique_ptr<Cache> made = make_cache({.memory_limit_bytes = limit_mib << 20, .seed = kSeed});
  Cache& cache = *made;
  ShardedLru lru(limit_mib << 20);

  const std::string filling(Source::kLargeBytes, 'v');
  const auto value_of = [&](const Operation& operation) {
    return std::string_view(filling).substr(0, operation.detail);
  };
  std::string out;
  out.reserve(2 * Source::kLargeBytes);
  const auto on_cache = [&](const Operation& operation) {
    switch (operation.kind) {
      case Kind::kGet:
        (void)cache.get(operation.key_view(), out);
        return;
      case Kind::kSet:
        (void)cache.set(operation.key_view(), value_of(operation));
        return;
      case Kind::kErase:
        (void)cache.erase(operation.key_view());
        return;
      case Kind::kOther:
        if (operation.detail % 3 == 0) (void)cache.incr(operation.key_view(), 1, {.initial = 1});
        if (operation.detail % 3 == 1) (void)cache.touch(operation.key_view(), std::chrono::hours(1));
        if (operation.detail % 3 == 2) (void)cache.append(operation.key_view(), "appended");
    }
  };
  const auto on_lru = [&](const Operation& operation) {
    switch (operation.kind) {
      case Kind::kSet:
        lru.set(operation.key_view(), value_of(operation));
        return;
      case Kind::kErase:
        (void)lru.erase(operation.key_view());
        return;
      default:
        (void)lru.get(operation.key_view(), out);
    }
  };

  const auto nothing_times = std::make_unique<Times>();
  const auto waiting_times = std::make_unique<Times>();
  const auto cache_times = std::make_unique<Times>();
  const auto lru_times = std::make_unique<Times>();
  Source source(keys, values_to_a_long);
  for (uint64_t done = 0; done < operations; done += kBlock) {
    const std::vector<Operation>& block = source.next();
    measure(block, *nothing_times, [](const Operation&) {});
    measure(block, *waiting_times, [](const Operation&) { wait(); });
    measure(block, *cache_times, on_cache);
    measure(block, *lru_times, on_lru);
    if (!cache_times->is_full) cache_times->is_full = cache.stats().evictions > 0;
    nothing_times->is_full = waiting_times->is_full = cache_times->is_full;
    lru_times->is_full = lru.is_full();
  }
  fmt::print("{:<18} {:<8} {:<7} {:>9} {:>6} {:>6} {:>6} {:>7} {:>8} {:>9}  {:>8} {:>7} {:>6} {:>11} {:>8} {:>9}\n",
             "contender", "phase", "what", "count", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "max", "99.99/50",
             "> 64 us", "> 1 ms", "interrupted", "99.99 %", "max");
  print("nothing", *nothing_times);
  print("waiting", *waiting_times);
  print("larder", *cache_times);
  print("sharded mutex LRU", *lru_times);
  const Stats stats = cache.stats();
  fmt::print("larder at the end: {} items, {} evictions, index of {} slots; hits {} misses {}\n", stats.items,
             stats.evictions, stats.index_slots, stats.get_hits, stats.get_misses);
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::print_by_lines();
  const uint64_t operations = larder::bench::number_argument(argc, argv, 1, 50'000'000);
  const size_t limit_mib = larder::bench::number_argument(argc, argv, 2, 512);
  const uint64_t values_to_a_long = larder::bench::number_argument(argc, argv, 3, 2'000);
  larder::bench::run(operations, limit_mib, values_to_a_long);
}
