// What has become of a key.
#ifndef LARDER_INTERNAL_ENGINE_EXPLAIN_INL_H_
#define LARDER_INTERNAL_ENGINE_EXPLAIN_INL_H_

#include <algorithm>
#include <optional>

#include "larder/api.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

inline ItemChain item_chain(Chain chain) { return chain == Chain::kSmall ? ItemChain::kSmall : ItemChain::kMain; }

inline KeyState state_after(Removal why) {
  switch (why) {
    case Removal::kEvicted:
      return KeyState::kEvicted;
    case Removal::kExpired:
      return KeyState::kExpired;
    case Removal::kErased:
      return KeyState::kErased;
    case Removal::kFlushed:
      return KeyState::kFlushed;
    case Removal::kReplaced:
      break;
  }
  return KeyState::kUnknown;
}

LARDER_INLINE Explanation Engine::explain(const KeyRef& key, int64_t now_ms) {
  const uint32_t now_s = whole_seconds(now_ms);
  const auto seconds_since = [now_s](uint32_t at_s) { return now_s - std::min(now_s, at_s); };
  const uint32_t tag = index_->tag_of(key.hash);
  Stripe& stripe = index_->stripe_of(key.hash);
  const Index::StripeLock lock(*index_, stripe);

  Explanation told;
  const RemovalLog::Answer logged = removal_log_->find(key.hash, tag, now_s);
  told.is_followed = logged.is_followed;
  told.share_followed = logged.share_followed;
  told.reach_s = logged.reach_s;
  told.is_in_ghost = ghost_->contains(key.hash);
  const std::optional<int64_t> flushed_ms = removal_log_->flushed_ms(index_->space_of(stripe));
  if (flushed_ms) told.flushed_s = seconds_since(whole_seconds(*flushed_ms));

  SlotPosition position = find(stripe, key);
  const bool is_stale = !position;
  if (is_stale) position = index_->find_flushed(stripe, tag);
  // Another key may have the same tag.
  const bool is_its_own = position && log_->record_at(position.get().address()).key() == key.bytes;
  if (is_its_own && !is_hidden(position.get())) {
    const Slot slot = position.get();
    const Content content = log_->record_at(slot.address()).content();
    const Segment& segment = log_->segment(log_->segment_of(slot.address()));
    const std::optional<uint32_t> changed_s = changed_at_s(stripe, content);
    told.chain = item_chain(segment.chain.load());
    told.is_large = segment.is_large.load();
    if (!is_stale && !is_over(content, now_ms)) {
      told.state = KeyState::kPresent;
      if (changed_s) told.stored_s = seconds_since(*changed_s);
      if (content.has(kMarkTracked) && content.has(kMarkFetched)) told.read_s = seconds_since(content.accessed_s);
      told.frequency = slot.frequency();
      told.ttl_ms = ttl_until(content.deadline_ms, now_ms);
      return told;
    }
    // What is left of it.
    told.was_read = was_read(slot, content);
    std::optional<int64_t> gone_at_ms;
    if (is_stale && index_->is_of_last_generation(stripe, position)) gone_at_ms = flushed_ms;
    told.state = is_stale ? KeyState::kFlushed : KeyState::kErased;
    if (content.deadline_ms <= now_ms && (!is_stale || (gone_at_ms && content.deadline_ms <= *gone_at_ms))) {
      told.state = KeyState::kExpired;
      gone_at_ms = content.deadline_ms;
    }
    if (gone_at_ms) {
      const uint32_t gone_at_s = whole_seconds(*gone_at_ms);
      told.gone_s = seconds_since(gone_at_s);
      if (changed_s) told.lived_s = gone_at_s - std::min(gone_at_s, *changed_s);
    }
    return told;
  }

  if (logged.entry) {
    const RemovalLog::Gone& gone = logged.entry->gone;
    told.state = state_after(gone.why);
    told.gone_s = logged.entry->age_s;
    told.lived_s = gone.lived_s;
    told.was_read = gone.was_read;
    told.chain = item_chain(gone.chain);
    told.is_large = gone.is_large;
    told.collision_chance = RemovalLog::kCollisionChance;
  } else if (told.is_in_ghost) {
    told.state = KeyState::kEvicted;
    told.chain = ItemChain::kSmall;
    told.collision_chance = Ghost::kCollisionChance;
  }
  return told;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_EXPLAIN_INL_H_
