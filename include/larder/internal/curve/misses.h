// What the miniatures and the cache itself have missed over some time, and what follows from it.
//
// The estimate for a size is what the cache has counted, times what the miniature of that size missed, divided by
// what the one of the cache's own size missed: errors that both share, such as those of hot keys that happen to be
// in the sample, cancel out. Its error comes from leaving out one sixteenth of the sample after the other
// (jackknife).
#ifndef LARDER_INTERNAL_CURVE_MISSES_H_
#define LARDER_INTERNAL_CURVE_MISSES_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace larder::internal {

inline constexpr size_t kCurveSizes = 5;
// Of the cache's limit, times 4.
inline constexpr std::array<uint64_t, kCurveSizes> kQuarters = {1, 2, 4, 8, 16};
inline constexpr size_t kOwnSize = 2;

// Of the keys of one namespace.
struct Misses {
  static constexpr size_t kGroups = 16;

  // By the cache itself, of all keys.
  double gets = 0;
  double misses = 0;
  // By the miniatures, since each was full: each miss times what it stands for, in groups of keys; and simply
  // counted.
  struct Group {
    std::array<float, kCurveSizes> missed{};
    std::array<float, kCurveSizes> own_missed{};  // in the same time by the one of the cache's own size
  };
  std::array<Group, kGroups> groups{};
  std::array<float, kCurveSizes> counted{};
  // Of the cache's own misses, those of short items in the sample; and of these, of keys not asked for before.
  float own_misses = 0;
  float first_misses = 0;

  // Adds others, at a share of their weight.
  void add(const Misses& others, double share = 1);
  void fade(double share);
  [[nodiscard]] double missed(size_t size) const;
  [[nodiscard]] double own_missed(size_t size) const;
};

struct Estimate {
  double miss_ratio = 0;
  double error = 0;  // with 95 %
};
// What a cache of that size would have missed. The miniature of the cache's own size must have missed something
// since that one was full.
[[nodiscard]] Estimate estimate(const Misses& misses, size_t size);

// Whether the miniature of the cache's own size missed about as much as the cache: within 15 %, or three standard
// errors.
[[nodiscard]] bool is_like_counted(const Misses& misses);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_MISSES_H_
