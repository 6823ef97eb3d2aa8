#include "larder/internal/engine/engine.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace larder::internal {
namespace {

// How often a search without the lock is tried.
constexpr int kGlances = 3;
constexpr size_t kCacheLineBytes = 64;
// How much of a record is fetched ahead: short ones are what there are many of.
constexpr size_t kLinesFetched = 3;
// How many pages with little in them a scan goes through at a time.
constexpr int kScannedPagesMax = 256;
// How often `maintain` begins to look at all items for those that have expired, for how many octets of its step it
// looks at one, and at how many at a time.
constexpr int64_t kWalkMs = 60'000;
constexpr size_t kBytesPerLook = 256;
constexpr size_t kLooksMax = 256;
constexpr int64_t kMsPerSecond = 1000;

// How far below the first limit a limit may be set: segments keep their size, and there must be a few.
constexpr size_t kLimitShrinkMax = 16;
// The limit must have room for so many of the largest items.
constexpr size_t kLargestItemsMin = 4;

// A value that is appended to, and has to move for that, gets so much more room for the next appends: then these
// copy what they add, and the value only now and then. Shorter ones are cheap to copy.
constexpr size_t kSpareDivisor = 8;
constexpr size_t kGrowingBytesMin = kCopyBytesMax;

// Others may take the room that was made for a store. One that loses so often gives up.
constexpr int kAttemptsMax = 1000;

template <class Number>
absl::Status out_of_range(const char* option, Number value, Number low, Number high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", value, " is not in ", low, "..", high));
}

absl::Status check(const Options& options) {
  if (absl::Status status = out_of_range("memory_limit_bytes", options.memory_limit_bytes, kMemoryLimitBytesMin,
                                         kMemoryLimitBytesMax);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = out_of_range("item_bytes_max", options.item_bytes_max, kItemBytesMaxMin,
                                         std::min(kItemBytesMaxMax, options.memory_limit_bytes / kLargestItemsMin));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = out_of_range("pinned_bytes_max", options.pinned_bytes_max.value_or(0), size_t{0},
                                         options.memory_limit_bytes / kPinnedDivisorMin);
      !status.ok()) {
    return status;
  }
  return Namespaces::check(options.namespaces, options.memory_limit_bytes);
}

constexpr int kToRead = 0;
constexpr int kToWrite = 1;
template <int purpose>
void prefetch_record(const std::byte* record) {
  for (size_t line = 0; line < kLinesFetched; ++line) {
    __builtin_prefetch(record + line * kCacheLineBytes, purpose);
  }
}

uint32_t seconds(int64_t ms) { return static_cast<uint32_t>(ms / kMsPerSecond); }

// Whether a read now is news to a record whose accesses are noted.
bool is_access_to_note(const Content& content, int64_t now_ms) {
  return content.has(kMarkTracked) && !(content.has(kMarkFetched) && content.accessed_s == seconds(now_ms));
}

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

// --- making ------------------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<Engine>> Engine::create(const Options& options) {
  if (absl::Status status = check(options); !status.ok()) return status;
  auto engine = std::unique_ptr<Engine>(new Engine(options));
  Namespaces namespaces(options.namespaces);
  for (uint32_t space = 0; space < namespaces.count(); ++space) {
    engine->counters_[space].charge_to(engine->account_);
  }

  const size_t limit_bytes = options.memory_limit_bytes;
  const int space_bits = namespaces.bits();
  absl::StatusOr<AddressSpace> space = AddressSpace::reserve(limit_bytes, [&](const Extent& extent) {
    return Ghost::address_bytes(extent) + Index::address_bytes(extent, limit_bytes, space_bits) +
           Log::address_bytes(extent, limit_bytes);
  });
  if (!space.ok()) return space.status();

  absl::StatusOr<Ghost> ghost = Ghost::create(engine->account_, *space, space_bits);
  if (!ghost.ok()) return ghost.status();
  engine->ghost_.emplace(*std::move(ghost));

  Engine* const made = engine.get();
  const auto deliver = [made] { RemovalQueue::Delivery(made->removals()); };
  Index::OnVoid on_void;
  Cleaner::OnRemoval on_removal;
  if (options.removal_listener != nullptr) {
    made->removals_.emplace(*options.removal_listener, made->counters_[0]);
    if (made->removals_->wants(Removal::kFlushed)) {
      // Not now_ms, which may flush.
      on_void = [made](const Index::Stripe& stripe, Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
        made->note_removal(stripe, slot, made->elapsed_ms(), Removal::kFlushed);
      };
    }
    on_removal = [made](const Index::Stripe& stripe, Slot slot, int64_t now_ms, Removal why)
                     ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) { made->note_removal(stripe, slot, now_ms, why); };
  }

  absl::StatusOr<std::unique_ptr<Index>> index =
      Index::create(engine->account_, *space, options.seed ? *options.seed : random_seed(), std::move(namespaces),
                    std::move(on_void));
  if (!index.ok()) return index.status();
  engine->index_ = *std::move(index);

  absl::StatusOr<std::unique_ptr<Log>> log = Log::create(engine->account_, *space);
  if (!log.ok()) return log.status();
  engine->log_ = *std::move(log);

  engine->cleaner_.emplace(engine->account_, *engine->index_, *engine->log_, *engine->ghost_,
                           engine->counters_.get(), options.eviction, std::move(on_removal), deliver);
  engine->quota_.emplace(
      *engine->index_, options.eviction,
      Quota::Actions{
          .is_expired = [made](Slot slot,
                               int64_t now_ms) { return made->log_->is_expired(slot.address(), now_ms); },
          .remove = [made](Index::Stripe& stripe, const Index::Position& position, int64_t now_ms)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) { made->evict(stripe, position, now_ms); },
          .rest = deliver});
  return engine;
}

Engine::Engine(const Options& options)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : system_clock_),
      lag_ms_(clock_.lag_ms()),
      start_ms_(clock_.monotonic_ms()),
      account_(options.memory_limit_bytes),
      counters_(std::make_unique<Counters[]>(options.namespaces.size() + 1)) {}

