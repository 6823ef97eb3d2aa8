// The two chains, and the lists of sealed segments by their dead share.
#ifndef LARDER_INTERNAL_SEGMENTS_CHAINS_INL_H_
#define LARDER_INTERNAL_SEGMENTS_CHAINS_INL_H_

#include <algorithm>
#include <array>

#include "larder/api.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

// After so many victims that were cleaned one at a time, one free segment less is reserved: as many as a cache has
// segments at least. Until there is one more again, a thread that needs it has to go on with others' victims.
inline constexpr size_t kLoneVictims = 128;

LARDER_INLINE void Log::insert_into_chain(SegmentId id, Chain chain, SegmentId newer) {
  const auto c = static_cast<size_t>(chain);
  Segment& of = segments_[id];
  of.chain.store(chain);
  SegmentId& after = newer == 0 ? newest_[c] : segments_[newer].older;
  of.older = after;
  of.newer = newer;
  (of.older == 0 ? oldest_[c] : segments_[of.older].newer) = id;
  after = id;
  const uint64_t room_bytes = of.room_bytes.load();
  chain_bytes_[c] += room_bytes;
  if (chain == Chain::kSmall && of.is_large.load() && is_oversized(room_bytes, account_.limit())) {
    oversized_.push_back(id);
  }
}

LARDER_INLINE void Log::remove_from_chain(SegmentId id) {
  Segment& of = segments_[id];
  const auto c = static_cast<size_t>(of.chain.load());
  (of.older == 0 ? oldest_[c] : segments_[of.older].newer) = of.newer;
  (of.newer == 0 ? newest_[c] : segments_[of.newer].older) = of.older;
  chain_bytes_[c] -= of.room_bytes.load();
  unlist(id);
  if (of.is_large.load()) std::erase(oversized_, id);
}

LARDER_INLINE void Log::follow_dead_share(SegmentId id, uint64_t old_live_bytes, uint64_t live_bytes) {
  const Segment& of = segments_[id];
  if (of.state.load(std::memory_order_relaxed) != SegmentState::kSealed) return;
  const uint64_t used = of.used_bytes();
  if (dead_step(old_live_bytes, used) == dead_step(live_bytes, used)) return;
  const MutexLock lock(mutex_);
  if (of.state.load(std::memory_order_relaxed) == SegmentState::kSealed) list_by_dead_share(id);
}

LARDER_INLINE void Log::list_by_dead_share(SegmentId id) {
  Segment& of = segments_[id];
  if (of.is_large.load()) return;
  const uint8_t step = dead_step(of.live_bytes.load(std::memory_order_relaxed), of.used_bytes());
  if (step == of.dead_step) return;
  unlist(id);
  SegmentId& first = by_dead_share_[step];
  of.dead_step = step;
  of.previous_listed = 0;
  of.next_listed = first;
  if (first != 0) segments_[first].previous_listed = id;
  first = id;
}

LARDER_INLINE void Log::unlist(SegmentId id) {
  Segment& of = segments_[id];
  if (of.dead_step == Segment::kNotListed) return;
  (of.previous_listed == 0 ? by_dead_share_[of.dead_step] : segments_[of.previous_listed].next_listed) =
      of.next_listed;
  if (of.next_listed != 0) segments_[of.next_listed].previous_listed = of.previous_listed;
  of.dead_step = Segment::kNotListed;
}

LARDER_INLINE bool Log::may_take_victim() {
  const size_t growth = can_grow_.load() ? account_.headroom() / (segment_bytes_ + os_page_bytes()) : 0;
  if (victim_count_ == 0 || free_.size() + growth > victim_count_) return true;
  if (reserved_count() < lane_count()) reserved_count_.store(reserved_count() + 1);
  return false;
}

LARDER_INLINE void Log::take(SegmentId id) {
  lone_victims_ = victim_count_++ == 0 ? lone_victims_ + 1 : 0;
  if (lone_victims_ == kLoneVictims) {
    lone_victims_ = 0;
    reserved_count_.store(std::max(reserved_count() - 1, kReservedSegmentsMin));
  }
  remove_from_chain(id);
  segments_[id].state.store(SegmentState::kCleaning, std::memory_order_seq_cst);
}

LARDER_INLINE void Log::put_back(SegmentId id) {
  const MutexLock lock(mutex_);
  --victim_count_;
  Segment& of = segments_[id];
  const Chain chain = of.chain.load();
  SegmentId newer = oldest_[static_cast<size_t>(chain)];
  while (newer != 0 && segments_[newer].opened < of.opened) newer = segments_[newer].newer;
  insert_into_chain(id, chain, newer);
  of.state.store(SegmentState::kSealed, std::memory_order_seq_cst);
  list_by_dead_share(id);
}

LARDER_INLINE void Log::put_back(SegmentId id, Chain chain) {
  const MutexLock lock(mutex_);
  --victim_count_;
  segments_[id].opened = ++opened_;
  segments_[id].is_fill = false;
  insert_into_chain(id, chain, 0);
  segments_[id].state.store(SegmentState::kSealed, std::memory_order_seq_cst);
}

LARDER_INLINE void Log::move_to(SegmentId id, Chain chain) {
  remove_from_chain(id);
  const auto opened = [this](SegmentId of) { return segments_[of].opened; };
  // They come in a row: each goes near the one before.
  const Segment& last = segments_[last_moved_];
  const bool follows = last_moved_ != 0 && last.state.load(std::memory_order_relaxed) == SegmentState::kSealed &&
                       last.chain.load() == chain && last.opened < opened(id);
  SegmentId newer = follows ? last.newer : oldest_[static_cast<size_t>(chain)];
  while (newer != 0 && opened(newer) < opened(id)) newer = segments_[newer].newer;
  insert_into_chain(id, chain, newer);
  list_by_dead_share(id);
  last_moved_ = id;
}

LARDER_INLINE bool Log::has_other_victims() const {
  const MutexLock lock(mutex_);
  return victim_count_ > 1;
}

LARDER_INLINE void Log::finish(SegmentId id) {
  bool gives_back = false;
  {
    const MutexLock lock(mutex_);
    --victim_count_;
    // Live bytes that nobody has removed are stale after a flush.
    const Segment& of = segments_[id];
    if (of.opened >= flushed_before_) {
      stale_bytes_ -= std::min(stale_bytes_, of.live_bytes.load(std::memory_order_relaxed));
    }
    gives_back = free_when_unpinned(id);
  }
  if (gives_back) give_back(id);
}

LARDER_INLINE void Log::adapt_lanes() {
  const MutexLock lock(mutex_);
  lane_count_.store(std::min(lanes_at(account_.limit()), lanes_.size()));
  reserved_count_.store(std::min(reserved_count(), lane_count()));
  for (size_t i = lane_count(); i < lanes_.size(); ++i) {
    for (auto& classes : lanes_[i]) {
      for (OrderedAtomic<SegmentId>& open : classes) seal_open(open);
    }
  }
}

LARDER_INLINE void Log::seal_open(OrderedAtomic<SegmentId>& open) {
  const SegmentId id = open.load(std::memory_order_relaxed);
  if (id == 0) return;
  open.store(0, std::memory_order_relaxed);
  seal(id);
}

LARDER_INLINE void Log::flush() {
  const MutexLock lock(mutex_);
  flushed_before_ = opened_ + 1;
  stale_bytes_ = 0;
}

LARDER_INLINE void Log::flush_some(uint64_t bytes) {
  const MutexLock lock(mutex_);
  suspect_before_ = opened_ + 1;
  stale_bytes_ += bytes;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_CHAINS_INL_H_
