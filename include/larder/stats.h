// Statistics of a cache. `Cache::stats` returns a copy; every number is exact when no operation is under way.
#ifndef LARDER_STATS_H_
#define LARDER_STATS_H_

#include <cstdint>
#include <string>

namespace larder {

// Counters and gauges.
struct Stats {
  // The share of gets that found a value; 0 if there were no gets. A get that created the item (`vivified`), had
  // to load the value or found an absence does not count as a hit.
  [[nodiscard]] double hit_ratio() const {
    const uint64_t gets = get_hits + get_misses;
    return gets == 0 ? 0 : static_cast<double>(get_hits - vivified) / static_cast<double>(gets);
  }

  // Counters, since the cache was made or reset_stats was last called. Where they have memcached's names they
  // count what memcached's protocol.txt says.
  uint64_t get_hits = 0;
  uint64_t get_misses = 0;
  uint64_t vivified = 0;  // the part of get_hits that created the item: ReadOptions::vivify
  // Why items were missing, as far as it is known; each of get_misses and vivified at most once. The rest were
  // never there, were erased, or went too long ago.
  uint64_t get_expired = 0;  // found an item past its expiry
  uint64_t get_flushed = 0;  // found an item removed by flush_all or flush_namespace
  // The key was recently evicted from the small chain, according to the ghost. It remembers about as many evicted
  // bytes as the cache holds, and is wrong in 1 of 10⁶ cases. Evictions from the main chain are not included.
  uint64_t get_evicted = 0;
  uint64_t touch_hits = 0;  // touch and get_and_touch; they count neither as get_hits nor as get_misses
  uint64_t touch_misses = 0;
  uint64_t stores = 0;  // store operations with a value that fits, whatever their result
  uint64_t store_too_large = 0;
  uint64_t store_no_memory = 0;
  uint64_t cas_hits = 0;    // of cas, and of store with `expected` and the mode kSet or kReplace
  uint64_t cas_misses = 0;  // no such item
  uint64_t cas_badval = 0;  // another CAS number
  uint64_t incr_hits = 0;
  uint64_t incr_misses = 0;
  uint64_t decr_hits = 0;
  uint64_t decr_misses = 0;
  uint64_t erase_hits = 0;
  uint64_t erase_misses = 0;
  uint64_t flushes = 0;
  uint64_t items_stored = 0;       // items ever stored, including replacements
  uint64_t evictions = 0;          // live items removed to make room
  uint64_t evicted_unfetched = 0;  // the part of evictions that had never been read
  uint64_t evicted_active = 0;     // the part of evictions that had been read recently
  uint64_t evicted_forced = 0;     // the part of evictions that the policy would have kept, had there been room
  uint64_t removals_untold = 0;    // items that the RemovalListener missed, for lack of memory to queue them
  uint64_t expired = 0;            // items whose room was reclaimed after their expiry
  uint64_t expired_unfetched = 0;  // the part of expired that had never been read
  uint64_t expired_in_upkeep = 0;  // the part of expired that maintain or scan found
  uint64_t ghost_hits = 0;         // stores of keys that the ghost recognised as recently evicted
  uint64_t items_promoted = 0;     // items moved from the small chain to the main chain
  uint64_t items_moved = 0;        // items that the cleaner kept in their chain
  uint64_t segments_cleaned = 0;
  uint64_t handles_copied = 0;  // handles that got a copy, because of Options::pinned_bytes_max

  // Gauges: the current state.
  uint64_t items = 0;
  uint64_t item_bytes = 0;  // of the live items, including their headers
  uint64_t memory_limit_bytes = 0;

  // Memory use. The fields of this group add up to memory_used_bytes ≤ memory_limit_bytes, apart from changes by
  // other threads while they are read.
  uint64_t memory_used_bytes = 0;
  uint64_t live_bytes = 0;   // items in segments, counted like item_bytes, and what loaders leave (see loader.h)
  uint64_t dead_bytes = 0;   // left in segments by overwritten, erased and expired items
  uint64_t free_bytes = 0;   // free segments, and room in segments that is not used yet
  uint64_t large_bytes =
      0;  // memory of large items, outside the segments; up to limit / 128 is what such have left
  uint64_t index_bytes = 0;
  uint64_t ghost_bytes = 0;
  uint64_t curve_bytes = 0;     // what the miss-ratio curve takes (larder/sizing.h)
  uint64_t hot_key_bytes = 0;   // what it takes to know the hot keys (larder/hot_keys.h)
  uint64_t removal_log_bytes = 0;  // what it takes to know which keys went, and why (larder/explain.h)
  uint64_t other_bytes = 0;     // locks, counters, segment descriptors
  uint64_t handle_bytes = 0;    // copies that handles have
  uint64_t external_bytes = 0;  // what add_external_bytes and charge_external_bytes have charged

  uint64_t segment_bytes = 0;  // size of one segment
  uint64_t segments = 0;       // segments that hold items
  uint64_t segments_free = 0;  // segments that hold none
  uint64_t index_slots = 0;    // slots of the index, used or not

  uint64_t handles = 0;       // handles that hold an item in place
  uint64_t pinned_bytes = 0;  // the memory that those handles keep from being reused; part of the group above
};

// The same for one namespace, or for all keys that belong to none.
struct NamespaceStats {
  std::string prefix;  // empty: of the keys that belong to none

  // The counters of operations on its keys, and of the flushes asked for it; items and item_bytes;
  // memory_limit_bytes is Namespace::item_bytes_limit. What cannot be attributed to a namespace is 0.
  Stats stats;
};

}  // namespace larder

#endif  // LARDER_STATS_H_
