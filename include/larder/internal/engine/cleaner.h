// The cleaner makes room: it goes through a segment record by record, moves what the policy keeps to the main
// chain, drops the rest, and frees the segment.
//
// It has no thread of its own. Every store that finds memory tight cleans about as much as frees what it stores, or
// what it may of that, and owes the rest (`pace`); a store that finds no room at all waits for its turn and cleans
// until there is some (`make_room_…`). When that goes on for long, because everything that could go was read lately,
// nothing is kept any more.
//
// What is pinned is passed over. What is being written, that is, in the middle of a copy, is waited for, for a
// short time, but only by `make_room_…`, if there is nothing else, and without the mutex.
//
// Nobody may call in here with a stripe's mutex held: cleaning takes the stripes of the keys it meets.
#ifndef LARDER_INTERNAL_ENGINE_CLEANER_H_
#define LARDER_INTERNAL_ENGINE_CLEANER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/index/index.h"
#include "larder/internal/policy/ghost.h"
#include "larder/internal/policy/s3fifo.h"
#include "larder/internal/policy/victims.h"
#include "larder/internal/segments/log.h"
#include "larder/options.h"
#include "larder/removal_listener.h"

namespace larder::internal {

// Thread-safe; one thread cleans at a time.
class Cleaner {
 public:
  // Told of each item that is dropped, while it is still there, under its stripe's mutex.
  using OnRemoval = std::function<void(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why)>;
  // Called between the steps of a long cleaning, with no lock held.
  using OnStep = std::function<void()>;

  // `counters`: those of each namespace.
  Cleaner(Account& account, Index& index, Log& log, Ghost& ghost, Counters* counters, bool may_evict,
          OnRemoval on_removal = nullptr, OnStep on_step = nullptr)
      : account_(account),
        index_(index),
        log_(log),
        ghost_(ghost),
        counters_(counters),
        may_evict_(may_evict),
        on_removal_(std::move(on_removal)),
        on_step_(std::move(on_step)) {
    // Cleaning must not fail for want of memory.
    key_words_.reserve(round_up(kRecordHeaderBytes + sizeof(uint16_t) + kKeyBytesMax, kWordBytes) / kWordBytes);
  }

  // After `bytes` were stored: if memory is tight and nobody else is cleaning, cleans as much as it takes to free
  // as much, what is debt and what is charged beyond the limit, going by what the last victims gave, but no more
  // than a bound that grows with `bytes`: the rest is for the next stores. What has stored nothing cleans nothing
  // then, but for memory over the limit. While memory is not tight, looks now and then for a segment that is wholly
  // expired.
  void pace(size_t bytes, int64_t now_ms) ABSL_LOCKS_EXCLUDED(mutex_);

  // Cleans a little, unless the log can open a segment.
  void clean_step(int64_t now_ms) ABSL_LOCKS_EXCLUDED(mutex_);

  // Until the log can open a segment. False: nothing (more) can go.
  [[nodiscard]] bool make_room_for_segment(int64_t now_ms) ABSL_LOCKS_EXCLUDED(mutex_);

  // Until `bytes` fit in the account. False: nothing (more) can go.
  [[nodiscard]] bool make_room_in_account(size_t bytes, int64_t now_ms) ABSL_LOCKS_EXCLUDED(mutex_);

  // Of what the policy evicts, about so many bytes, so that a large item finds address space. False: nothing can
  // go.
  [[nodiscard]] bool make_room_for_large(size_t bytes, int64_t now_ms) ABSL_LOCKS_EXCLUDED(mutex_);

  // Cleans about `bytes` worth of segments that hold nothing but expired, flushed or mostly dead items, and of what
  // is over the limit; when there are none, gives memory that nothing lies in back to the system, a piece at a
  // time. True if there may be more to do.
  [[nodiscard]] bool tidy(size_t bytes, int64_t now_ms) ABSL_LOCKS_EXCLUDED(mutex_);

  // What would be in use if every item were gone.
  [[nodiscard]] size_t bytes_min() const;

  // For assert_valid: nobody cleans, and no victim is half done, while `visit` runs.
  template <class Visit>
  auto while_resting(int64_t now_ms, Visit&& visit) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    while (victim_) (void)clean_some({.bytes = log_.segment_bytes()}, now_ms, pressure_on_victim());
    return visit();
  }

