#ifndef LARDER_INTERNAL_ENGINE_CLEANER_INL_H_
#define LARDER_INTERNAL_ENGINE_CLEANER_INL_H_

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "larder/api.h"
#include "larder/internal/engine/cleaner.h"

namespace larder::internal {

// Of a victim's bytes so much may be kept in the long run before what is cleaned falls behind what is stored.
inline constexpr double kKeptShareMax = 0.95;
// How much faster than needed is cleaned, so that a segment is free before the open one is full.
inline constexpr double kPaceFactor = 1.25;
// What one store may have to clean: so many bytes, and so many records, which is what short ones cost by. What is
// left is for the next stores.
inline constexpr size_t kPaceBytesMin = 512;
inline constexpr size_t kPaceRecordsMin = 32;
static_assert(kPaceRecordsMin > kPaceFactor / (1 - kKeptShareMax), "stores of like sizes clean for themselves");
// Of a long value as many as there are of this size in it: others like it may follow.
inline constexpr size_t kShortRecordBytes = 64;
// With room left, expired segments are looked for so often.
inline constexpr int64_t kExpiredLookMs = 50;
// Without eviction, what erased tags have left is searched for no more often.
inline constexpr int64_t kSearchMs = 1'000;
// After so many segments' worth of cleaning without result, victims are chosen by the policy alone; after so many,
// nothing is kept any more.
inline constexpr size_t kSegmentsBeforePolicy = 5;
inline constexpr size_t kSegmentsBeforeForce = 10;
// The same for who has to make room for one item only.
inline constexpr size_t kItemsBeforePolicy = 256;
inline constexpr size_t kItemsBeforeForce = 512;
// How long writers are waited for in vain: they need a segment for the time of a copy, but may be kept from
// running. Real time, since it is about other threads.
inline constexpr std::chrono::milliseconds kWriterWaitMax{100};
// A victim that nobody goes on with while so many are cleaned for each lane is taken over.
inline constexpr uint64_t kTurnsPerLane = 2;

LARDER_INLINE Cleaner::Cleaner(Account& account, Index& index, Log& log, Ghost& ghost, RemovalLog& removal_log,
                               const ErasedTags& erased_tags, Counters* counters, bool may_evict,
                               OnRemoval on_removal, OnErased on_erased, OnStep on_step)
    : account_(account),
      log_(log),
      eviction_sample_(&account),
      parts_{.index = index,
             .log = log,
             .ghost = ghost,
             .eviction_sample = eviction_sample_,
             .removal_log = removal_log,
             .erased_tags = erased_tags,
             .counters = counters,
             .may_evict = may_evict,
             .on_removal = std::move(on_removal),
             .on_erased = std::move(on_erased),
             .long_key = long_key_},
      on_step_(std::move(on_step)),
      victims_(log) {
  for (size_t lane = 0; lane < log.lane_count_max(); ++lane) places_.emplace_back(parts_);
}

LARDER_INLINE LoopState Cleaner::loop_state() {
  const uint32_t epoch = parts_.ghost.epoch();
  uint32_t looked_at = looked_at_epoch_.load();
  if (epoch - looked_at >= LoopWatch::kEpochsPerLook && looked_at_epoch_.compare_exchange_strong(looked_at, epoch)) {
    const MutexLock lock(loop_mutex_);
    loop_watch_.look(flow());
    loop_state_.store(loop_watch_.state());
  }
  return loop_state_.load();
}

LARDER_INLINE void Cleaner::follow_loop() {
  switch (loop_state()) {
    case LoopState::kNone:
      return;
    case LoopState::kLoop:
      return victims_.fill_main();
    case LoopState::kOver:
      return victims_.clear_fill();
  }
}

LARDER_INLINE Flow Cleaner::flow() {
  const EvictionSample::Counts sample = eviction_sample_.look();
  Flow flow{.sampled = sample.evicted, .again = sample.again, .asked_for = sample.asked_for};
  for (uint32_t space = 0; space < parts_.index.namespaces().count(); ++space) {
    const auto total = [&](Counter counter) { return parts_.counters[space].total(counter); };
    const uint64_t promoted = total(Counter::kItemsPromoted);
    // What main evicts was not read, and is counted too: without a loop it is no more than what is promoted.
    flow.left += total(Counter::kEvictions) + promoted;
    flow.wanted += total(Counter::kEvictedActive) + promoted + total(Counter::kGhostHits);
  }
  return flow;
}

LARDER_INLINE void Cleaner::pace(size_t bytes, int64_t now_ms) {
  if (!parts_.may_evict) return;
  const bool is_tight = this->is_tight();
  // What took no room pays for none: an erase must not cost other items. But the limit holds.
  if (is_tight && bytes == 0 && !account_.is_over_limit()) return;
  // Relaxed: a hint.
  if (!is_tight && now_ms < next_look_ms_.load()) return;
  const bool is_paid = try_in_some_place([&](Place& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    // Others' victims come first.
    if (!place.cleaner.victim() && place.refused_turn == turns_.load()) return false;
    pace(place, bytes, is_tight, now_ms);
    return true;
  });
  if (!is_paid) unpaid_bytes_.fetch_add(bytes);
}

LARDER_INLINE void Cleaner::pace(Place& place, size_t bytes, bool is_tight, int64_t now_ms) {
  place.debt_bytes += bytes;
  if (unpaid_bytes_.load() != 0) place.debt_bytes += unpaid_bytes_.exchange(0);
  const double rate = kPaceFactor / (1 - std::min(place.cleaner.kept_share(), kKeptShareMax));
  const double debt = static_cast<double>(std::exchange(place.debt_bytes, 0)) * rate;
  const double due = debt + static_cast<double>(account_.overshoot()) * rate;
  const Portion portion{.bytes = std::clamp(static_cast<size_t>(due), kPaceBytesMin, kStepBytesMax),
                        .records = std::max(bytes / kShortRecordBytes, kPaceRecordsMin)};
  if (is_tight) {
    // When nothing is to be had, nothing is debt.
    const size_t covered = clean(place, portion, now_ms, EvictionPressure::kOrdinary)
                               .value_or(place.lack == Lack::kOfRoom ? 0 : portion.bytes);
    if (account_.is_over_limit()) (void)release_spare();
    const double left = debt - static_cast<double>(covered);
    if (left > 0 && this->is_tight()) place.debt_bytes = static_cast<size_t>(left / rate);
  } else if (place.cleaner.victim() || take_expired(place, now_ms)) {
    (void)go_on_with_victim(place, portion, now_ms, pressure_on_victim(place));
  } else {
    next_look_ms_.store(now_ms + kExpiredLookMs);
  }
}

template <class Work>
bool Cleaner::try_in_some_place(Work&& work) {
  const size_t own = log_.lane();
  for (size_t lane = own; lane < own + log_.lane_count(); ++lane) {
    Place& place = place_at(lane);
    if (!place.mutex.try_lock()) continue;
    const MutexLock lock(place.mutex, std::adopt_lock);
    if (work(place)) return true;
  }
  return false;
}

template <class Work>
auto Cleaner::in_some_place(Work&& work) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  std::optional<decltype(in_place(0, work))> result;
  const auto once = [&](Place& place) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    result = work(place);
    return true;
  };
  return try_in_some_place(once) ? *result : in_place(log_.lane(), work);
}

