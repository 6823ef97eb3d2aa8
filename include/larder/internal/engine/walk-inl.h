// Walks over all items.
#ifndef LARDER_INTERNAL_ENGINE_WALK_INL_H_
#define LARDER_INTERNAL_ENGINE_WALK_INL_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "larder/api.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

// How many pages with little in them a scan goes through at a time.
inline constexpr int kScannedPagesMax = 256;
// How often `maintain` begins to look at all items for those that have expired, for how many bytes of its step it
// looks at one, and at how many at a time.
inline constexpr int64_t kWalkMs = 60'000;
inline constexpr size_t kBytesPerLook = 256;
inline constexpr size_t kLooksMax = 256;

LARDER_INLINE void Engine::for_each(FunctionRef<bool(const ItemView& item)> visitor) {
  assert_may_be_called();
  std::vector<std::string> keys;
  bool goes_on = true;
  for (uint32_t number = 0; number < index_->stripe_count() && goes_on; ++number) {
    Stripe& stripe = index_->stripe(number);
    for (uint32_t tag = 0; tag < Slot::kTagCount && goes_on;) {
      keys.clear();
      {
        const Index::StripeLock lock(*index_, stripe);
        // Pages may have merged since the last one: what is before `tag` has been shown.
        const uint32_t first = tag;
        tag = index_->for_each_in_page(stripe, first, [&](Slot slot) {
          if (slot.tag() >= first) keys.emplace_back(log_->record_at(slot.address()).key());
        });
      }
      for (const std::string& key : keys) {
        if (!goes_on) break;
        read(ref(key), Lookup::kPeek, [&](const ItemView& item) { goes_on = visitor(item); });
      }
    }
  }
}

LARDER_INLINE bool Engine::scan(ScanCursor& cursor, size_t items_max,
                                FunctionRef<void(const ItemInfo& item)> visitor, Placeholders placeholders) {
  const RemovalQueue::Delivery delivery(removals());
  return walk(cursor, items_max, visitor, placeholders);
}

// A page is shown in the order of its tags, so that the cursor need not know how far within it the walk has come;
// pages that have split or merged since make no difference then.
LARDER_INLINE bool Engine::walk(ScanCursor& cursor, size_t items_max,
                                FunctionRef<void(const ItemInfo& item)> visitor, Placeholders placeholders) {
  static_assert(ScanCursor::kPlaceCount == Slot::kTagCount);
  std::vector<Slot> slots;
  std::vector<ItemInfo> items;
  std::string keys;
  const int64_t now = now_ms();
  // A cursor of another cache may stand behind the last part.
  cursor.is_at_end_ |= cursor.part_ >= index_->stripe_count();
  size_t looks = std::max<size_t>(items_max, 1);
  for (int pages = 0; pages < kScannedPagesMax && looks > 0 && !cursor.is_at_end_; ++pages) {
    Stripe& stripe = index_->stripe(cursor.part_);
    slots.clear();
    const Index::StripeLock lock(*index_, stripe);
    uint32_t next = index_->for_each_in_page(stripe, cursor.place_, [&](Slot slot) {
      if (slot.tag() >= cursor.place_ && slot.tag() < cursor.place_end_) slots.push_back(slot);
    });
    if (slots.size() > looks) {
      // The lowest tags, all of one tag together.
      const auto last = slots.begin() + static_cast<std::ptrdiff_t>(looks) - 1;
      std::nth_element(slots.begin(), last, slots.end(), [](Slot a, Slot b) { return a.tag() < b.tag(); });
      const uint32_t last_tag = last->tag();
      std::erase_if(slots, [last_tag](Slot slot) { return slot.tag() > last_tag; });
      next = last_tag + 1;
    }
    looks -= std::min(looks, slots.size());
    for (const Slot slot : slots) {
      const Content content = log_->record_at(slot.address()).content();
      if (is_over(content, now)) {
        if (!content.is_hidden() && content.deadline_ms <= now)
          counters_[index_->space_of(stripe)].add(Counter::kExpiredInUpkeep);
        const auto is_its = [&](uint64_t address) { return address == slot.address(); };
        remove_over(stripe, index_->find(stripe, slot.tag(), is_its), now);
        continue;
      }
      if (content.is_hidden() && placeholders == Placeholders::kHidden) continue;
      items.push_back(info(stripe, slot, content, now));
      keys += items.back().key;
    }
    const bool is_stripe_done = next >= cursor.place_end_;
    cursor.part_ += is_stripe_done ? 1 : 0;
    cursor.place_ = is_stripe_done ? 0 : next;
    cursor.is_at_end_ = cursor.part_ == index_->stripe_count();
  }
  size_t key_begin = 0;
  for (ItemInfo& item : items) {
    item.key = std::string_view(keys).substr(key_begin, item.key.size());
    key_begin += item.key.size();
    visitor(item);
  }
  return !cursor.is_at_end();
}

LARDER_INLINE bool Engine::maintain(size_t step_bytes) {
  const RemovalQueue::Delivery delivery(removals());
  const int64_t now = now_ms();
  removal_log_->follow_traffic(whole_seconds(now));
  const bool is_untidy = cleaner_->tidy(step_bytes, now);
  return look_for_expired(step_bytes, now) || is_untidy;
}

// A step of a walk over all items; walks begin kWalkMs after each other. True when there are more steps to it.
LARDER_INLINE bool Engine::look_for_expired(size_t step_bytes, int64_t now_ms) {
  if (!has_expiries_.load()) return false;
  // Whoever comes meanwhile need not wait: one walk is enough.
  if (!walk_mutex_.try_lock()) return false;
  const MutexLock lock(walk_mutex_, std::adopt_lock);
  if (!walk_) {
    if (now_ms < next_walk_ms_) return false;
    next_walk_ms_ = now_ms + kWalkMs;
    walk_.emplace();
  }
  bool goes_on = true;
  for (size_t items = step_bytes / kBytesPerLook; items > 0 && goes_on; items -= std::min(items, kLooksMax)) {
    goes_on = walk(
        *walk_, std::min(items, kLooksMax), [](const ItemInfo&) {}, Placeholders::kShown);
  }
  if (!goes_on) walk_.reset();
  return goes_on;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_WALK_INL_H_
