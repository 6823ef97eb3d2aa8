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

LARDER_INLINE ItemView Engine::view(const StoredItem& item, int64_t now_ms) const {
  const Content& content = item.content;
  ItemView shown{.key = item.key,
                 .value = content.value,
                 .flags = content.flags,
                 .cas = item.cas,
                 .ttl_ms = ttl_until(content.deadline_ms, now_ms)};
  shown.expiry_ttl_ms = shown.ttl_ms;
  if (content.marks == 0) [[likely]]
    return shown;
  shown.expiry_ttl_ms = ttl_until(content.expiry_ms(), now_ms);
  shown.is_stale = content.has(kMarkStale);
  shown.is_won = content.has(kMarkWon);
  shown.is_key_binary = content.has(kMarkBinaryKey);
  shown.has_grace = content.has(kMarkGrace);
  shown.is_placeholder = content.has(kMarkPlaceholder);
  shown.is_absence = content.has(kMarkAbsent);
  return shown;
}

inline SlotPosition Engine::find(Stripe& stripe, const KeyRef& key) const {
  return index_->find(stripe, index_->tag_of(key.hash),
                      [&](uint64_t address) { return log_->record_at(address).key() == key.bytes; });
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

LARDER_INLINE void Engine::log_removal(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why) {
  const uint64_t hash = index_->hash(log_->record_at(slot.address()).key());
  removal_log_->add(hash, stripe, slot, *log_, now_ms, why);
}

LARDER_INLINE void Engine::queue_removal(const Stripe& stripe, Slot slot, int64_t now_ms, Removal why) {
  if (!removals_->wants(why)) return;
  const Content content = log_->record_at(slot.address()).content();
  if (!content.is_hidden()) removals_->add(info(stripe, slot, content, now_ms), content.value, why);
}

LARDER_INLINE void Engine::note_replacement(const Stripe& stripe, const Found& found, const Change& change,
                                            int64_t now_ms) {
  if (!change.is_replacement) return;
  const Slot slot = found.position.get();
  // In the place of what a load finds gone there is no item.
  if (change.content.is_hidden()) return note_removal(stripe, slot, now_ms, Removal::kErased);
  if (removals_) queue_removal(stripe, slot, now_ms, Removal::kReplaced);
}

LARDER_INLINE void Engine::note_request(const KeyRef& key, RequestKind kind) {
  if (counters(key).draw()) [[unlikely]]
    counters(key).pass_over(hot_keys_.note(key, kind));
}

// Of a key of which nothing is left but what the ghost may know.
LARDER_INLINE void Engine::count_miss(const KeyRef& key) {
  cleaner_->note_miss(key.hash);
  if (ghost_->contains(key.hash)) counters(key).add(Counter::kGetEvicted);
}

// An item that is over is removed on the way.
LARDER_INLINE Found Engine::find_live(Stripe& stripe, const KeyRef& key, int64_t now_ms, bool counts_misses) {
  Found found{.position = find(stripe, key), .content = {}};
  if (found) {
    found.content = log_->record_at(found.position.get().address()).content();
    if (!is_over(found.content, now_ms)) return found;
    if (counts_misses && !found.content.is_hidden() && found.content.deadline_ms <= now_ms) {
      counters_[index_->space_of(stripe)].add(Counter::kGetExpired);
    }
    remove_over(stripe, found.position, now_ms);
    found = {};
  } else if (counts_misses) {
    if (index_->take_flushed(stripe, index_->tag_of(key.hash))) {
      counters_[index_->space_of(stripe)].add(Counter::kGetFlushed);
    } else {
      count_miss(key);
    }
  }
  return found;
}

LARDER_INLINE void Engine::count_loss(const Stripe& stripe, Slot slot, Removal why) {
  if (!is_hidden(slot)) count_removal(counters_[index_->space_of(stripe)], why, slot.frequency() > 0);
}

LARDER_INLINE void Engine::remove_over(Stripe& stripe, const SlotPosition& position, int64_t now_ms) {
  const Record record = log_->record_at(position.get().address());
  const Content content = record.content();
  const Removal why = why_over(content, now_ms);
  if (why == Removal::kErased) curve_.note_change(ref(record.key()), &content, nullptr);
  count_loss(stripe, position.get(), why);
  note_removal(stripe, position.get(), now_ms, why);
  unlink(stripe, position);
}

// Whether what lies there may be copied without the lock, and is worth it.
inline Match Engine::seems_wanted(std::string_view key, const std::byte* memory, size_t room_bytes) {
  if (room_bytes == 0 || room_bytes > kCopyBytesMax) return Match::kNeedsLock;
  return Record::seems_to_be(memory, room_bytes, key) ? Match::kWanted : Match::kOther;
}

LARDER_INLINE Match Engine::copy_if_wanted(std::string_view key, uint64_t address, RecordCopy& copy) const {
  const std::byte* const memory = log_->at(address);
  copy.room_bytes = Record::room_at(memory);
  const Match match = seems_wanted(key, memory, copy.room_bytes);
  if (match == Match::kWanted) {
    load_bytes(memory, 0, reinterpret_cast<char*>(copy.words), copy.room_bytes);
  }
  return match;
}

LARDER_INLINE bool Engine::read(const KeyRef& key, Lookup lookup, Visitor visitor) {
  Moment now(*this);
  if (is_get(lookup)) note_request(key, RequestKind::kRead);
  const Seen seen = look(key, now, lookup, visitor);
  if (is_get(lookup)) count_get(key, seen == Seen::kItem);
  return seen != Seen::kNothing;
}

LARDER_INLINE bool Engine::must_prolong_now(const Content& content, int64_t now_ms) const {
  return content.must_prolong(latest_ms(now_ms)) && content.is_nearly_over(latest_ms(now_ms));
}

LARDER_INLINE Seen Engine::look(const KeyRef& key, Moment& now, Lookup lookup, Visitor visitor) {
  RecordCopy copy;
  for (int i = 0; i < kOptimisticReads; ++i) {
    const OptimisticResult result = optimistic_find(
        index_->probe_bucket(key.hash), [&](uint64_t address) { return copy_if_wanted(key.bytes, address, copy); });
    if (result.is_missing()) {
      if (is_use(lookup)) count_miss(key);
      return Seen::kNothing;
    }
    if (result.must_retry()) continue;
    const Seen seen = show(key, result, copy, now, lookup, visitor);
    if (seen != Seen::kNothing || !is_use(lookup)) return seen;
    break;
  }
  return look_locked(key, now.ms(), lookup, Shown::kShortAsCopy, visitor);
}

// What optimistic_find has found; unless it is hidden, or over, which is for those with the lock to deal with.
inline Seen Engine::show(const KeyRef& key, const OptimisticResult& result, RecordCopy& copy, Moment& now,
                         Lookup lookup, Visitor visitor) {
  Content content = copy.record().content();
  const int64_t now_ms = content.deadline_ms < kNeverMs ? now.ms() : 0;
  if (is_over(content, now_ms)) return Seen::kNothing;
  const bool is_hidden = content.is_hidden();
  if (is_hidden && lookup != Lookup::kLoaderGet) return Seen::kNothing;
  if (is_use(lookup)) {
    result.mark_used();
    if (content.has(kMarkTracked | kMarkIdle)) [[unlikely]] {
      if (must_prolong_now(content, now_ms)) return Seen::kNothing;
      note_access(key, content, now.ms());
      if (content.must_prolong(latest_ms(now_ms))) content.note_use(latest_ms(now_ms));
    }
  }
  visitor(view(stored(key.bytes, index_->stripe_of(key.hash), content), now_ms));
  if (is_get(lookup) && !is_hidden) curve_.follow_hit(key, content.value.size(), content.deadline_ms);
  return is_hidden ? Seen::kPlaceholder : Seen::kItem;
}

// Straight from the record, which a visitor could not be shown while it may change.
[[gnu::always_inline]] inline Match Engine::copy_value_if_wanted(std::string_view key, uint64_t address,
                                                                 Moment& now, std::string& value,
                                                                 int64_t& deadline_ms) const {
  const std::byte* const memory = log_->at(address);
  const size_t room_bytes = Record::room_at(memory);
  const Match match = seems_wanted(key, memory, room_bytes);
  if (match != Match::kWanted) return match;
  const std::optional<Record::Outline> outline = Record::outline(memory, room_bytes, key.size());
  if (!outline) return Match::kNeedsLock;
  if (outline->deadline_ms < kNeverMs && outline->deadline_ms <= now.ms()) return Match::kNeedsLock;
  if ((outline->marks & (kMarkTracked | kMarkIdle | kMarksHidden | kMarksTags)) != 0) return Match::kNeedsLock;
  deadline_ms = outline->deadline_ms;
  value.resize(outline->value_bytes);
  load_bytes(memory, outline->value_offset, value.data(), value.size());
  return Match::kWanted;
}

LARDER_INLINE bool Engine::get_value(const KeyRef& key, std::string& value) {
  Moment now(*this);
  int64_t deadline_ms = kNeverMs;
  const OptimisticResult result = optimistic_find_at_home(
      index_->probe_bucket(key.hash), [&](uint64_t address) __attribute__((always_inline)) {
        return copy_value_if_wanted(key.bytes, address, now, value, deadline_ms);
      });
  const bool is_found = result.is_found();
  if (is_found) [[likely]] {
    result.mark_used();
    curve_.follow_hit(key, value.size(), deadline_ms);
  } else if (result.is_missing()) {
    count_miss(key);
  } else {
    return read(key, Lookup::kGet, [&](const ItemView& item) { value.assign(item.value); });
  }
  // No function of a user's has run since: the key is as it was.
  if (counters(key).add_and_draw(is_found ? Counter::kGetHits : Counter::kGetMisses)) [[unlikely]]
    counters(key).pass_over(hot_keys_.note(key, RequestKind::kRead));
  if (!is_found) curve_.follow_miss(key.hash);
  return is_found;
}

// For what a search without the lock leaves: large items, those that are over, flushed or hidden, and busy buckets.
LARDER_INLINE Seen Engine::look_locked(const KeyRef& key, int64_t now_ms, Lookup lookup, Shown shown,
                                       Visitor visitor, bool may_copy) {
  const RemovalQueue::Delivery delivery(removals());
  RecordCopy copy;
  ItemView item;
  int64_t deadline_ms = kNeverMs;
  Seen seen = Seen::kItem;
  bool must_copy = false;
  Log::Pin pin;
  {
    Stripe& stripe = index_->stripe_of(key.hash);
    const Index::StripeLock lock(*index_, stripe);
    Found found;
    if (is_use(lookup)) {
      found = find_live(stripe, key, now_ms, true);
    } else if ((found.position = find(stripe, key))) {
      found.content = log_->record_at(found.position.get().address()).content();
    }
    if (!found) return Seen::kNothing;
    if (found.content.is_hidden()) seen = lookup == Lookup::kLoaderGet ? Seen::kPlaceholder : Seen::kNothing;
    deadline_ms = found.content.deadline_ms;
    if (seen == Seen::kNothing || is_over(found.content, now_ms)) return Seen::kNothing;
    const uint64_t address = found.position.get().address();
    if (is_use(lookup)) {
      found.position.mark_used();
      note_access(stripe, found.position, now_ms);
      const Content content = log_->record_at(address).content();
      deadline_ms = content.deadline_ms;
      must_copy = may_copy && must_prolong_now(content, now_ms);
    }
    if (shown == Shown::kShortAsCopy && copy_if_wanted(key.bytes, address, copy) == Match::kWanted) {
      item = view(stored(key.bytes, stripe, copy.record().content()), now_ms);
    } else {
      const Record record = log_->record_at(address);
      item = view(stored(record.key(), stripe, record.content()), now_ms);
      pin = Log::Pin(*log_, log_->segment_of(address));
    }
  }
  if (must_copy) {
    // It is pinned, for the last time before it would end.
    pin = {};
    prolong_copy(key, now_ms);
    return look_locked(key, now_ms, lookup, shown, visitor, false);
  }
  visitor(item);
  if (is_get(lookup) && seen == Seen::kItem) curve_.follow_hit(key, item.value.size(), deadline_ms);
  return seen;
}

// Calls answer(i, key, probe) for each key in order that there can be an item for. A lookup needs memory in three
// steps, and each tells where the next one looks. So a key's steps are taken some keys apart, with those of others
// between them: memory is then fetched all the time while items are looked at. To fetch it for all keys first would
// let the processor wait, and then the memory.
template <int purpose, class Answer>
inline void Engine::approach(std::span<const std::string_view> keys, Answer&& answer) const {
  constexpr size_t kKeysApart = 6;
  constexpr size_t kWays = 32;
  static_assert(kWays > 3 * kKeysApart);
  struct Way {
    uint64_t hash;
    Probe probe;
  };
  std::array<Way, kWays> ways;
  const size_t apart = std::min(kKeysApart, keys.size());
  for (size_t step = 0; step < keys.size() + 3 * apart; ++step) {
    // Before the first key these are numbers beyond the last.
    const std::array<size_t, 4> at = {step, step - apart, step - 2 * apart, step - 3 * apart};
    if (at[0] < keys.size()) {
      const uint64_t hash = index_->hash(keys[at[0]]);
      ways[at[0] % kWays].hash = hash;
      index_->prefetch_stripe(hash);
      if constexpr (purpose == kToWrite) {
        index_->prefetch_mutex(hash);
        ghost_->prefetch(hash);
      }
    }
    if (at[1] < keys.size()) {
      Way& way = ways[at[1] % kWays];
      way.probe = index_->start_probe(way.hash);
    }
    if (at[2] < keys.size()) {
      Probe& probe = ways[at[2] % kWays].probe;
      probe.load_bucket();
      prefetch_record<purpose>(log_->at(probe.first_match_address()));
    }
    if (at[3] < keys.size() && is_key(keys[at[3]])) {
      const Way& way = ways[at[3] % kWays];
      answer(at[3], KeyRef{.bytes = keys[at[3]], .hash = way.hash}, way.probe);
    }
  }
}

LARDER_INLINE void Engine::prefetch(std::span<const std::string_view> keys) const {
  approach<kToRead>(keys, [](size_t, const KeyRef&, const Probe&) {});
}

LARDER_INLINE void Engine::begin_changes(std::span<const std::string_view> keys,
                                         FunctionRef<void(size_t index, const Target& target)> change) const {
  approach<kToWrite>(
      keys, [&](size_t i, const KeyRef& key, const Probe& probe) { change(i, {.key = key, .probe = probe}); });
}

LARDER_INLINE size_t Engine::get_many(std::span<const std::string_view> keys,
                                      FunctionRef<void(size_t index, const ItemView& item)> visitor,
                                      Lookup lookup) {
  Moment now(*this);
  RecordCopy copy;
  size_t found = 0;
  approach<kToRead>(keys, [&](size_t i, const KeyRef& key, const Probe& probe) {
    note_request(key, RequestKind::kRead);
    const auto visit = [&](const ItemView& item) { visitor(i, item); };
    const OptimisticResult result =
        optimistic_find(probe, [&](uint64_t address) { return copy_if_wanted(key.bytes, address, copy); });
    Seen seen = Seen::kNothing;
    if (result.is_missing()) {
      count_miss(key);
    } else {
      if (result.is_found()) seen = show(key, result, copy, now, lookup, visit);
      if (seen == Seen::kNothing) seen = look(key, now, lookup, visit);
    }
    count_get(key, seen == Seen::kItem);
    if (seen != Seen::kNothing) ++found;
  });
  return found;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_LOOKUP_INL_H_
