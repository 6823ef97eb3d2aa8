// Large items, each a segment of its own.
#ifndef LARDER_INTERNAL_SEGMENTS_LARGE_ITEMS_INL_H_
#define LARDER_INTERNAL_SEGMENTS_LARGE_ITEMS_INL_H_

#include <algorithm>
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
  SegmentId id = 0;
  size_t had_bytes = 0;
  uint8_t lead_bytes = 0;
  do {
    const MutexLock lock(mutex_);
    id = take_free_large(room_bytes);
    had_bytes = id != 0 ? segments_[id].room_bytes.load() : 0;
    if (id == 0) id = make_large(room_bytes);
    if (id == 0) continue;
    lead_bytes = room_bytes - bytes >= kLargeLeadBytes ? kLargeLeadBytes : uint8_t{0};
    start(segments_[id], chain, room_bytes, true, lead_bytes, SegmentState::kSealed);
    insert_into_chain(id, chain, 0);
    segments_[id].fill.store(Segment::kOneWriter + room_bytes, std::memory_order_release);
  } while (id == 0 && release_free_large());
  if (id == 0) return std::nullopt;

  if (had_bytes > room_bytes) {
    memory_.discard(address_of(id) + room_bytes, had_bytes - room_bytes);
    account_.release(Use::kLarge, had_bytes - room_bytes);
  }
  const uint64_t address = address_of(id) + lead_bytes;
  unpoison(at(address), room_bytes - lead_bytes);
  return Reservation{.segment = id, .address = address, .room_bytes = room_bytes - lead_bytes, .is_large = true};
}

// The one whose length differs least. Its pages are there already: to fault new ones in takes longer than to copy a
// value.
LARDER_INLINE SegmentId Log::take_free_large(size_t room_bytes) {
  const auto room_of = [&](SegmentId id) { return segments_[id].room_bytes.load(); };
  auto best = free_large_.end();
  size_t best_difference = SIZE_MAX;
  for (auto at = free_large_.begin(); at != free_large_.end(); ++at) {
    if (large_order(room_of(*at)) != large_order(room_bytes)) continue;
    const size_t difference = std::max(room_of(*at), room_bytes) - std::min(room_of(*at), room_bytes);
    if (difference >= best_difference) continue;
    best = at;
    best_difference = difference;
  }
  if (best == free_large_.end()) return 0;
  const SegmentId id = *best;
  if (room_of(id) < room_bytes) {
    if (!account_.try_charge(Use::kLarge, best_difference)) return 0;
    if (!memory_.make_writable(address_of(id), room_bytes)) {
      account_.release(Use::kLarge, best_difference);
      return 0;
    }
    end_of_large_ = std::max(end_of_large_, address_of(id - first_large_) + room_bytes);
  }
  free_large_.erase(best);
  free_large_bytes_.store(free_large_bytes_.load() - room_of(id));
  is_free_large_used_.store(true);
  return id;
}

LARDER_INLINE SegmentId Log::make_large(size_t room_bytes) {
  if (!try_charge(Use::kLarge, room_bytes)) return 0;
  const std::optional<uint32_t> number = large_numbers_.allocate_usable(
      large_order(room_bytes),
      [&](uint32_t first) ABSL_NO_THREAD_SAFETY_ANALYSIS { return make(first_large_ + first, room_bytes); });
  if (!number) {
    release_charge(Use::kLarge, room_bytes);
    return 0;
  }
  end_of_large_ = std::max(end_of_large_, address_of(*number) + room_bytes);
  return first_large_ + *number;
}

LARDER_INLINE bool Log::release_free_large() {
  SegmentId id = 0;
  {
    const MutexLock lock(mutex_);
    if (free_large_.empty()) return false;
    id = free_large_.front();
    free_large_.erase(free_large_.begin());
    free_large_bytes_.store(free_large_bytes_.load() - segments_[id].room_bytes.load());
    segments_[id].state.store(SegmentState::kReturning, std::memory_order_seq_cst);
  }
  give_back(id);
  return true;
}

LARDER_INLINE int Log::large_order(size_t bytes) const {
  return std::bit_width((round_up(bytes, segment_bytes_) >> segment_shift_) - 1);
}

LARDER_INLINE bool Log::release_unused_large() {
  return !is_free_large_used_.exchange(false) && release_free_large();
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_LARGE_ITEMS_INL_H_