Engine::~Engine() {
  assert_may_be_called();
  assert((log_ == nullptr || log_->usage().holds == 0) && "a larder::Handle outlives its Cache");
  assert(account_.used(Use::kHandles) == 0 && "a larder::Handle outlives its Cache");
}

// --- time --------------------------------------------------------------------------------------------------

int64_t Engine::now_ms() {
  assert_may_be_called();
  const int64_t now = elapsed_ms();
  // Acquire: whoever sees that the flush is done comes after all of it.
  if (now < flush_due_ms_.load(std::memory_order_acquire)) return now;
  const MutexLock lock(flush_mutex_);
  if (now >= flush_due_ms_.load(std::memory_order_relaxed)) {
    flush_now();
    flush_due_ms_.store(kNoFlush, std::memory_order_release);
  }
  return now;
}

int64_t Engine::deadline_of(Expiry expiry, int64_t now_ms) const {
  if (expiry.kind() == Expiry::Kind::kNever) return kNeverMs;
  const bool is_relative = expiry.kind() == Expiry::Kind::kAfter;
  // Compared before anything is subtracted: the caller's number may be anything.
  const int64_t from = is_relative ? 0 : clock_.unix_ms();
  if (expiry.ms() <= from) return now_ms;
  if (!has_expiries_.load(std::memory_order_relaxed)) has_expiries_.store(true, std::memory_order_relaxed);
  return std::min(kNeverMs, now_ms + lag_ms_ + std::min(kNeverMs, expiry.ms() - from));
}

// --- reading -----------------------------------------------------------------------------------------------

uint64_t Engine::cas_number(const Index::Stripe& stripe, const Content& content) const {
  if (content.is_cas_whole || content.cas == 0) return content.cas;
  return (content.cas << index_->stripe_bits()) | index_->number_of(stripe);
}

