#include "larder/internal/segments/log.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "larder/internal/base/atomic_max.h"

namespace larder::internal {
namespace {

// Enough segments that one of them is a small part of a chain; few enough that their descriptors cost nothing. None
// is shorter than a page of the system.
constexpr size_t kSegmentsPerLimit = 128;
constexpr size_t kSegmentBytesMin = size_t{8} << 10;
// A segment of this size is a huge page: taken, charged for and given back as a whole.
constexpr size_t kSegmentBytesMax = kHugePageBytes;
// With fewer segments than this, one open segment for each expiry class would waste more than the classes save.
constexpr size_t kSegmentsForClasses = 64;
// A record longer than this part of a segment is a large item, as is one that its format has no room for: the tail
// of a segment that a record does not fit into is lost.
constexpr size_t kLargeDivisor = 4;
// Free segments beyond this part of the limit are given back to the system.
constexpr size_t kFreeDivisor = 16;
// Where its pages have room for it, a large item's record begins so far behind their begin. The system copies what
// a server sends to the begin of a page, a header first and then the value. Some processors (seen: AMD EPYC) copy
// several times more slowly when the target is less than a cache line ahead of the source, modulo 4 KiB, as it
// would be then.
constexpr uint8_t kLargeLeadBytes = 128;
static_assert(kLargeLeadBytes % kRecordAlignment == 0);

// A reader without a lock may read this far beyond the start of what is no record any more.
constexpr size_t kOvershootBytes = size_t{64} << 10;
static_assert(kOvershootBytes > kCopyBytesMax);

// The frames of the largest address space can be numbered, and the bytes of a segment counted in an ExpiryForecast.
static_assert(kAddressBytesMax / kSegmentBytesMin <= std::numeric_limits<SegmentId>::max());
static_assert(kSegmentBytesMax <= std::numeric_limits<uint32_t>::max());

// How many segments are looked at for the one with the most dead or expired bytes, before the oldest is taken.
constexpr size_t kSparseLooks = 24;
constexpr size_t kStepsPerLook = 64;
// Dead bytes from which a segment is sparse, in hundredths of what it holds.
constexpr size_t kSparsePercent = 7;
constexpr size_t kSparsePercentWithoutEviction = 10;
// From here on a segment goes before the policy's victim even when sparse ones have given little: four of them give
// a whole one.
constexpr size_t kEmptyPercent = 25;

size_t segment_bytes_for(size_t limit_bytes) {
  return std::clamp(std::bit_floor(limit_bytes / kSegmentsPerLimit), std::max(kSegmentBytesMin, os_page_bytes()),
                    kSegmentBytesMax);
}

bool are_huge_pages(size_t segment_bytes) { return segment_bytes % kHugePageBytes == 0; }

// Of segments and of large items: powers of two, as a FrameAllocator has them.
size_t segment_frames_for(const Extent& extent, size_t segment_bytes) {
  return std::bit_ceil(extent.limit_bytes / segment_bytes);
}
size_t large_frames_for(const Extent& extent, size_t segment_bytes) {
  return extent.large_factor * segment_frames_for(extent, segment_bytes);
}
size_t frames_for(const Extent& extent, size_t segment_bytes) {
  return segment_frames_for(extent, segment_bytes) + large_frames_for(extent, segment_bytes);
}
size_t frame_bytes_for(const Extent& extent, size_t segment_bytes) {
  return frames_for(extent, segment_bytes) * segment_bytes + kOvershootBytes;
}
size_t descriptor_bytes_for(const Extent& extent, size_t segment_bytes) {
  return frames_for(extent, segment_bytes) * sizeof(Segment);
}

}  // namespace

size_t Log::address_bytes(const Extent& extent, size_t limit_bytes) {
  const size_t segment_bytes = segment_bytes_for(limit_bytes);
  return AddressSpace::bytes_to_take(frame_bytes_for(extent, segment_bytes), are_huge_pages(segment_bytes)) +
         AddressSpace::bytes_to_take(descriptor_bytes_for(extent, segment_bytes));
}

absl::StatusOr<std::unique_ptr<Log>> Log::create(Account& account, AddressSpace& space) {
  auto log = std::unique_ptr<Log>(new Log(account, space));
  const MutexLock lock(log->mutex_);
  for (size_t i = 0; i < kReservedSegments; ++i) {
    const SegmentId id = log->take_free(For::kStore);
    if (id == 0) {
      return absl::ResourceExhaustedError(
          log->can_grow_ ? absl::StrCat("memory_limit_bytes: ", account.limit(), " is too small")
                         : absl::StrCat("there is no memory for a segment"));
    }
    (void)log->free_segment(id);
  }
  return log;
}

Log::Log(Account& account, AddressSpace& space)
    : account_(account),
      segment_bytes_(segment_bytes_for(account.limit())),
      small_record_bytes_max_(std::min(segment_bytes_ / kLargeDivisor, kSmallRecordBytesMax)),
      frame_shift_(std::countr_zero(segment_bytes_)),
      extent_(space.extent()),
      frames_(space.take(frame_bytes_for(extent_, segment_bytes_), are_huge_pages(segment_bytes_))),
      descriptors_(space.take(descriptor_bytes_for(extent_, segment_bytes_))),
      segments_(reinterpret_cast<Segment*>(descriptors_.at(0))),
      first_large_(static_cast<SegmentId>(segment_frames_for(extent_, segment_bytes_))),
      segment_frames_(first_large_),
      large_frames_(static_cast<uint32_t>(large_frames_for(extent_, segment_bytes_))),
      first_made_(first_large_),
      end_of_made_(first_large_),
      first_given_(first_large_) {
  if (are_huge_pages(segment_bytes_)) frames_.allow_huge_pages(0, address_of(first_large_));
}

Log::~Log() {
  // The address space may be used by others.
  const MutexLock lock(mutex_);
  unpoison(at(address_of(first_given_)), address_of(first_large_ - first_given_) + end_of_large_);
}

// --- room --------------------------------------------------------------------------------------------------

int Log::class_of(int64_t deadline_ms, int64_t now_ms) const {
  if (account_.limit() / segment_bytes_ < kSegmentsForClasses) return kNeverExpiryClass;
  return expiry_class(deadline_ms, now_ms);
}

std::optional<Place> Log::try_reserve(size_t bytes, Chain chain, int64_t deadline_ms, int64_t now_ms, For whom) {
  const std::optional<Place> place =
      is_large(bytes) ? reserve_large(bytes, chain) : reserve(bytes, chain, class_of(deadline_ms, now_ms), whom);
  if (!place) return place;
  Segment& segment = segments_[place->segment];
  raise(segment.deadline_max_ms, deadline_ms);
  if (!place->is_large) segment.forecast.add(bytes, deadline_ms, now_ms);
  return place;
}

std::optional<Place> Log::reserve(size_t bytes, Chain chain, int expiry_class, For whom) {
  std::atomic<SegmentId>& open = open_segment(chain, expiry_class);
  for (;;) {
    // Acquire: with the release in open_next, for the segment's fill word.
    const SegmentId id = open.load(std::memory_order_acquire);
    if (id != 0) {
      if (const std::optional<Place> place = append(id, bytes)) return place;
    }
    if (!open_next(open, chain, id, For::kStore)) break;
  }
  if (whom == For::kStore) return std::nullopt;
  return whom == For::kCleaner ? append_survivor(chain, bytes) : append_elsewhere(chain, bytes);
}

std::optional<Place> Log::append(SegmentId id, size_t bytes) {
  Segment& segment = segments_[id];
  uint64_t fill = segment.fill.load(std::memory_order_relaxed);
  do {
    if ((fill & kOpenBit) == 0 || (fill & kUsedMask) + bytes > segment_bytes_) return std::nullopt;
    // Acquire: the room's last owner is done with it before the segment was opened.
  } while (!segment.fill.compare_exchange_weak(fill, fill + bytes + kOneWriter, std::memory_order_acquire,
                                               std::memory_order_relaxed));
  const uint64_t address = address_of(id) + (fill & kUsedMask);
  unpoison(at(address), bytes);
  return Place{.segment = id, .address = address, .room_bytes = bytes, .is_large = false};
}

// Into any open segment that has room: better in strange company than after a wait until a whole segment is clean.
// A segment that was read here and has been cleaned and opened again since may by now be the cleaner's own: then
// the cleaner has no room for a survivor, and drops it, or, where nothing is evicted, leaves the victim as it is.
std::optional<Place> Log::append_elsewhere(Chain chain, size_t bytes) {
  for (const Chain where : {chain, chain == Chain::kSmall ? Chain::kMain : Chain::kSmall}) {
    for (const std::atomic<SegmentId>& open : open_[static_cast<size_t>(where)]) {
      const SegmentId id = open.load(std::memory_order_acquire);
      if (id == 0) continue;
      if (const std::optional<Place> place = append(id, bytes)) return place;
    }
  }
  return std::nullopt;
}

// Into the segment that was kept for the cleaner. Nobody else looks for room there, so one segment has room for all
// that is live in a victim. Survivors of all expiry classes share it: better in strange company than lost.
std::optional<Place> Log::append_survivor(Chain chain, size_t bytes) {
  std::atomic<SegmentId>& open = survivors_[static_cast<size_t>(chain)];
  const SegmentId id = open.load(std::memory_order_acquire);
  if (id != 0) {
    if (const std::optional<Place> place = append(id, bytes)) return place;
  }
  if (!open_next(open, chain, id, For::kCleaner)) return std::nullopt;
  return append(open.load(std::memory_order_acquire), bytes);
}

bool Log::open_next(std::atomic<SegmentId>& open, Chain chain, SegmentId full, For whom) {
  const MutexLock lock(mutex_);
  if (open.load(std::memory_order_relaxed) != full) return true;
  const SegmentId id = take_free(whom);
  if (id == 0) return false;
  if (full != 0) seal(full);
  start(segments_[id], chain, segment_bytes_, false, 0, SegmentState::kOpen);
  insert_into_chain(id, chain, 0);
  segments_[id].fill.store(kOpenBit, std::memory_order_release);
  open.store(id, std::memory_order_release);
  return true;
}

std::optional<Place> Log::reserve_large(size_t bytes, Chain chain) {
  const size_t room_bytes = large_room_bytes(bytes);
  if (!try_charge(Use::kLarge, room_bytes)) return std::nullopt;
  const MutexLock lock(mutex_);
  const SegmentId id = take_large_frames(room_bytes);
  if (id == 0) {
    release_charge(Use::kLarge, room_bytes);
    return std::nullopt;
  }
  const uint8_t lead_bytes = room_bytes - bytes >= kLargeLeadBytes ? kLargeLeadBytes : uint8_t{0};
  start(segments_[id], chain, room_bytes, true, lead_bytes, SegmentState::kSealed);
  insert_into_chain(id, chain, 0);
  segments_[id].fill.store(kOneWriter + room_bytes, std::memory_order_release);
  const uint64_t address = first_in(id);
  unpoison(at(address), room_bytes - lead_bytes);
  return Place{.segment = id, .address = address, .room_bytes = room_bytes - lead_bytes, .is_large = true};
}

void Log::commit(const Place& place, size_t live_bytes) {
  Segment& segment = segments_[place.segment];
  segment.live_bytes.fetch_add(live_bytes, std::memory_order_relaxed);
  // Release: the record and the sums are seen by whoever sees that the writer is gone.
  segment.fill.fetch_sub(kOneWriter, std::memory_order_release);
}

SegmentId Log::take_free(For whom) {
  const size_t kept = whom == For::kCleaner ? 0 : kReservedSegments;
  if (free_.size() > kept) {
    const SegmentId id = free_.back();
    free_.pop_back();
    free_count_.store(free_.size(), std::memory_order_relaxed);
    return id;
  }
  if (!try_charge(Use::kSegments, segment_bytes_)) return 0;
  const SegmentId id = take_frame();
  if (id == 0) release_charge(Use::kSegments, segment_bytes_);
  can_grow_.store(id != 0, std::memory_order_relaxed);
  return id;
}

SegmentId Log::take_frame() {
  const std::optional<uint32_t> number = segment_frames_.allocate(0);
  if (!number) return 0;
  const SegmentId id = first_large_ - *number;
  if (!make(id, segment_bytes_)) {
    segment_frames_.free(*number, 0);
    return 0;
  }
  first_given_ = std::min(first_given_, id);
  return id;
}

SegmentId Log::take_large_frames(size_t bytes) {
  const int order = large_order(bytes);
  const std::optional<uint32_t> number = large_frames_.allocate(order);
  if (!number) return 0;
  const SegmentId id = first_large_ + *number;
  if (!make(id, bytes)) {
    large_frames_.free(*number, order);
    return 0;
  }
  end_of_large_ = std::max(end_of_large_, address_of(*number) + bytes);
  return id;
}

bool Log::make(SegmentId id, size_t bytes) {
  if (!frames_.make_writable(address_of(id), bytes)) return false;
  if (!descriptors_.make_writable(id * sizeof(Segment), sizeof(Segment))) return false;
  begin_descriptor(id);
  return true;
}

bool Log::try_charge(Use use, size_t bytes) {
  if (!account_.try_charge(use, bytes)) return false;
  if (account_.try_charge(Use::kDescriptors, os_page_bytes())) return true;
  account_.release(use, bytes);
  return false;
}

void Log::release_charge(Use use, size_t bytes) {
  account_.release(use, bytes);
  account_.release(Use::kDescriptors, os_page_bytes());
}

Segment& Log::first_in_page_of(SegmentId id) {
  return segments_[round_down(id, os_page_bytes() / sizeof(Segment))];
}

void Log::begin_descriptor(SegmentId id) {
  first_made_ = std::min(first_made_, id);
  end_of_made_ = std::max(end_of_made_, id + 1);
  if (first_in_page_of(id).used_in_page++ > 0) account_.release(Use::kDescriptors, os_page_bytes());
}

void Log::end_descriptor(SegmentId id) {
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

int Log::large_order(size_t bytes) const {
  return std::bit_width((round_up(bytes, segment_bytes_) >> frame_shift_) - 1);
}

SegmentId Log::next_made(SegmentId id) const {
  if (id < first_made_) id = first_made_ - 1;
  return id + 1 < end_of_made_ ? id + 1 : 0;
}

void Log::start(Segment& segment, Chain chain, size_t room_bytes, bool is_large, uint8_t lead_bytes,
                SegmentState state) {
  segment.live_bytes.store(0, std::memory_order_relaxed);
  segment.deadline_max_ms.store(0, std::memory_order_relaxed);
  segment.forecast.clear();
  segment.room_bytes.store(room_bytes, std::memory_order_relaxed);
  segment.is_large.store(is_large, std::memory_order_relaxed);
  segment.lead_bytes.store(lead_bytes, std::memory_order_relaxed);
  segment.has_grown.store(false, std::memory_order_relaxed);
  segment.chain.store(chain, std::memory_order_relaxed);
  segment.opened = ++opened_;
  segment.state.store(state, std::memory_order_seq_cst);
}

void Log::seal(SegmentId id) {
  segments_[id].fill.fetch_and(~kOpenBit, std::memory_order_acq_rel);
  segments_[id].state.store(SegmentState::kSealed, std::memory_order_seq_cst);
  list_by_dead_share(id);
}

// --- records -----------------------------------------------------------------------------------------------

void Log::adjust_live(uint64_t address, int64_t bytes) {
  const SegmentId id = segment_of(address);
  const auto change = static_cast<uint64_t>(bytes);
  const uint64_t old_live_bytes = segment(id).live_bytes.fetch_add(change, std::memory_order_relaxed);
  follow_dead_share(id, old_live_bytes, old_live_bytes + change);
}

void Log::change_deadline(uint64_t address, int64_t old_deadline_ms, int64_t deadline_ms) {
  Segment& of = segment(segment_of(address));
  raise(of.deadline_max_ms, deadline_ms);
  of.forecast.postpone(old_deadline_ms, deadline_ms);
}

void Log::remove_live(uint64_t address, size_t live_bytes) {
  const SegmentId id = segment_of(address);
  Segment& of = segment(id);
  // Acquire and release: whoever takes the last live record out frees the segment after all others are done.
  const uint64_t old_live_bytes = of.live_bytes.fetch_sub(live_bytes, std::memory_order_acq_rel);
  if (old_live_bytes != live_bytes) return follow_dead_share(id, old_live_bytes, old_live_bytes - live_bytes);
  if (of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) return;
  bool gives_back = false;
  {
    const MutexLock lock(mutex_);
    const bool is_sealed = of.state.load(std::memory_order_relaxed) == SegmentState::kSealed;
    // Acquire: with the release of whoever took the last live record out, if another one has come and gone since.
    if (is_sealed && !has_writers(of) && of.live_bytes.load(std::memory_order_acquire) == 0) {
      remove_from_chain(id);
      gives_back = free_when_unpinned(id);
    } else if (is_sealed) {
      list_by_dead_share(id);
    }
  }
  if (gives_back) give_back(id);
}

void Log::unpin(SegmentId id) {
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

bool Log::try_hold(SegmentId id, size_t bytes_max) {
  Segment& of = segment(id);
  assert(is_pinned(id));
  uint32_t holds = of.holds.load(std::memory_order_relaxed);
  while (holds != 0 && !of.holds.compare_exchange_weak(holds, holds + 1, std::memory_order_relaxed)) {
  }
  if (holds == 0) {
    const MutexLock lock(mutex_);
    if (of.holds.load(std::memory_order_relaxed) == 0) {
      const size_t room_bytes = of.room_bytes.load(std::memory_order_relaxed);
      if (room_bytes > bytes_max || held_bytes_ > bytes_max - room_bytes) return false;
      held_bytes_ += room_bytes;
    }
    of.holds.fetch_add(1, std::memory_order_relaxed);
  }
  pin(id);
  return true;
}

void Log::end_hold(SegmentId id) {
  Segment& of = segment(id);
  uint32_t holds = of.holds.load(std::memory_order_relaxed);
  while (holds > 1 && !of.holds.compare_exchange_weak(holds, holds - 1, std::memory_order_relaxed)) {
  }
  if (holds == 1) {
    const MutexLock lock(mutex_);
    if (of.holds.fetch_sub(1, std::memory_order_relaxed) == 1) {
      held_bytes_ -= of.room_bytes.load(std::memory_order_relaxed);
    }
  }
  unpin(id);
}

// --- freeing -----------------------------------------------------------------------------------------------

bool Log::free_when_unpinned(SegmentId id) {
  segments_[id].state.store(SegmentState::kDraining, std::memory_order_seq_cst);
  return !is_pinned(id) && free_segment(id);
}

bool Log::free_segment(SegmentId id) {
  Segment& of = segments_[id];
  poison(at(address_of(id)), of.room_bytes.load(std::memory_order_relaxed));
  if (of.is_large.load(std::memory_order_relaxed)) {
    of.state.store(SegmentState::kReturning, std::memory_order_seq_cst);
    return true;
  }
  of.room_bytes.store(segment_bytes_, std::memory_order_relaxed);
  if (free_.size() > kReservedSegments && free_.size() * segment_bytes_ > account_.limit() / kFreeDivisor) {
    of.state.store(SegmentState::kReturning, std::memory_order_seq_cst);
    return true;
  }
  of.state.store(SegmentState::kFree, std::memory_order_seq_cst);
  free_.push_back(id);
  free_count_.store(free_.size(), std::memory_order_relaxed);
  return false;
}

void Log::give_back(SegmentId id) {
  Segment& of = segments_[id];
  const size_t room_bytes = of.room_bytes.load(std::memory_order_relaxed);
  frames_.discard(address_of(id), room_bytes);
  const MutexLock lock(mutex_);
  if (of.is_large.load(std::memory_order_relaxed)) {
    account_.release(Use::kLarge, room_bytes);
    large_frames_.free(id - first_large_, large_order(room_bytes));
  } else {
    account_.release(Use::kSegments, room_bytes);
    segment_frames_.free(first_large_ - id, 0);
    can_grow_.store(true, std::memory_order_relaxed);
  }
  of.fill.store(0, std::memory_order_relaxed);
  of.is_large.store(false, std::memory_order_relaxed);
  of.state.store(SegmentState::kUnused, std::memory_order_seq_cst);
  end_descriptor(id);
}

bool Log::has_free_segment() const {
  return free_count_.load(std::memory_order_relaxed) > kReservedSegments ||
         (can_grow_.load(std::memory_order_relaxed) && account_.headroom() >= segment_bytes_ + os_page_bytes());
}

bool Log::release_free_segment() {
  SegmentId id = 0;
  {
    const MutexLock lock(mutex_);
    if (free_.size() <= kReservedSegments) return false;
    id = free_.back();
    free_.pop_back();
    free_count_.store(free_.size(), std::memory_order_relaxed);
    segments_[id].state.store(SegmentState::kReturning, std::memory_order_seq_cst);
  }
  give_back(id);
  return true;
}

// --- chains ------------------------------------------------------------------------------------------------

void Log::insert_into_chain(SegmentId id, Chain chain, SegmentId newer) {
  const auto c = static_cast<size_t>(chain);
  Segment& of = segments_[id];
  of.chain.store(chain, std::memory_order_relaxed);
  SegmentId& after = newer == 0 ? newest_[c] : segments_[newer].older;
  of.older = after;
  of.newer = newer;
  (of.older == 0 ? oldest_[c] : segments_[of.older].newer) = id;
  after = id;
  const uint64_t room_bytes = of.room_bytes.load(std::memory_order_relaxed);
  chain_bytes_[c] += room_bytes;
  if (chain == Chain::kSmall && of.is_large.load(std::memory_order_relaxed) &&
      is_oversized(room_bytes, account_.limit())) {
    oversized_.push_back(id);
  }
}

void Log::remove_from_chain(SegmentId id) {
  Segment& of = segments_[id];
  const auto c = static_cast<size_t>(of.chain.load(std::memory_order_relaxed));
  (of.older == 0 ? oldest_[c] : segments_[of.older].newer) = of.newer;
  (of.newer == 0 ? newest_[c] : segments_[of.newer].older) = of.older;
  chain_bytes_[c] -= of.room_bytes.load(std::memory_order_relaxed);
  unlist(id);
  if (of.is_large.load(std::memory_order_relaxed)) std::erase(oversized_, id);
}

// --- cleaning ----------------------------------------------------------------------------------------------

std::optional<Log::Victim> Log::take_victim(int64_t now_ms, bool may_evict, bool by_policy, bool& is_busy) {
  const MutexLock lock(mutex_);
  is_busy = false;
  if (const SegmentId id = oldest_opened_before(flushed_before_, is_busy)) return take(id, true);
  if (!by_policy) {
    if (const SegmentId id = oldest_suspect(may_evict, is_busy)) return take(id, true);
  }
  if (!may_evict) {
    const SegmentId sparse = by_policy ? 0 : find_any_sparse(now_ms, is_busy);
    return sparse != 0 ? std::optional(take(sparse, true)) : std::nullopt;
  }
  SegmentId sparse = find_emptiest(now_ms, by_policy ? kEmptyPercent : kSparsePercent, is_busy);
  if (!by_policy) {
    const size_t beyond = sparse != 0 ? waste_percent(segments_[sparse], now_ms) + 1 : kSparsePercent;
    if (const SegmentId id = find_sparse(now_ms, kSparseLooks, beyond, is_busy)) sparse = id;
  }
  if (sparse != 0) return take(sparse, true);
  do {
    if (const SegmentId id = oldest_by_policy(is_busy)) return take(id, false);
  } while (seal_one([](const Segment&) { return true; }));
  for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
    if (const SegmentId id = oldest_idle(chain, 0, UINT64_MAX, is_busy)) return take(id, false);
  }
  return std::nullopt;
}

Log::Victim Log::take(SegmentId id, bool is_sparse) {
  remove_from_chain(id);
  segments_[id].state.store(SegmentState::kCleaning, std::memory_order_seq_cst);
  return {.segment = id, .chain = segments_[id].chain.load(std::memory_order_relaxed), .is_sparse = is_sparse};
}

// The oldest segment of the chain that can be cleaned now, lies before `up_to` and was opened before a given
// moment.
SegmentId Log::oldest_idle(Chain chain, SegmentId up_to, uint64_t opened_before, bool& is_busy) const {
  constexpr int kLooks = 64;
  SegmentId id = oldest_[static_cast<size_t>(chain)];
  for (int i = 0; i < kLooks && id != up_to && segments_[id].opened < opened_before; id = segments_[id].newer) {
    // Not counted: there may be many of them, for as long as their owners like.
    if (segments_[id].pins.load(std::memory_order_relaxed) != 0) continue;
    if (is_idle(segments_[id])) return id;
    is_busy = is_busy || segments_[id].state.load(std::memory_order_relaxed) == SegmentState::kSealed;
    ++i;
  }
  return 0;
}

// Of either chain, the open ones too.
SegmentId Log::oldest_opened_before(uint64_t before, bool& is_busy) {
  do {
    for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
      if (const SegmentId id = oldest_idle(chain, 0, before, is_busy)) return id;
    }
  } while (seal_one([before](const Segment& open) { return open.opened < before; }));
  return 0;
}

SegmentId Log::oldest_suspect(bool may_evict, bool& is_busy) {
  const uint64_t bytes = chain_bytes_[0] + chain_bytes_[1];
  if (void_bytes_ == 0 || (may_evict && void_bytes_ * 100 < bytes * kSparsePercent)) return 0;
  const uint64_t before = suspect_before_;
  if (const SegmentId id = oldest_opened_before(before, is_busy)) return id;
  // Those that are pinned or held now come later.
  const bool are_all_gone = std::ranges::all_of(oldest_, [&](SegmentId oldest) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return oldest == 0 || segments_[oldest].opened >= before;
  });
  if (are_all_gone) void_bytes_ = 0;
  return 0;
}

