// The eviction policy, S3-FIFO on segments: what becomes of a live item when its segment is cleaned.
//
// New items go to the small chain, unless the ghost remembers that they were evicted lately. The small chain gives
// its oldest segment when it holds more than its share, otherwise the main chain does. An item read twice or more
// while in small moves to main; an item of main that was read since it was last looked at stays, with one read
// less to its name; everything else is evicted.
//
// An oversized item would push out most of what is on probation, and once the ghost knows it as much of main: for
// one item's sake. So it goes before the others of small, oldest first, and the ghost does not remember it. It can
// only earn its place by being read twice before that.
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

// How badly room is needed.
enum class EvictionPressure : uint8_t {
  kNone,      // keep every live item: the segment was chosen for what is dead in it
  kOrdinary,  // what is dead, expired or flushed goes first, then what the policy evicts
  kByPolicy,  // that has given too little: only what the policy evicts
  kForced,    // nothing is kept any more
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
