// Cleans segments, one after the other, each in portions: goes through it record by record, moves what the policy
// keeps to the main chain, drops the rest, and frees the segment.
//
// What is pinned or being written is not taken for a victim in the first place (policy/victims.h).
#ifndef LARDER_INTERNAL_ENGINE_SEGMENT_CLEANER_H_
#define LARDER_INTERNAL_ENGINE_SEGMENT_CLEANER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/erased_tags.h"
#include "larder/internal/engine/removal_log.h"
#include "larder/internal/index/index.h"
#include "larder/internal/policy/eviction_sample.h"
#include "larder/internal/policy/ghost.h"
#include "larder/internal/policy/s3fifo.h"
#include "larder/internal/policy/victims.h"
#include "larder/internal/segments/log.h"
#include "larder/removal_listener.h"

namespace larder::internal {

// For one thread at a time; others may have segments of their own cleaned meanwhile. Call it without a stripe's
// mutex: it takes those of the keys it meets.
class SegmentCleaner {
 public:
  // Told of each item that is dropped, after the removal log, while it is still there, under its stripe's mutex.
  using OnRemoval = std::function<void(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why)>;

  // The same, of items of an erased tag alone.
  using OnErased = std::function<void(Slot slot)>;

  // Room to copy a long key to, made once: cleaning must not fail for want of memory.
  struct LongKey {
    LongKey();
    Mutex mutex ABSL_ACQUIRED_AFTER(lock_order::kCleaner) ABSL_ACQUIRED_BEFORE(lock_order::kStripe);
    std::vector<uint64_t> words ABSL_GUARDED_BY(mutex);
  };

  // What it works on.
  struct Parts {
    Index& index;
    Log& log;
    Ghost& ghost;
    EvictionSample& eviction_sample;
    RemovalLog& removal_log;
    const ErasedTags& erased_tags;
    Counters* const counters;  // of each namespace
    const bool may_evict;
    const OnRemoval on_removal;
    const OnErased on_erased;
    LongKey& long_key;
  };

  // How much of a victim is to be covered at a time.
  struct Portion {
    size_t bytes;
    size_t records = SIZE_MAX;
  };

  explicit SegmentCleaner(const Parts& parts) : parts_(parts) {}

  [[nodiscard]] const std::optional<Victim>& victim() const { return victim_; }
  // There must be no victim.
  void begin(const Victim& victim);
  // Goes on with the other's victim from where that has come to.
  void take_over(SegmentCleaner& other);

  // Goes on with the victim. How many bytes were covered, without a large item that is kept; none if it could not
  // be cleaned and is in its chain again. There is no victim any more when it is through.
  std::optional<size_t> clean(Portion portion, int64_t now_ms, EvictionPressure pressure);
  // Whether it could not be for want of room that other victims will give back.
  [[nodiscard]] bool needs_others() const { return needs_others_; }

  // Of the bytes of the last victims: a moving average.
  [[nodiscard]] double kept_share() const { return kept_share_; }
  // Whether what has expired is counted as removed in upkeep.
  void set_upkeep(bool is_upkeep) { is_upkeep_ = is_upkeep; }

 private:
  // What became of a record, or of what is left of a victim.
  enum class Settled : uint8_t {
    kGone,   // moved or dropped
    kStays,  // the segment is in a chain again: a large item that is kept, or one whose items could not be moved
  };

  // Goes on to the victim's record at `address`, or to its end.
  void go_to(uint64_t address);
  Settled clean_record(uint64_t address, uint64_t hash, int64_t now_ms, EvictionPressure pressure);
  [[nodiscard]] uint64_t hash_of(uint64_t address);
  Settled settle(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms,
                 EvictionPressure pressure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void drop(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms, Removal why,
            bool is_forced = false) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void remember(uint64_t hash, size_t bytes);
  void drop_if_flushed(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  bool move(Stripe& stripe, const SlotPosition& position, const Verdict& verdict, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  [[nodiscard]] bool is_large_victim() const { return parts_.log.segment(victim_->segment).is_large.load(); }

  const Parts& parts_;
  std::optional<Victim> victim_;
  uint64_t cursor_ = 0;  // address of the victim's next record
  uint64_t hash_at_cursor_ = 0;
  size_t moved_bytes_ = 0;    // out of the victim, to be kept
  size_t evicted_bytes_ = 0;  // that the ghost has not been told of
  double kept_share_ = 0;
  bool is_upkeep_ = false;
  bool needs_others_ = false;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_SEGMENT_CLEANER_H_