// Oversized items first. Otherwise not the newest of a chain, if it can be helped: what was stored last, a large
// item perhaps, should not go first.
SegmentId Log::oldest_by_policy(bool& is_busy) const {
  const bool from_small = is_small_over_share(chain_bytes_[0], chain_bytes_[1]);
  if (from_small) {
    for (const SegmentId id : oversized_) {
      if (is_idle(segments_[id])) return id;
    }
  }
  const std::array<Chain, kChainCount> order = {from_small ? Chain::kSmall : Chain::kMain,
                                                from_small ? Chain::kMain : Chain::kSmall};
  for (const Chain chain : order) {
    const SegmentId newest = newest_[static_cast<size_t>(chain)];
    if (const SegmentId id = oldest_idle(chain, newest, UINT64_MAX, is_busy)) return id;
  }
  return 0;
}

// How much of what a segment holds is dead or has expired, in hundredths. What has expired is taken to be dead
// already as often as the rest is; it counts double, because it only gets more, while dead room may be used again
// by an overwrite.
size_t Log::waste_percent(const Segment& segment, int64_t now_ms) {
  const uint64_t live = segment.live_bytes.load(std::memory_order_relaxed);
  if (live == 0 || segment.deadline_max_ms.load(std::memory_order_relaxed) <= now_ms) return 100;
  if (segment.is_large.load(std::memory_order_relaxed)) return 0;
  const uint64_t used = used_bytes(segment);
  const uint64_t expired_bytes = segment.forecast.expired_bytes(now_ms);
  const uint64_t expired = expired_bytes >= used ? used : std::min(used - 1, 2 * expired_bytes);
  const auto percent = [used](uint64_t bytes) { return (std::min(used, bytes) * 100 + used - 1) / used; };
  return 100 - (percent(live) * percent(used - expired) + 99) / 100;
}

