// Changing items.
#ifndef LARDER_INTERNAL_ENGINE_MUTATION_INL_H_
#define LARDER_INTERNAL_ENGINE_MUTATION_INL_H_

#include <cassert>

#include "absl/cleanup/cleanup.h"
#include "larder/api.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/engine/prefetch.h"

namespace larder::internal {

// A value that is appended to, and has to move for that, gets so much more room for the next appends: then these
// copy what they add, and the value only now and then. Shorter ones are cheap to copy.
inline constexpr size_t kSpareDivisor = 8;
inline constexpr size_t kGrowingBytesMin = kCopyBytesMax;

// Others may take the room that was made for a store. One that loses so often gives up.
inline constexpr int kAttemptsMax = 1000;

// Waits for the bucket before the lock, which lets no other access to memory begin early, and has the record
// fetched while the lock is taken.
LARDER_INLINE Engine::Target Engine::begin_change(const KeyRef& key) const {
  ghost_->prefetch(key.hash);
  Probe probe = index_->prefetch(key.hash);
  probe.load_bucket();
  prefetch_record<kToWrite>(log_->at(probe.first_match_address()));
  return {.key = key, .probe = probe};
}

LARDER_INLINE std::optional<uint64_t> Engine::overwrite(const Target& target, const Content& content,
                                                        int64_t now_ms) {
  // Only a hint, but what it says is nearly always so.
  if (target.probe.first_match_address() == 0) return std::nullopt;
  const RemovalQueue::Delivery delivery(removals());
  Change change{.key = target.key, .content = content, .is_replacement = true};
  {
    Stripe& stripe = index_->stripe_of(target.key.hash);
    const Index::StripeLock lock(*index_, stripe);
    const auto is_short_and_wanted = [&](uint64_t address) {
      const std::byte* const memory = log_->at(address);
      return Record::seems_to_be(memory, Record::room_at(memory), target.key.bytes);
    };
    Found found{.position = index_->find(stripe, target.probe, is_short_and_wanted), .content = {}};
    if (!found) return std::nullopt;
    found.content = log_->record_at(found.position.get().address()).content();
    if (found.content.marks != 0 || found.content.deadline_ms <= now_ms) return std::nullopt;
    choose_cas(stripe, 0, now_ms, change.content);
    const size_t bytes = Record::bytes_needed(target.key.bytes.size(), change.content);
    const size_t old_bytes = Record::bytes_needed(target.key.bytes.size(), found.content);
    if (bytes > old_bytes && quota_->is_limited(index_->space_of(stripe))) return std::nullopt;
    if (!store_in_place(stripe, found, bytes, old_bytes, change, now_ms)) return std::nullopt;
    change.content.cas = cas_number(stripe, change.content);
    curve_.note_change(target.key, &found.content, &content);
  }
  cleaner_->pace(0, now_ms);
  curve_.catch_up_with(target.key.hash);
  return change.content.cas;
}

LARDER_INLINE std::optional<uint64_t> Engine::mutate(const Target& target, int64_t now_ms, Decide decide,
                                                     Placeholders placeholders, History* history) {
  const RemovalQueue::Delivery delivery(removals());
  bool may_spare = true;
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    const Log::For whom = attempts == 0 ? Log::For::kStore : Log::For::kStoreThatWaited;
    const Attempt made = attempt(target.key, now_ms, decide, placeholders, history, whom, may_spare);
    if (made.shortage == Shortage::kNone) {
      cleaner_->pace(made.bytes, now_ms);
      curve_.catch_up_with(target.key.hash);
      return made.cas;
    }
    if (make_room(made, now_ms, whom)) continue;
    if (!made.has_spare) break;
    may_spare = false;
  }
  return std::nullopt;
}

