// Keeps namespaces within their own limits.
//
// Items of all namespaces share segments, so the cleaner cannot evict from one of them. Instead a clock hand goes
// round the namespace's part of the index, bucket by bucket, in the order of hashes. It removes expired items,
// subtracts one from the frequency of items that were read, and evicts the others. When it has passed a few
// hundred slots in a row that were read recently, it evicts the next one in any case, so that a store never does
// more work for one item. Evicted items leave dead bytes, which the cleaner reclaims like those of overwritten
// items.
//
// Without eviction the hand looks only for expired or flushed items: a bounded distance for each store that finds
// no room, and not again for a while after a full round without result. There it also does so for the whole cache,
// when that has as many items as it may have (Options::items_max). With eviction the cleaner makes room for these.
#ifndef LARDER_INTERNAL_POLICY_QUOTA_H_
#define LARDER_INTERNAL_POLICY_QUOTA_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/index/index.h"

namespace larder::internal {

// Thread-safe.
class Quota {
 public:
  // What the hand does to items, under their stripe's mutex.
  struct Actions {
    std::function<bool(Slot slot, int64_t now_ms)> is_over;
    std::function<void(Stripe& stripe, const SlotPosition& position, int64_t now_ms)> remove;
    // How often tags have been erased.
    std::function<uint64_t()> erasures;
    // Called between steps, without a lock.
    std::function<void()> rest;
  };

  // `index` must outlive it.
  Quota(Index& index, bool may_evict, Actions actions);

  // `space`: the number of a namespace, or that of the whole cache (namespaces.h), of which one item is one byte.
  [[nodiscard]] bool is_limited(uint32_t space) const {
    return hands_ != nullptr && index_.namespaces().limit(space) != 0;
  }
  // Whether there is room for `bytes` more. Concurrent stores may each find that they fit.
  [[nodiscard]] bool fits(uint32_t space, size_t bytes) const {
    return index_.limited(space) + bytes <= index_.namespaces().limit(space);
  }
  [[nodiscard]] bool could_ever_fit(uint32_t space, size_t bytes) const {
    return bytes <= index_.namespaces().limit(space);
  }

  // Removes items of what is limited until `bytes`, which must be able to fit, fit. False: eviction is off,
  // and they do not.
  [[nodiscard]] bool make_room(uint32_t space, size_t bytes, int64_t now_ms);

 private:
  struct Hand {
    Mutex mutex ABSL_ACQUIRED_AFTER(lock_order::kCleaner) ABSL_ACQUIRED_BEFORE(lock_order::kStripe);
    uint32_t stripe ABSL_GUARDED_BY(mutex) = 0;  // within those of the namespace
    uint32_t tag ABSL_GUARDED_BY(mutex) = 0;
    size_t passed ABSL_GUARDED_BY(mutex) = 0;  // slots since the last eviction
    // Without eviction: how many stripes in a row had nothing to remove, since which flush, and when the next
    // round may start.
    uint32_t vain_stripes ABSL_GUARDED_BY(mutex) = 0;
    uint64_t generation ABSL_GUARDED_BY(mutex) = 0;
    int64_t next_round_ms ABSL_GUARDED_BY(mutex) = 0;
  };

  [[nodiscard]] uint32_t stripe_count(uint32_t space) const {
    return space == index_.namespaces().count() ? index_.stripe_count() : index_.stripes_per_space();
  }
  // Counts up when something may have gone that is still there.
  [[nodiscard]] uint64_t generation(uint32_t space) const;
  [[nodiscard]] bool reclaim(Hand& hand, uint32_t space, size_t bytes, int64_t now_ms);
  // Returns whether anything was removed.
  bool move_on(Hand& hand, uint32_t space, size_t bytes, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(hand.mutex);

  Index& index_;
  const bool may_evict_;
  const Actions actions_;
  const std::unique_ptr<Hand[]> hands_;  // by namespace; null if none is limited
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_QUOTA_H_