void Log::follow_dead_share(SegmentId id, uint64_t old_live_bytes, uint64_t live_bytes) {
  const Segment& of = segments_[id];
  if (of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) return;
  const uint64_t used = used_bytes(of);
  if (dead_step(old_live_bytes, used) == dead_step(live_bytes, used)) return;
  const MutexLock lock(mutex_);
  if (of.state.load(std::memory_order_relaxed) == SegmentState::kSealed) list_by_dead_share(id);
}

void Log::list_by_dead_share(SegmentId id) {
  Segment& of = segments_[id];
  if (of.is_large.load(std::memory_order_relaxed)) return;
  const uint8_t step = dead_step(of.live_bytes.load(std::memory_order_relaxed), used_bytes(of));
  if (step == of.dead_step) return;
  unlist(id);
  SegmentId& first = by_dead_share_[step];
  of.dead_step = step;
  of.previous_listed = 0;
  of.next_listed = first;
  if (first != 0) segments_[first].previous_listed = id;
  first = id;
}

void Log::unlist(SegmentId id) {
  Segment& of = segments_[id];
  if (of.dead_step == Segment::kNotListed) return;
  (of.previous_listed == 0 ? by_dead_share_[of.dead_step] : segments_[of.previous_listed].next_listed) =
      of.next_listed;
  if (of.next_listed != 0) segments_[of.next_listed].previous_listed = of.previous_listed;
  of.dead_step = Segment::kNotListed;
}

