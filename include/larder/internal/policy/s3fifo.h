// The eviction policy, S3-FIFO on segments: what happens to a live item when its segment is cleaned.
//
// New items go to the small chain, unless the ghost remembers their recent eviction. The victim is the oldest
// segment of the small chain if that exceeds its share of the bytes, otherwise of the main chain. An item read at
// least twice in small moves to main. An item in main that was read since it was last visited stays, with its
// frequency reduced by one. Everything else is evicted.
//
// An oversized item would push out most of the small chain for one item's sake, and, once the ghost knows it, as
// much of main. Therefore it is evicted before the others of small, oldest first, and the ghost does not remember
// it. It stays only if it is read twice before that.
#ifndef LARDER_INTERNAL_POLICY_S3FIFO_H_
#define LARDER_INTERNAL_POLICY_S3FIFO_H_

#include <cstdint>

#include "larder/internal/segments/segment.h"

namespace larder::internal {

// The small chain's share of the bytes in both chains.
inline constexpr uint64_t kSmallShareDivisor = 7;
inline constexpr uint32_t kReadsToPromote = 2;

[[nodiscard]] constexpr bool is_small_over_share(uint64_t small_bytes, uint64_t main_bytes) {
  return small_bytes * kSmallShareDivisor > small_bytes + main_bytes;
}

// Whether a segment of small is to become one of main, in a loop (loop.h). So much is left in small that its share
// is never undercut.
[[nodiscard]] constexpr bool may_fill_main(uint64_t small_bytes, uint64_t main_bytes, uint64_t segment_bytes) {
  const uint64_t moved = 2 * segment_bytes;
  return small_bytes > moved && is_small_over_share(small_bytes - moved, main_bytes + moved);
}

// How urgently room is needed.
enum class EvictionPressure : uint8_t {
  kNone,      // keep every live item: the segment was chosen for its dead bytes
  kOrdinary,  // dead, expired and flushed items go first, then what the policy evicts
  kByPolicy,  // that has given too little: the policy chooses, unless a quarter of a segment is dead or expired
  kForced,    // nothing is kept
};

struct Verdict {
  bool is_kept = false;
  Chain chain = Chain::kMain;
  uint32_t frequency = 0;
};

[[nodiscard]] constexpr Verdict judge(Chain chain, uint32_t frequency, EvictionPressure pressure) {
  if (pressure == EvictionPressure::kForced) return {};
  if (pressure == EvictionPressure::kNone) return {.is_kept = true, .chain = chain, .frequency = frequency};
  if (chain == Chain::kSmall)
    return {.is_kept = frequency >= kReadsToPromote, .chain = Chain::kMain, .frequency = 0};
  return {.is_kept = frequency > 0, .chain = Chain::kMain, .frequency = frequency - (frequency > 0 ? 1 : 0)};
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_S3FIFO_H_
