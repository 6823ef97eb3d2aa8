#ifndef LARDER_INTERNAL_ENGINE_CLEANER_INL_H_
#define LARDER_INTERNAL_ENGINE_CLEANER_INL_H_

#include <algorithm>
#include <cassert>
#include <chrono>
#include <thread>

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
// After so many segments' worth of cleaning without result, victims are chosen by the policy alone; after so many,
// nothing is kept any more.
inline constexpr size_t kSegmentsBeforePolicy = 5;
inline constexpr size_t kSegmentsBeforeForce = 10;
// How long writers are waited for in vain: they need a segment for the time of a copy, but may be kept from
// running. Real time, since it is about other threads.
inline constexpr std::chrono::milliseconds kWriterWaitMax{100};

LARDER_INLINE void Cleaner::pace(size_t bytes, int64_t now_ms) {
  if (!may_evict_) return;
  const bool is_tight = this->is_tight();
  // What took no room pays for none: an erase must not cost other items. But the limit holds.
  if (is_tight && bytes == 0 && !account_.is_over_limit()) return;
  // Relaxed: hints. What is debt while another thread cleans is paid by the next one that can.
  if (!is_tight && now_ms < next_look_ms_.load()) return;
  add_debt(bytes);
  if (!mutex_.try_lock()) return;
  const MutexLock lock(mutex_, std::adopt_lock);
  const double rate = kPaceFactor / (1 - std::min(kept_share_, kKeptShareMax));
  const double debt = static_cast<double>(debt_bytes_.exchange(0)) * rate;
  const double due = debt + static_cast<double>(account_.overshoot()) * rate;
  const Portion portion{.bytes = std::clamp(static_cast<size_t>(due), kPaceBytesMin, kStepBytesMax),
                        .records = std::max(bytes / kShortRecordBytes, kPaceRecordsMin)};
  if (is_tight) {
    // Without a victim there is nothing to be had, and nothing is debt.
    const size_t covered = clean(portion, now_ms, EvictionPressure::kOrdinary).value_or(portion.bytes);
    if (account_.is_over_limit()) (void)release_spare();
    const double left = debt - static_cast<double>(covered);
    if (left > 0 && this->is_tight()) add_debt(static_cast<size_t>(left / rate));
  } else if (victim_ || take_expired(now_ms)) {
    (void)clean_some(portion, now_ms, pressure_on_victim());
  } else {
    next_look_ms_.store(now_ms + kExpiredLookMs);
  }
}

LARDER_INLINE void Cleaner::clean_step(int64_t now_ms) {
  const MutexLock lock(mutex_);
  if (!log_.has_free_segment())
    (void)clean({.bytes = kStepBytesMax, .records = kPaceRecordsMin}, now_ms, EvictionPressure::kOrdinary);
}

// How far somebody has come who cleans until there is room.
struct Cleaner::Effort {
  size_t cleaned_bytes = 0;
  // When to give up, while there is nothing to clean but what is being written.
  std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max();
};

// False: nothing can go, or writers have been waited for long enough.
LARDER_INLINE bool Cleaner::go_on(Effort& effort, int64_t now_ms, EvictionPressure pressure) {
  if (clean({.bytes = step_bytes()}, now_ms, pressure)) {
    effort = {.cleaned_bytes = effort.cleaned_bytes + step_bytes()};
    return true;
  }
  if (!is_busy_) return false;
  const auto now = std::chrono::steady_clock::now();
  effort.end = std::min(effort.end, now + kWriterWaitMax);
  return now < effort.end;
}

LARDER_INLINE bool Cleaner::make_room_for_segment(int64_t now_ms) {
  for (Effort effort;; rest()) {
    // Held for one step.
    const MutexLock lock(mutex_);
    if (log_.has_free_segment()) return true;
    if (!go_on(effort, now_ms, pressure_after(effort.cleaned_bytes))) return false;
  }
}

LARDER_INLINE EvictionPressure Cleaner::pressure_after(size_t cleaned_bytes) const {
  const size_t segments = cleaned_bytes / log_.segment_bytes();
  if (segments < kSegmentsBeforePolicy) return EvictionPressure::kOrdinary;
  return segments < kSegmentsBeforeForce ? EvictionPressure::kByPolicy : EvictionPressure::kForced;
}

LARDER_INLINE bool Cleaner::make_room_in_account(size_t bytes, int64_t now_ms) {
  for (Effort effort;; rest()) {
    // Held for one step: others wait for no more than that, even if the limit sinks by much.
    const MutexLock lock(mutex_);
    if (bytes_min() + bytes > account_.limit()) return false;
    if (account_.used() + bytes <= account_.limit()) return true;
    if (release_spare()) {
      effort = {};
      continue;
    }
    const size_t in_vain = effort.cleaned_bytes - std::min(effort.cleaned_bytes, bytes);
    if (!go_on(effort, now_ms, pressure_after(in_vain))) return false;
  }
}

