// The invariants of the log: see lib/DESIGN.md.
#ifndef LARDER_INTERNAL_SEGMENTS_CHECK_INL_H_
#define LARDER_INTERNAL_SEGMENTS_CHECK_INL_H_

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

LARDER_INLINE absl::Status Log::assert_valid() const {
  const MutexLock lock(mutex_);
  uint64_t segment_bytes = 0;
  uint64_t large_bytes = 0;
  uint64_t handle_bytes = 0;
  uint64_t free_large_bytes = 0;
  size_t free_segments = 0;
  size_t to_be_listed = 0;
  size_t victims = 0;
  for (SegmentId id = next_made(0); id != 0; id = next_made(id)) {
    const Segment& of = segments_[id];
    const SegmentState state = of.state.load(std::memory_order_relaxed);
    const uint64_t room = of.room_bytes.load();
    if (state == SegmentState::kUnused) continue;
    (of.is_large.load() ? large_bytes : segment_bytes) += room;
    if (state == SegmentState::kFree && !of.is_large.load()) ++free_segments;
    if (state == SegmentState::kFree && of.is_large.load()) free_large_bytes += room;
    if (state == SegmentState::kCleaning) ++victims;
    if (state == SegmentState::kSealed && !of.is_large.load()) ++to_be_listed;
    const uint32_t handles = of.handles.load();
    if (handles > 0) handle_bytes += room;
    if (handles > of.pins.load(std::memory_order_relaxed) || (handles > 0 && !holds_records(state))) {
      return absl::InternalError(absl::StrCat("segment ", id, " is held, and not pinned"));
    }
    if (of.has_writers()) return absl::InternalError(absl::StrCat("segment ", id, " has writers at rest"));
    if (holds_records(state) && (of.live_bytes.load(std::memory_order_relaxed) > room || of.used_bytes() > room)) {
      return absl::InternalError(absl::StrCat("segment ", id, " holds more than its room"));
    }
  }
  if (victims != victim_count_) return absl::InternalError("segments that are being cleaned are not counted");
  if (free_large_bytes != free_large_bytes_.load()) {
    return absl::InternalError("the list of what large items left is wrong");
  }
  if (free_segments != free_.size()) return absl::InternalError("the list of free segments is wrong");
  if (segment_bytes != account_.used(Use::kSegments) || large_bytes != account_.used(Use::kLarge)) {
    return absl::InternalError(absl::StrCat("segments hold ", segment_bytes, " and ", large_bytes,
                                            " bytes, charged are ", account_.used(Use::kSegments), " and ",
                                            account_.used(Use::kLarge)));
  }
  size_t descriptor_bytes = 0;
  size_t used = 0;
  for (SegmentId id = first_made_; id < end_of_made_; ++id) {
    const bool is_first = id == first_made_ || id % (os_page_bytes() / sizeof(Segment)) == 0;
    if (is_first) used = 0;
    if (segments_[id].state.load(std::memory_order_relaxed) == SegmentState::kUnused) continue;
    if (used++ == 0) descriptor_bytes += os_page_bytes();
  }
  if (descriptor_bytes != account_.used(Use::kDescriptors)) {
    return absl::InternalError(absl::StrCat("descriptors take ", descriptor_bytes, " bytes, charged are ",
                                            account_.used(Use::kDescriptors)));
  }
  if (handle_bytes != handle_bytes_) {
    return absl::InternalError(absl::StrCat("held are ", handle_bytes, " bytes, counted ", handle_bytes_));
  }
  for (size_t c = 0; c < kChainCount; ++c) {
    uint64_t bytes = 0;
    SegmentId before = 0;
    for (SegmentId id = oldest_[c]; id != 0; before = id, id = segments_[id].newer) {
      const SegmentState state = segments_[id].state.load(std::memory_order_relaxed);
      if (segments_[id].older != before || static_cast<size_t>(segments_[id].chain.load()) != c ||
          (state != SegmentState::kSealed && state != SegmentState::kOpen)) {
        return absl::InternalError(absl::StrCat("segment ", id, " does not belong in its chain"));
      }
      if (before != 0 && segments_[before].opened >= segments_[id].opened) {
        return absl::InternalError(absl::StrCat("segment ", id, " is not newer than the one before it"));
      }
      bytes += segments_[id].room_bytes.load();
    }
    if (before != newest_[c] || bytes != chain_bytes_[c]) return absl::InternalError("a chain is broken");
  }
  for (size_t step = 0; step < by_dead_share_.size(); ++step) {
    SegmentId before = 0;
    for (SegmentId id = by_dead_share_[step]; id != 0;
         before = id, id = segments_[id].next_listed, --to_be_listed) {
      const Segment& of = segments_[id];
      if (of.previous_listed != before || of.dead_step != step ||
          of.state.load(std::memory_order_relaxed) != SegmentState::kSealed || to_be_listed == 0) {
        return absl::InternalError(absl::StrCat("segment ", id, " does not belong in its list"));
      }
    }
  }
  if (to_be_listed != 0) return absl::InternalError("a sealed segment is in no list");
  for (const SegmentId id : oversized_) {
    const Segment& of = segments_[id];
    if (!of.is_large.load() || of.chain.load() != Chain::kSmall ||
        of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) {
      return absl::InternalError(absl::StrCat("segment ", id, " is no oversized item of the small chain"));
    }
  }
  return absl::OkStatus();
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_CHECK_INL_H_
