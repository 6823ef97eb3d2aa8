#ifndef LARDER_INTERNAL_COMMANDS_SIZING_INL_H_
#define LARDER_INTERNAL_COMMANDS_SIZING_INL_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/curve/curve.h"
#include "larder/internal/engine/engine.h"
#include "larder/sizing.h"

namespace larder::internal {

inline constexpr float kSampledMissesMin = 200;

inline MissRatioCurve no_curve(uint64_t limit_bytes) {
  static_assert(MissRatioCurve::kSizes == kCurveSizes);
  MissRatioCurve curve;
  for (size_t size = 0; size < kCurveSizes; ++size) {
    curve.sizes[size].factor = static_cast<double>(kQuarters[size]) / static_cast<double>(kQuarters[kOwnSize]);
    curve.sizes[size].memory_limit_bytes = limit_bytes / kQuarters[kOwnSize] * kQuarters[size];
  }
  return curve;
}

inline MissRatioCurve curve_of(const Curve::Result& result, const CurveSums& sums, const Misses& misses,
                               uint64_t limit_bytes) {
  MissRatioCurve curve = no_curve(limit_bytes);
  curve.miss_ratio = misses.gets > 0 ? misses.misses / misses.gets : 0;
  curve.first_ratio = curve.miss_ratio * misses.first_misses / std::max(1.0f, misses.own_misses);
  curve.gets = misses.gets;
  curve.seconds = sums.seconds;
  curve.turnovers = sums.turnovers;
  curve.sampled_share = result.sampled_share;
  const bool is_certain = is_like_counted(misses);
  for (size_t size = 0; size < kCurveSizes; ++size) {
    MissRatio& of = curve.sizes[size];
    if (!result.were_full[size]) {
      of.state = MissRatioState::kNeverFull;
    } else if (misses.counted[size] < kSampledMissesMin || misses.own_missed(size) <= 0) {
      of.state = MissRatioState::kTooFew;
    } else {
      of.state = is_certain ? MissRatioState::kKnown : MissRatioState::kUncertain;
      const Estimate estimated = estimate(misses, size);
      of.miss_ratio = estimated.miss_ratio;
      of.error = estimated.error;
    }
  }
  return curve;
}

// To the nearest whole number, or tenth.
inline std::string whole(double value) { return absl::StrCat(std::llround(value)); }
inline std::string tenths(double value) {
  const long long count = std::llround(value * 10);
  return absl::StrCat(count / 10, ".", count % 10);
}

inline std::string percent(double ratio) { return tenths(100 * ratio); }

inline std::string bytes_text(uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  const bool is_whole = value == std::floor(value) || value >= 100;
  return absl::StrCat(is_whole ? whole(value) : tenths(value), " ", kUnits[unit]);
}

inline std::string duration_text(double seconds) {
  static constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}}};
  size_t unit = 0;
  while (unit + 1 < kUnits.size() && seconds < 2 * kUnits[unit].first) ++unit;
  return absl::StrCat(whole(seconds / kUnits[unit].first), " ", kUnits[unit].second);
}

inline std::string gets_text(double gets) {
  if (gets < 1e5) return whole(gets);
  return gets < 1e9 ? absl::StrCat(tenths(gets / 1e6), " million") : absl::StrCat(tenths(gets / 1e9), " billion");
}

inline std::string with_error(const MissRatio& size) {
  return absl::StrCat(percent(size.miss_ratio), " % ± ", percent(size.error),
                      size.state == MissRatioState::kUncertain ? " or more" : "");
}

}  // namespace larder::internal

namespace larder {

LARDER_INLINE std::string_view to_string(MissRatioState state) {
  switch (state) {
    case MissRatioState::kKnown:
      return "known";
    case MissRatioState::kUncertain:
      return "uncertain";
    case MissRatioState::kTooFew:
      return "too few samples";
    case MissRatioState::kNeverFull:
      return "never full";
    case MissRatioState::kOff:
      break;
  }
  return "off";
}

LARDER_INLINE MissRatioCurve miss_ratio_curve(const Cache& cache) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  const std::optional<internal::Curve::Result> result = engine.curve().result();
  const uint64_t limit_bytes = engine.memory_limit_bytes();
  return result ? internal::curve_of(*result, result->sums, result->sums.all(), limit_bytes)
                : internal::no_curve(limit_bytes);
}