template <class Work>
auto Cleaner::in_place(size_t lane, Work&& work) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Place& place = place_at(lane);
  const MutexLock lock(place.mutex);
  return work(place);
}

LARDER_INLINE void Cleaner::clean_step(int64_t now_ms) {
  (void)in_some_place([&](Place& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    if (log_.has_free_segment()) return true;
    const Portion portion{.bytes = kStepBytesMax, .records = kPaceRecordsMin};
    return clean(place, portion, now_ms, EvictionPressure::kOrdinary).has_value();
  });
}

// How far somebody has come who cleans until there is room.
struct Cleaner::Effort {
  size_t cleaned_bytes = 0;
  // Other places' victims have to be gone on with.
  bool needs_others = false;
  // When to give up, while there is nothing to clean but what is being written.
  std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max();
};

// In vain if nothing can go, or writers have been waited for long enough.
LARDER_INLINE Cleaner::Step Cleaner::go_on(Place& place, Effort& effort, size_t bytes, int64_t now_ms,
                                           EvictionPressure pressure) {
  if (clean(place, {.bytes = bytes}, now_ms, pressure)) {
    effort = {.cleaned_bytes = effort.cleaned_bytes + bytes};
    return Step::kGoOn;
  }
  effort.needs_others = place.lack == Lack::kOfRoom;
  if (effort.needs_others) return Step::kGoOn;
  if (place.lack == Lack::kOfItems) return Step::kInVain;
  const auto now = std::chrono::steady_clock::now();
  effort.end = std::min(effort.end, now + kWriterWaitMax);
  return now < effort.end ? Step::kGoOn : Step::kInVain;
}

