#ifndef LARDER_INTERNAL_CURVE_MISSES_INL_H_
#define LARDER_INTERNAL_CURVE_MISSES_INL_H_

#include <algorithm>
#include <cmath>

#include "larder/api.h"
#include "larder/internal/curve/misses.h"

namespace larder::internal {

// Two-sided 95 % of Student's t with 15 degrees of freedom; and what a miniature errs by though its sample be fair.
inline constexpr double kStandardErrors = 2.13;
inline constexpr double kErrorMin = 0.003;
inline constexpr double kLikeness = 0.15;

LARDER_INLINE void Misses::add(const Misses& others, double share) {
  gets += others.gets * share;
  misses += others.misses * share;
  own_misses += static_cast<float>(others.own_misses * share);
  first_misses += static_cast<float>(others.first_misses * share);
  for (size_t size = 0; size < kCurveSizes; ++size) {
    counted[size] += static_cast<float>(others.counted[size] * share);
    for (size_t group = 0; group < kGroups; ++group) {
      groups[group].missed[size] += static_cast<float>(others.groups[group].missed[size] * share);
      groups[group].own_missed[size] += static_cast<float>(others.groups[group].own_missed[size] * share);
    }
  }
}

LARDER_INLINE void Misses::fade(double share) {
  const Misses all = *this;
  *this = {};
  add(all, share);
}

LARDER_INLINE double Misses::missed(size_t size) const {
  double sum = 0;
  for (const Group& group : groups) sum += group.missed[size];
  return sum;
}

LARDER_INLINE double Misses::own_missed(size_t size) const {
  double sum = 0;
  for (const Group& group : groups) sum += group.own_missed[size];
  return sum;
}

// Of `value`, which is a function of the sums of all groups but one: from its values without each.
template <class Value>
double standard_error(Value&& value) {
  std::array<double, Misses::kGroups> without{};
  for (size_t group = 0; group < without.size(); ++group) without[group] = value(group);
  double mean = 0;
  for (const double each : without) mean += each / without.size();
  double squares = 0;
  for (const double each : without) squares += (each - mean) * (each - mean);
  return std::sqrt(squares * (without.size() - 1) / without.size());
}

LARDER_INLINE Estimate estimate(const Misses& misses, size_t size) {
  const double own = misses.own_missed(size);
  const double other = misses.missed(size);
  const double counted = misses.gets > 0 ? misses.misses / misses.gets : 0;
  if (size == kOwnSize) return {.miss_ratio = counted};
  const double error = standard_error([&](size_t group) {
    const double own_left = own - misses.groups[group].own_missed[size];
    return own_left > 0 ? counted * (other - misses.groups[group].missed[size]) / own_left : counted;
  });
  return {.miss_ratio = std::clamp(counted * other / own, 0.0, 1.0), .error = kStandardErrors * error + kErrorMin};
}

LARDER_INLINE bool is_like_counted(const Misses& misses) {
  const double own = misses.missed(kOwnSize);
  const double error = standard_error([&](size_t group) {
    const double left = own - misses.groups[group].missed[kOwnSize];
    return left * Misses::kGroups / (Misses::kGroups - 1);
  });
  return std::abs(own - misses.misses) <= std::max(kLikeness * misses.misses, 3 * error);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_MISSES_INL_H_