LARDER_INLINE std::vector<MissRatioCurve> namespace_miss_ratio_curves(const Cache& cache) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  const std::optional<internal::Curve::Result> result = engine.curve().result();
  const uint64_t limit_bytes = engine.memory_limit_bytes();
  const size_t count = engine.options().namespaces.size() + 1;
  if (!result) return std::vector<MissRatioCurve>(count, internal::no_curve(limit_bytes));
  std::vector<MissRatioCurve> curves;
  // Number 0 is that of all other keys, which come last.
  for (size_t i = 1; i <= count; ++i) {
    curves.push_back(internal::curve_of(*result, result->sums, result->sums.spaces[i % count], limit_bytes));
  }
  return curves;
}

LARDER_INLINE std::string to_string(const MissRatioCurve& curve) {
  const MissRatio& own = curve.sizes[internal::kOwnSize];
  if (own.state == MissRatioState::kOff) return "There is no miss-ratio curve.";
  std::string text =
      absl::StrCat("Over the last ", internal::duration_text(curve.seconds), " (", internal::gets_text(curve.gets),
                   " gets) ", internal::percent(curve.miss_ratio), " % missed.");
  std::vector<std::string> others;
  for (const MissRatio& size : curve.sizes) {
    if (&size == &own || !size.has_value()) continue;
    others.push_back(
        absl::StrCat(others.empty() ? "A cache" : "one", " of ", internal::bytes_text(size.memory_limit_bytes),
                     others.empty() ? ", already warm, would have missed " : " ", internal::with_error(size)));
  }
  if (others.empty()) return absl::StrCat(text, " Other sizes are not known yet.");
  absl::StrAppend(&text, " ");
  for (size_t i = 0; i < others.size(); ++i) absl::StrAppend(&text, i == 0 ? "" : "; ", others[i]);
  return absl::StrCat(text, ".");
}

LARDER_INLINE SizeAdvice advise(const MissRatioCurve& curve, double miss_ratio_max) {
  SizeAdvice advice;
  const MissRatio* largest = nullptr;
  const MissRatio* smallest = nullptr;
  for (const MissRatio& size : curve.sizes) {
    if (!size.has_value()) continue;
    if (smallest == nullptr) smallest = &size;
    largest = &size;
    if (size.miss_ratio > miss_ratio_max) {
      advice.more_than_bytes = size.memory_limit_bytes;
      advice.at_most_bytes.reset();
    } else if (!advice.at_most_bytes) {
      advice.at_most_bytes = size.memory_limit_bytes;
    }
  }
  const std::string target = absl::StrCat("a miss ratio of ", internal::percent(miss_ratio_max), " %");
  if (largest == nullptr) {
    advice.text = absl::StrCat("It is not known yet what ", target, " takes.");
  } else if (!advice.at_most_bytes && miss_ratio_max < curve.first_ratio) {
    advice.text = absl::StrCat("No size reaches ", target, ": ", internal::percent(curve.first_ratio),
                               " % of the gets are first requests.");
  } else if (!advice.at_most_bytes) {
    advice.text =
        absl::StrCat("More than ", internal::bytes_text(*advice.more_than_bytes), ", which would have missed ",
                     internal::with_error(*largest), "; whether any size reaches ", target, " is not known.");
  } else if (!advice.more_than_bytes) {
    advice.text = absl::StrCat("At most ", internal::bytes_text(*advice.at_most_bytes),
                               ", which would have missed ", internal::with_error(*smallest), ".");
  } else {
    advice.text = absl::StrCat("Between ", internal::bytes_text(*advice.more_than_bytes), " and ",
                               internal::bytes_text(*advice.at_most_bytes), ".");
  }
  return advice;
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_SIZING_INL_H_