LARDER_INLINE Attempt Engine::attempt(const KeyRef& key, int64_t now_ms, Decide decide, Placeholders placeholders,
                                      History* history, Log::For whom, bool may_spare) {
  Stripe& stripe = index_->stripe_of(key.hash);
  const Index::StripeLock lock(*index_, stripe);
  const Found found = find_live(stripe, key, now_ms, false);
  const Decision decision = ask(stripe, found, key, decide, placeholders, now_ms, history);
  if (found && decision.is_used) found.position.mark_used();
  switch (decision.kind) {
    case Decision::Kind::kLeave:
      if (found && decision.is_used) prolong(stripe, found.position, now_ms);
      return {};
    case Decision::Kind::kRemove:
      curve_.note_change(key, found ? &found.content : nullptr, nullptr);
      if (!found) return {};
      note_removal(stripe, found.position.get(), now_ms, Removal::kErased);
      unlink(stripe, found.position);
      return {};
    case Decision::Kind::kReplace:
    case Decision::Kind::kAmend:
      break;
  }
  assert(index_->hash(key.bytes) == key.hash && "a larder::Cache's key was overwritten by an updater or visitor");
  const Change change{.key = key,
                      .content = content_for(stripe, found.content, decision, now_ms),
                      .is_replacement = decision.kind == Decision::Kind::kReplace,
                      .is_appended = found && decision.is_appended,
                      .may_spare = may_spare};
  const Attempt made = store(stripe, found, change, now_ms, whom);
  if (made.shortage != Shortage::kNone) return made;
  curve_.note_change(key, found ? &found.content : nullptr, &change.content);
  return {.bytes = made.bytes, .cas = cas_number(stripe, change.content)};
}

LARDER_INLINE Decision Engine::ask(const Stripe& stripe, const Found& found, const KeyRef& key, Decide decide,
                                   Placeholders placeholders, int64_t now_ms, History* history) const {
  const UnderLock scope(this);
  if (!found || (found.content.is_hidden() && placeholders == Placeholders::kHidden)) return decide(nullptr);
  const StoredItem item = stored(key.bytes, stripe, found.content);
  if (history != nullptr) *history = history_of(stripe, found.position.get(), found.content, now_ms);
  return decide(&item);
}

// The content that was decided on, with a CAS number, and with what is to be noted of this access.
LARDER_INLINE Content Engine::content_for(Stripe& stripe, const Content& old, const Decision& decision,
                                          int64_t now_ms) {
  Content content = decision.content;
  if (decision.keeps_cas) {
    content.cas = old.cas;
    content.is_cas_whole = old.is_cas_whole;
  } else {
    choose_cas(stripe, decision.cas, now_ms, content);
  }
  content.marks = static_cast<Marks>((content.marks & ~kMarkFetched) | (old.marks & kMarkTracked));
  if (!content.has(kMarkTracked)) return content;
  const bool is_fetched = decision.keeps_cas && (decision.is_used || old.has(kMarkFetched));
  if (is_fetched) content.marks |= kMarkFetched;
  content.accessed_s = decision.keeps_cas && !decision.is_used ? old.accessed_s : whole_seconds(now_ms);
  return content;
}

LARDER_INLINE void Engine::choose_cas(Stripe& stripe, uint64_t wanted, int64_t now_ms, Content& content) {
  if (!options_.cas) return;
  content.is_cas_whole = wanted != 0;
  content.cas = wanted;
  if (wanted != 0) return;
  content.cas = ++stripe.cas_count;
  stripe.change_clock.note(stripe.cas_count, whole_seconds(now_ms));
  if (content.cas > kShortCasMax) {
    content.cas = cas_number(stripe, content);
    content.is_cas_whole = true;
  }
}

