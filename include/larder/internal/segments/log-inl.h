// Creation of a log; segment descriptors.
#ifndef LARDER_INTERNAL_SEGMENTS_LOG_INL_H_
#define LARDER_INTERNAL_SEGMENTS_LOG_INL_H_

#include <algorithm>
#include <bit>
#include <limits>

#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

// Enough segments that each is a small part of a chain; few enough that their descriptors cost nothing. None is
// shorter than a page of the system.
inline constexpr size_t kSegmentsPerLimit = 128;
inline constexpr size_t kSegmentBytesMin = size_t{8} << 10;
// A segment of this size is a huge page: taken, charged and given back as a whole.
inline constexpr size_t kSegmentBytesMax = kHugePageBytes;
// A record longer than this part of a segment is a large item, because the end of a segment that a record does not
// fit into is lost. So is a record that is too long for the record format.
inline constexpr size_t kLargeDivisor = 4;
// A lock-free reader may read this far past the start of what is no longer a record.
inline constexpr size_t kOvershootBytes = size_t{64} << 10;
static_assert(kOvershootBytes > kCopyBytesMax);

// All units of the largest address space can be numbered, and an ExpiryForecast can count the bytes of a segment.
static_assert(kAddressBytesMax / kSegmentBytesMin <= std::numeric_limits<SegmentId>::max());
static_assert(kSegmentBytesMax <= std::numeric_limits<uint32_t>::max());

inline size_t segment_bytes_for(size_t limit_bytes) {
  return std::clamp(std::bit_floor(limit_bytes / kSegmentsPerLimit), std::max(kSegmentBytesMin, os_page_bytes()),
                    kSegmentBytesMax);
}

inline bool are_huge_pages(size_t segment_bytes) { return segment_bytes % kHugePageBytes == 0; }

// The units for segments and for large items: powers of two, as BuddyAllocator needs.
inline size_t segment_units_for(const Extent& extent, size_t segment_bytes) {
  return std::bit_ceil(extent.limit_bytes / segment_bytes);
}
inline size_t large_units_for(const Extent& extent, size_t segment_bytes) {
  return extent.large_factor * segment_units_for(extent, segment_bytes);
}
inline size_t units_for(const Extent& extent, size_t segment_bytes) {
  return segment_units_for(extent, segment_bytes) + large_units_for(extent, segment_bytes);
}
inline size_t unit_bytes_for(const Extent& extent, size_t segment_bytes) {
  return units_for(extent, segment_bytes) * segment_bytes + kOvershootBytes;
}
inline size_t descriptor_bytes_for(const Extent& extent, size_t segment_bytes) {
  return units_for(extent, segment_bytes) * sizeof(Segment);
}

LARDER_INLINE size_t Log::address_bytes(const Extent& extent, size_t limit_bytes) {
  const size_t segment_bytes = segment_bytes_for(limit_bytes);
  return AddressSpace::bytes_to_take(unit_bytes_for(extent, segment_bytes), are_huge_pages(segment_bytes)) +
         AddressSpace::bytes_to_take(descriptor_bytes_for(extent, segment_bytes));
}

LARDER_INLINE absl::StatusOr<std::unique_ptr<Log>> Log::create(Account& account, AddressSpace& space) {
  auto log = std::unique_ptr<Log>(new Log(account, space));
  log->adapt_lanes();
  const MutexLock lock(log->mutex_);
  for (size_t i = 0; i < kReservedSegmentsMin; ++i) {
    const SegmentId id = log->take_free(For::kStore);
    if (id == 0) {
      return absl::ResourceExhaustedError(
          log->can_grow_.load() ? absl::StrCat("memory_limit_bytes: ", account.limit(), " is too small")
                                : absl::StrCat("there is no memory for a segment"));
    }
    (void)log->free_segment(id);
  }
  return log;
}

