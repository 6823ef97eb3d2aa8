#ifndef LARDER_INTERNAL_CURVE_MINIATURE_INL_H_
#define LARDER_INTERNAL_CURVE_MINIATURE_INL_H_

#include <algorithm>
#include <bit>
#include <cassert>

#include "larder/api.h"
#include "larder/internal/curve/miniature.h"
#include "larder/internal/index/slot.h"
#include "larder/internal/policy/ghost_entry.h"
#include "larder/internal/policy/s3fifo.h"

namespace larder::internal {

// What one store does at most to make room; the rest is for the next ones.
inline constexpr int kVictimsPerStore = 16;
// How many entries one read sweeps: the cache frees most expired ones before their turn.
inline constexpr int kSweptPerRequest = 2;
// How many entries of the ghost there are for one item: about as many as the cache's own has.
inline constexpr size_t kGhostEntries = 1;

// Of keys in the sample, the low half of the hash is small.
inline uint32_t mixed(uint64_t hash) { return static_cast<uint32_t>((hash * 0x9e3779b97f4a7c15u) >> 32); }

LARDER_INLINE Miniature::Ghost::Ghost(size_t entries)
    : table_(std::max(kWays, std::bit_ceil(kGhostEntries * entries))) {}

LARDER_INLINE uint32_t* Miniature::Ghost::set_of(uint64_t hash) {
  return &table_[(mixed(hash) >> 8) % (table_.size() / kWays) * kWays];
}

LARDER_INLINE void Miniature::Ghost::add(uint64_t hash, uint64_t bytes, uint64_t capacity) {
  uint32_t* const set = set_of(hash);
  uint32_t* const oldest = std::max_element(
      set, set + kWays, [this](uint32_t a, uint32_t b) { return ghost_age(a, epoch_) < ghost_age(b, epoch_); });
  *oldest = ghost_entry(static_cast<uint32_t>(hash >> 32), epoch_);
  const uint64_t epoch_bytes = std::max<uint64_t>(1, capacity / kGhostEpochs);
  bytes_in_epoch_ += bytes;
  for (; bytes_in_epoch_ >= epoch_bytes; bytes_in_epoch_ -= epoch_bytes) {
    ++epoch_;
    // Once round while two capacities go by: no entry becomes current again.
    for (size_t i = 0; i <= table_.size() / (2 * kGhostEpochs); ++i) {
      uint32_t& entry = table_[next_to_sweep_++ % table_.size()];
      if (!is_ghost_current(entry, epoch_)) entry = 0;
    }
  }
}

LARDER_INLINE bool Miniature::Ghost::take(uint64_t hash) {
  uint32_t* const set = set_of(hash);
  for (size_t way = 0; way < kWays; ++way) {
    if (set[way] == 0 || !are_of_one_key(set[way], ghost_entry(static_cast<uint32_t>(hash >> 32), 0))) continue;
    const bool is_current = is_ghost_current(set[way], epoch_);
    set[way] = 0;
    return is_current;
  }
  return false;
}

LARDER_INLINE Miniature::Miniature(size_t entries)
    : entries_(entries + 1), buckets_(std::bit_ceil(entries)), ghost_(entries) {
  assert(entries > 0 && entries < (size_t{1} << 15));
  for (size_t i = entries; i > 0; --i) {
    entries_[i].next = free_;
    free_ = static_cast<Number>(i);
  }
}

LARDER_INLINE size_t Miniature::bytes_for(size_t entries) {
  return (entries + 1) * sizeof(Entry) + std::bit_ceil(entries) * sizeof(Number) +
         std::bit_ceil(kGhostEntries * entries) * sizeof(uint32_t);
}

LARDER_INLINE void Miniature::set_capacity(uint64_t bytes, uint64_t limit_bytes) {
  capacity_ = bytes;
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
  chain_bytes(chain) += sample_.charge(entry.bytes);
}

LARDER_INLINE void Miniature::take_out(Number number) {
  const Entry& entry = entries_[number];
  const auto i = static_cast<size_t>(entry.chain);
  (entry.older != 0 ? entries_[entry.older].newer : oldest_[i]) = entry.newer;
  (entry.newer != 0 ? entries_[entry.newer].older : newest_[i]) = entry.older;
  chain_bytes(entry.chain) -= sample_.charge(entry.bytes);
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
    } else if (entry.is_fill && entry.chain == Chain::kMain && loop_watch_.state() == LoopState::kOver) {
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
  chain_bytes_[0] += sample_.charge(entry.bytes);
}

LARDER_INLINE bool Miniature::read(uint64_t hash, uint32_t count, Deadline now) {
  sweep(now);
  const Number number = find(hash);
  Entry& entry = entries_[number];
  const bool is_expired = number != 0 && entry.deadline <= now;
  if (is_expired) remove(number);
  if (number == 0 || is_expired) return false;
  entry.frequency = std::min(Slot::kFrequencyMax, entry.frequency + count) & 0x7f;
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
    const bool is_known = ghost_.take(hash);
    if (is_known) ++flow_.wanted;
    append(number, is_known ? Chain::kMain : Chain::kSmall);
  } else {
    Entry& entry = entries_[number];
    // Where the old value lies, if it fits; otherwise it becomes the newest.
    const bool is_in_place = bytes <= entry.bytes && bytes >= entry.bytes / 2;
    if (!is_in_place) take_out(number);
    if (is_in_place) chain_bytes(entry.chain) += uint64_t{sample_.charge(bytes)} - sample_.charge(entry.bytes);
    entry.bytes = bytes;
    entry.deadline = deadline;
    if (!is_in_place) append(number, entry.chain);
  }
  make_room();
  return true;
}

