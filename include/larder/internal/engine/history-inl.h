// What is known of an item's past.
#ifndef LARDER_INTERNAL_ENGINE_HISTORY_INL_H_
#define LARDER_INTERNAL_ENGINE_HISTORY_INL_H_

#include <algorithm>

#include "larder/api.h"
#include "larder/internal/engine/decision.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

// Whether a read now is news to a record whose accesses are noted.
inline bool is_access_to_note(const Content& content, int64_t now_ms) {
  return content.has(kMarkTracked) && !(content.has(kMarkFetched) && content.accessed_s == whole_seconds(now_ms));
}

// After a read without the lock, of a record that somebody asked about, or that has an idle time. In the second
// that `seen` was noted in, or soon after the deadline was moved, there is nothing to do, so that even a busy item
// is seldom locked.
LARDER_INLINE void Engine::note_access(const KeyRef& key, const Content& seen, int64_t now_ms) {
  if (!is_access_to_note(seen, now_ms) && !seen.must_prolong(latest_ms(now_ms))) return;
  Stripe& stripe = index_->stripe_of(key.hash);
  const Index::StripeLock lock(*index_, stripe);
  const SlotPosition position = find(stripe, key);
  if (position) note_access(stripe, position, now_ms);
}

LARDER_INLINE void Engine::note_access(Stripe& stripe, const SlotPosition& position, int64_t now_ms) {
  prolong(stripe, position, now_ms);
  const uint64_t address = position.get().address();
  Record record = log_->record_at(address);
  Content content = record.content();
  if (!is_access_to_note(content, now_ms) || log_->is_pinned(log_->segment_of(address))) return;
  content.marks |= kMarkFetched;
  content.accessed_s = whole_seconds(now_ms);
  index_->change_record(stripe, position, [&] { record.rewrite(content); });
}

// A segment that is pinned is not written to. Then another read does it, or in the end a copy of the item.
LARDER_INLINE void Engine::prolong(Stripe& stripe, const SlotPosition& position, int64_t now_ms) {
  const uint64_t address = position.get().address();
  Record record = log_->record_at(address);
  Content content = record.content();
  if (!content.must_prolong(latest_ms(now_ms)) || log_->is_pinned(log_->segment_of(address))) return;
  const int64_t old_deadline_ms = content.deadline_ms;
  content.note_use(latest_ms(now_ms));
  index_->change_record(stripe, position, [&] { record.rewrite(content); });
  log_->change_deadline(address, old_deadline_ms, content.deadline_ms);
}

// If there is no room for one, the item keeps its deadline.
LARDER_INLINE void Engine::prolong_copy(const KeyRef& key, int64_t now_ms) {
  (void)mutate(begin_change(key), now_ms, [&](const StoredItem* item) -> Decision {
    if (item == nullptr || !item->content.must_prolong(latest_ms(now_ms))) return {};
    Decision decision = marking(*item, 0);
    decision.content.note_use(latest_ms(now_ms));
    return decision;
  });
}

LARDER_INLINE History Engine::history_of(const Stripe& stripe, Slot slot, const Content& content, int64_t now_ms) {
  const uint32_t now_s = whole_seconds(now_ms);
  uint32_t accessed_s = now_s;
  if (content.has(kMarkTracked)) {
    accessed_s = content.accessed_s;
  } else {
    accessed_s = changed_at_s(stripe, content).value_or(now_s);
  }
  return {.was_fetched = was_read(slot, content), .idle_s = now_s - std::min(now_s, accessed_s)};
}

LARDER_INLINE std::optional<ItemDetails> Engine::inspect(const KeyRef& key, int64_t now_ms,
                                                         Placeholders placeholders) {
  Stripe& stripe = index_->stripe_of(key.hash);
  const Index::StripeLock lock(*index_, stripe);
  const SlotPosition position = find(stripe, key);
  if (!position) return std::nullopt;
  const uint64_t address = position.get().address();
  const Record record = log_->record_at(address);
  const Content content = record.content();
  if (is_over(content, now_ms)) return std::nullopt;
  if (content.is_hidden() && placeholders == Placeholders::kHidden) return std::nullopt;
  const ItemView item = view(stored(key.bytes, stripe, content), now_ms);
  const History history = history_of(stripe, position.get(), content, now_ms);
  return ItemDetails{.value_bytes = item.value.size(),
                     .item_bytes = record.live_bytes(),
                     .flags = item.flags,
                     .cas = item.cas,
                     .ttl_ms = item.ttl_ms,
                     .is_stale = item.is_stale,
                     .is_won = item.is_won,
                     .is_key_binary = item.is_key_binary,
                     .was_fetched = history.was_fetched,
                     .idle_s = history.idle_s,
                     .frequency = position.get().frequency(),
                     .stripe = index_->number_of(stripe),
                     .segment = log_->segment_of(address)};
}

LARDER_INLINE Presence Engine::presence(const KeyRef& key, int64_t now_ms) {
  Stripe& stripe = index_->stripe_of(key.hash);
  const Index::StripeLock lock(*index_, stripe);
  const SlotPosition position = find(stripe, key);
  if (!position) {
    return index_->find_flushed(stripe, index_->tag_of(key.hash)) ? Presence::kFlushed : Presence::kMissing;
  }
  const Content content = log_->record_at(position.get().address()).content();
  if (content.is_hidden()) return Presence::kMissing;
  if (!is_over(content, now_ms)) return Presence::kPresent;
  return why_over(content, now_ms) == Removal::kExpired ? Presence::kExpired : Presence::kMissing;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_HISTORY_INL_H_