// Of the segments with the highest dead share one that is idle, if so much of it is dead or has expired.
SegmentId Log::find_emptiest(int64_t now_ms, size_t percent, bool& is_busy) {
  size_t looks = kSparseLooks;
  for (size_t step = kDeadSteps + 1; step > 1 && step * 100 > percent * kDeadSteps; --step) {
    SegmentId next = 0;
    for (SegmentId id = by_dead_share_[step]; id != 0; id = next) {
      next = segments_[id].next_listed;
      // Pinned ones may be many, and ever more of them is dead.
      if (segments_[id].pins.load(std::memory_order_relaxed) != 0) continue;
      if (looks-- == 0) return 0;
      // Its last writers have come since.
      list_by_dead_share(id);
      const Segment& of = segments_[id];
      is_busy = is_busy || has_writers(of);
      if (of.dead_step == step && is_idle(of) && waste_percent(of, now_ms) >= percent) return id;
    }
  }
  return 0;
}

// Without eviction nothing else can give room: every segment is looked at, the open ones too.
SegmentId Log::find_any_sparse(int64_t now_ms, bool& is_busy) {
  const auto is_wanted = [&](const Segment& open) {
    return waste_percent(open, now_ms) >= kSparsePercentWithoutEviction;
  };
  do {
    if (const SegmentId id = find_sparse(now_ms, made_count(), kSparsePercentWithoutEviction, is_busy)) return id;
  } while (seal_one(is_wanted));
  return 0;
}

