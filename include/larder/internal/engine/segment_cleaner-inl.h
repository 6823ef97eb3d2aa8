// Cleaning a segment record by record.
#ifndef LARDER_INTERNAL_ENGINE_SEGMENT_CLEANER_INL_H_
#define LARDER_INTERNAL_ENGINE_SEGMENT_CLEANER_INL_H_

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <utility>

#include "larder/api.h"
#include "larder/internal/engine/segment_cleaner.h"

namespace larder::internal {

// With the header before it. Longer ones take turns.
inline constexpr size_t kShortKeyBytes = 512;

LARDER_INLINE SegmentCleaner::LongKey::LongKey() {
  words.reserve(round_up(kRecordHeaderBytes + sizeof(uint16_t) + kKeyBytesMax, kWordBytes) / kWordBytes);
}

LARDER_INLINE void SegmentCleaner::begin(const Victim& victim) {
  victim_ = victim;
  moved_bytes_ = 0;
  go_to(parts_.log.first_in(victim.segment));
}

LARDER_INLINE void SegmentCleaner::take_over(SegmentCleaner& other) {
  victim_ = std::exchange(other.victim_, std::nullopt);
  moved_bytes_ = other.moved_bytes_;
  cursor_ = other.cursor_;
  hash_at_cursor_ = other.hash_at_cursor_;
}

// What cleaning the record needs is so fetched while the one before it is cleaned, or until the next store.
LARDER_INLINE void SegmentCleaner::go_to(uint64_t address) {
  cursor_ = address;
  if (cursor_ >= parts_.log.end_of(victim_->segment)) return;
  hash_at_cursor_ = hash_of(cursor_);
  parts_.index.prefetch(hash_at_cursor_);
  parts_.ghost.prefetch(hash_at_cursor_);
}

// None: the victim could not be cleaned and is in its chain again.
LARDER_INLINE std::optional<size_t> SegmentCleaner::clean(Portion portion, int64_t now_ms,
                                                          EvictionPressure pressure) {
  needs_others_ = false;
  const bool is_large = is_large_victim();
  const uint64_t begin = cursor_;
  const uint64_t end = parts_.log.end_of(victim_->segment);
  const uint64_t stop = std::min<uint64_t>(end, begin + portion.bytes);
  for (size_t records = 0; cursor_ < stop && records < portion.records; ++records) {
    const uint64_t address = cursor_;
    const uint64_t hash = hash_at_cursor_;
    go_to(is_large ? end : address + Record::room_at(parts_.log.at(address)));
    assert(cursor_ > address);
    if (clean_record(address, hash, now_ms, pressure) == Settled::kStays) {
      victim_.reset();
      return is_large ? std::optional<size_t>(0) : std::nullopt;
    }
  }
  if (cursor_ >= end) {
    const auto used = static_cast<double>(end - parts_.log.address_of(victim_->segment));
    if (!is_large && used > 0) kept_share_ += (static_cast<double>(moved_bytes_) / used - kept_share_) / 4;
    parts_.log.finish(victim_->segment);
    victim_.reset();
    parts_.counters[0].add(Counter::kSegmentsCleaned);
  }
  return cursor_ - begin;
}

// Without the lock: the key never changes (record.h), and the segment has no writers. Copied as what is being
// written, because what shares a word with it may change.
LARDER_INLINE uint64_t SegmentCleaner::hash_of(uint64_t address) {
  const std::byte* const memory = parts_.log.at(address);
  const size_t bytes = round_up(Record::prefix_bytes_at(memory), kWordBytes);
  const auto hash_in = [&](uint64_t* words) {
    load_bytes(memory, 0, reinterpret_cast<char*>(words), bytes);
    return parts_.index.hash(Record(reinterpret_cast<std::byte*>(words), bytes).key());
  };
  std::array<uint64_t, kShortKeyBytes / kWordBytes> words;
  if (bytes <= sizeof words) return hash_in(words.data());
  const MutexLock lock(parts_.long_key.mutex);
  parts_.long_key.words.resize(bytes / kWordBytes);
  return hash_in(parts_.long_key.words.data());
}

// Also of records that no slot points at any more: whoever removed the slot may still hold the stripe's lock and be
// about to say so to the segment, which must not be reused before.
LARDER_INLINE SegmentCleaner::Settled SegmentCleaner::clean_record(uint64_t address, uint64_t hash, int64_t now_ms,
                                                                   EvictionPressure pressure) {
  Stripe& stripe = parts_.index.stripe_of(hash);
  const Index::StripeLock lock(parts_.index, stripe);
  const SlotPosition position = parts_.index.find(stripe, parts_.index.tag_of(hash),
                                                  [&](uint64_t candidate) { return candidate == address; });
  if (position) return settle(stripe, position, hash, now_ms, pressure);
  parts_.index.purge(stripe, parts_.index.tag_of(hash));
  return Settled::kGone;
}

LARDER_INLINE SegmentCleaner::Settled SegmentCleaner::settle(Stripe& stripe, const SlotPosition& position,
                                                             uint64_t hash, int64_t now_ms,
                                                             EvictionPressure pressure) {
  const Slot slot = position.get();
  const Content content = parts_.log.record_at(slot.address()).content();
  // That a loop has read it says nothing about what comes after the loop.
  const uint32_t frequency = victim_->is_left_of_loop ? 0 : slot.frequency();
  const Verdict verdict = judge(victim_->chain, frequency, pressure);
  if (content.deadline_ms <= now_ms || parts_.erased_tags.is_erased(content)) {
    drop(stripe, position, hash, now_ms, why_over(content, now_ms));
    return Settled::kGone;
  }
  if (!verdict.is_kept) {
    const bool is_forced = judge(victim_->chain, frequency, EvictionPressure::kOrdinary).is_kept;
    drop(stripe, position, hash, now_ms, Removal::kEvicted, is_forced);
    return Settled::kGone;
  }
  if (is_large_victim()) {
    parts_.index.replace(stripe, position, Slot(slot.tag(), verdict.frequency, slot.address()));
    parts_.log.put_back(victim_->segment, verdict.chain);
    parts_.counters[parts_.index.space_of(stripe)].add(Counter::kItemsMoved);
    drop_if_flushed(stripe, position, hash, now_ms);
    return Settled::kStays;
  }
  if (move(stripe, position, verdict, now_ms)) {
    drop_if_flushed(stripe, position, hash, now_ms);
    return Settled::kGone;
  }
  // There is no segment to move it to: visitors have pinned the last victims, or other victims have taken the room.
  needs_others_ = parts_.log.has_other_victims();
  if (parts_.may_evict && !needs_others_) {
    drop(stripe, position, hash, now_ms, Removal::kEvicted, true);
    return Settled::kGone;
  }
  parts_.log.put_back(victim_->segment);
  return Settled::kStays;
}

LARDER_INLINE void SegmentCleaner::drop(Stripe& stripe, const SlotPosition& position, uint64_t hash, int64_t now_ms,
                                        Removal why, bool is_forced) {
  const Slot slot = position.get();
  if (parts_.removal_log.follows(slot.tag())) {
    parts_.removal_log.add(hash, stripe, slot, parts_.log, now_ms, why);
  }
  if (parts_.on_removal) parts_.on_removal(stripe, slot, now_ms, why);
  if (why == Removal::kErased && parts_.on_erased) parts_.on_erased(slot);
  const Record record = parts_.log.record_at(slot.address());
  const Content content = record.content();
  const bool is_hidden = content.is_hidden();
  const size_t live_bytes = Record::bytes_needed(record.key().size(), content);
  if (!is_hidden) {
    Counters& counters = parts_.counters[parts_.index.space_of(stripe)];
    count_removal(counters, why, slot.frequency() > 0);
    if (is_forced) counters.add(Counter::kEvictedForced);
    if (is_upkeep_ && why == Removal::kExpired) counters.add(Counter::kExpiredInUpkeep);
  }
  if (why == Removal::kEvicted && victim_->chain == Chain::kSmall && !is_hidden) remember(hash, live_bytes);
  parts_.index.erase(stripe, position);
  parts_.index.count(stripe, {}, Index::share(live_bytes, is_hidden));
  parts_.log.remove_live(slot.address(), live_bytes);
}

// The ghost is told of many evicted bytes at a time: all threads write what it counts them by.
LARDER_INLINE void SegmentCleaner::remember(uint64_t hash, size_t bytes) {
  parts_.eviction_sample.note_eviction(hash);
  evicted_bytes_ += parts_.ghost.remember(hash, bytes);
  if (evicted_bytes_ < parts_.ghost.step_bytes()) return;
  parts_.ghost.advance(std::exchange(evicted_bytes_, 0));
}

// A flush that came while the stripe was locked has made what was kept stale. It may lie in a segment that was
// opened after that flush, where nobody would look for stale records.
LARDER_INLINE void SegmentCleaner::drop_if_flushed(Stripe& stripe, const SlotPosition& position, uint64_t hash,
                                                   int64_t now_ms) {
  if (parts_.index.is_stale(stripe)) drop(stripe, position, hash, now_ms, Removal::kFlushed);
}

LARDER_INLINE bool SegmentCleaner::move(Stripe& stripe, const SlotPosition& position, const Verdict& verdict,
                                        int64_t now_ms) {
  const Slot slot = position.get();
  const Record record = parts_.log.record_at(slot.address());
  const Content content = record.content();
  const size_t bytes = record.live_bytes();
  const std::optional<Reservation> place =
      parts_.log.try_reserve(bytes, verdict.chain, content.deadline_ms, now_ms, Log::For::kCleaner);
  if (!place) return false;
  Record::create(parts_.log.at(place->address), place->room_bytes, place->is_large, record.key(), content);
  parts_.index.replace(stripe, position, Slot(slot.tag(), verdict.frequency, place->address));
  parts_.log.commit(*place, bytes);
  parts_.log.remove_live(slot.address(), bytes);
  moved_bytes_ += bytes;
  parts_.counters[parts_.index.space_of(stripe)].add(
      victim_->chain == Chain::kSmall && verdict.chain == Chain::kMain ? Counter::kItemsPromoted
                                                                       : Counter::kItemsMoved);
  return true;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_SEGMENT_CLEANER_INL_H_
