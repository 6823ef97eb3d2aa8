// What LoadOptions come to, and what is answered, for loads of bytes and of objects.
#ifndef LARDER_INTERNAL_LOADER_BOUNDS_H_
#define LARDER_INTERNAL_LOADER_BOUNDS_H_

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "absl/status/status.h"

namespace larder::internal {

// 34 years: the cache treats any longer expiry as never.
inline constexpr std::chrono::milliseconds kDurationMax{int64_t{1} << 40};

inline std::chrono::milliseconds bounded_duration(std::chrono::milliseconds duration) {
  return std::clamp(duration, std::chrono::milliseconds(0), kDurationMax);
}

inline std::chrono::milliseconds bounded_load_timeout(std::chrono::milliseconds timeout) {
  return std::clamp<std::chrono::milliseconds>(timeout, std::chrono::milliseconds(1), std::chrono::hours(24));
}

[[nodiscard]] inline absl::Status absence() { return absl::NotFoundError("there is nothing to load"); }

// A copy that shares nothing. Copies of a Status count references to shared data, and Debian builds Abseil without
// ThreadSanitizer, which would report the last release as a race.
inline absl::Status own_copy(const absl::Status& status) {
  absl::Status copy(status.code(), status.message());
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) { copy.SetPayload(type, payload); });
  return copy;
}

// A ttl without up to that share of it (LoadOptions::ttl_jitter), as `random` says.
inline std::chrono::milliseconds less_jitter(std::chrono::milliseconds ttl, double ttl_jitter, uint64_t random) {
  // Unlike std::clamp, these turn not-a-number into 0.
  const double jitter = std::fmin(std::fmax(ttl_jitter, 0.0), 1.0);
  const double share = jitter * static_cast<double>(random >> 11) * 0x1p-53;
  const std::chrono::milliseconds off(static_cast<int64_t>(static_cast<double>(ttl.count()) * share));
  return std::max(ttl - off, std::chrono::milliseconds(1));
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_LOADER_BOUNDS_H_
