// How long operations take: as a histogram of the library's, or told to one of the program's.
//
//   larder::LatencyHistogram gets;
//   std::optional<larder::Item> item = larder::timed(gets, [&] { return cache.get("key"); });
//   larder::write_prometheus(out, "shop_cache_get_duration_seconds", gets);
//
// To tell a histogram of OpenTelemetry's, say, give timed a function of a duration instead:
//
//   const auto record = [&](std::chrono::nanoseconds took) { histogram->Record(took.count() * 1e-9); };
//   auto item = larder::timed(record, [&] { return cache.get("key"); });
#ifndef LARDER_LATENCY_H_
#define LARDER_LATENCY_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <type_traits>
#include <utility>

#include "larder/api.h"

namespace larder {

// Counts durations in buckets, two for each power of two from 16 ns to 69 s. Thread-safe; costs two additions to
// shared memory.
class LatencyHistogram {
 public:
  // The last bucket has no bound.
  static constexpr size_t kBuckets = 66;

  // `one_in`: timed takes the time of one call in so many, at random; a look at the clock takes about as long as a
  // get. 0 counts as 1.
  explicit LatencyHistogram(uint32_t one_in = 1) : one_in_(std::max(one_in, 1u)) {}

  // The longest time that bucket 0..kBuckets - 2 has.
  [[nodiscard]] static constexpr std::chrono::nanoseconds bound(size_t bucket) {
    const int64_t power = int64_t{kShortest} << bucket / 2;
    return std::chrono::nanoseconds(bucket % 2 == 0 ? power : power + power / 2);
  }

  // Less than nothing counts as nothing.
  void add(std::chrono::nanoseconds time) {
    const int64_t ns = std::max<int64_t>(time.count(), 0);
    counts_[bucket_of(ns)].fetch_add(1, std::memory_order_relaxed);
    // Relaxed, here and below: nothing else depends on these numbers.
    sum_ns_.fetch_add(static_cast<uint64_t>(ns), std::memory_order_relaxed);
  }

  // How many times are in a bucket; in all of them; and their sum.
  [[nodiscard]] uint64_t count(size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  [[nodiscard]] uint64_t count() const {
    uint64_t sum = 0;
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) sum += count(bucket);
    return sum;
  }
  [[nodiscard]] std::chrono::nanoseconds sum() const {
    return std::chrono::nanoseconds(sum_ns_.load(std::memory_order_relaxed));
  }

  // A bound that this share of the times, 0..1, does not exceed: `quantile(0.99)`. The longest bound if they exceed
  // that, and 0 if there are no times.
  [[nodiscard]] std::chrono::nanoseconds quantile(double share) const {
    const auto all = static_cast<double>(count());
    if (all == 0) return {};
    double seen = 0;
    size_t bucket = 0;
    for (; bucket < kBuckets - 2; ++bucket) {
      seen += static_cast<double>(count(bucket));
      if (seen > 0 && seen >= std::clamp(share, 0.0, 1.0) * all) break;
    }
    return bound(bucket);
  }

  // Begins anew.
  void reset() {
    for (std::atomic<uint64_t>& count : counts_) count.store(0, std::memory_order_relaxed);
    sum_ns_.store(0, std::memory_order_relaxed);
  }

  // Whether the time of this call is to be taken.
  [[nodiscard]] bool draw() const {
    if (one_in_ == 1) return true;
    thread_local uint64_t state = reinterpret_cast<uintptr_t>(&state) | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 32) * one_in_ >> 32 == 0;
  }

 private:
  static constexpr int64_t kShortest = 16;

  [[nodiscard]] static constexpr size_t bucket_of(int64_t ns) {
    if (ns <= kShortest) return 0;
    // The power of two below, and whether it is more than one and a half times that.
    const int power = std::bit_width(static_cast<uint64_t>(ns - 1)) - 1;
    const int64_t below = int64_t{1} << power;
    const size_t bucket = 2 * static_cast<size_t>(power - 4) + (ns > below + below / 2 ? 2 : 1);
    return std::min(bucket, kBuckets - 1);
  }

  const uint32_t one_in_;
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_ns_{0};
};

// Returns what call() does, and calls record(nanoseconds), which must not throw, with how long it took, also if it
// throws.
template <std::invocable<std::chrono::nanoseconds> Record, std::invocable Call>
decltype(auto) timed(Record&& record, Call&& call) {
  struct Timer {
    ~Timer() { record(std::chrono::steady_clock::now() - begin); }
    std::remove_reference_t<Record>& record;
    const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  };
  const Timer timer{record};
  return std::forward<Call>(call)();
}

// The same, but adds how long it took to `histogram`.
template <std::invocable Call>
decltype(auto) timed(LatencyHistogram& histogram, Call&& call) {
  if (!histogram.draw()) return std::forward<Call>(call)();
  return timed([&](std::chrono::nanoseconds took) { histogram.add(took); }, std::forward<Call>(call));
}

// Writes it in Prometheus' text format, version 0.0.4, as a histogram in seconds. `name`: of its family, which
// should end in _seconds. `cache_name`: the value of the label `cache`, in UTF-8; empty: there is no such label.
LARDER_API void write_prometheus(std::ostream& out, std::string_view name, const LatencyHistogram& histogram,
                                 std::string_view cache_name = {});

}  // namespace larder

#endif  // LARDER_LATENCY_H_
