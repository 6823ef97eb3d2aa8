#include "larder/internal/quota.h"

#include <array>
#include <span>
#include <utility>

namespace larder::internal {
namespace {

// After so many slots without one to evict, the next one goes.
constexpr size_t kPassedMax = 256;

}  // namespace

Quota::Quota(Index& index, Evict evict)
    : index_(index),
      evict_(std::move(evict)),
      hands_(index.namespaces().are_limited() ? std::make_unique<Hand[]>(index.namespaces().count()) : nullptr) {}

void Quota::make_room(uint32_t space, size_t bytes, int64_t now_ms) {
  Hand& hand = hands_[space];
  const MutexLock lock(hand.mutex);
  while (!fits(space, bytes)) move_on(hand, space, bytes, now_ms);
}

// One bucket on; or one stripe, if there is nothing in it.
void Quota::move_on(Hand& hand, uint32_t space, size_t bytes, int64_t now_ms) {
  Index::Stripe& stripe = index_.stripe(space * index_.stripes_per_space() + hand.stripe);
  if (index_.is_empty(stripe)) {
    hand.tag = Slot::kTagCount;
  } else {
    const Index::StripeLock lock(index_, stripe);
    std::array<Slot, kSlotsPerBucket> slots;
    size_t count = 0;
    hand.tag = index_.for_each_in_bucket(stripe, hand.tag, [&](Slot slot) { slots[count++] = slot; });
    for (const Slot slot : std::span(slots).first(count)) {
      if (fits(space, bytes)) break;
      const Index::Position position =
          index_.find(stripe, slot.tag(), [&](uint64_t address) { return address == slot.address(); });
      if (!position) continue;
      if (position.get().frequency() > 0 && ++hand.passed <= kPassedMax) {
        index_.age(stripe, position);
      } else {
        evict_(stripe, position, now_ms);
        hand.passed = 0;
      }
    }
  }
  if (hand.tag < Slot::kTagCount) return;
  hand.tag = 0;
  hand.stripe = (hand.stripe + 1) % index_.stripes_per_space();
}

}  // namespace larder::internal