 private:
  static constexpr size_t kStepBytesMax = size_t{64} << 10;

  // How much of a victim is to be covered at a time.
  struct Portion {
    size_t bytes;
    size_t records = SIZE_MAX;
  };

  // What became of a record, or of what is left of a victim.
  enum class Settled : uint8_t {
    kGone,   // moved or dropped
    kStays,  // the segment is in a chain again: a large item that is kept, or one whose items could not be moved
  };

  // Leaves it to the next stores to clean for so many stored bytes.
  void add_debt(size_t bytes) { debt_bytes_.fetch_add(bytes); }
  // One unit of cleaning: goes on with the victim, or takes one, and covers a portion of it. How many bytes that
  // were, without a large item that is kept; none if there is no victim, or it could not be cleaned.
  std::optional<size_t> clean(Portion portion, int64_t now_ms, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  struct Effort;
  [[nodiscard]] bool go_on(Effort& effort, int64_t now_ms, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool take_victim(int64_t now_ms, bool may_evict, EvictionPressure pressure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool take_expired(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void begin_victim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<size_t> clean_some(Portion portion, int64_t now_ms, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Goes on to the victim's record at `address`, or to its end.
  void go_to(uint64_t address) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Settled clean_record(uint64_t address, uint64_t hash, int64_t now_ms, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] uint64_t hash_of(uint64_t address) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Settled settle(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms,
                 EvictionPressure pressure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, stripe.mutex);
  void drop(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms, Removal why,
            bool is_forced = false) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, stripe.mutex);
  void drop_if_flushed(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, stripe.mutex);
  bool move(Stripe& stripe, const SlotPosition& position, const Verdict& verdict, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, stripe.mutex);
  [[nodiscard]] bool is_large_victim() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return log_.segment(victim_->segment).is_large.load();
  }
  [[nodiscard]] EvictionPressure pressure_on_victim() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return victim_->is_sparse || !may_evict_ ? EvictionPressure::kNone : EvictionPressure::kOrdinary;
  }
  // What is cleaned at a time by who cleans until there is room.
  [[nodiscard]] size_t step_bytes() const { return std::min(kStepBytesMax, log_.segment_bytes()); }
  // After so much was cleaned without result.
  [[nodiscard]] EvictionPressure pressure_after(size_t cleaned_bytes) const;
  void rest() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives back memory that nothing lies in, if there is any.
  bool release_spare() { return index_.release_spare_memory() || log_.release_free_segment(); }
  [[nodiscard]] bool is_tight() const { return !log_.has_free_segment() || account_.is_over_limit(); }

  Account& account_;
  Index& index_;
  Log& log_;
  Ghost& ghost_;
  Counters* const counters_;
  const bool may_evict_;
  const OnRemoval on_removal_;
  const OnStep on_step_;

  RelaxedAtomic<size_t> debt_bytes_{0};     // stored and not yet cleaned for
  RelaxedAtomic<int64_t> next_look_ms_{0};  // when to look for expired segments again

  Mutex mutex_ ABSL_ACQUIRED_AFTER(lock_order::kCleaner) ABSL_ACQUIRED_BEFORE(lock_order::kStripe);
  Victims victims_ ABSL_GUARDED_BY(mutex_){log_};
  std::optional<Victim> victim_ ABSL_GUARDED_BY(mutex_);
  bool is_upkeep_ ABSL_GUARDED_BY(mutex_) = false;     // it is cleaned in `tidy`
  bool is_busy_ ABSL_GUARDED_BY(mutex_) = false;       // none was found for `clean`, but writers are in some
  size_t tidied_in_vain_ ABSL_GUARDED_BY(mutex_) = 0;  // in `tidy`, for what is over the limit
  uint64_t cursor_ ABSL_GUARDED_BY(mutex_) = 0;        // address of the victim's next record
  uint64_t hash_at_cursor_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t moved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // out of the victim, to be kept
  double kept_share_ ABSL_GUARDED_BY(mutex_) = 0;   // of the bytes of the last victims: a moving average
  std::vector<uint64_t> key_words_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_CLEANER_H_