LARDER_INLINE Log::Log(Account& account, AddressSpace& space)
    : account_(account),
      segment_bytes_(segment_bytes_for(account.limit())),
      small_record_bytes_max_(std::min(segment_bytes_ / kLargeDivisor, kSmallRecordBytesMax)),
      segment_shift_(std::countr_zero(segment_bytes_)),
      extent_(space.extent()),
      memory_(space.take(unit_bytes_for(extent_, segment_bytes_), are_huge_pages(segment_bytes_))),
      descriptors_(space.take(descriptor_bytes_for(extent_, segment_bytes_))),
      segments_(reinterpret_cast<Segment*>(descriptors_.at(0))),
      first_large_(static_cast<SegmentId>(segment_units_for(extent_, segment_bytes_))),
      lanes_(std::max(lanes_at(account.limit()), std::min(kLanesMin, lanes_at(extent_.limit_bytes)))),
      segment_numbers_(first_large_),
      large_numbers_(static_cast<uint32_t>(large_units_for(extent_, segment_bytes_))),
      first_made_(first_large_),
      end_of_made_(first_large_),
      first_given_(first_large_) {
  if (are_huge_pages(segment_bytes_)) memory_.allow_huge_pages(0, address_of(first_large_));
}

LARDER_INLINE Log::~Log() {
  // Others may reuse the address space.
  const MutexLock lock(mutex_);
  unpoison(at(address_of(first_given_)), address_of(first_large_ - first_given_) + end_of_large_);
}

LARDER_INLINE bool Log::make(SegmentId id, size_t bytes) {
  if (!memory_.make_writable(address_of(id), bytes)) return false;
  if (!descriptors_.make_writable(id * sizeof(Segment), sizeof(Segment))) return false;
  begin_descriptor(id);
  return true;
}

LARDER_INLINE bool Log::try_charge(Use use, size_t bytes) {
  if (!account_.try_charge(use, bytes)) return false;
  if (account_.try_charge(Use::kDescriptors, os_page_bytes())) return true;
  account_.release(use, bytes);
  return false;
}

LARDER_INLINE void Log::release_charge(Use use, size_t bytes) {
  account_.release(use, bytes);
  account_.release(Use::kDescriptors, os_page_bytes());
}

LARDER_INLINE Segment& Log::first_in_page_of(SegmentId id) {
  return segments_[round_down(id, os_page_bytes() / sizeof(Segment))];
}

LARDER_INLINE void Log::begin_descriptor(SegmentId id) {
  first_made_ = std::min(first_made_, id);
  end_of_made_ = std::max(end_of_made_, id + 1);
  if (first_in_page_of(id).used_in_page++ > 0) account_.release(Use::kDescriptors, os_page_bytes());
}

LARDER_INLINE void Log::end_descriptor(SegmentId id) {
  Segment& first = first_in_page_of(id);
  if (--first.used_in_page == 0) {
    descriptors_.discard(descriptors_.offset_of(&first), os_page_bytes());
    account_.release(Use::kDescriptors, os_page_bytes());
  }
  const auto is_unused = [&](SegmentId at) {
    return segments_[at].state.load(std::memory_order_relaxed) == SegmentState::kUnused;
  };
  while (first_made_ < first_large_ && is_unused(first_made_)) ++first_made_;
  while (end_of_made_ > first_large_ && is_unused(end_of_made_ - 1)) --end_of_made_;
}

LARDER_INLINE SegmentId Log::next_made(SegmentId id) const {
  if (id < first_made_) id = first_made_ - 1;
  return id + 1 < end_of_made_ ? id + 1 : 0;
}

LARDER_INLINE Log::Usage Log::usage() const {
  Usage usage;
  const MutexLock lock(mutex_);
  usage.handle_bytes = handle_bytes_;
  for (SegmentId id = next_made(0); id != 0; id = next_made(id)) {
    const Segment& of = segments_[id];
    const SegmentState state = of.state.load(std::memory_order_relaxed);
    if (state == SegmentState::kFree && !of.is_large.load()) ++usage.segments_free;
    usage.handles += of.handles.load();
    if (!holds_records(state) || of.is_large.load()) continue;
    ++usage.segments;
    usage.live_bytes += of.live_bytes.load(std::memory_order_relaxed);
    usage.used_bytes += of.used_bytes();
  }
  return usage;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_LOG_INL_H_
