#ifndef LARDER_INTERNAL_CURVE_MINIATURE_INL_H_
#define LARDER_INTERNAL_CURVE_MINIATURE_INL_H_

#include <algorithm>
#include <bit>
#include <cassert>

#include "larder/api.h"
#include "larder/internal/curve/miniature.h"
#include "larder/internal/index/slot.h"

namespace larder::internal {

// What one store does at most to make room; the rest is for the next ones.
inline constexpr int kVictimsPerStore = 16;
// How many entries one read sweeps: the cache frees most expired ones before their turn.
inline constexpr int kSweptPerRequest = 2;
// How many entries of the ghost there are for one item: about as many as the cache's own has.
inline constexpr size_t kGhostEntries = 1;

LARDER_INLINE Miniature::Miniature(size_t entries)
    : entries_(entries + 1), buckets_(std::bit_ceil(entries)), policy_(kGhostEntries * entries) {
  assert(entries > 0 && entries < (size_t{1} << 15));
  for (size_t i = entries; i > 0; --i) {
    entries_[i].next = free_;
    free_ = static_cast<Number>(i);
  }
}

LARDER_INLINE size_t Miniature::bytes_for(size_t entries) {
  return (entries + 1) * sizeof(Entry) + std::bit_ceil(entries) * sizeof(Number) +
         ItemGhost::bytes_for(kGhostEntries * entries);
}

LARDER_INLINE void Miniature::set_capacity(uint64_t bytes, uint64_t limit_bytes) {
  policy_.set_capacity(bytes);
  limit_bytes_ = limit_bytes;
}

LARDER_INLINE Miniature::Number& Miniature::bucket_of(uint64_t hash) {
  return buckets_[mixed(hash) & (buckets_.size() - 1)];
}

LARDER_INLINE Miniature::Number Miniature::find(uint64_t hash) {
  Number number = bucket_of(hash);
  while (number != 0 && entries_[number].hash != hash) number = entries_[number].next;
  return number;
}

LARDER_INLINE void Miniature::append(Number number, Chain chain) {
  const auto i = static_cast<size_t>(chain);
  Entry& entry = entries_[number];
  entry.chain = chain;
  entry.older = newest_[i];
  entry.newer = 0;
  (newest_[i] != 0 ? entries_[newest_[i]].newer : oldest_[i]) = number;
  newest_[i] = number;
  policy_.weight(chain) += sample_.charge(entry.bytes);
}

LARDER_INLINE void Miniature::take_out(Number number) {
  const Entry& entry = entries_[number];
  const auto i = static_cast<size_t>(entry.chain);
  (entry.older != 0 ? entries_[entry.older].newer : oldest_[i]) = entry.newer;
  (entry.newer != 0 ? entries_[entry.newer].older : newest_[i]) = entry.older;
  policy_.weight(entry.chain) -= sample_.charge(entry.bytes);
}

LARDER_INLINE void Miniature::remove(Number number) {
  take_out(number);
  Entry& entry = entries_[number];
  Number* link = &bucket_of(entry.hash);
  while (*link != number) link = &entries_[*link].next;
  *link = entry.next;
  entry = {.next = free_};
  free_ = number;
  --entries_in_use_;
}

LARDER_INLINE void Miniature::sweep(Deadline now) {
  for (int i = 0; i < kSweptPerRequest; ++i) {
    hand_ = hand_ + size_t{1} < entries_.size() ? static_cast<Number>(hand_ + 1) : Number{1};
    const Entry& entry = entries_[hand_];
    if (entry.bytes != 0 && entry.deadline <= now) {
      remove(hand_);
    } else if (entry.is_fill && entry.chain == Chain::kMain && policy_.loop_state() == LoopState::kOver) {
      clear_fill(hand_);
    }
  }
}

// It becomes small's oldest.
LARDER_INLINE void Miniature::clear_fill(Number number) {
  take_out(number);
  Entry& entry = entries_[number];
  entry.chain = Chain::kSmall;
  entry.older = 0;
  entry.newer = oldest_[0];
  (oldest_[0] != 0 ? entries_[oldest_[0]].older : newest_[0]) = number;
  oldest_[0] = number;
  policy_.weight(Chain::kSmall) += sample_.charge(entry.bytes);
}

LARDER_INLINE bool Miniature::read(uint64_t hash, uint32_t count, Deadline now, Deadline deadline) {
  sweep(now);
  const Number number = find(hash);
  Entry& entry = entries_[number];
  const bool is_expired = number != 0 && entry.deadline <= now;
  if (is_expired) remove(number);
  if (number == 0 || is_expired) return false;
  entry.frequency = std::min(Slot::kFrequencyMax, entry.frequency + count) & 0x7f;
  entry.deadline = std::max(entry.deadline, deadline);
  return true;
}

LARDER_INLINE bool Miniature::store(uint64_t hash, uint32_t bytes, Deadline deadline) {
  Number number = find(hash);
  // Oversized items are the first to go.
  if (is_oversized(bytes, limit_bytes_)) {
    if (number != 0) remove(number);
    return true;
  }
  if (number == 0) {
    number = free_;
    if (number == 0) return false;
    free_ = entries_[number].next;
    ++entries_in_use_;
    Number& bucket = bucket_of(hash);
    entries_[number] = {.hash = hash, .bytes = bytes, .deadline = deadline, .next = bucket};
    bucket = number;
    inserted_ += sample_.charge(bytes);
    append(number, policy_.chain_of_new(hash));
  } else {
    Entry& entry = entries_[number];
    // Where the old value lies, if it fits; otherwise it becomes the newest.
    const bool is_in_place = bytes <= entry.bytes && bytes >= entry.bytes / 2;
    if (!is_in_place) take_out(number);
    if (is_in_place) policy_.weight(entry.chain) += uint64_t{sample_.charge(bytes)} - sample_.charge(entry.bytes);
    entry.bytes = bytes;
    entry.deadline = deadline;
    if (!is_in_place) append(number, entry.chain);
  }
  make_room();
  return true;
}

LARDER_INLINE void Miniature::make_room() {
  for (int i = 0; i < kVictimsPerStore && used() > capacity(); ++i) {
    was_full_ = true;
    const Number small = oldest_[static_cast<size_t>(Chain::kSmall)],
                 main = oldest_[static_cast<size_t>(Chain::kMain)];
    const Number number = small != 0 && (policy_.is_small_next() || main == 0) ? small : main;
    if (number == 0) return;
    if (policy_.is_look_due()) policy_.look();
    Entry& entry = entries_[number];
    const ItemPolicy::Decision decision = policy_.decide({.hash = entry.hash,
                                                          .weight = sample_.charge(entry.bytes),
                                                          .frequency = entry.frequency,
                                                          .chain = entry.chain,
                                                          .is_fill = entry.is_fill});
    if (!decision.is_kept) {
      remove(number);
      continue;
    }
    take_out(number);
    entry.frequency = static_cast<uint8_t>(decision.frequency) & 0x7f;
    entry.is_fill = decision.is_fill;
    append(number, decision.chain);
  }
}

LARDER_INLINE void Miniature::erase(uint64_t hash) {
  if (const Number number = find(hash); number != 0) remove(number);
}

LARDER_INLINE void Miniature::erase_if(const std::function<bool(uint64_t hash, uint32_t bytes)>& is_gone) {
  for (size_t i = 1; i < entries_.size(); ++i) {
    if (entries_[i].bytes != 0 && is_gone(entries_[i].hash, entries_[i].bytes)) remove(static_cast<Number>(i));
  }
}

LARDER_INLINE void Miniature::refit(const Sample& sample) {
  erase_if([&](uint64_t hash, uint32_t bytes) { return !sample.has(hash, bytes); });
  sample_ = sample;
  for (const Chain chain : {Chain::kSmall, Chain::kMain}) policy_.weight(chain) = 0;
  for (const Entry& entry : entries_) {
    if (entry.bytes != 0) policy_.weight(entry.chain) += sample_.charge(entry.bytes);
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_MINIATURE_INL_H_
