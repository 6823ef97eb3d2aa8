// The cleaner makes room: it decides when segments are cleaned, by whom, and how much at a time.
//
// It has no thread of its own. Every store that finds memory tight cleans about as much as frees what it stores, or
// what it may of that, and owes the rest (`pace`); a store that finds no room at all waits for its turn and cleans
// until there is some (`make_room_…`). When that goes on for long, because everything that could go was read
// lately, nothing is kept any more.
//
// Each lane of the log has a victim of its own under way, so that threads with different lanes do not wait for each
// other. Who finds the own lane's taken, because more threads store than there are lanes, takes another's, and only
// owes if all are taken: no thread that has been stopped in the middle of cleaning stops others. What is left of a
// victim that nobody goes on with is taken over by who needs another one.
//
// What is pinned is passed over. What is being written, that is, in the middle of a copy, is waited for, for a
// short time, but only by `make_room_…`, if there is nothing else, and without a mutex.
//
// Nobody may call in here with a stripe's mutex held: cleaning takes the stripes of the keys it meets.
#ifndef LARDER_INTERNAL_ENGINE_CLEANER_H_
#define LARDER_INTERNAL_ENGINE_CLEANER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "larder/function_ref.h"
#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/engine/segment_cleaner.h"
#include "larder/internal/policy/loop.h"
#include "larder/internal/policy/s3fifo.h"
#include "larder/internal/policy/victims.h"
#include "larder/internal/segments/log.h"

namespace larder::internal {

// Thread-safe.
class Cleaner {
 public:
  using OnRemoval = SegmentCleaner::OnRemoval;
  using OnErased = SegmentCleaner::OnErased;
  // Called between the steps of a long cleaning, with no lock held.
  using OnStep = std::function<void()>;

  // `counters`: those of each namespace.
  Cleaner(Account& account, Index& index, Log& log, Ghost& ghost, RemovalLog& removal_log,
          const ErasedTags& erased_tags, Counters* counters, bool may_evict, OnRemoval on_removal = nullptr,
          OnErased on_erased = nullptr, OnStep on_step = nullptr);

  // After `bytes` were stored: if memory is tight, cleans as much as it takes to free as much, what is debt and
  // what is charged beyond the limit, going by what the last victims gave, but no more than a bound that grows with
  // `bytes`: the rest is for the next stores. What has stored nothing cleans nothing then, but for memory over the
  // limit. While memory is not tight, looks now and then for a segment that is wholly expired.
  void pace(size_t bytes, int64_t now_ms);

  // Cleans a little, unless the log can open a segment.
  void clean_step(int64_t now_ms);

  // Until the log can open a segment. False: nothing (more) can go.
  [[nodiscard]] bool make_room_for_segment(int64_t now_ms);

  // Until `bytes` fit in the account, with what large items have left if they are for one. False: nothing (more)
  // can go.
  [[nodiscard]] bool make_room_in_account(size_t bytes, int64_t now_ms, bool is_for_large = false);

  // Of what the policy evicts, about so many bytes, so that a large item finds address space. False: nothing can
  // go.
  [[nodiscard]] bool make_room_for_large(size_t bytes, int64_t now_ms);

  // Of what the policy evicts, one item after the other, until `has_room`. False: nothing can go.
  [[nodiscard]] bool make_room_for_item(FunctionRef<bool()> has_room, int64_t now_ms);

  // Cleans about `bytes` worth of segments that hold nothing but expired, flushed or mostly dead items, and of what
  // is over the limit; when there are none, gives memory that nothing lies in back to the system, a piece at a
  // time. True if there may be more to do.
  [[nodiscard]] bool tidy(size_t bytes, int64_t now_ms);

  // What would be in use if every item were gone.
  [[nodiscard]] size_t bytes_min() const;

  // For assert_valid: nobody cleans, and no victim is half done, while `visit` runs.
  template <class Visit>
  auto while_resting(int64_t now_ms, Visit&& visit) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    std::vector<std::unique_lock<Mutex>> locks;
    for (Place& place : places_) locks.emplace_back(place.mutex);
    for (Place& place : places_) {
      while (place.cleaner.victim()) {
        (void)go_on_with_victim(place, {.bytes = log_.segment_bytes()}, now_ms, pressure_on_victim(place));
      }
    }
    return visit();
  }

  // A get has missed a key of which nothing is left.
  void note_miss(uint64_t hash) { eviction_sample_.note_miss(hash); }

 private:
  using Portion = SegmentCleaner::Portion;
  static constexpr size_t kStepBytesMax = size_t{64} << 10;

  // A lane's victim.
  struct alignas(64) Place {
    explicit Place(const SegmentCleaner::Parts& parts) : cleaner(parts) {}