// Of the next `looks` sealed segments, round and round, the one with the most waste, if that is enough.
SegmentId Log::find_sparse(int64_t now_ms, size_t looks, size_t percent, bool& is_busy) {
  SegmentId worst = 0;
  size_t most = percent;
  // Many may be free or unused: after the limit was lowered, say.
  size_t steps = std::min(looks * kStepsPerLook, made_count());
  for (; steps > 0 && looks > 0 && most <= 100; --steps) {
    sparse_cursor_ = next_made(sparse_cursor_);
    if (sparse_cursor_ == 0) continue;
    const Segment& of = segments_[sparse_cursor_];
    if (of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) continue;
    --looks;
    is_busy = is_busy || has_writers(of);
    if (!is_idle(of)) continue;
    const size_t waste = waste_percent(of, now_ms);
    if (waste < most) continue;
    worst = sparse_cursor_;
    most = waste + 1;
  }
  return worst;
}

std::optional<Log::Victim> Log::take_expired(int64_t now_ms) {
  const MutexLock lock(mutex_);
  bool is_busy = false;
  const SegmentId expired = find_sparse(now_ms, kSparseLooks, 100, is_busy);
  if (expired == 0) return std::nullopt;
  return take(expired, true);
}

template <class IsWanted>
bool Log::seal_one(IsWanted&& is_wanted) {
  std::array<std::atomic<SegmentId>*, kChainCount*(kExpiryClassCount + 1)> all;
  size_t count = 0;
  for (auto& classes : open_) {
    for (auto& open : classes) all[count++] = &open;
  }
  for (auto& open : survivors_) all[count++] = &open;
  for (std::atomic<SegmentId>* const open : all) {
    const SegmentId id = open->load(std::memory_order_relaxed);
    if (id == 0 || used_bytes(segments_[id]) == 0 || !is_wanted(segments_[id])) continue;
    open->store(0, std::memory_order_relaxed);
    seal(id);
    return true;
  }
  return false;
}