// Nobody knows which items lie where a longer one would fit: so as much as it takes is cleaned, each time that it
// does not fit, until all that may go has gone.
LARDER_INLINE bool Cleaner::make_room_for_large(size_t bytes, int64_t now_ms) {
  for (Effort effort; effort.cleaned_bytes < bytes; rest()) {
    const MutexLock lock(mutex_);
    if (!go_on(effort, now_ms, EvictionPressure::kByPolicy)) return false;
  }
  return true;
}

LARDER_INLINE void Cleaner::rest() const {
  if (on_step_) on_step_();
  std::this_thread::yield();
}

LARDER_INLINE size_t Cleaner::bytes_min() const {
  return account_.used(Use::kExternal) + account_.used(Use::kHandles) + account_.used(Use::kOther) +
         account_.used(Use::kGhost) + index_.bytes_min() + log_.bytes_min();
}

LARDER_INLINE bool Cleaner::tidy(size_t bytes, int64_t now_ms) {
  const MutexLock lock(mutex_);
  if (account_.is_over_limit()) {
    if (release_spare()) {
      tidied_in_vain_ = 0;
      return true;
    }
    const EvictionPressure pressure = pressure_after(tidied_in_vain_);
    tidied_in_vain_ += std::min(bytes, log_.segment_bytes());
    return clean({.bytes = bytes}, now_ms, pressure).has_value();
  }
  tidied_in_vain_ = 0;
  if (!victim_ && !take_victim(now_ms, false, EvictionPressure::kOrdinary)) return release_spare();
  is_upkeep_ = true;
  const bool is_cleaned = clean_some({.bytes = bytes}, now_ms, EvictionPressure::kNone).has_value();
  is_upkeep_ = false;
  return is_cleaned;
}

LARDER_INLINE std::optional<size_t> Cleaner::clean(Portion portion, int64_t now_ms, EvictionPressure pressure) {
  if (!may_evict_) pressure = EvictionPressure::kOrdinary;
  if (!victim_ && !take_victim(now_ms, may_evict_, pressure)) return std::nullopt;
  is_busy_ = false;
  // What was chosen for its waste is not where the policy would evict.
  const bool is_forced = pressure == EvictionPressure::kForced && !victim_->is_sparse;
  return clean_some(portion, now_ms, is_forced ? EvictionPressure::kForced : pressure_on_victim());
}

LARDER_INLINE bool Cleaner::take_victim(int64_t now_ms, bool may_evict, EvictionPressure pressure) {
  victim_ = victims_.take(now_ms, may_evict, pressure != EvictionPressure::kOrdinary, is_busy_);
  begin_victim();
  return victim_.has_value();
}

LARDER_INLINE bool Cleaner::take_expired(int64_t now_ms) {
  victim_ = victims_.take_expired(now_ms);
  begin_victim();
  return victim_.has_value();
}

LARDER_INLINE void Cleaner::begin_victim() {
  moved_bytes_ = 0;
  if (victim_) go_to(log_.first_in(victim_->segment));
}

// What cleaning the record needs is so fetched while the one before it is cleaned, or until the next store.
LARDER_INLINE void Cleaner::go_to(uint64_t address) {
  cursor_ = address;
  if (cursor_ >= log_.end_of(victim_->segment)) return;
  hash_at_cursor_ = hash_of(cursor_);
  index_.prefetch(hash_at_cursor_);
  ghost_.prefetch(hash_at_cursor_);
}

// None: the victim could not be cleaned and is in its chain again.
LARDER_INLINE std::optional<size_t> Cleaner::clean_some(Portion portion, int64_t now_ms,
                                                        EvictionPressure pressure) {
  const bool is_large = is_large_victim();
  const uint64_t begin = cursor_;
  const uint64_t end = log_.end_of(victim_->segment);
  const uint64_t stop = std::min<uint64_t>(end, begin + portion.bytes);
  for (size_t records = 0; cursor_ < stop && records < portion.records; ++records) {
    const uint64_t address = cursor_;
    const uint64_t hash = hash_at_cursor_;
    go_to(is_large ? end : address + Record::room_at(log_.at(address)));
    assert(cursor_ > address);
    if (clean_record(address, hash, now_ms, pressure) == Settled::kStays) {
      victim_.reset();
      return is_large ? std::optional<size_t>(0) : std::nullopt;
    }
  }
  if (cursor_ >= end) {
    const auto used = static_cast<double>(end - log_.address_of(victim_->segment));
    if (!is_large && used > 0) kept_share_ += (static_cast<double>(moved_bytes_) / used - kept_share_) / 4;
    log_.finish(victim_->segment);
    victim_.reset();
    counters_[0].add(Counter::kSegmentsCleaned);
  }
  return cursor_ - begin;
}

// Without the lock: the key never changes (record.h), and the segment has no writers. Copied as what is being
// written, because what shares a word with it may change.
LARDER_INLINE uint64_t Cleaner::hash_of(uint64_t address) {
  const std::byte* const memory = log_.at(address);
  const size_t bytes = round_up(Record::prefix_bytes_at(memory), kWordBytes);
  key_words_.resize(bytes / kWordBytes);
  load_bytes(memory, 0, reinterpret_cast<char*>(key_words_.data()), bytes);
  return index_.hash(Record(reinterpret_cast<std::byte*>(key_words_.data()), bytes).key());
}

