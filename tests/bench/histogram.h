// Counts of times in fixed buckets: from 32 ns on, 32 for each power of two, so that a percentile is right within 3
// %.
#ifndef LARDER_TESTS_BENCH_HISTOGRAM_H_
#define LARDER_TESTS_BENCH_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace larder::bench {

class Histogram {
 public:
  // Allocates nothing.
  void add(uint64_t ns) {
    ++counts_[bucket_of(std::min(ns, kMaxNs))];
    ++total_;
    max_ = std::max(max_, ns);
  }

  void merge(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
  }

  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] uint64_t max() const { return max_; }

  // The time that this share (0..1) of all does not pass: the upper end of its bucket.
  [[nodiscard]] uint64_t percentile(double share) const {
    auto left = static_cast<uint64_t>(share * static_cast<double>(total_));
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > left) return std::min(end_of(i) - 1, max_);
      left -= counts_[i];
    }
    return max_;
  }

 private:
  static constexpr int kSubBits = 5;
  static constexpr int kMaxBits = 40;
  static constexpr uint64_t kMaxNs = (uint64_t{1} << kMaxBits) - 1;
  static constexpr uint64_t kSubBuckets = uint64_t{1} << kSubBits;

  static size_t bucket_of(uint64_t ns) {
    if (ns < kSubBuckets) return ns;
    const int shift = std::bit_width(ns) - 1 - kSubBits;
    return (static_cast<size_t>(shift) << kSubBits) + (ns >> shift);
  }
  // The first number that is in a later bucket.
  static uint64_t end_of(size_t bucket) {
    if (bucket < kSubBuckets) return bucket + 1;
    const size_t shift = (bucket >> kSubBits) - 1;
    return (uint64_t{(bucket & (kSubBuckets - 1)) | kSubBuckets} + 1) << shift;
  }

  std::array<uint64_t, (kMaxBits - kSubBits + 1) * kSubBuckets> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_HISTOGRAM_H_