LARDER_INLINE Attempt Engine::store(Stripe& stripe, const Found& found, const Change& change, int64_t now_ms,
                                    Log::For whom) {
  const std::string_view key = change.key.bytes;
  const uint64_t hash = change.key.hash;
  const Content& content = change.content;
  const size_t bytes = Record::bytes_needed(key.size(), content);
  const size_t old_bytes = found ? Record::bytes_needed(key.size(), found.content) : 0;
  if (bytes > old_bytes && quota_->is_limited(index_->space_of(stripe))) {
    if (!quota_->could_ever_fit(index_->space_of(stripe), bytes)) return {.shortage = Shortage::kNever};
    if (!quota_->fits(index_->space_of(stripe), bytes - old_bytes)) {
      return {.shortage = Shortage::kQuota, .bytes = bytes - old_bytes, .space = index_->space_of(stripe)};
    }
  }
  const uint32_t whole = index_->namespaces().count();
  const uint64_t old_items = found ? share(old_bytes, found.content).items : 0;
  if (quota_->is_limited(whole) && share(bytes, content).items > old_items && !quota_->fits(whole, 1)) {
    return {.shortage = Shortage::kQuota, .bytes = 1, .space = whole};
  }
  if (found && store_in_place(stripe, found, bytes, old_bytes, change, now_ms)) return {};
  Chain chain = Chain::kSmall;
  uint32_t frequency = 0;
  if (found) {
    const Slot old = found.position.get();
    chain = log_->segment(log_->segment_of(old.address())).chain.load();
    frequency = old.frequency();
  } else if (ghost_->contains(hash)) {
    chain = Chain::kMain;
  }
  const size_t spare_bytes = change.is_appended && change.may_spare ? spare_for(found, bytes) : 0;
  const size_t room_bytes = bytes + spare_bytes;
  const auto reserve = [&](size_t room) {
    return log_->try_reserve(room, chain, content.deadline_ms, now_ms, whom);
  };
  std::optional<Reservation> place = reserve(room_bytes);
  if (!place && spare_bytes > 0) place = reserve(bytes);
  if (!place) {
    const bool has_spare = spare_bytes > 0;
    if (!log_->is_large(room_bytes)) {
      return {.shortage = Shortage::kSegment, .bytes = bytes, .has_spare = has_spare};
    }
    const size_t charge_bytes = Log::large_charge_max(room_bytes);
    return {.shortage = account_.headroom() < charge_bytes ? Shortage::kLarge : Shortage::kLargeRoom,
            .bytes = charge_bytes,
            .has_spare = has_spare};
  }
  if (change.is_appended && place->is_large) {
    log_->segment(place->segment).has_grown.store(true);
  }

  Record::create(log_->at(place->address), place->room_bytes, place->is_large, key, content);
  const Slot slot(index_->tag_of(hash), frequency, place->address);
  if (found) {
    const uint64_t old_address = found.position.get().address();
    note_replacement(stripe, found, change, now_ms);
    index_->replace(stripe, found.position, slot);
    log_->commit(*place, bytes);
    index_->count(stripe, share(bytes, content), share(old_bytes, found.content));
    log_->remove_live(old_address, old_bytes);
    unlink_if_flushed(stripe, slot, now_ms);
    return {.bytes = place->room_bytes};
  }
  Attempt inserted;
  {
    // Committed even if the index throws for want of memory: a writer that never ends would hold up the cleaner.
    const absl::Cleanup commit = [&] { log_->commit(*place, bytes); };
    inserted = insert_slot(stripe, slot, now_ms);
  }
  if (inserted.shortage != Shortage::kNone) {
    log_->remove_live(place->address, bytes);
    // Large items give their room back: there must be room for both.
    if (inserted.shortage == Shortage::kAccount && place->is_large) inserted.bytes += Log::large_charge_max(bytes);
    return inserted;
  }
  index_->count(stripe, share(bytes, content), {});
  if (chain == Chain::kMain) {
    ghost_->remove(hash);
    counters_[index_->space_of(stripe)].add(Counter::kGhostHits);
  }
  unlink_if_flushed(stripe, slot, now_ms);
  return {.bytes = bytes};
}

// A flush that came while the stripe was locked has made the new record stale. If its segment was opened after that
// flush, nobody would look for stale records there.
LARDER_INLINE void Engine::unlink_if_flushed(Stripe& stripe, Slot slot, int64_t now_ms) {
  if (!index_->is_stale(stripe)) return;
  const SlotPosition position =
      index_->find(stripe, slot.tag(), [&](uint64_t address) { return address == slot.address(); });
  if (!position) return;
  note_removal(stripe, position.get(), now_ms, Removal::kFlushed);
  unlink(stripe, position);
}

// A large item leaves none at its first move, since nothing but an overwrite would take it back: most values are
// appended to once. What a short one leaves counts as dead, and is taken back as such.
LARDER_INLINE size_t Engine::spare_for(const Found& found, size_t bytes) const {
  if (bytes < kGrowingBytesMin) return 0;
  const Segment& old = log_->segment(log_->segment_of(found.position.get().address()));
  if (log_->is_large(bytes) && !old.has_grown.load()) return 0;
  return round_up(bytes / kSpareDivisor, kRecordAlignment);
}