void Log::put_back(SegmentId id) {
  const MutexLock lock(mutex_);
  Segment& of = segments_[id];
  const Chain chain = of.chain.load(std::memory_order_relaxed);
  SegmentId newer = oldest_[static_cast<size_t>(chain)];
  while (newer != 0 && segments_[newer].opened < of.opened) newer = segments_[newer].newer;
  insert_into_chain(id, chain, newer);
  of.state.store(SegmentState::kSealed, std::memory_order_seq_cst);
  list_by_dead_share(id);
}

void Log::put_back(SegmentId id, Chain chain) {
  const MutexLock lock(mutex_);
  segments_[id].opened = ++opened_;
  insert_into_chain(id, chain, 0);
  segments_[id].state.store(SegmentState::kSealed, std::memory_order_seq_cst);
}

void Log::finish(SegmentId id) {
  bool gives_back = false;
  {
    const MutexLock lock(mutex_);
    // What nobody has removed is what a flush made void.
    const Segment& of = segments_[id];
    if (of.opened >= flushed_before_) {
      void_bytes_ -= std::min(void_bytes_, of.live_bytes.load(std::memory_order_relaxed));
    }
    gives_back = free_when_unpinned(id);
  }
  if (gives_back) give_back(id);
}

void Log::flush() {
  const MutexLock lock(mutex_);
  flushed_before_ = opened_ + 1;
  void_bytes_ = 0;
}