    Mutex mutex ABSL_ACQUIRED_AFTER(lock_order::kCleaner) ABSL_ACQUIRED_BEFORE(lock_order::kStripe);
    SegmentCleaner cleaner ABSL_GUARDED_BY(mutex);
    Lack lack ABSL_GUARDED_BY(mutex) = Lack::kOfItems;  // why nothing was cleaned the last time that nothing was
    size_t debt_bytes ABSL_GUARDED_BY(mutex) = 0;      // stored and not yet cleaned for
    size_t tidied_in_vain ABSL_GUARDED_BY(mutex) = 0;  // in `tidy`, for what is over the limit
    uint64_t last_turn ABSL_GUARDED_BY(mutex) = 0;     // how many victims were through when this was last cleaned
    uint64_t refused_turn ABSL_GUARDED_BY(mutex) = UINT64_MAX;  // the same when it got no victim for want of room
  };

  void pace(Place& place, size_t bytes, bool is_tight, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex);
  // Calls work(place) with its mutex held: for the thread's own place and those after it, without those that
  // somebody has locked, until one returns true. Whether one did.
  template <class Work>
  bool try_in_some_place(Work&& work) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  // The same for the first that nobody has locked; if all are locked, waits for the thread's own. What `work`
  // returned.
  template <class Work>
  auto in_some_place(Work&& work);
  // The same for a certain one, which it waits for.
  template <class Work>
  auto in_place(size_t lane, Work&& work);
  [[nodiscard]] Place& place_at(size_t lane) { return places_[lane % places_.size()]; }
  // One unit of cleaning: goes on with the victim, or takes one, and covers a portion of it. How many bytes that
  // were, without a large item that is kept; none if there is no victim, or it could not be cleaned.
  std::optional<size_t> clean(Place& place, Portion portion, int64_t now_ms, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex);
  std::optional<size_t> go_on_with_victim(Place& place, Portion portion, int64_t now_ms, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex);
  struct Effort;
  enum class Step : uint8_t { kGoOn, kDone, kInVain };
  // Takes steps, each with a place's mutex held, and rests between them, until one is done or in vain.
  template <class TakeStep>
  bool by_steps(TakeStep&& take_step);
  void suspect_erased(int64_t now_ms);
  [[nodiscard]] Step go_on(Place& place, Effort& effort, size_t bytes, int64_t now_ms, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex);
  [[nodiscard]] bool take_victim(Place& place, int64_t now_ms, bool may_evict, EvictionPressure pressure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex);
  [[nodiscard]] bool take_expired(Place& place, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex);
  // The victim of another place that nobody has gone on with while so many were cleaned, or whose lane is no longer
  // used.
  [[nodiscard]] bool take_over(Place& place, uint64_t turns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex);
  [[nodiscard]] EvictionPressure pressure_on_victim(const Place& place) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    const bool keeps_all = place.cleaner.victim()->is_sparse || !parts_.may_evict;
    return keeps_all ? EvictionPressure::kNone : EvictionPressure::kOrdinary;
  }
  // What is cleaned at a time by who cleans until there is room.
  [[nodiscard]] size_t step_bytes() const { return std::min(kStepBytesMax, log_.segment_bytes()); }
  // After so much was cleaned without result.
  [[nodiscard]] EvictionPressure pressure_after(size_t cleaned_bytes) const;
  void rest() const;
  // Gives back memory that nothing lies in, if there is any.
  bool release_spare() { return release_spare_for_large() || log_.release_free_large(); }
  bool release_spare_for_large() { return parts_.index.release_spare_memory() || log_.release_free_segment(); }
  // Fills main in a loop, and clears it after; see loop.h.
  void follow_loop();
  [[nodiscard]] LoopState loop_state();
  [[nodiscard]] Flow flow();
  [[nodiscard]] bool is_tight() const { return !log_.has_free_segment() || account_.is_over_limit(); }

  Account& account_;
  Log& log_;
  SegmentCleaner::LongKey long_key_;
  EvictionSample eviction_sample_;
  const SegmentCleaner::Parts parts_;
  const OnStep on_step_;
  Victims victims_;
  std::deque<Place> places_;  // by lane

  RelaxedAtomic<uint64_t> turns_{0};        // how many victims have been cleaned
  RelaxedAtomic<size_t> unpaid_bytes_{0};   // stored while all places were taken
  RelaxedAtomic<int64_t> next_look_ms_{0};  // when to look for expired segments again
  // Without eviction: up to which erasure of a tag everything was searched, and when it may be again.
  RelaxedAtomic<uint64_t> erasures_searched_for_{0};
  RelaxedAtomic<int64_t> next_search_ms_{0};

  Mutex loop_mutex_ ABSL_ACQUIRED_AFTER(lock_order::kCleaner) ABSL_ACQUIRED_BEFORE(lock_order::kStripe);
  LoopWatch loop_watch_ ABSL_GUARDED_BY(loop_mutex_);
  RelaxedAtomic<uint32_t> looked_at_epoch_{0};  // of the ghost
  RelaxedAtomic<LoopState> loop_state_{LoopState::kNone};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_CLEANER_H_
