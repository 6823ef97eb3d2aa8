#ifndef LARDER_INTERNAL_POLICY_ITEM_POLICY_INL_H_
#define LARDER_INTERNAL_POLICY_ITEM_POLICY_INL_H_

#include <algorithm>
#include <bit>

#include "larder/api.h"
#include "larder/internal/policy/item_policy.h"

namespace larder::internal {

LARDER_INLINE size_t ItemGhost::size_for(size_t entries) { return std::max(kWays, std::bit_ceil(entries)); }

LARDER_INLINE ItemGhost::ItemGhost(size_t entries) : table_(size_for(entries)) {}

LARDER_INLINE void ItemGhost::grow(size_t entries) {
  if (size_for(entries) > table_.size()) table_.assign(size_for(entries), 0);
}

LARDER_INLINE uint32_t* ItemGhost::set_of(uint64_t hash) {
  return &table_[(mixed(hash) >> 8) % (table_.size() / kWays) * kWays];
}

LARDER_INLINE void ItemGhost::add(uint64_t hash, uint64_t weight, uint64_t capacity) {
  uint32_t* const set = set_of(hash);
  uint32_t* const oldest = std::max_element(
      set, set + kWays, [this](uint32_t a, uint32_t b) { return ghost_age(a, epoch_) < ghost_age(b, epoch_); });
  *oldest = ghost_entry(static_cast<uint32_t>(hash >> 32), epoch_);
  const uint64_t epoch_weight = std::max<uint64_t>(1, capacity / kGhostEpochs);
  weight_in_epoch_ += weight;
  for (; weight_in_epoch_ >= epoch_weight; weight_in_epoch_ -= epoch_weight) {
    ++epoch_;
    // Once round while two capacities go by: no entry becomes current again.
    for (size_t i = 0; i <= table_.size() / (2 * kGhostEpochs); ++i) {
      uint32_t& entry = table_[next_to_sweep_++ % table_.size()];
      if (!is_ghost_current(entry, epoch_)) entry = 0;
    }
  }
}

LARDER_INLINE bool ItemGhost::take(uint64_t hash) {
  uint32_t* const set = set_of(hash);
  for (size_t way = 0; way < kWays; ++way) {
    if (set[way] == 0 || !are_of_one_key(set[way], ghost_entry(static_cast<uint32_t>(hash >> 32), 0))) continue;
    const bool is_current = is_ghost_current(set[way], epoch_);
    set[way] = 0;
    return is_current;
  }
  return false;
}

LARDER_INLINE Chain ItemPolicy::chain_of_new(uint64_t hash) {
  if (!ghost_.take(hash)) return Chain::kSmall;
  ++flow_.wanted;
  return Chain::kMain;
}

LARDER_INLINE ItemPolicy::Decision ItemPolicy::decide(const Oldest& item) {
  const bool is_small = item.chain == Chain::kSmall;
  const bool is_left_of_loop = item.is_fill && is_small;
  const Verdict verdict = judge(item.chain, is_left_of_loop ? 0 : item.frequency, EvictionPressure::kOrdinary);
  if (is_small && !verdict.is_kept && loop_state() == LoopState::kLoop &&
      may_fill_main(weight_[0], weight_[1], item.weight)) {
    return {{.is_kept = true, .chain = Chain::kMain, .frequency = item.frequency}, true};
  }
  if (is_small) {
    ++flow_.left;
    if (item.frequency > 0) ++flow_.wanted;
    if (!verdict.is_kept) ghost_.add(item.hash, item.weight, capacity_);
  }
  return {verdict, false};
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_ITEM_POLICY_INL_H_