void Log::flush_some(uint64_t bytes) {
  const MutexLock lock(mutex_);
  suspect_before_ = opened_ + 1;
  void_bytes_ += bytes;
}

// --- checking ----------------------------------------------------------------------------------------------

Log::Usage Log::usage() const {
  Usage usage;
  const MutexLock lock(mutex_);
  usage.held_bytes = held_bytes_;
  for (SegmentId id = next_made(0); id != 0; id = next_made(id)) {
    const Segment& of = segments_[id];
    const SegmentState state = of.state.load(std::memory_order_relaxed);
    if (state == SegmentState::kFree) ++usage.segments_free;
    usage.holds += of.holds.load(std::memory_order_relaxed);
    if (!holds_records(state) || of.is_large.load(std::memory_order_relaxed)) continue;
    ++usage.segments;
    usage.live_bytes += of.live_bytes.load(std::memory_order_relaxed);
    usage.used_bytes += used_bytes(of);
  }
  return usage;
}

absl::Status Log::assert_valid() const {
  const MutexLock lock(mutex_);
  uint64_t segment_bytes = 0;
  uint64_t large_bytes = 0;
  uint64_t held_bytes = 0;
  size_t free_segments = 0;
  size_t to_be_listed = 0;
  for (SegmentId id = next_made(0); id != 0; id = next_made(id)) {
    const Segment& of = segments_[id];
    const SegmentState state = of.state.load(std::memory_order_relaxed);
    const uint64_t room = of.room_bytes.load(std::memory_order_relaxed);
    if (state == SegmentState::kUnused) continue;
    (of.is_large.load(std::memory_order_relaxed) ? large_bytes : segment_bytes) += room;
    if (state == SegmentState::kFree) ++free_segments;
    if (state == SegmentState::kSealed && !of.is_large.load(std::memory_order_relaxed)) ++to_be_listed;
    const uint32_t holds = of.holds.load(std::memory_order_relaxed);
    if (holds > 0) held_bytes += room;
    if (holds > of.pins.load(std::memory_order_relaxed) || (holds > 0 && !holds_records(state))) {
      return absl::InternalError(absl::StrCat("segment ", id, " is held, and not pinned"));
    }
    if (has_writers(of)) return absl::InternalError(absl::StrCat("segment ", id, " has writers at rest"));
    if (holds_records(state) && (of.live_bytes.load(std::memory_order_relaxed) > room || used_bytes(of) > room)) {
      return absl::InternalError(absl::StrCat("segment ", id, " holds more than its room"));
    }
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
  if (held_bytes != held_bytes_) {
    return absl::InternalError(absl::StrCat("held are ", held_bytes, " bytes, counted ", held_bytes_));
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
      bytes += segments_[id].room_bytes.load(std::memory_order_relaxed);
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
    if (!of.is_large.load(std::memory_order_relaxed) || of.chain.load(std::memory_order_relaxed) != Chain::kSmall ||
        of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) {
      return absl::InternalError(absl::StrCat("segment ", id, " is no oversized item of the small chain"));
    }
  }
  return absl::OkStatus();
}

}  // namespace larder::internal
