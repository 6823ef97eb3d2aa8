// Reading: without a lock, with one, and many keys at a time.
#ifndef LARDER_INTERNAL_ENGINE_LOOKUP_INL_H_
#define LARDER_INTERNAL_ENGINE_LOOKUP_INL_H_

#include <algorithm>
#include <array>

#include "larder/api.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/engine/prefetch.h"

namespace larder::internal {

// How often a search without the lock is tried.
inline constexpr int kOptimisticReads = 3;

LARDER_INLINE uint64_t Engine::cas_number(const Stripe& stripe, const Content& content) const {
  if (content.is_cas_whole || content.cas == 0) return content.cas;
  return (content.cas << index_->stripe_bits()) | index_->number_of(stripe);
}

LARDER_INLINE ItemView Engine::view(std::string_view key, const Stripe& stripe, const Content& content,
                                    int64_t now_ms) const {
  ItemView item{.key = key,
                .value = content.value,
                .flags = content.flags,
                .cas = cas_number(stripe, content),
                .ttl_ms = ttl_until(content.deadline_ms, now_ms)};
  if (content.marks == 0) [[likely]]
    return item;
  item.is_stale = content.has(kMarkStale);
  item.is_won = content.has(kMarkWon);
  item.is_key_binary = content.has(kMarkBinaryKey);
  item.has_grace = content.has(kMarkGrace);
  item.is_placeholder = content.has(kMarkPlaceholder);
  item.is_absence = content.has(kMarkAbsent);
  return item;
}

inline SlotPosition Engine::find(Stripe& stripe, uint64_t hash, std::string_view key) const {
  return index_->find(stripe, index_->tag_of(hash),
                      [&](uint64_t address) { return log_->record_at(address).key() == key; });
}

LARDER_INLINE ItemInfo Engine::info(const Stripe& stripe, Slot slot, const Content& content, int64_t now_ms) const {
  const std::string_view key = log_->record_at(slot.address()).key();
  return {.key = key,
          .value_bytes = content.value.size(),
          .stored_bytes = Record::bytes_needed(key.size(), content),
          .flags = content.flags,
          .cas = cas_number(stripe, content),
          .ttl_ms = ttl_until(content.deadline_ms, now_ms),
          .is_read = slot.frequency() > 0,
          .idle_s = history_of(stripe, slot, content, now_ms).idle_s};
}

LARDER_INLINE void Engine::queue_removal(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why) {
  if (!removals_->wants(why)) return;
  const Content content = log_->record_at(slot.address()).content();
  if (!content.is_hidden()) removals_->add(info(stripe, slot, content, now_ms), content.value, why);
}

// What is made from the item's own content (content_of) still has its value, where it lies: nothing is replaced.
LARDER_INLINE void Engine::note_replacement(const Stripe& stripe, const Found& found, const Content& content,
                                            int64_t now_ms) {
  const std::string_view old_value = found.content.value;
  const bool is_same = content.value.data() == old_value.data() && content.value.size() == old_value.size();
  if (is_same && !content.is_joined()) return;
  // In the place of what a load finds gone there is no item.
  note_removal(stripe, found.position.get(), now_ms, content.is_hidden() ? Removal::kErased : Removal::kReplaced);
}

// Of a key of which nothing is left but what the ghost may know.
LARDER_INLINE void Engine::count_miss(uint64_t hash) {
  if (ghost_->contains(hash)) counters_[index_->space_of(hash)].add(Counter::kGetEvicted);
}

// An item that is expired is removed on the way.
LARDER_INLINE Engine::Found Engine::find_live(Stripe& stripe, uint64_t hash, std::string_view key, int64_t now_ms,
                                              bool counts_misses) {
  Found found{.position = find(stripe, hash, key), .content = {}};
  if (found) {
    found.content = log_->record_at(found.position.get().address()).content();
    if (found.content.deadline_ms > now_ms) return found;
    if (counts_misses && !found.content.is_hidden()) counters_[index_->space_of(stripe)].add(Counter::kGetExpired);
    expire(stripe, found.position, now_ms);
    found = {};
  } else if (counts_misses) {
    if (index_->take_flushed(stripe, index_->tag_of(hash))) {
      counters_[index_->space_of(stripe)].add(Counter::kGetFlushed);
    } else {
      count_miss(hash);
    }
  }
  return found;
}

LARDER_INLINE void Engine::count_loss(const Stripe& stripe, Slot slot, Removal why) {
  if (!is_hidden(slot)) count_removal(counters_[index_->space_of(stripe)], why, slot.frequency() > 0);
}

LARDER_INLINE void Engine::expire(Stripe& stripe, const SlotPosition& position, int64_t now_ms) {
  count_loss(stripe, position.get(), Removal::kExpired);
  note_removal(stripe, position.get(), now_ms, Removal::kExpired);
  unlink(stripe, position);
}

// Whether what lies there may be copied without the lock, and is worth it.
inline Match Engine::seems_wanted(std::string_view key, const std::byte* memory, size_t room_bytes) {
  if (room_bytes == 0 || room_bytes > kCopyBytesMax) return Match::kNeedsLock;
  return Record::seems_to_be(memory, room_bytes, key) ? Match::kWanted : Match::kOther;
}

LARDER_INLINE Match Engine::copy_if_wanted(std::string_view key, uint64_t address, Copy& copy) const {
  const std::byte* const memory = log_->at(address);
  copy.room_bytes = Record::room_at(memory);
  const Match match = seems_wanted(key, memory, copy.room_bytes);
  if (match == Match::kWanted) {
    load_bytes(memory, 0, reinterpret_cast<char*>(copy.words), copy.room_bytes);
  }
  return match;
}

LARDER_INLINE bool Engine::read(std::string_view key, uint64_t hash, Moment& now, Recency recency,
                                Visitor visitor) {
  Copy copy;
  for (int i = 0; i < kOptimisticReads; ++i) {
    const OptimisticResult result = optimistic_find(
        index_->probe_bucket(hash), [&](uint64_t address) { return copy_if_wanted(key, address, copy); });
    if (result.is_missing()) {
      if (recency != Recency::kUnchanged) count_miss(hash);
      return false;
    }
    if (result.must_retry()) continue;
    if (show(key, hash, result, copy, now, recency, visitor)) return true;
    if (recency == Recency::kUnchanged) return false;
    break;
  }
  return read_locked(key, hash, now.ms(), recency, Shown::kShortAsCopy, visitor);
}

// What a optimistic_find has found; unless it is hidden, or has expired, which is for those with the lock to deal
// with.
inline bool Engine::show(std::string_view key, uint64_t hash, const OptimisticResult& result, Copy& copy,
                         Moment& now, Recency recency, Visitor visitor) {
  const Content content = copy.record().content();
  const int64_t now_ms = content.deadline_ms < kNeverMs ? now.ms() : 0;
  if (content.deadline_ms <= now_ms) return false;
  if (content.is_hidden() && recency != Recency::kMarkedByLoader) return false;
  if (recency != Recency::kUnchanged) {
    result.mark_used();
    if (content.has(kMarkTracked)) note_access(key, hash, content, now.ms());
  }
  visitor(view(key, index_->stripe_of(hash), content, now_ms));
  return true;
}

// Straight from the record, which a visitor could not be shown while it may change.
[[gnu::always_inline]] inline Match Engine::copy_value_if_wanted(std::string_view key, uint64_t address,
                                                                 Moment& now, std::string& value) const {
  const std::byte* const memory = log_->at(address);
  const size_t room_bytes = Record::room_at(memory);
  const Match match = seems_wanted(key, memory, room_bytes);
  if (match != Match::kWanted) return match;
  const std::optional<Record::Outline> outline = Record::outline(memory, room_bytes, key.size());
  if (!outline) return Match::kNeedsLock;
  if (outline->deadline_ms < kNeverMs && outline->deadline_ms <= now.ms()) return Match::kNeedsLock;
  if ((outline->marks & (kMarkTracked | kMarksHidden)) != 0) return Match::kNeedsLock;
  value.resize(outline->value_bytes);
  load_bytes(memory, outline->value_offset, value.data(), value.size());
  return Match::kWanted;
}

LARDER_INLINE bool Engine::read_value(std::string_view key, std::string& value) {
  const uint64_t hash = index_->hash(key);
  Moment now(*this);
  const OptimisticResult result = optimistic_find_at_home(
      index_->probe_bucket(hash), [&](uint64_t address) __attribute__((always_inline)) {
        return copy_value_if_wanted(key, address, now, value);
      });
  bool is_found = result.is_found();
  if (is_found) [[likely]] {
    result.mark_used();
  } else if (result.is_missing()) {
    count_miss(hash);
  } else {
    is_found = read(key, Recency::kMarked, [&](const ItemView& item) { value.assign(item.value); });
  }
  counters_[index_->space_of(hash)].add(is_found ? Counter::kGetHits : Counter::kGetMisses);
  return is_found;
}

// For what a search without the lock leaves: large items, expired, flushed and hidden ones, and busy buckets.
LARDER_INLINE bool Engine::read_locked(std::string_view key, uint64_t hash, int64_t now_ms, Recency recency,
                                       Shown shown, Visitor visitor) {
  const RemovalQueue::Delivery delivery(removals());
  Copy copy;
  ItemView item;
  Log::Pin pin;
  {
    Stripe& stripe = index_->stripe_of(hash);
    const Index::StripeLock lock(*index_, stripe);
    const bool is_used = recency != Recency::kUnchanged;
    const SlotPosition position =
        is_used ? find_live(stripe, hash, key, now_ms, true).position : find(stripe, hash, key);
    if (!position) return false;
    if (recency != Recency::kMarkedByLoader && is_hidden(position.get())) return false;
    if (is_used) {
      position.mark_used();
      note_access(stripe, position, now_ms);
    } else if (log_->is_expired(position.get().address(), now_ms)) {
      return false;
    }
    const uint64_t address = position.get().address();
    if (shown == Shown::kShortAsCopy && copy_if_wanted(key, address, copy) == Match::kWanted) {
      item = view(key, stripe, copy.record().content(), now_ms);
    } else {
      const Record record = log_->record_at(address);
      item = view(record.key(), stripe, record.content(), now_ms);
      pin = Log::Pin(*log_, log_->segment_of(address));
    }
  }
  visitor(item);
  return true;
}

// Calls answer(i, way) for each key in order. A lookup needs memory in three steps, and each tells where the next
// one looks. So a key's steps are match some keys apart, with those of others between them: memory is then fetched
// all the time while items are looked at. To fetch it for all keys first would let the processor wait, and then the
// memory.
template <class Answer>
inline void Engine::approach(std::span<const std::string_view> keys, Answer&& answer) const {
  constexpr size_t kKeysApart = 6;
  constexpr size_t kWays = 32;
  static_assert(kWays > 3 * kKeysApart);
  std::array<Approach, kWays> ways;
  const size_t apart = std::min(kKeysApart, keys.size());
  for (size_t step = 0; step < keys.size() + 3 * apart; ++step) {
    // Before the first key these are numbers beyond the last.
    const std::array<size_t, 4> at = {step, step - apart, step - 2 * apart, step - 3 * apart};
    if (at[0] < keys.size()) {
      const uint64_t hash = index_->hash(keys[at[0]]);
      ways[at[0] % kWays].hash = hash;
      index_->prefetch_stripe(hash);
    }
    if (at[1] < keys.size()) {
      Approach& way = ways[at[1] % kWays];
      way.probe = index_->start_probe(way.hash);
    }
    if (at[2] < keys.size()) {
      Probe& probe = ways[at[2] % kWays].probe;
      probe.load_bucket();
      prefetch_record<kToRead>(log_->at(probe.first_match_address()));
    }
    if (at[3] < keys.size()) answer(at[3], ways[at[3] % kWays]);
  }
}

LARDER_INLINE void Engine::prefetch(std::span<const std::string_view> keys) const {
  approach(keys, [](size_t, const Approach&) {});
}

LARDER_INLINE size_t Engine::read_many(std::span<const std::string_view> keys,
                                       FunctionRef<void(size_t index, const ItemView& item)> visitor,
                                       Recency recency) {
  Moment now(*this);
  Copy copy;
  size_t found = 0;
  approach(keys, [&](size_t i, const Approach& way) {
    const std::string_view key = keys[i];
    const auto visit = [&](const ItemView& item) { visitor(i, item); };
    const OptimisticResult result =
        optimistic_find(way.probe, [&](uint64_t address) { return copy_if_wanted(key, address, copy); });
    if (result.is_missing()) return count_miss(way.hash);
    const bool is_shown = result.is_found() && show(key, way.hash, result, copy, now, recency, visit);
    if (is_shown || read(key, way.hash, now, recency, visit)) ++found;
  });
  return found;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_LOOKUP_INL_H_
