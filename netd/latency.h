// How long requests take, as a histogram of a sample: in one of EventLoop::kSampledRounds rounds of a worker, from
// the moment that the round starts until a connection's replies are with the system. One value stands for the
// requests that a connection is answered together.
#ifndef NETD_LATENCY_H_
#define NETD_LATENCY_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace netd {

// One thread adds; any may read.
class alignas(64) LatencyHistogram {
 public:
  // Bounds are the powers of the square root of 2, as of Prometheus' native histograms with schema 1: from about a
  // microsecond to 2 s. The last bucket has no bound.
  static constexpr size_t kBuckets = 44;

  // The longest time that bucket 0..kBuckets - 2 has, in seconds.
  [[nodiscard]] static double bound_s(size_t bucket) { return std::exp2(static_cast<double>(bucket) / 2 - 20); }

  void add(std::chrono::nanoseconds time) {
    const double s = std::chrono::duration<double>(time).count();
    const double bucket = s <= 0 ? 0 : std::ceil(2 * (std::log2(s) + 20));
    const auto place = static_cast<size_t>(std::clamp<double>(bucket, 0, kBuckets - 1));
    // Relaxed throughout: statistics; no other data depends on them.
    counts_[place].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(static_cast<uint64_t>(time.count()), std::memory_order_relaxed);
  }

  [[nodiscard]] uint64_t count(size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  [[nodiscard]] uint64_t sum_ns() const { return sum_ns_.load(std::memory_order_relaxed); }
  void reset() {
    for (std::atomic<uint64_t>& count : counts_) count.store(0, std::memory_order_relaxed);
    sum_ns_.store(0, std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_ns_{0};
};

// What several histograms have together.
struct LatencyTotals {
  void add(const LatencyHistogram& histogram) {
    for (size_t bucket = 0; bucket < counts.size(); ++bucket) counts[bucket] += histogram.count(bucket);
    sum_ns += histogram.sum_ns();
  }

  std::array<uint64_t, LatencyHistogram::kBuckets> counts{};
  uint64_t sum_ns = 0;
};

}  // namespace netd

#endif  // NETD_LATENCY_H_