// Without eviction only what is known to have gone is cleaned, and nobody knows where the items of an erased tag
// lie: so everything is searched, once after each erasure or some, and once in a second at most.
LARDER_INLINE void Cleaner::suspect_erased(int64_t now_ms) {
  const uint64_t erasures = parts_.erased_tags.count();
  if (parts_.may_evict || erasures == erasures_searched_for_.load() || now_ms < next_search_ms_.load()) return;
  erasures_searched_for_.store(erasures);
  next_search_ms_.store(now_ms + kSearchMs);
  log_.flush_some(1);
}

LARDER_INLINE bool Cleaner::make_room_for_segment(int64_t now_ms) {
  suspect_erased(now_ms);
  return by_steps([&](Place& place, Effort& effort) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    if (log_.has_free_segment()) return Step::kDone;
    return go_on(place, effort, step_bytes(), now_ms, pressure_after(effort.cleaned_bytes));
  });
}

LARDER_INLINE EvictionPressure Cleaner::pressure_after(size_t cleaned_bytes) const {
  const size_t segments = cleaned_bytes / log_.segment_bytes();
  if (segments < kSegmentsBeforePolicy) return EvictionPressure::kOrdinary;
  return segments < kSegmentsBeforeForce ? EvictionPressure::kByPolicy : EvictionPressure::kForced;
}

LARDER_INLINE bool Cleaner::make_room_in_account(size_t bytes, int64_t now_ms, bool is_for_large) {
  suspect_erased(now_ms);
  return by_steps([&](Place& place, Effort& effort) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    if (bytes_min() + bytes > account_.limit()) return Step::kInVain;
    const size_t reusable_bytes = is_for_large ? log_.free_large_bytes() : 0;
    if (account_.used() + bytes <= account_.limit() + reusable_bytes) return Step::kDone;
    if (is_for_large ? release_spare_for_large() : release_spare()) {
      effort = {};
      return Step::kGoOn;
    }
    const size_t in_vain = effort.cleaned_bytes - std::min(effort.cleaned_bytes, bytes);
    return go_on(place, effort, step_bytes(), now_ms, pressure_after(in_vain));
  });
}

// One item after the other, so that no more go than must.
LARDER_INLINE bool Cleaner::make_room_for_item(FunctionRef<bool()> has_room, int64_t now_ms) {
  return by_steps([&](Place& place, Effort& effort) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    for (size_t items = 0; items < kPaceRecordsMin; ++items) {
      if (has_room()) return Step::kDone;
      const size_t passed = effort.cleaned_bytes;  // each is cleaned as if it were a byte
      const EvictionPressure pressure = passed < kItemsBeforePolicy  ? EvictionPressure::kOrdinary
                                        : passed < kItemsBeforeForce ? EvictionPressure::kByPolicy
                                                                     : EvictionPressure::kForced;
      const Step made = go_on(place, effort, 1, now_ms, pressure);
      if (made != Step::kGoOn || effort.needs_others) return made;
    }
    return Step::kGoOn;
  });
}

// Nobody knows which items lie where a longer one would fit: so as much as it takes is cleaned, each time that it
// does not fit, until all that may go has gone.
LARDER_INLINE bool Cleaner::make_room_for_large(size_t bytes, int64_t now_ms) {
  return by_steps([&](Place& place, Effort& effort) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    if (effort.cleaned_bytes >= bytes) return Step::kDone;
    const Step made = go_on(place, effort, step_bytes(), now_ms, EvictionPressure::kByPolicy);
    return made == Step::kInVain && effort.cleaned_bytes > 0 ? Step::kDone : made;
  });
}

template <class TakeStep>
bool Cleaner::by_steps(TakeStep&& take_step) {
  size_t other = log_.lane();
  for (Effort effort;; rest()) {
    // Locked for one step: others wait for no more than that, even if the limit sinks by much.
    const auto step = [&](Place& place) ABSL_NO_THREAD_SAFETY_ANALYSIS { return take_step(place, effort); };
    const Step made = effort.needs_others ? in_place(++other, step) : in_some_place(step);
    if (made != Step::kGoOn) return made == Step::kDone;
  }
}

