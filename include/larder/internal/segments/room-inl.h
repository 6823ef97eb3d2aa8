// Room for records: from a reservation to its commit.
#ifndef LARDER_INTERNAL_SEGMENTS_ROOM_INL_H_
#define LARDER_INTERNAL_SEGMENTS_ROOM_INL_H_

#include <cstddef>

#include "larder/api.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

// With fewer segments than this, one open segment for each expiry class would waste more than the classes save.
inline constexpr size_t kSegmentsForClasses = 64;

LARDER_INLINE int Log::class_of(int64_t deadline_ms, int64_t now_ms) const {
  if (segments_at(account_.limit()) < kSegmentsForClasses) return kNeverExpiryClass;
  return expiry_class(deadline_ms, now_ms);
}

LARDER_INLINE std::optional<Reservation> Log::try_reserve(size_t bytes, Chain chain, int64_t deadline_ms,
                                                          int64_t now_ms, For whom) {
  const std::optional<Reservation> place =
      is_large(bytes) ? reserve_large(bytes, chain) : reserve(bytes, chain, class_of(deadline_ms, now_ms), whom);
  if (!place) return place;
  Segment& segment = segments_[place->segment];
  segment.deadline_max_ms.raise_to(deadline_ms);
  if (!place->is_large) segment.forecast.add(bytes, deadline_ms, now_ms);
  return place;
}

LARDER_INLINE std::optional<Reservation> Log::reserve(size_t bytes, Chain chain, int expiry_class, For whom) {
  OrderedAtomic<SegmentId>& open = open_segment(chain, expiry_class);
  for (;;) {
    // Acquire: with the release in open_next, for the segment's fill word.
    const SegmentId id = open.load(std::memory_order_acquire);
    if (id != 0) {
      if (const std::optional<Reservation> place = append(id, bytes)) return place;
    }
    if (!open_next(open, chain, id, For::kStore)) break;
  }
  if (whom == For::kStore) return std::nullopt;
  return whom == For::kCleaner ? append_survivor(chain, bytes) : append_elsewhere(chain, bytes);
}

LARDER_INLINE std::optional<Reservation> Log::append(SegmentId id, size_t bytes) {
  Segment& segment = segments_[id];
  uint64_t fill = segment.fill.load(std::memory_order_relaxed);
  do {
    if ((fill & Segment::kOpenBit) == 0 || (fill & Segment::kUsedMask) + bytes > segment_bytes_)
      return std::nullopt;
    // Acquire: the room's previous owner was done with it before the segment was opened.
  } while (!segment.fill.compare_exchange_weak(fill, fill + bytes + Segment::kOneWriter, std::memory_order_acquire,
                                               std::memory_order_relaxed));
  const uint64_t address = address_of(id) + (fill & Segment::kUsedMask);
  unpoison(at(address), bytes);
  return Reservation{.segment = id, .address = address, .room_bytes = bytes, .is_large = false};
}

// Appends to any open segment that has room: mixing expiry classes is better than waiting until a whole segment is
// clean. If a segment that was read here has been cleaned and opened again since, it may now be a cleaner's own.
// Then that may have no room for a survivor, and drops it or, with eviction off, puts the victim back.
LARDER_INLINE std::optional<Reservation> Log::append_elsewhere(Chain chain, size_t bytes) {
  for (const Chain where : {chain, chain == Chain::kSmall ? Chain::kMain : Chain::kSmall}) {
    for (const Lane& lane : lanes_) {
      for (const OrderedAtomic<SegmentId>& open : lane[static_cast<size_t>(where)]) {
        const SegmentId id = open.load(std::memory_order_acquire);
        if (id == 0) continue;
        if (const std::optional<Reservation> place = append(id, bytes)) return place;
      }
    }
  }
  return std::nullopt;
}

// Appends to a segment that is reserved for cleaners. No store uses it, so one segment has room for all that is
// live in a victim. Survivors of all expiry classes share it: mixing them is better than losing them.
LARDER_INLINE std::optional<Reservation> Log::append_survivor(Chain chain, size_t bytes) {
  OrderedAtomic<SegmentId>& open = survivors_[static_cast<size_t>(chain)];
  for (;;) {
    const SegmentId id = open.load(std::memory_order_acquire);
    if (id != 0) {
      if (const std::optional<Reservation> place = append(id, bytes)) return place;
    }
    if (!open_next(open, chain, id, For::kCleaner)) return std::nullopt;
  }
}

LARDER_INLINE bool Log::open_next(OrderedAtomic<SegmentId>& open, Chain chain, SegmentId full, For whom) {
  const MutexLock lock(mutex_);
  if (open.load(std::memory_order_relaxed) != full) return true;
  const SegmentId id = take_free(whom);
  if (id == 0) return false;
  if (full != 0) seal(full);
  start(segments_[id], chain, segment_bytes_, false, 0, SegmentState::kOpen);
  insert_into_chain(id, chain, 0);
  segments_[id].fill.store(Segment::kOpenBit, std::memory_order_release);
  open.store(id, std::memory_order_release);
  return true;
}

LARDER_INLINE void Log::commit(const Reservation& place, size_t live_bytes) {
  Segment& segment = segments_[place.segment];
  segment.live_bytes.fetch_add(live_bytes, std::memory_order_relaxed);
  // Release: a thread that sees the writer gone also sees the record and the sums.
  segment.fill.fetch_sub(Segment::kOneWriter, std::memory_order_release);
}

LARDER_INLINE SegmentId Log::take_free(For whom) {
  const size_t kept = whom == For::kCleaner ? 0 : reserved_count();
  if (free_.size() > kept) {
    const SegmentId id = free_.back();
    free_.pop_back();
    free_count_.store(free_.size());
    return id;
  }
  if (!try_charge(Use::kSegments, segment_bytes_)) return 0;
  const SegmentId id = take_number();
  if (id == 0) release_charge(Use::kSegments, segment_bytes_);
  can_grow_.store(id != 0);
  return id;
}

LARDER_INLINE SegmentId Log::take_number() {
  const std::optional<uint32_t> number = segment_numbers_.allocate_usable(
      0, [&](uint32_t unit) ABSL_NO_THREAD_SAFETY_ANALYSIS { return make(first_large_ - unit, segment_bytes_); });
  if (!number) return 0;
  const SegmentId id = first_large_ - *number;
  first_given_ = std::min(first_given_, id);
  return id;
}

LARDER_INLINE void Log::start(Segment& segment, Chain chain, size_t room_bytes, bool is_large, uint8_t lead_bytes,
                              SegmentState state) {
  segment.live_bytes.store(0, std::memory_order_relaxed);
  segment.deadline_max_ms.store(0);
  segment.forecast.clear();
  segment.room_bytes.store(room_bytes);
  segment.is_large.store(is_large);
  segment.lead_bytes.store(lead_bytes);
  segment.has_grown.store(false);
  segment.chain.store(chain);
  segment.opened = ++opened_;
  segment.is_fill = false;
  segment.state.store(state, std::memory_order_seq_cst);
}

LARDER_INLINE void Log::seal(SegmentId id) {
  segments_[id].fill.fetch_and(~Segment::kOpenBit, std::memory_order_acq_rel);
  segments_[id].state.store(SegmentState::kSealed, std::memory_order_seq_cst);
  list_by_dead_share(id);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_ROOM_INL_H_
