// Items that will expire at about the same time go to the same segment, so that all of it expires together.
#ifndef LARDER_INTERNAL_SEGMENTS_EXPIRY_CLASS_H_
#define LARDER_INTERNAL_SEGMENTS_EXPIRY_CLASS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "larder/internal/item/record.h"

namespace larder::internal {

// Upper bounds of the time left. The last class but one has none; the last is for items that never expire. Bounded
// classes are at most a factor of eight wide, so that an expired item seldom shares a segment with items that live
// much longer.
inline constexpr std::array<int64_t, 6> kExpiryClassBoundsMs = {4'000,       30'000,        4 * 60'000,
                                                                30 * 60'000, 4 * 3'600'000, 24 * 3'600'000};
inline constexpr size_t kExpiryClassCount = kExpiryClassBoundsMs.size() + 2;
inline constexpr int kNeverExpiryClass = kExpiryClassCount - 1;

[[nodiscard]] constexpr int expiry_class(int64_t deadline_ms, int64_t now_ms) {
  if (deadline_ms >= kNeverMs) return kNeverExpiryClass;
  int number = 0;
  for (const int64_t bound : kExpiryClassBoundsMs) {
    if (deadline_ms - now_ms <= bound) return number;
    ++number;
  }
  return number;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_EXPIRY_CLASS_H_
