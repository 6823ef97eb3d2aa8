// Entries of the ghost (ghost.h), which miniatures (curve/miniature.h) have as well.
//
//   31          8 7       0
//  | fingerprint |  epoch  |      0 is the empty entry
#ifndef LARDER_INTERNAL_POLICY_GHOST_ENTRY_H_
#define LARDER_INTERNAL_POLICY_GHOST_ENTRY_H_

#include <cstdint>

namespace larder::internal {

// How many epochs an entry is valid; as many bytes as the limit are evicted in that time.
inline constexpr uint32_t kGhostEpochs = 64;
inline constexpr uint32_t kGhostEpochMask = 0xff;

[[nodiscard]] constexpr uint32_t ghost_entry(uint32_t fingerprint, uint32_t epoch) {
  return (fingerprint & ~kGhostEpochMask) | (epoch & kGhostEpochMask);
}
[[nodiscard]] constexpr bool are_of_one_key(uint32_t entry, uint32_t other) {
  return (entry ^ other) <= kGhostEpochMask;
}
// In epochs; an empty entry is older than all others.
[[nodiscard]] constexpr uint32_t ghost_age(uint32_t entry, uint32_t epoch) {
  return entry == 0 ? kGhostEpochMask + 1 : (epoch - entry) & kGhostEpochMask;
}
[[nodiscard]] constexpr bool is_ghost_current(uint32_t entry, uint32_t epoch) {
  return ghost_age(entry, epoch) <= kGhostEpochs;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_GHOST_ENTRY_H_