// Also of records that no slot points at any more: whoever removed the slot may still hold the stripe's lock and be
// about to say so to the segment, which must not be reused before.
LARDER_INLINE Cleaner::Settled Cleaner::clean_record(uint64_t address, uint64_t hash, int64_t now_ms,
                                                     EvictionPressure pressure) {
  Stripe& stripe = index_.stripe_of(hash);
  const Index::StripeLock lock(index_, stripe);
  const SlotPosition position =
      index_.find(stripe, index_.tag_of(hash), [&](uint64_t candidate) { return candidate == address; });
  if (position) return settle(stripe, position, hash, now_ms, pressure);
  index_.purge(stripe, index_.tag_of(hash));
  return Settled::kGone;
}

LARDER_INLINE Cleaner::Settled Cleaner::settle(Stripe& stripe, const SlotPosition& position, uint64_t hash,
                                               int64_t now_ms, EvictionPressure pressure) {
  const Slot slot = position.get();
  const bool is_expired = log_.is_expired(slot.address(), now_ms);
  const Verdict verdict = judge(victim_->chain, slot.frequency(), pressure);
  if (is_expired) {
    drop(stripe, position, hash, now_ms, Removal::kExpired);
    return Settled::kGone;
  }
  if (!verdict.is_kept) {
    const bool is_forced = judge(victim_->chain, slot.frequency(), EvictionPressure::kOrdinary).is_kept;
    drop(stripe, position, hash, now_ms, Removal::kEvicted, is_forced);
    return Settled::kGone;
  }
  if (is_large_victim()) {
    index_.replace(stripe, position, Slot(slot.tag(), verdict.frequency, slot.address()));
    log_.put_back(victim_->segment, verdict.chain);
    counters_[index_.space_of(stripe)].add(Counter::kItemsMoved);
    drop_if_flushed(stripe, position, hash, now_ms);
    return Settled::kStays;
  }
  if (move(stripe, position, verdict, now_ms)) {
    drop_if_flushed(stripe, position, hash, now_ms);
    return Settled::kGone;
  }
  // There is no segment to move it to: visitors have pinned the last victims.
  if (may_evict_) {
    drop(stripe, position, hash, now_ms, Removal::kEvicted, true);
    return Settled::kGone;
  }
  log_.put_back(victim_->segment);
  return Settled::kStays;
}

LARDER_INLINE void Cleaner::drop(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms,
                                 Removal why, bool is_forced) {
  const Slot slot = position.get();
  if (on_removal_) on_removal_(stripe, slot, now_ms, why);
  const Record record = log_.record_at(slot.address());
  const Content content = record.content();
  const bool is_hidden = content.is_hidden();
  const size_t live_bytes = Record::bytes_needed(record.key().size(), content);
  if (!is_hidden) {
    Counters& counters = counters_[index_.space_of(stripe)];
    count_removal(counters, why, slot.frequency() > 0);
    if (is_forced) counters.add(Counter::kEvictedForced);
    if (is_upkeep_ && why == Removal::kExpired) counters.add(Counter::kExpiredInUpkeep);
  }
  if (why == Removal::kEvicted && victim_->chain == Chain::kSmall && !is_hidden) ghost_.add(hash, live_bytes);
  index_.erase(stripe, position);
  index_.count(stripe, {}, Index::share(live_bytes, is_hidden));
  log_.remove_live(slot.address(), live_bytes);
}

// A flush that came while the stripe was locked has made what was kept stale. It may lie in a segment that was
// opened after that flush, where nobody would look for stale records.
LARDER_INLINE void Cleaner::drop_if_flushed(Stripe& stripe, const SlotPosition& position, uint64_t hash,
                                            int64_t now_ms) {
  if (index_.is_stale(stripe)) drop(stripe, position, hash, now_ms, Removal::kFlushed);
}

LARDER_INLINE bool Cleaner::move(Stripe& stripe, const SlotPosition& position, const Verdict& verdict,
                                 int64_t now_ms) {
  const Slot slot = position.get();
  const Record record = log_.record_at(slot.address());
  const Content content = record.content();
  const size_t bytes = record.live_bytes();
  const std::optional<Reservation> place =
      log_.try_reserve(bytes, verdict.chain, content.deadline_ms, now_ms, Log::For::kCleaner);
  if (!place) return false;
  Record::create(log_.at(place->address), place->room_bytes, place->is_large, record.key(), content);
  index_.replace(stripe, position, Slot(slot.tag(), verdict.frequency, place->address));
  log_.commit(*place, bytes);
  log_.remove_live(slot.address(), bytes);
  moved_bytes_ += bytes;
  counters_[index_.space_of(stripe)].add(victim_->chain == Chain::kSmall && verdict.chain == Chain::kMain
                                             ? Counter::kItemsPromoted
                                             : Counter::kItemsMoved);
  return true;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_CLEANER_INL_H_