LARDER_INLINE void Cleaner::rest() const {
  if (on_step_) on_step_();
  std::this_thread::yield();
}

LARDER_INLINE size_t Cleaner::bytes_min() const {
  return account_.used(Use::kExternal) + account_.used(Use::kHandles) + account_.used(Use::kOther) +
         account_.used(Use::kGhost) + account_.used(Use::kCurve) + account_.used(Use::kHotKeys) +
         account_.used(Use::kRemovalLog) + parts_.index.bytes_min() + log_.bytes_min();
}

LARDER_INLINE bool Cleaner::tidy(size_t bytes, int64_t now_ms) {
  return in_some_place([&](Place& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(place.mutex) {
    const bool has_victim = place.cleaner.victim() || take_over(place, 0);
    if (account_.is_over_limit()) {
      if (release_spare()) {
        place.tidied_in_vain = 0;
        return true;
      }
      const EvictionPressure pressure = pressure_after(place.tidied_in_vain);
      place.tidied_in_vain += std::min(bytes, log_.segment_bytes());
      return clean(place, {.bytes = bytes}, now_ms, pressure).has_value();
    }
    place.tidied_in_vain = 0;
    if (!has_victim && !take_victim(place, now_ms, false, EvictionPressure::kOrdinary)) {
      return release_spare_for_large() || log_.release_unused_large();
    }
    place.cleaner.set_upkeep(true);
    const bool is_cleaned = go_on_with_victim(place, {.bytes = bytes}, now_ms, EvictionPressure::kNone).has_value();
    place.cleaner.set_upkeep(false);
    return is_cleaned;
  });
}

LARDER_INLINE std::optional<size_t> Cleaner::clean(Place& place, Portion portion, int64_t now_ms,
                                                   EvictionPressure pressure) {
  if (!parts_.may_evict) pressure = EvictionPressure::kOrdinary;
  if (!place.cleaner.victim() && !take_victim(place, now_ms, parts_.may_evict, pressure)) return std::nullopt;
  // What was chosen for its waste is not where the policy would evict.
  const bool is_forced = pressure == EvictionPressure::kForced && !place.cleaner.victim()->is_sparse;
  return go_on_with_victim(place, portion, now_ms,
                           is_forced ? EvictionPressure::kForced : pressure_on_victim(place));
}

LARDER_INLINE std::optional<size_t> Cleaner::go_on_with_victim(Place& place, Portion portion, int64_t now_ms,
                                                               EvictionPressure pressure) {
  const std::optional<size_t> covered = place.cleaner.clean(portion, now_ms, pressure);
  if (!place.cleaner.victim()) turns_.fetch_add(1);
  place.last_turn = turns_.load();
  place.lack = place.cleaner.needs_others() ? Lack::kOfRoom : Lack::kOfItems;
  return covered;
}

LARDER_INLINE bool Cleaner::take_victim(Place& place, int64_t now_ms, bool may_evict, EvictionPressure pressure) {
  if (take_over(place, kTurnsPerLane * log_.lane_count())) return true;
  if (may_evict) follow_loop();
  const std::optional<Victim> victim =
      victims_.take(now_ms, may_evict, pressure != EvictionPressure::kOrdinary, place.lack);
  if (!victim) {
    if (place.lack == Lack::kOfRoom) place.refused_turn = turns_.load();
    return false;
  }
  place.cleaner.begin(*victim);
  return true;
}

LARDER_INLINE bool Cleaner::take_expired(Place& place, int64_t now_ms) {
  const std::optional<Victim> victim = victims_.take_expired(now_ms);
  if (!victim) return false;
  place.cleaner.begin(*victim);
  return true;
}

LARDER_INLINE bool Cleaner::take_over(Place& place, uint64_t turns) {
  for (size_t lane = 0; lane < places_.size(); ++lane) {
    Place& other = places_[lane];
    if (&other == &place || !other.mutex.try_lock()) continue;
    const MutexLock lock(other.mutex, std::adopt_lock);
    const bool is_abandoned = lane >= log_.lane_count() || turns_.load() - other.last_turn >= turns;
    if (!other.cleaner.victim() || !is_abandoned) continue;
    place.cleaner.take_over(other.cleaner);
    return true;
  }
  return false;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_CLEANER_INL_H_
