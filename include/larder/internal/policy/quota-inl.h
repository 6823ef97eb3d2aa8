#ifndef LARDER_INTERNAL_POLICY_QUOTA_INL_H_
#define LARDER_INTERNAL_POLICY_QUOTA_INL_H_

#include <array>
#include <span>
#include <utility>

#include "larder/api.h"
#include "larder/internal/policy/quota.h"

namespace larder::internal {

// After this many slots without an eviction, the next item is evicted.
inline constexpr size_t kPassedMax = 256;
// How many buckets are visited between two calls of rest.
inline constexpr int kBucketsPerStep = 64;
// Without eviction: how far the hand goes for one store, and when it starts again after a round without result.
inline constexpr int kStepsPerStore = 16;
inline constexpr int64_t kNextRoundMs = 1000;

LARDER_INLINE Quota::Quota(Index& index, bool may_evict, Actions actions)
    : index_(index),
      may_evict_(may_evict),
      actions_(std::move(actions)),
      hands_(index.namespaces().are_limited() ? std::make_unique<Hand[]>(index.namespaces().count() + 1) : nullptr) {}

LARDER_INLINE bool Quota::make_room(uint32_t space, size_t bytes, int64_t now_ms) {
  Hand& hand = hands_[space];
  if (!may_evict_) return reclaim(hand, space, bytes, now_ms);
  for (;; actions_.rest()) {
    const MutexLock lock(hand.mutex);
    for (int i = 0; i < kBucketsPerStep; ++i) {
      if (fits(space, bytes)) return true;
      move_on(hand, space, bytes, now_ms);
    }
  }
}

LARDER_INLINE uint64_t Quota::generation(uint32_t space) const {
  uint64_t sum = actions_.erasures();
  if (space < index_.namespaces().count()) return sum + index_.generation(space);
  for (uint32_t one = 0; one < space; ++one) sum += index_.generation(one);
  return sum;
}

LARDER_INLINE bool Quota::reclaim(Hand& hand, uint32_t space, size_t bytes, int64_t now_ms) {
  for (int step = 0; step < kStepsPerStore; ++step, actions_.rest()) {
    const MutexLock lock(hand.mutex);
    if (const uint64_t generation = this->generation(space); hand.generation != generation) {
      hand.generation = generation;
      hand.vain_stripes = 0;
      hand.next_round_ms = now_ms;
    }
    if (now_ms < hand.next_round_ms) break;
    for (int i = 0; i < kBucketsPerStep; ++i) {
      if (fits(space, bytes)) return true;
      const uint32_t stripe = hand.stripe;
      if (move_on(hand, space, bytes, now_ms)) hand.vain_stripes = 0;
      if (hand.stripe == stripe) continue;
      // One more than there are: the hand may have started in the middle of the first one.
      if (++hand.vain_stripes <= stripe_count(space)) continue;
      hand.vain_stripes = 0;
      hand.next_round_ms = now_ms + kNextRoundMs;
      break;
    }
  }
  return fits(space, bytes);
}

// Moves one bucket on, or one stripe if that is empty.
LARDER_INLINE bool Quota::move_on(Hand& hand, uint32_t space, size_t bytes, int64_t now_ms) {
  const uint32_t first = space == index_.namespaces().count() ? 0 : space * index_.stripes_per_space();
  Stripe& stripe = index_.stripe(first + hand.stripe);
  bool is_any_removed = false;
  if (index_.is_empty(stripe)) {
    hand.tag = Slot::kTagCount;
  } else {
    // Flushed items stop counting here.
    const Index::StripeLock lock(index_, stripe);
    std::array<Slot, kSlotsPerBucket> slots;
    size_t count = 0;
    hand.tag = index_.for_each_in_bucket(stripe, hand.tag, [&](Slot slot) { slots[count++] = slot; });
    for (const Slot slot : std::span(slots).first(count)) {
      const SlotPosition position =
          index_.find(stripe, slot.tag(), [&](uint64_t address) { return address == slot.address(); });
      if (!position) continue;
      const bool is_over = actions_.is_over(slot, now_ms);
      if (!is_over && (!may_evict_ || fits(space, bytes))) continue;
      if (!is_over && position.get().frequency() > 0 && ++hand.passed <= kPassedMax) {
        index_.age(stripe, position);
        continue;
      }
      actions_.remove(stripe, position, now_ms);
      hand.passed = 0;
      is_any_removed = true;
    }
  }
  if (hand.tag < Slot::kTagCount) return is_any_removed;
  hand.tag = 0;
  hand.stripe = (hand.stripe + 1) % stripe_count(space);
  return is_any_removed;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_POLICY_QUOTA_INL_H_
