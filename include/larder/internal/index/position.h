// Searching a page under its stripe's lock.
#ifndef LARDER_INTERNAL_INDEX_POSITION_H_
#define LARDER_INTERNAL_INDEX_POSITION_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "larder/internal/index/bucket.h"
#include "larder/internal/index/page.h"
#include "larder/internal/index/slot.h"

namespace larder::internal {

// The position of a slot. Valid until the stripe's mutex is released or the stripe's slots change.
struct SlotPosition {
  Bucket* bucket = nullptr;
  int slot = 0;
  uint32_t home = 0;      // number of the bucket where the search started
  uint32_t distance = 0;  // buckets from there

  explicit operator bool() const { return bucket != nullptr; }
  void mark_used() const { internal::mark_used(bucket->slots[static_cast<size_t>(slot)], get()); }
  // Relaxed: under the stripe's mutex.
  [[nodiscard]] Slot get() const { return Slot(bucket->slots[static_cast<size_t>(slot)].load()); }
};

// The slot with this tag whose address `is_wanted` accepts, or none; `home` is where the search for `tag` starts.
template <class IsWanted>
[[nodiscard, gnu::always_inline]] inline SlotPosition find_from(const Page& page, uint32_t home, uint32_t tag,
                                                                IsWanted&& is_wanted) {
  SlotPosition position{.home = home};
  for (; position.distance < page.bucket_count(); ++position.distance) {
    Bucket& bucket = page.bucket(position.home + position.distance);
    const uint64_t control = bucket.control.load(std::memory_order_relaxed);
    if (!page.is_current(control)) break;
    for (uint32_t matches = bucket.matches(tag); matches != 0; matches &= matches - 1) {
      position.slot = std::countr_zero(matches);
      const Slot slot(bucket.slots[static_cast<size_t>(position.slot)].load());
      if (!slot.is_empty() && is_wanted(slot.address())) {
        position.bucket = &bucket;
        return position;
      }
    }
    if (Bucket::overflow_count(control) == 0) break;
  }
  return {};
}

// Calls visit(slot) for each slot of the bucket, unless it is stale.
template <class Visit>
inline void for_each_slot(const Page& page, const Bucket& bucket, Visit&& visit) {
  if (!page.is_current(bucket.control.load(std::memory_order_relaxed))) return;
  for (const auto& word : bucket.slots) {
    const Slot slot(word.load());
    if (!slot.is_empty()) visit(slot);
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_POSITION_H_