LARDER_INLINE void Miniature::make_room() {
  for (int i = 0; i < kVictimsPerStore && used() > capacity_; ++i) {
    was_full_ = true;
    const bool is_from_small = oldest_[0] != 0 && (is_small_over_share(chain_bytes_[0], chain_bytes_[1]) ||
                                                   oldest_[static_cast<size_t>(Chain::kMain)] == 0);
    const Number number = oldest_[is_from_small ? 0 : 1];
    if (number == 0) return;
    Entry& entry = entries_[number];
    const bool is_left_of_loop = entry.is_fill && is_from_small;
    Verdict verdict = judge(entry.chain, is_left_of_loop ? 0 : entry.frequency, EvictionPressure::kOrdinary);
    const bool fills = is_from_small && !verdict.is_kept && may_fill_main(sample_.charge(entry.bytes));
    if (fills) {
      verdict = {.is_kept = true, .chain = Chain::kMain, .frequency = entry.frequency};
    } else if (is_from_small) {
      ++flow_.left;
      if (entry.frequency > 0) ++flow_.wanted;
    }
    if (verdict.is_kept) {
      take_out(number);
      entry.frequency = static_cast<uint8_t>(verdict.frequency) & 0x7f;
      entry.is_fill = fills;
      append(number, verdict.chain);
      continue;
    }
    if (entry.chain == Chain::kSmall) ghost_.add(entry.hash, sample_.charge(entry.bytes), capacity_);
    remove(number);
  }
}

LARDER_INLINE bool Miniature::may_fill_main(uint32_t bytes) {
  if (ghost_.epoch() - looked_at_epoch_ >= LoopWatch::kEpochsPerLook) {
    looked_at_epoch_ = ghost_.epoch();
    loop_watch_.look(flow_);
  }
  return loop_watch_.state() == LoopState::kLoop &&
         internal::may_fill_main(chain_bytes_[0], chain_bytes_[1], bytes);
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
  chain_bytes_ = {};
  for (const Entry& entry : entries_) {
    if (entry.bytes != 0) chain_bytes(entry.chain) += sample_.charge(entry.bytes);
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_CURVE_MINIATURE_INL_H_