ItemView Engine::view(std::string_view key, const Index::Stripe& stripe, const Content& content,
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

inline Index::Position Engine::find(Index::Stripe& stripe, uint64_t hash, std::string_view key) const {
  return index_->find(stripe, index_->tag_of(hash),
                      [&](uint64_t address) { return log_->record_at(address).key() == key; });
}

ItemInfo Engine::info(const Index::Stripe& stripe, Slot slot, const Content& content, int64_t now_ms) const {
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

void Engine::queue_removal(const Index::Stripe& stripe, Slot slot, int64_t now_ms, Removal why) {
  if (!removals_->wants(why)) return;
  const Content content = log_->record_at(slot.address()).content();
  if (!content.is_hidden()) removals_->add(info(stripe, slot, content, now_ms), content.value, why);
}

// What is made from the item's own content (content_of) still has its value, where it lies: nothing is replaced.
void Engine::note_replacement(const Index::Stripe& stripe, const Found& found, const Content& content,
                              int64_t now_ms) {
  const std::string_view old_value = found.content.value;
  const bool is_same = content.value.data() == old_value.data() && content.value.size() == old_value.size();
  if (is_same && !content.is_joined()) return;
  // In the place of what a load finds gone there is no item.
  note_removal(stripe, found.position.get(), now_ms, content.is_hidden() ? Removal::kErased : Removal::kReplaced);
}

// Of a key of which nothing is left but what the ghost may know.
void Engine::count_miss(uint64_t hash) {
  if (ghost_->contains(hash)) counters_[index_->space_of(hash)].add(Counter::kGetEvicted);
}

// An item that is expired is removed on the way.
Engine::Found Engine::find_live(Index::Stripe& stripe, uint64_t hash, std::string_view key, int64_t now_ms,
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

void Engine::count_loss(const Index::Stripe& stripe, Slot slot, Removal why) {
  if (!is_hidden(slot)) count_removal(counters_[index_->space_of(stripe)], why, slot.frequency() > 0);
}

void Engine::expire(Index::Stripe& stripe, const Index::Position& position, int64_t now_ms) {
  count_loss(stripe, position.get(), Removal::kExpired);
  note_removal(stripe, position.get(), now_ms, Removal::kExpired);
  unlink(stripe, position);
}

// Whether what lies there may be copied without the lock, and is worth it.
inline Index::Taken Engine::seems_wanted(std::string_view key, const std::byte* memory, size_t room_bytes) {
  if (room_bytes == 0 || room_bytes > kCopyBytesMax) return Index::Taken::kNeedsLock;
  return Record::seems_to_be(memory, room_bytes, key) ? Index::Taken::kWanted : Index::Taken::kOther;
}

Index::Taken Engine::copy_if_wanted(std::string_view key, uint64_t address, Copy& copy) const {
  const std::byte* const memory = log_->at(address);
  copy.room_bytes = Record::room_at(memory);
  const Index::Taken taken = seems_wanted(key, memory, copy.room_bytes);
  if (taken == Index::Taken::kWanted) {
    load_octets(memory, 0, reinterpret_cast<char*>(copy.words), copy.room_bytes);
  }
  return taken;
}

bool Engine::read(std::string_view key, uint64_t hash, Moment& now, Trace trace, Visitor visitor) {
  Copy copy;
  for (int i = 0; i < kGlances; ++i) {
    const Index::Sight sight =
        index_->glance(hash, [&](uint64_t address) { return copy_if_wanted(key, address, copy); });
    if (sight.is_missing()) {
      if (trace != Trace::kNone) count_miss(hash);
      return false;
    }
    if (sight.is_unsure()) continue;
    if (show(key, hash, sight, copy, now, trace, visitor)) return true;
    if (trace == Trace::kNone) return false;
    break;
  }
  return read_locked(key, hash, now.ms(), trace, Shown::kShortAsCopy, visitor);
}

// What a glance has found; unless it is hidden, or has expired, which is for those with the lock to deal with.
inline bool Engine::show(std::string_view key, uint64_t hash, const Index::Sight& sight, Copy& copy, Moment& now,
                         Trace trace, Visitor visitor) {
  const Content content = copy.record().content();
  const int64_t now_ms = content.deadline_ms < kNeverMs ? now.ms() : 0;
  if (content.deadline_ms <= now_ms) return false;
  if (content.is_hidden() && trace != Trace::kUsedByLoader) return false;
  if (trace != Trace::kNone) {
    Index::mark_used(sight);
    if (content.has(kMarkTracked)) note_access(key, hash, content, now.ms());
  }
  visitor(view(key, index_->stripe_of(hash), content, now_ms));
  return true;
}

// Straight from the record, which a visitor could not be shown while it may change.
[[gnu::always_inline]] inline Index::Taken Engine::copy_value_if_wanted(std::string_view key, uint64_t address,
                                                                        Moment& now, std::string& value) const {
  const std::byte* const memory = log_->at(address);
  const size_t room_bytes = Record::room_at(memory);
  const Index::Taken taken = seems_wanted(key, memory, room_bytes);
  if (taken != Index::Taken::kWanted) return taken;
  const std::optional<Record::Outline> outline = Record::outline(memory, room_bytes, key.size());
  if (!outline) return Index::Taken::kNeedsLock;
  if (outline->deadline_ms < kNeverMs && outline->deadline_ms <= now.ms()) return Index::Taken::kNeedsLock;
  if ((outline->marks & (kMarkTracked | kMarksHidden)) != 0) return Index::Taken::kNeedsLock;
  value.resize(outline->value_bytes);
  load_octets(memory, outline->value_offset, value.data(), value.size());
  return Index::Taken::kWanted;
}

bool Engine::read_value(std::string_view key, std::string& value) {
  const uint64_t hash = index_->hash(key);
  Moment now(*this);
  const Index::Sight sight = index_->glance_at_home(
      hash, [&](uint64_t address)
                __attribute__((always_inline)) { return copy_value_if_wanted(key, address, now, value); });
  bool is_found = sight.is_found();
  if (is_found) [[likely]] {
    Index::mark_used(sight);
  } else if (sight.is_missing()) {
    count_miss(hash);
  } else {
    is_found = read(key, Trace::kUsed, [&](const ItemView& item) { value.assign(item.value); });
  }
  counters_[index_->space_of(hash)].add(is_found ? Counter::kGetHits : Counter::kGetMisses);
  return is_found;
}

// For what a search without the lock leaves: large items, expired, flushed and hidden ones, and busy buckets.
bool Engine::read_locked(std::string_view key, uint64_t hash, int64_t now_ms, Trace trace, Shown shown,
                         Visitor visitor) {
  const RemovalQueue::Delivery delivery(removals());
  Copy copy;
  ItemView item;
  Log::Pin pin;
  {
    Index::Stripe& stripe = index_->stripe_of(hash);
    const Index::StripeLock lock(*index_, stripe);
    const bool is_used = trace != Trace::kNone;
    const Index::Position position =
        is_used ? find_live(stripe, hash, key, now_ms, true).position : find(stripe, hash, key);
    if (!position) return false;
    if (trace != Trace::kUsedByLoader && is_hidden(position.get())) return false;
    if (is_used) {
      Index::mark_used(position);
      note_access(stripe, position, now_ms);
    } else if (log_->is_expired(position.get().address(), now_ms)) {
      return false;
    }
    const uint64_t address = position.get().address();
    if (shown == Shown::kShortAsCopy && copy_if_wanted(key, address, copy) == Index::Taken::kWanted) {
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
// one looks. So a key's steps are taken some keys apart, with those of others between them: memory is then fetched
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
      way.lead = index_->approach(way.hash);
    }
    if (at[2] < keys.size()) {
      Index::Lead& lead = ways[at[2] % kWays].lead;
      Index::look(lead);
      prefetch_record<kToRead>(log_->at(Index::address_in_sight(lead)));
    }
    if (at[3] < keys.size()) answer(at[3], ways[at[3] % kWays]);
  }
}

void Engine::prefetch(std::span<const std::string_view> keys) const {
  approach(keys, [](size_t, const Approach&) {});
}

size_t Engine::read_many(std::span<const std::string_view> keys,
                         absl::FunctionRef<void(size_t index, const ItemView& item)> visitor, Trace trace) {
  Moment now(*this);
  Copy copy;
  size_t found = 0;
  approach(keys, [&](size_t i, const Approach& way) {
    const std::string_view key = keys[i];
    const auto visit = [&](const ItemView& item) { visitor(i, item); };
    const Index::Sight sight =
        index_->glance(way.lead, [&](uint64_t address) { return copy_if_wanted(key, address, copy); });
    if (sight.is_missing()) return count_miss(way.hash);
    const bool is_shown = sight.is_found() && show(key, way.hash, sight, copy, now, trace, visit);
    if (is_shown || read(key, way.hash, now, trace, visit)) ++found;
  });
  return found;
}

// --- history -----------------------------------------------------------------------------------------------

// After a read without the lock, of a record that somebody asked about. In the second that `seen` was noted in
// there is nothing to do, so that even a busy item is locked once a second at most.
void Engine::note_access(std::string_view key, uint64_t hash, const Content& seen, int64_t now_ms) {
  if (!is_access_to_note(seen, now_ms)) return;
  Index::Stripe& stripe = index_->stripe_of(hash);
  const Index::StripeLock lock(*index_, stripe);
  const Index::Position position = find(stripe, hash, key);
  if (position) note_access(stripe, position, now_ms);
}

void Engine::note_access(Index::Stripe& stripe, const Index::Position& position, int64_t now_ms) {
  const uint64_t address = position.get().address();
  Record record = log_->record_at(address);
  Content content = record.content();
  if (!is_access_to_note(content, now_ms) || log_->is_pinned(log_->segment_of(address))) return;
  content.marks |= kMarkFetched;
  content.accessed_s = seconds(now_ms);
  index_->change_record(stripe, position, [&] { record.rewrite(content); });
}

History Engine::history_of(const Index::Stripe& stripe, Slot slot, const Content& content, int64_t now_ms) {
  const uint32_t now_s = seconds(now_ms);
  uint32_t accessed_s = now_s;
  if (content.has(kMarkTracked)) {
    accessed_s = content.accessed_s;
  } else if (content.cas != 0 && !content.is_cas_whole) {
    accessed_s = stripe.change_clock.time_of(content.cas);
  }
  return {.was_fetched = content.has(kMarkTracked) ? content.has(kMarkFetched) : slot.frequency() > 0,
          .idle_s = now_s - std::min(now_s, accessed_s)};
}

std::optional<ItemDetails> Engine::inspect(std::string_view key, int64_t now_ms, Placeholders placeholders) {
  const uint64_t hash = index_->hash(key);
  Index::Stripe& stripe = index_->stripe_of(hash);
  const Index::StripeLock lock(*index_, stripe);
  const Index::Position position = find(stripe, hash, key);
  if (!position) return std::nullopt;
  const uint64_t address = position.get().address();
  const Record record = log_->record_at(address);
  const Content content = record.content();
  if (content.deadline_ms <= now_ms) return std::nullopt;
  if (content.is_hidden() && placeholders == Placeholders::kHidden) return std::nullopt;
  const ItemView item = view(key, stripe, content, now_ms);
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

Presence Engine::presence(std::string_view key, int64_t now_ms) {
  const uint64_t hash = index_->hash(key);
  Index::Stripe& stripe = index_->stripe_of(hash);
  const Index::StripeLock lock(*index_, stripe);
  const Index::Position position = find(stripe, hash, key);
  if (!position) {
    return index_->find_flushed(stripe, index_->tag_of(hash)) ? Presence::kFlushed : Presence::kMissing;
  }
  if (is_hidden(position.get())) return Presence::kMissing;
  const bool is_expired = log_->is_expired(position.get().address(), now_ms);
  return is_expired ? Presence::kExpired : Presence::kPresent;
}

// --- changing ----------------------------------------------------------------------------------------------

// Waits for the bucket before the lock, which lets no other access to memory begin early, and has the record
// fetched while it is taken.
Engine::Target Engine::begin_change(std::string_view key) const {
  const uint64_t hash = index_->hash(key);
  ghost_->prefetch(hash);
  Index::Lead lead = index_->prefetch(hash);
  Index::look(lead);
  prefetch_record<kToWrite>(log_->at(Index::address_in_sight(lead)));
  return {.key = key, .hash = hash, .lead = lead};
}

std::optional<uint64_t> Engine::overwrite(Target& target, Content content, int64_t now_ms) {
  // Only a hint, but what it says is nearly always so.
  if (Index::address_in_sight(target.lead) == 0) return std::nullopt;
  const RemovalQueue::Delivery delivery(removals());
  const std::string_view key = target.key;
  {
    Index::Stripe& stripe = index_->stripe_of(target.hash);
    const Index::StripeLock lock(*index_, stripe);
    const auto is_short_and_wanted = [&](uint64_t address) {
      const std::byte* const memory = log_->at(address);
      return Record::seems_to_be(memory, Record::room_at(memory), key);
    };
    Found found{.position = index_->find(stripe, target.lead, is_short_and_wanted), .content = {}};
    if (!found) return std::nullopt;
    found.content = log_->record_at(found.position.get().address()).content();
    if (found.content.marks != 0 || found.content.deadline_ms <= now_ms) return std::nullopt;
    choose_cas(stripe, 0, now_ms, content);
    const size_t bytes = Record::bytes_needed(key.size(), content);
    const size_t old_bytes = Record::bytes_needed(key.size(), found.content);
    if (bytes > old_bytes && quota_->is_limited(index_->space_of(stripe))) return std::nullopt;
    if (!store_in_place(stripe, found, bytes, old_bytes, content, now_ms)) return std::nullopt;
    content.cas = cas_number(stripe, content);
  }
  cleaner_->pace(0, now_ms);
  return content.cas;
}

std::optional<uint64_t> Engine::mutate(const Target& target, int64_t now_ms, Decide decide,
                                       Placeholders placeholders, History* history) {
  const RemovalQueue::Delivery delivery(removals());
  const std::string_view key = target.key;
  const uint64_t hash = target.hash;
  bool may_spare = true;
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    const Log::For whom = attempts == 0 ? Log::For::kStore : Log::For::kStoreThatWaited;
    const Attempt made = attempt(key, hash, now_ms, decide, placeholders, history, whom, may_spare);
    if (made.shortage == Shortage::kNone) {
      cleaner_->pace(made.bytes, now_ms);
      return made.cas;
    }
    if (make_room(made, now_ms, whom)) continue;
    if (!made.has_spare) break;
    may_spare = false;
  }
  return std::nullopt;
}

Engine::Attempt Engine::attempt(std::string_view key, uint64_t hash, int64_t now_ms, Decide decide,
                                Placeholders placeholders, History* history, Log::For whom, bool may_spare) {
  Index::Stripe& stripe = index_->stripe_of(hash);
  const Index::StripeLock lock(*index_, stripe);
  const Found found = find_live(stripe, hash, key, now_ms, false);
  const Decision decision = ask(stripe, found, key, now_ms, decide, placeholders, history);
  if (found && decision.is_used) Index::mark_used(found.position);
  switch (decision.kind) {
    case Decision::Kind::kLeave:
      return {};
    case Decision::Kind::kRemove:
      if (!found) return {};
      note_removal(stripe, found.position.get(), now_ms, Removal::kErased);
      unlink(stripe, found.position);
      return {};
    case Decision::Kind::kStore:
      break;
  }
  assert(index_->hash(key) == hash && "a larder::Cache's key was overwritten by an updater or visitor");
  const Content content = content_for(stripe, found.content, decision, now_ms);
  const Attempt made = store(stripe, found, key, hash, content, now_ms, whom, may_spare);
  if (made.shortage != Shortage::kNone) return made;
  return {.bytes = made.bytes, .cas = cas_number(stripe, content)};
}

Decision Engine::ask(const Index::Stripe& stripe, const Found& found, std::string_view key, int64_t now_ms,
                     Decide decide, Placeholders placeholders, History* history) const {
  const UnderLock scope(this);
  if (!found || (found.content.is_hidden() && placeholders == Placeholders::kHidden)) return decide(nullptr);
  const StoredItem item{view(key, stripe, found.content, now_ms), found.content.deadline_ms};
  if (history != nullptr) *history = history_of(stripe, found.position.get(), found.content, now_ms);
  return decide(&item);
}

// The content that was decided on, with a CAS number, and with what is to be noted of this access.
Content Engine::content_for(Index::Stripe& stripe, const Content& old, const Decision& decision, int64_t now_ms) {
  Content content = decision.content;
  if (decision.keeps_cas) {
    content.cas = old.cas;
    content.is_cas_whole = old.is_cas_whole;
  } else {
    choose_cas(stripe, decision.cas, now_ms, content);
  }
  content.marks |= old.marks & kMarkTracked;
  if (!content.has(kMarkTracked)) return content;
  const bool is_fetched = decision.keeps_cas && (decision.is_used || old.has(kMarkFetched));
  if (is_fetched) content.marks |= kMarkFetched;
  content.accessed_s = decision.keeps_cas && !decision.is_used ? old.accessed_s : seconds(now_ms);
  return content;
}

void Engine::choose_cas(Index::Stripe& stripe, uint64_t wanted, int64_t now_ms, Content& content) {
  if (!options_.cas) return;
  content.is_cas_whole = wanted != 0;
  content.cas = wanted;
  if (wanted != 0) return;
  content.cas = ++stripe.cas_count;
  stripe.change_clock.note(stripe.cas_count, seconds(now_ms));
  if (content.cas > kShortCasMax) {
    content.cas = cas_number(stripe, content);
    content.is_cas_whole = true;
  }
}

Engine::Attempt Engine::store(Index::Stripe& stripe, const Found& found, std::string_view key, uint64_t hash,
                              const Content& content, int64_t now_ms, Log::For whom, bool may_spare) {
  const size_t bytes = Record::bytes_needed(key.size(), content);
  const size_t old_bytes = found ? Record::bytes_needed(key.size(), found.content) : 0;
  if (bytes > old_bytes && quota_->is_limited(index_->space_of(stripe))) {
    if (!quota_->could_ever_fit(index_->space_of(stripe), bytes)) return {.shortage = Shortage::kNever};
    if (!quota_->fits(index_->space_of(stripe), bytes - old_bytes)) {
      return {.shortage = Shortage::kNamespace, .bytes = bytes - old_bytes, .space = index_->space_of(stripe)};
    }
  }
  if (found && store_in_place(stripe, found, bytes, old_bytes, content, now_ms)) return {};
  Chain chain = Chain::kSmall;
  uint32_t frequency = 0;
  if (found) {
    const Slot old = found.position.get();
    chain = log_->segment(log_->segment_of(old.address())).chain.load(std::memory_order_relaxed);
    frequency = old.frequency();
  } else if (ghost_->contains(hash)) {
    chain = Chain::kMain;
  }
  const bool is_appended = found && content.is_joined() && content.value.data() == found.content.value.data();
  const size_t spare_bytes = is_appended && may_spare ? spare_for(found, bytes) : 0;
  const size_t room_bytes = bytes + spare_bytes;
  const auto reserve = [&](size_t room) {
    return log_->try_reserve(room, chain, content.deadline_ms, now_ms, whom);
  };
  std::optional<Place> place = reserve(room_bytes);
  if (!place && spare_bytes > 0) place = reserve(bytes);
  if (!place) {
    const bool has_spare = spare_bytes > 0;
    if (!log_->is_large(room_bytes)) {
      return {.shortage = Shortage::kSegment, .bytes = bytes, .has_spare = has_spare};
    }
    const size_t charge_bytes = Log::large_charge_max(room_bytes);
    return {.shortage = account_.headroom() < charge_bytes ? Shortage::kAccount : Shortage::kLargeFrames,
            .bytes = charge_bytes,
            .has_spare = has_spare};
  }
  if (is_appended && place->is_large) {
    log_->segment(place->segment).has_grown.store(true, std::memory_order_relaxed);
  }

  Record::create(log_->at(place->address), place->room_bytes, place->is_large, key, content);
  const Slot slot(index_->tag_of(hash), frequency, place->address);
  if (found) {
    const uint64_t old_address = found.position.get().address();
    note_replacement(stripe, found, content, now_ms);
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

// A flush that came while the stripe was locked has made the new record void. If its segment was opened after that
// flush, nobody would look for void records there.
void Engine::unlink_if_flushed(Index::Stripe& stripe, Slot slot, int64_t now_ms) {
  if (!index_->is_void(stripe)) return;
  const Index::Position position =
      index_->find(stripe, slot.tag(), [&](uint64_t address) { return address == slot.address(); });
  if (!position) return;
  note_removal(stripe, position.get(), now_ms, Removal::kFlushed);
  unlink(stripe, position);
}

// A large item leaves none at its first move, since nothing but an overwrite would take it back: most values are
// appended to once. What a short one leaves counts as dead, and is taken back as such.
size_t Engine::spare_for(const Found& found, size_t bytes) const {
  if (bytes < kGrowingBytesMin) return 0;
  const Segment& old = log_->segment(log_->segment_of(found.position.get().address()));
  if (log_->is_large(bytes) && !old.has_grown.load(std::memory_order_relaxed)) return 0;
  return round_up(bytes / kSpareDivisor, kRecordAlignment);
}

// Where the old content lies, if the new one fits and does not waste half of the room.
bool Engine::store_in_place(Index::Stripe& stripe, const Found& found, size_t bytes, size_t old_bytes,
                            const Content& content, int64_t now_ms) {
  const uint64_t address = found.position.get().address();
  if (log_->is_pinned(log_->segment_of(address))) return false;
  Record record = log_->record_at(address);
  if (bytes > record.room_bytes() || bytes < record.room_bytes() / 2) return false;
  note_replacement(stripe, found, content, now_ms);
  index_->change_record(stripe, found.position, [&] { record.rewrite(content); });
  if (bytes != old_bytes || content.is_hidden() != found.content.is_hidden()) {
    index_->count(stripe, share(bytes, content), share(old_bytes, found.content));
    log_->adjust_live(address, static_cast<int64_t>(bytes) - static_cast<int64_t>(old_bytes));
  }
  log_->change_deadline(address, found.content.deadline_ms, content.deadline_ms);
  return true;
}

Engine::Attempt Engine::insert_slot(Index::Stripe& stripe, Slot slot, int64_t now_ms) {
  for (;;) {
    switch (index_->insert(stripe, slot)) {
      case Index::InsertResult::kInserted:
        return {};
      case Index::InsertResult::kNeedsMemory:
        return {.shortage = Shortage::kAccount, .bytes = index_->growth_bytes_max()};
      case Index::InsertResult::kPageFull:
        break;
    }
    const Index::Position victim = index_->coldest_near(stripe, slot.tag());
    if (!victim || !options_.eviction) return {.shortage = Shortage::kNever, .bytes = 0};
    evict(stripe, victim, now_ms);
  }
}

// One item, for other reasons than the cleaner's.
void Engine::evict(Index::Stripe& stripe, const Index::Position& position, int64_t now_ms) {
  const Slot slot = position.get();
  if (log_->is_expired(slot.address(), now_ms)) return expire(stripe, position, now_ms);
  count_loss(stripe, slot, Removal::kEvicted);
  const Segment& segment = log_->segment(log_->segment_of(slot.address()));
  if (segment.chain.load(std::memory_order_relaxed) == Chain::kSmall && !is_hidden(slot)) {
    const Record record = log_->record_at(slot.address());
    ghost_->add(index_->hash(record.key()), record.live_bytes());
  }
  note_removal(stripe, slot, now_ms, Removal::kEvicted);
  unlink(stripe, position);
}

void Engine::unlink(Index::Stripe& stripe, const Index::Position& position) {
  const uint64_t address = position.get().address();
  const Record record = log_->record_at(address);
  const Content content = record.content();
  const size_t bytes = Record::bytes_needed(record.key().size(), content);
  index_->erase(stripe, position);
  index_->count(stripe, {}, share(bytes, content));
  log_->remove_live(address, bytes);
}

bool Engine::make_room(const Attempt& attempt, int64_t now_ms, Log::For whom) {
  switch (attempt.shortage) {
    case Shortage::kSegment:
      if (whom != Log::For::kStore) return cleaner_->make_room_for_segment(now_ms);
      // If there is no segment even then, the store takes room where there is some.
      cleaner_->clean_step(now_ms);
      return true;
    case Shortage::kAccount:
      return cleaner_->make_room_in_account(attempt.bytes, now_ms);
    case Shortage::kLargeFrames:
      return cleaner_->make_room_in_frames(attempt.bytes, now_ms);
    case Shortage::kNamespace:
      return quota_->make_room(attempt.space, attempt.bytes, now_ms);
    case Shortage::kNone:
    case Shortage::kNever:
      break;
  }
  return false;
}

// --- the whole cache ---------------------------------------------------------------------------------------

void Engine::flush_all(int64_t delay_ms) {
  const RemovalQueue::Delivery delivery(removals());
  counters_[0].add(Counter::kFlushes);
  const int64_t due_ms = deadline_of(std::chrono::milliseconds(delay_ms), now_ms());
  const MutexLock lock(flush_mutex_);
  if (delay_ms <= 0) flush_now();
  flush_due_ms_.store(delay_ms > 0 ? due_ms : kNoFlush, std::memory_order_release);
}

bool Engine::flush_namespace(std::string_view prefix) {
  const RemovalQueue::Delivery delivery(removals());
  const std::optional<uint32_t> space = index_->namespaces().declared_as(prefix);
  if (!space) return false;
  counters_[*space].add(Counter::kFlushes);
  (void)now_ms();  // a flush of everything that is due comes before
  const uint64_t bytes = index_->sums(*space).bytes();
  index_->flush(*space);
  log_->flush_some(bytes);
  return true;
}

void Engine::flush_now() {
  index_->flush();
  log_->flush();
}

void Engine::for_each(absl::FunctionRef<bool(const ItemView& item)> visitor) {
  assert_may_be_called();
  std::vector<std::string> keys;
  bool goes_on = true;
  for (uint32_t number = 0; number < index_->stripe_count() && goes_on; ++number) {
    Index::Stripe& stripe = index_->stripe(number);
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
        read(key, Trace::kNone, [&](const ItemView& item) { goes_on = visitor(item); });
      }
    }
  }
}

bool Engine::scan(ScanCursor& cursor, size_t items_max, absl::FunctionRef<void(const ItemInfo& item)> visitor,
                  Placeholders placeholders) {
  const RemovalQueue::Delivery delivery(removals());
  return walk(cursor, items_max, visitor, placeholders);
}

// A page is shown in the order of its tags, so that the cursor need not know how far within it the walk has come;
// pages that have split or merged since make no difference then.
bool Engine::walk(ScanCursor& cursor, size_t items_max, absl::FunctionRef<void(const ItemInfo& item)> visitor,
                  Placeholders placeholders) {
  static_assert(ScanCursor::kPlaceCount == Slot::kTagCount);
  std::vector<Slot> slots;
  std::vector<ItemInfo> items;
  std::string keys;
  const int64_t now = now_ms();
  // A cursor of another cache may stand behind the last part.
  cursor.is_at_end_ |= cursor.part_ >= index_->stripe_count();
  size_t looks = std::max<size_t>(items_max, 1);
  for (int pages = 0; pages < kScannedPagesMax && looks > 0 && !cursor.is_at_end_; ++pages) {
    Index::Stripe& stripe = index_->stripe(cursor.part_);
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
      if (content.deadline_ms <= now) {
        if (!content.is_hidden()) counters_[index_->space_of(stripe)].add(Counter::kExpiredInUpkeep);
        const auto is_its = [&](uint64_t address) { return address == slot.address(); };
        expire(stripe, index_->find(stripe, slot.tag(), is_its), now);
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

void Engine::count_into(Stats& stats, uint32_t space) const {
  const auto add = [&](uint64_t& to, Counter counter) { to += counters_[space].sum(counter); };
  add(stats.get_hits, Counter::kGetHits);
  add(stats.get_misses, Counter::kGetMisses);
  add(stats.get_expired, Counter::kGetExpired);
  add(stats.get_flushed, Counter::kGetFlushed);
  add(stats.get_evicted, Counter::kGetEvicted);
  add(stats.vivified, Counter::kVivified);
  add(stats.touch_hits, Counter::kTouchHits);
  add(stats.touch_misses, Counter::kTouchMisses);
  add(stats.stores, Counter::kStores);
  add(stats.store_too_large, Counter::kStoreTooLarge);
  add(stats.store_no_memory, Counter::kStoreNoMemory);
  add(stats.cas_hits, Counter::kCasHits);
  add(stats.cas_misses, Counter::kCasMisses);
  add(stats.cas_badval, Counter::kCasBadval);
  add(stats.incr_hits, Counter::kIncrHits);
  add(stats.incr_misses, Counter::kIncrMisses);
  add(stats.decr_hits, Counter::kDecrHits);
  add(stats.decr_misses, Counter::kDecrMisses);
  add(stats.erase_hits, Counter::kEraseHits);
  add(stats.erase_misses, Counter::kEraseMisses);
  add(stats.flushes, Counter::kFlushes);
  add(stats.items_stored, Counter::kItemsStored);
  add(stats.evictions, Counter::kEvictions);
  add(stats.evicted_unfetched, Counter::kEvictedUnfetched);
  add(stats.evicted_active, Counter::kEvictedActive);
  add(stats.evicted_forced, Counter::kEvictedForced);
  add(stats.removals_untold, Counter::kRemovalsUntold);
  add(stats.expired, Counter::kExpired);
  add(stats.expired_unfetched, Counter::kExpiredUnfetched);
  add(stats.expired_in_upkeep, Counter::kExpiredInUpkeep);
  add(stats.ghost_hits, Counter::kGhostHits);
  add(stats.items_promoted, Counter::kItemsPromoted);
  add(stats.items_moved, Counter::kItemsMoved);
  add(stats.segments_cleaned, Counter::kSegmentsCleaned);
  add(stats.handles_copied, Counter::kHandlesCopied);
}

void Engine::reset_counters() {
  for (uint32_t space = 0; space < index_->namespaces().count(); ++space) counters_[space].reset();
}

std::vector<NamespaceStats> Engine::namespace_stats() {
  (void)now_ms();  // a flush that is due counts
  std::vector<NamespaceStats> all(index_->namespaces().count());
  for (uint32_t space = 0; space < all.size(); ++space) {
    // Number 0 is that of all other keys, which come last.
    NamespaceStats& of = space == 0 ? all.back() : all[space - 1];
    if (space != 0) of.prefix = options_.namespaces[space - 1].prefix;
    const Index::Sums sums = index_->sums(space);
    count_into(of.stats, space);
    of.stats.items = sums.items;
    of.stats.item_bytes = sums.item_bytes;
    of.stats.memory_limit_bytes = index_->namespaces().limit(space);
  }
  return all;
}

Stats Engine::stats() {
  (void)now_ms();  // a flush that is due counts
  Stats stats;
  for (uint32_t space = 0; space < index_->namespaces().count(); ++space) count_into(stats, space);

  const Index::Sums sums = index_->sums();
  stats.items = sums.items;
  stats.item_bytes = sums.item_bytes;
  stats.memory_limit_bytes = account_.limit();
  const Log::Usage usage = log_->usage();
  stats.live_bytes = usage.live_bytes;
  stats.dead_bytes = usage.used_bytes - std::min(usage.used_bytes, usage.live_bytes);
  stats.large_bytes = account_.used(Use::kLarge);
  stats.index_bytes = account_.used(Use::kIndex);
  stats.ghost_bytes = account_.used(Use::kGhost);
  stats.other_bytes = account_.used(Use::kOther) + account_.used(Use::kDescriptors);
  stats.handle_bytes = account_.used(Use::kHandles);
  stats.external_bytes = account_.used(Use::kExternal);
  const uint64_t in_segments = account_.used(Use::kSegments);
  stats.free_bytes = in_segments - std::min(in_segments, stats.live_bytes + stats.dead_bytes);
  // Not their sum, which would count twice what changes its use meanwhile.
  stats.memory_used_bytes = account_.used();
  stats.segment_bytes = log_->segment_bytes();
  stats.segments = usage.segments;
  stats.segments_free = usage.segments_free;
  stats.handles = usage.holds;
  stats.pinned_bytes = usage.held_bytes;
  stats.index_slots = index_->slots();
  return stats;
}

size_t Engine::memory_limit_bytes_min() const {
  return std::max({kMemoryLimitBytesMin, options_.memory_limit_bytes / kLimitShrinkMax,
                   options_.item_bytes_max * kLargestItemsMin});
}

absl::Status Engine::check_memory_limit(size_t bytes) const {
  if (absl::Status status =
          out_of_range("memory_limit_bytes", bytes, memory_limit_bytes_min(), kMemoryLimitBytesMax);
      !status.ok()) {
    return status;
  }
  if (bytes > log_->limit_bytes_max()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: there is address space for ", log_->limit_bytes_max(), ", not ", bytes));
  }
  const size_t kept_bytes =
      cleaner_->bytes_min() - account_.used(Use::kGhost) + ghost_->bytes_at(bytes) + log_->held_bytes();
  if (bytes < account_.limit() && bytes < kept_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: ", kept_bytes, " bytes cannot be evicted, more than ", bytes));
  }
  return absl::OkStatus();
}

absl::Status Engine::set_memory_limit(size_t bytes) {
  const RemovalQueue::Delivery delivery(removals());
  size_t old_bytes = 0;
  {
    const MutexLock lock(limit_mutex_);
    if (absl::Status status = check_memory_limit(bytes); !status.ok()) return status;
    old_bytes = account_.limit();
    account_.set_limit(bytes);
    ghost_->resize();
  }
  // Without the mutex: between its steps the listener is called.
  if (bytes >= old_bytes || cleaner_->make_room_in_account(0, now_ms())) return absl::OkStatus();
  const MutexLock lock(limit_mutex_);
  const size_t used_bytes = account_.used();
  // Another call may have set another one since.
  if (account_.limit() == bytes) {
    account_.set_limit(old_bytes);
    ghost_->resize();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("memory_limit_bytes: ", used_bytes, " bytes are still in use and cannot be evicted now"));
}

bool Engine::maintain(size_t step_bytes) {
  const RemovalQueue::Delivery delivery(removals());
  const int64_t now = now_ms();
  const bool is_untidy = cleaner_->tidy(step_bytes, now);
  return look_for_expired(step_bytes, now) || is_untidy;
}

// A step of a walk over all items; walks begin kWalkMs after each other. True when there are more steps to it.
bool Engine::look_for_expired(size_t step_bytes, int64_t now_ms) {
  if (!has_expiries_.load(std::memory_order_relaxed)) return false;
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

void Engine::charge(Use use, size_t bytes) {
  const int64_t now = now_ms();
  while (!account_.try_charge(use, bytes)) {
    if (cleaner_->make_room_in_account(bytes, now)) continue;
    account_.charge(use, bytes);
    return;
  }
}

void Engine::add_external_bytes(int64_t bytes) {
  if (bytes >= 0) {
    const RemovalQueue::Delivery delivery(removals());
    charge(Use::kExternal, static_cast<size_t>(bytes));
  } else {
    account_.release_at_most(Use::kExternal, size_t{0} - static_cast<size_t>(bytes));
  }
}

// --- checking ----------------------------------------------------------------------------------------------

absl::Status Engine::assert_valid() {
  const RemovalQueue::Delivery delivery(removals());
  return cleaner_->while_resting(now_ms(), [&] { return check_all(); });
}

absl::Status Engine::check_all() {
  if (absl::Status status = log_->assert_valid(); !status.ok()) return status;
  std::unordered_map<SegmentId, uint64_t> live_bytes;
  absl::Status status;
  for (uint32_t number = 0; number < index_->stripe_count() && status.ok(); ++number) {
    Index::Stripe& stripe = index_->stripe(number);
    const Index::StripeLock lock(*index_, stripe);
    status = index_->assert_valid(stripe);
    Index::Sums sums;
    for (uint32_t tag = 0; tag < Slot::kTagCount && status.ok();) {
      tag = index_->for_each_in_page(stripe, tag, [&](Slot slot) {
        if (status.ok()) status = check_slot(stripe, slot);
        if (!status.ok()) return;
        const size_t record_bytes = log_->record_at(slot.address()).live_bytes();
        live_bytes[log_->segment_of(slot.address())] += record_bytes;
        sums += Index::share(record_bytes, is_hidden(slot));
      });
    }
    if (const Index::Sums counted = Index::sums(stripe); status.ok() && counted != sums) {
      status = absl::InternalError(absl::StrCat("stripe ", number, " counts ", counted.items, " items of ",
                                                counted.item_bytes, " bytes and ", counted.hidden_bytes,
                                                " hidden bytes, has ", sums.items, " of ", sums.item_bytes, " and ",
                                                sums.hidden_bytes));
    }
  }
  if (!status.ok()) return status;
  for (uint32_t space = 1; space < index_->namespaces().count(); ++space) {
    if (!quota_->is_limited(space)) continue;
    const uint64_t sum = index_->sums(space).bytes();
    if (const uint64_t counted = index_->limited_bytes(space); counted != sum) {
      return absl::InternalError(
          absl::StrCat("namespace ", space, " counts ", counted, " bytes, its stripes have ", sum));
    }
  }
  log_->for_each_segment([&](SegmentId id) {
    const uint64_t counted = log_->segment(id).live_bytes.load();
    // What a flush made void counts as live until the cleaner comes by.
    const bool may_hold_void = index_->has_flushed();
    if (counted < live_bytes[id] || (counted > live_bytes[id] && !may_hold_void)) {
      status = absl::InternalError(
          absl::StrCat("segment ", id, " counts ", counted, " live bytes, slots point at ", live_bytes[id]));
    }
  });
  return status;
}

absl::Status Engine::check_slot(const Index::Stripe& stripe, Slot slot) const {
  const SegmentId id = log_->segment_of(slot.address());
  const Segment& segment = log_->segment(id);
  if (slot.address() >= log_->end_of(id)) return absl::InternalError("a slot points behind its segment's records");
  const Record record = log_->record_at(slot.address());
  const uint64_t hash = index_->hash(record.key());
  if (&index_->stripe_of(hash) != &stripe || index_->tag_of(hash) != slot.tag()) {
    return absl::InternalError("a slot points at a record of another key");
  }
  const int64_t deadline = record.content().deadline_ms;
  if (deadline > segment.deadline_max_ms.load()) {
    return absl::InternalError("a record's deadline is behind its segment's last");
  }
  return absl::OkStatus();
}

}  // namespace larder::internal
