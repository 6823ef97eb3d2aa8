// What is counted.
#ifndef LARDER_INTERNAL_ENGINE_STATISTICS_INL_H_
#define LARDER_INTERNAL_ENGINE_STATISTICS_INL_H_

#include <algorithm>
#include <vector>

#include "larder/api.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

LARDER_INLINE void Engine::count_into(Stats& stats, uint32_t space) const {
  const auto add = [&](uint64_t& to, Counter counter) { to += counters_[space].sum(counter); };
  add(stats.get_hits, Counter::kGetHits);
  add(stats.get_misses, Counter::kGetMisses);
  add(stats.get_expired, Counter::kGetExpired);
  add(stats.get_flushed, Counter::kGetFlushed);
  add(stats.get_evicted, Counter::kGetEvicted);
  add(stats.vivified, Counter::kVivified);
  add(stats.touch_hits, Counter::kTouchHits);
  add(stats.touch_misses, Counter::kTouchMisses);
  add(stats.stores, Counter::kStores);
  add(stats.store_too_large, Counter::kStoreTooLarge);
  add(stats.store_no_memory, Counter::kStoreNoMemory);
  add(stats.cas_hits, Counter::kCasHits);
  add(stats.cas_misses, Counter::kCasMisses);
  add(stats.cas_badval, Counter::kCasBadval);
  add(stats.incr_hits, Counter::kIncrHits);
  add(stats.incr_misses, Counter::kIncrMisses);
  add(stats.decr_hits, Counter::kDecrHits);
  add(stats.decr_misses, Counter::kDecrMisses);
  add(stats.erase_hits, Counter::kEraseHits);
  add(stats.erase_misses, Counter::kEraseMisses);
  add(stats.flushes, Counter::kFlushes);
  add(stats.items_stored, Counter::kItemsStored);
  add(stats.evictions, Counter::kEvictions);
  add(stats.evicted_unfetched, Counter::kEvictedUnfetched);
  add(stats.evicted_active, Counter::kEvictedActive);
  add(stats.evicted_forced, Counter::kEvictedForced);
  add(stats.removals_untold, Counter::kRemovalsUntold);
  add(stats.expired, Counter::kExpired);
  add(stats.expired_unfetched, Counter::kExpiredUnfetched);
  add(stats.expired_in_upkeep, Counter::kExpiredInUpkeep);
  add(stats.ghost_hits, Counter::kGhostHits);
  add(stats.items_promoted, Counter::kItemsPromoted);
  add(stats.items_moved, Counter::kItemsMoved);
  add(stats.segments_cleaned, Counter::kSegmentsCleaned);
  add(stats.handles_copied, Counter::kHandlesCopied);
}

LARDER_INLINE void Engine::reset_counters() {
  for (uint32_t space = 0; space < index_->namespaces().count(); ++space) counters_[space].reset();
}

LARDER_INLINE std::vector<NamespaceStats> Engine::namespace_stats() {
  (void)now_ms();  // a flush that is due counts
  std::vector<NamespaceStats> all(index_->namespaces().count());
  for (uint32_t space = 0; space < all.size(); ++space) {
    // Number 0 is that of all other keys, which come last.
    NamespaceStats& of = space == 0 ? all.back() : all[space - 1];
    if (space != 0) of.prefix = options_.namespaces[space - 1].prefix;
    const StripeSums sums = index_->sums(space);
    count_into(of.stats, space);
    of.stats.items = sums.items;
    of.stats.item_bytes = sums.item_bytes;
    of.stats.memory_limit_bytes = index_->namespaces().limit(space);
  }
  return all;
}

LARDER_INLINE Stats Engine::stats() {
  (void)now_ms();  // a flush that is due counts
  Stats stats;
  for (uint32_t space = 0; space < index_->namespaces().count(); ++space) count_into(stats, space);

  const StripeSums sums = index_->sums();
  stats.items = sums.items;
  stats.item_bytes = sums.item_bytes;
  stats.memory_limit_bytes = account_.limit();
  const Log::Usage usage = log_->usage();
  stats.live_bytes = usage.live_bytes;
  stats.dead_bytes = usage.used_bytes - std::min(usage.used_bytes, usage.live_bytes);
  stats.large_bytes = account_.used(Use::kLarge);
  stats.index_bytes = account_.used(Use::kIndex);
  stats.ghost_bytes = account_.used(Use::kGhost);
  stats.curve_bytes = account_.used(Use::kCurve);
  stats.hot_key_bytes = account_.used(Use::kHotKeys);
  stats.removal_log_bytes = account_.used(Use::kRemovalLog);
  stats.other_bytes = account_.used(Use::kOther) + account_.used(Use::kDescriptors);
  stats.handle_bytes = account_.used(Use::kHandles);
  stats.external_bytes = account_.used(Use::kExternal);
  const uint64_t in_segments = account_.used(Use::kSegments);
  stats.free_bytes = in_segments - std::min(in_segments, stats.live_bytes + stats.dead_bytes);
  // Not their sum, which would count twice what changes its use meanwhile.
  stats.memory_used_bytes = account_.used();
  stats.segment_bytes = log_->segment_bytes();
  stats.segments = usage.segments;
  stats.segments_free = usage.segments_free;
  stats.handles = usage.handles;
  stats.pinned_bytes = usage.handle_bytes;
  stats.index_slots = index_->slots();
  return stats;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_STATISTICS_INL_H_
