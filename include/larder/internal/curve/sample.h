// Which keys the miss-ratio curve follows: a sample, chosen by hash, so that all requests for a key are in it or
// none.
//
// A key is in it with a probability that grows with the size of its item, from the mean size on: otherwise a few
// long items, in the sample by chance or not, would decide the result. Each item in the sample stands for as many
// as the inverse of its probability.
#ifndef LARDER_INTERNAL_CURVE_SAMPLE_H_
#define LARDER_INTERNAL_CURVE_SAMPLE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace larder::internal {

class Sample {
 public:
  // From this multiple of the mean size on, the probability grows no more.
  static constexpr uint64_t kSizesMax = 64;
  static constexpr uint64_t kMeanBytesMax = uint64_t{1} << 26;

  constexpr Sample() = default;
  // A sample of `share`, 0..1, of the short items, where a mean item has `mean_bytes`, 1..kMeanBytesMax.
  constexpr Sample(double share, uint64_t mean_bytes)
      : word_(mean_bytes << 32 | static_cast<uint32_t>(std::min(share * kHashes, kHashes - 1))) {}
  explicit constexpr Sample(uint64_t word) : word_(word) {}
  [[nodiscard]] constexpr uint64_t word() const { return word_; }

  // Whether an item of `bytes` with this hash is in the sample.
  [[nodiscard]] constexpr bool has(uint64_t hash, size_t bytes) const {
    return uint64_t{low(hash)} * mean_bytes() < threshold() * counted_bytes(bytes);
  }
  // The same for an item of unknown size: whether it is in the sample if it is short; if it is long enough.
  [[nodiscard]] constexpr bool has_short(uint64_t hash) const { return low(hash) < threshold(); }
  [[nodiscard]] constexpr bool may_have(uint64_t hash) const { return low(hash) < threshold() * kSizesMax; }

  // How many items stand behind one of `bytes` that is in the sample.
  [[nodiscard]] constexpr double weight(size_t bytes) const {
    return kHashes * static_cast<double>(mean_bytes()) /
           (static_cast<double>(threshold()) * static_cast<double>(counted_bytes(bytes)));
  }
  [[nodiscard]] constexpr double weight_of_short() const { return kHashes / static_cast<double>(threshold()); }
  // What it takes in a cache that is as much smaller as the sample of short items: for long ones less than their
  // size, as there are more of them.
  [[nodiscard]] constexpr uint32_t charge(size_t bytes) const {
    return static_cast<uint32_t>(bytes * mean_bytes() / counted_bytes(bytes));
  }

  [[nodiscard]] constexpr double share() const { return static_cast<double>(threshold()) / kHashes; }
  [[nodiscard]] constexpr uint64_t mean_bytes() const { return word_ >> 32; }

 private:
  static constexpr double kHashes = 4294967296.0;
  // The bits that neither namespaces nor stripes nor most tags use (hash.h).
  static constexpr uint32_t low(uint64_t hash) { return static_cast<uint32_t>(hash); }
  [[nodiscard]] constexpr uint64_t threshold() const { return static_cast<uint32_t>(word_); }
  [[nodiscard]] constexpr uint64_t counted_bytes(size_t bytes) const {
    return std::clamp<uint64_t>(bytes, mean_bytes(), kSizesMax * mean_bytes());
  }

  uint64_t word_ = uint64_t{1} << 32;  // nothing is in the sample
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_SAMPLE_H_
