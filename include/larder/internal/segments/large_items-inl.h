// Large items, each a segment of its own.
#ifndef LARDER_INTERNAL_SEGMENTS_LARGE_ITEMS_INL_H_
#define LARDER_INTERNAL_SEGMENTS_LARGE_ITEMS_INL_H_

#include <bit>
#include <cstdint>

#include "larder/api.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

// If its pages have room for it, a large item's record starts at this offset. The kernel copies what a server
// sends to the start of a page, first a header and then the value. Some processors (seen: AMD EPYC) copy several
// times more slowly when the target is less than a cache line ahead of the source, modulo 4 KiB, as it would be
// without the offset.
inline constexpr uint8_t kLargeLeadBytes = 128;
static_assert(kLargeLeadBytes % kRecordAlignment == 0);

LARDER_INLINE std::optional<Reservation> Log::reserve_large(size_t bytes, Chain chain) {
  const size_t room_bytes = large_room_bytes(bytes);
  if (!try_charge(Use::kLarge, room_bytes)) return std::nullopt;
  const MutexLock lock(mutex_);
  const SegmentId id = take_large_numbers(room_bytes);
  if (id == 0) {
    release_charge(Use::kLarge, room_bytes);
    return std::nullopt;
  }
  const uint8_t lead_bytes = room_bytes - bytes >= kLargeLeadBytes ? kLargeLeadBytes : uint8_t{0};
  start(segments_[id], chain, room_bytes, true, lead_bytes, SegmentState::kSealed);
  insert_into_chain(id, chain, 0);
  segments_[id].fill.store(Segment::kOneWriter + room_bytes, std::memory_order_release);
  const uint64_t address = first_in(id);
  unpoison(at(address), room_bytes - lead_bytes);
  return Reservation{.segment = id, .address = address, .room_bytes = room_bytes - lead_bytes, .is_large = true};
}

LARDER_INLINE SegmentId Log::take_large_numbers(size_t bytes) {
  const std::optional<uint32_t> number = large_numbers_.allocate_usable(
      large_order(bytes),
      [&](uint32_t first) ABSL_NO_THREAD_SAFETY_ANALYSIS { return make(first_large_ + first, bytes); });
  if (!number) return 0;
  end_of_large_ = std::max(end_of_large_, address_of(*number) + bytes);
  return first_large_ + *number;
}

LARDER_INLINE int Log::large_order(size_t bytes) const {
  return std::bit_width((round_up(bytes, segment_bytes_) >> segment_shift_) - 1);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_LARGE_ITEMS_INL_H_
