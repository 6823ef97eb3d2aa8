// What keeps a segment: live records, pins and handles; and what happens to it when they are gone.
#ifndef LARDER_INTERNAL_SEGMENTS_PINS_INL_H_
#define LARDER_INTERNAL_SEGMENTS_PINS_INL_H_

#include <cassert>

#include "larder/api.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

// Free segments beyond this part of the limit go back to the system at once.
inline constexpr size_t kFreeDivisor = 16;
// The same for what large items leave, of which there are so many at most.
inline constexpr size_t kFreeLargeDivisor = 128;
inline constexpr size_t kFreeLargeMax = 64;

LARDER_INLINE bool Log::contains(SegmentId id, std::string_view view) const {
  const uint64_t begin = address_of(id);
  const uint64_t at = memory_.offset_of(view.data());
  // Relaxed: as in record_at.
  return at >= begin && at - begin <= segment(id).room_bytes.load();
}

LARDER_INLINE void Log::adjust_live(uint64_t address, int64_t bytes) {
  const SegmentId id = segment_of(address);
  const auto change = static_cast<uint64_t>(bytes);
  const uint64_t old_live_bytes = segment(id).live_bytes.fetch_add(change, std::memory_order_relaxed);
  follow_dead_share(id, old_live_bytes, old_live_bytes + change);
}

LARDER_INLINE void Log::change_deadline(uint64_t address, int64_t old_deadline_ms, int64_t deadline_ms) {
  Segment& of = segment(segment_of(address));
  of.deadline_max_ms.raise_to(deadline_ms);
  of.forecast.postpone(old_deadline_ms, deadline_ms);
}

LARDER_INLINE void Log::remove_live(uint64_t address, size_t live_bytes) {
  const SegmentId id = segment_of(address);
  Segment& of = segment(id);
  // Acquire and release: the thread that removes the last live record frees the segment after all others are done.
  const uint64_t old_live_bytes = of.live_bytes.fetch_sub(live_bytes, std::memory_order_acq_rel);
  if (old_live_bytes != live_bytes) return follow_dead_share(id, old_live_bytes, old_live_bytes - live_bytes);
  if (of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) return;
  bool gives_back = false;
  {
    const MutexLock lock(mutex_);
    const bool is_sealed = of.state.load(std::memory_order_relaxed) == SegmentState::kSealed;
    // Acquire: with the release of the thread that removed the last live record, if another record has come and
    // gone since.
    if (is_sealed && !of.has_writers() && of.live_bytes.load(std::memory_order_acquire) == 0) {
      remove_from_chain(id);
      gives_back = free_when_unpinned(id);
    } else if (is_sealed) {
      list_by_dead_share(id);
    }
  }
  if (gives_back) give_back(id);
}

LARDER_INLINE void Log::unpin(SegmentId id) {
  Segment& of = segment(id);
  // Sequentially consistent, as in free_when_unpinned: either this sees kDraining, or that sees no pins.
  if (of.pins.fetch_sub(1, std::memory_order_seq_cst) != 1) return;
  if (of.state.load(std::memory_order_seq_cst) != SegmentState::kDraining) return;
  bool gives_back = false;
  {
    const MutexLock lock(mutex_);
    gives_back =
        of.state.load(std::memory_order_relaxed) == SegmentState::kDraining && !is_pinned(id) && free_segment(id);
  }
  if (gives_back) give_back(id);
}

LARDER_INLINE bool Log::try_add_handle(SegmentId id, size_t bytes_max) {
  Segment& of = segment(id);
  assert(is_pinned(id));
  uint32_t handles = of.handles.load();
  while (handles != 0 && !of.handles.compare_exchange_weak(handles, handles + 1)) {
  }
  if (handles == 0) {
    const MutexLock lock(mutex_);
    if (of.handles.load() == 0) {
      const size_t room_bytes = of.room_bytes.load();
      if (room_bytes > bytes_max || handle_bytes_ > bytes_max - room_bytes) return false;
      handle_bytes_ += room_bytes;
    }
    of.handles.fetch_add(1);
  }
  pin(id);
  return true;
}

LARDER_INLINE void Log::end_handle(SegmentId id) {
  Segment& of = segment(id);
  uint32_t handles = of.handles.load();
  while (handles > 1 && !of.handles.compare_exchange_weak(handles, handles - 1)) {
  }
  if (handles == 1) {
    const MutexLock lock(mutex_);
    if (of.handles.fetch_sub(1) == 1) {
      handle_bytes_ -= of.room_bytes.load();
    }
  }
  unpin(id);
}

LARDER_INLINE size_t Log::handle_bytes() const {
  const MutexLock lock(mutex_);
  return handle_bytes_;
}

LARDER_INLINE bool Log::free_when_unpinned(SegmentId id) {
  segments_[id].state.store(SegmentState::kDraining, std::memory_order_seq_cst);
  return !is_pinned(id) && free_segment(id);
}

LARDER_INLINE bool Log::free_segment(SegmentId id) {
  Segment& of = segments_[id];
  poison(at(address_of(id)), of.room_bytes.load());
  if (of.is_large.load()) {
    const size_t bytes = free_large_bytes_.load() + of.room_bytes.load();
    if (free_large_.size() == kFreeLargeMax || bytes > account_.limit() / kFreeLargeDivisor) {
      of.state.store(SegmentState::kReturning, std::memory_order_seq_cst);
      return true;
    }
    of.state.store(SegmentState::kFree, std::memory_order_seq_cst);
    free_large_.push_back(id);
    free_large_bytes_.store(bytes);
    return false;
  }
  of.room_bytes.store(segment_bytes_);
  if (free_.size() > reserved_count() && free_.size() * segment_bytes_ > account_.limit() / kFreeDivisor) {
    of.state.store(SegmentState::kReturning, std::memory_order_seq_cst);
    return true;
  }
  of.state.store(SegmentState::kFree, std::memory_order_seq_cst);
  free_.push_back(id);
  free_count_.store(free_.size());
  return false;
}

LARDER_INLINE void Log::give_back(SegmentId id) {
  Segment& of = segments_[id];
  const size_t room_bytes = of.room_bytes.load();
  memory_.discard(address_of(id), room_bytes);
  const MutexLock lock(mutex_);
  if (of.is_large.load()) {
    account_.release(Use::kLarge, room_bytes);
    large_numbers_.free(id - first_large_, large_order(room_bytes));
  } else {
    account_.release(Use::kSegments, room_bytes);
    segment_numbers_.free(first_large_ - id, 0);
    can_grow_.store(true);
  }
  of.fill.store(0, std::memory_order_relaxed);
  of.is_large.store(false);
  of.state.store(SegmentState::kUnused, std::memory_order_seq_cst);
  end_descriptor(id);
}

LARDER_INLINE bool Log::has_free_segment() const {
  return free_count_.load() > reserved_count() ||
         (can_grow_.load() && account_.headroom() >= segment_bytes_ + os_page_bytes());
}

LARDER_INLINE bool Log::release_free_segment() {
  SegmentId id = 0;
  {
    const MutexLock lock(mutex_);
    if (free_.size() <= reserved_count()) return false;
    id = free_.back();
    free_.pop_back();
    free_count_.store(free_.size());
    segments_[id].state.store(SegmentState::kReturning, std::memory_order_seq_cst);
  }
  give_back(id);
  return true;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_PINS_INL_H_