// Where the old content lies, if the new one fits and does not waste half of the room.
LARDER_INLINE bool Engine::store_in_place(Stripe& stripe, const Found& found, size_t bytes, size_t old_bytes,
                                          const Change& change, int64_t now_ms) {
  const uint64_t address = found.position.get().address();
  if (log_->is_pinned(log_->segment_of(address))) return false;
  const Content& content = change.content;
  Record record = log_->record_at(address);
  if (bytes > record.room_bytes() || bytes < record.room_bytes() / 2) return false;
  note_replacement(stripe, found, change, now_ms);
  index_->change_record(stripe, found.position, [&] { record.rewrite(content); });
  if (bytes != old_bytes || content.is_hidden() != found.content.is_hidden()) {
    index_->count(stripe, share(bytes, content), share(old_bytes, found.content));
    log_->adjust_live(address, static_cast<int64_t>(bytes) - static_cast<int64_t>(old_bytes));
  }
  log_->change_deadline(address, found.content.deadline_ms, content.deadline_ms);
  return true;
}

LARDER_INLINE Attempt Engine::insert_slot(Stripe& stripe, Slot slot, int64_t now_ms) {
  for (;;) {
    switch (index_->insert(stripe, slot)) {
      case Index::InsertResult::kInserted:
        return {};
      case Index::InsertResult::kNeedsMemory:
        return {.shortage = Shortage::kAccount, .bytes = index_->growth_bytes_max()};
      case Index::InsertResult::kPageFull:
        break;
    }
    const SlotPosition victim = index_->coldest_near(stripe, slot.tag());
    if (!victim || !options_.eviction) return {.shortage = Shortage::kNever, .bytes = 0};
    evict(stripe, victim, now_ms);
  }
}

// One item, for other reasons than the cleaner's.
LARDER_INLINE void Engine::evict(Stripe& stripe, const SlotPosition& position, int64_t now_ms) {
  const Slot slot = position.get();
  if (is_over(log_->record_at(slot.address()).content(), now_ms)) return remove_over(stripe, position, now_ms);
  count_loss(stripe, slot, Removal::kEvicted);
  const Segment& segment = log_->segment(log_->segment_of(slot.address()));
  if (segment.chain.load() == Chain::kSmall && !is_hidden(slot)) {
    const Record record = log_->record_at(slot.address());
    ghost_->add(index_->hash(record.key()), record.live_bytes());
  }
  note_removal(stripe, slot, now_ms, Removal::kEvicted);
  unlink(stripe, position);
}

LARDER_INLINE void Engine::unlink(Stripe& stripe, const SlotPosition& position) {
  const uint64_t address = position.get().address();
  const Record record = log_->record_at(address);
  const Content content = record.content();
  const size_t bytes = Record::bytes_needed(record.key().size(), content);
  index_->erase(stripe, position);
  index_->count(stripe, {}, share(bytes, content));
  log_->remove_live(address, bytes);
}

LARDER_INLINE bool Engine::make_room(const Attempt& attempt, int64_t now_ms, Log::For whom) {
  switch (attempt.shortage) {
    case Shortage::kSegment:
      if (whom != Log::For::kStore) return cleaner_->make_room_for_segment(now_ms);
      // If there is no segment even then, the store takes room where there is some.
      cleaner_->clean_step(now_ms);
      return true;
    case Shortage::kAccount:
      return cleaner_->make_room_in_account(attempt.bytes, now_ms);
    case Shortage::kLarge:
      return cleaner_->make_room_in_account(attempt.bytes, now_ms, true);
    case Shortage::kLargeRoom:
      return cleaner_->make_room_for_large(attempt.bytes, now_ms);
    case Shortage::kQuota:
      if (options_.eviction && attempt.space == index_->namespaces().count()) {
        return cleaner_->make_room_for_item([&] { return quota_->fits(attempt.space, attempt.bytes); }, now_ms);
      }
      return quota_->make_room(attempt.space, attempt.bytes, now_ms);
    case Shortage::kNone:
    case Shortage::kNever:
      break;
  }
  return false;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_MUTATION_INL_H_
