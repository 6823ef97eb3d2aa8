#ifndef LARDER_INTERNAL_COMMANDS_CACHE_INL_H_
#define LARDER_INTERNAL_COMMANDS_CACHE_INL_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "larder/api.h"
#include "larder/cache.h"
#include "larder/internal/commands/count.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/read.h"
#include "larder/internal/commands/store.h"
#include "larder/internal/commands/update.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/decision.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

// set_multi has the memory of so many stores fetched together.
inline constexpr size_t kSetsAtOnce = 32;

// Of walks that nobody has set a step for.
inline constexpr size_t kItemsPerStep = 64;

// Whether writing to `string` would write to the bytes of `view`.
inline bool lies_in(std::string_view view, const std::string& string) {
  // Addresses below the string's wrap around.
  return reinterpret_cast<uintptr_t>(view.data()) - reinterpret_cast<uintptr_t>(string.data()) <= string.capacity();
}

inline Item item_of(const ItemView& view) {
  return {.value = std::string(view.value),
          .flags = view.flags,
          .cas = view.cas,
          .ttl_ms = view.ttl_ms,
          .is_stale = view.is_stale,
          .is_won = view.is_won,
          .is_key_binary = view.is_key_binary};
}

// kStored if key and value can be stored at all; what cannot is counted.
inline StoreResult check_sizes(Engine& engine, std::string_view key, std::string_view value) {
  if (!is_key(key)) return StoreResult::kBadKey;
  if (value.size() <= engine.options().item_bytes_max) return StoreResult::kStored;
  engine.counters(key).add(Counter::kStoreTooLarge);
  return StoreResult::kTooLarge;
}

inline void count_outcome(Counters& counters, CounterStatus status, Counter hits, Counter misses) {
  if (status == CounterStatus::kDone) counters.add(hits);
  if (status == CounterStatus::kNotFound) counters.add(misses);
}

// Of a walk over everything: what its steps add up to.
inline size_t whole_walk(absl::FunctionRef<size_t(ScanCursor& cursor)> take_step) {
  size_t sum = 0;
  for (ScanCursor cursor; !cursor.is_at_end();) sum += take_step(cursor);
  return sum;
}

inline void count_read(Counters& counters, const ReadOptions& options, const Reading* reading) {
  if (reading != nullptr && reading->is_created) {
    counters.add(Counter::kGetHits);
    counters.add(Counter::kVivified);
    counters.add(Counter::kItemsStored);
  } else if (reading != nullptr) {
    counters.add(options.expiry ? Counter::kTouchHits : Counter::kGetHits);
  } else {
    counters.add(Counter::kGetMisses);
  }
}

inline bool is_hidden(const ItemView& item) { return item.is_placeholder || item.is_absence; }

// Each key counts for its own namespace.
inline size_t get_multi_by_namespaces(Engine& engine, std::span<const std::string_view> keys,
                                      Cache::MultiVisitor visitor,
                                      Engine::Recency recency = Engine::Recency::kMarked) {
  std::vector<bool> is_found(keys.size());
  const auto note_and_visit = [&](size_t index, const ItemView& item) {
    is_found[index] = !is_hidden(item);
    visitor(index, item);
  };
  const size_t found = engine.read_many(keys, note_and_visit, recency);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (is_key(keys[i])) engine.counters(keys[i]).add(is_found[i] ? Counter::kGetHits : Counter::kGetMisses);
  }
  return found;
}

}  // namespace larder::internal

namespace larder {

LARDER_INLINE absl::StatusOr<std::unique_ptr<Cache>> Cache::create(const Options& options) {
  absl::StatusOr<std::unique_ptr<internal::Engine>> engine = internal::Engine::create(options);
  if (!engine.ok()) return engine.status();
  return std::unique_ptr<Cache>(new Cache(*std::move(engine)));
}

LARDER_INLINE Cache::Cache(std::unique_ptr<internal::Engine> engine) : engine_(std::move(engine)) {}
LARDER_INLINE Cache::~Cache() = default;

// --- reading -----------------------------------------------------------------------------------------------

LARDER_INLINE std::optional<Item> Cache::get(std::string_view key) {
  std::optional<Item> item;
  if (!internal::is_key(key)) return item;
  engine_->read(key, internal::Engine::Recency::kMarked,
                [&](const ItemView& view) { item = internal::item_of(view); });
  engine_->counters(key).add(item ? internal::Counter::kGetHits : internal::Counter::kGetMisses);
  return item;
}

LARDER_INLINE bool Cache::get(std::string_view key, std::string& value) {
  if (!internal::is_key(key)) return false;
  // What is read may come in several attempts, and the key is needed for each.
  if (internal::lies_in(key, value)) [[unlikely]]
    return engine_->read_value(std::string(key), value);
  return engine_->read_value(key, value);
}

LARDER_INLINE bool Cache::visit(std::string_view key, Visitor visitor) {
  if (!internal::is_key(key)) return false;
  internal::Counters& counters = engine_->counters(key);  // the visitor may overwrite what the key is a view of
  const bool is_found = engine_->read(key, internal::Engine::Recency::kMarked, visitor);
  counters.add(is_found ? internal::Counter::kGetHits : internal::Counter::kGetMisses);
  return is_found;
}

LARDER_INLINE std::optional<Item> Cache::peek(std::string_view key) const {
  std::optional<Item> item;
  peek(key, [&](const ItemView& view) { item = internal::item_of(view); });
  return item;
}

LARDER_INLINE bool Cache::peek(std::string_view key, Visitor visitor) const {
  return internal::is_key(key) && engine_->read(key, internal::Engine::Recency::kUnchanged, visitor);
}

LARDER_INLINE bool Cache::contains(std::string_view key) const {
  return peek(key, [](const ItemView&) {});
}

LARDER_INLINE Handle Cache::hold(std::string_view key) {
  if (!internal::is_key(key)) return {};
  Handle handle = engine_->hold(key);
  engine_->counters(key).add(handle ? internal::Counter::kGetHits : internal::Counter::kGetMisses);
  return handle;
}

LARDER_INLINE Handle Cache::keep(const ItemView& item) { return engine_->keep(item); }

LARDER_INLINE bool Cache::read(std::string_view key, const ReadOptions& options, ReadVisitor visitor) {
  if (!internal::is_key(key)) return false;
  bool is_found = false;
  internal::read_item(*engine_, key, options, internal::Reader::kAnyone, [&](const Reading* reading) {
    internal::count_read(engine_->counters(key), options, reading);
    is_found = reading != nullptr;
    if (is_found) visitor(*reading);
  });
  return is_found;
}

LARDER_INLINE std::optional<ItemDetails> Cache::inspect(std::string_view key) const {
  return internal::is_key(key) ? engine_->inspect(key, engine_->now_ms()) : std::nullopt;
}

LARDER_INLINE Presence Cache::presence(std::string_view key) const {
  return internal::is_key(key) ? engine_->presence(key, engine_->now_ms()) : Presence::kMissing;
}

LARDER_INLINE size_t Cache::get_multi(std::span<const std::string_view> keys, MultiVisitor visitor) {
  if (!options().namespaces.empty()) return internal::get_multi_by_namespaces(*engine_, keys, visitor);
  const size_t found = engine_->read_many(keys, visitor);
  const auto good_keys = static_cast<size_t>(std::ranges::count_if(keys, internal::is_key));
  internal::Counters& counters = engine_->counters({});
  counters.add(internal::Counter::kGetHits, found);
  counters.add(internal::Counter::kGetMisses, good_keys - found);
  return found;
}

LARDER_INLINE std::vector<std::optional<Item>> Cache::get_multi(std::span<const std::string_view> keys) {
  std::vector<std::optional<Item>> items(keys.size());
  get_multi(keys, [&](size_t index, const ItemView& item) { items[index] = internal::item_of(item); });
  return items;
}

LARDER_INLINE void Cache::prefetch(std::span<const std::string_view> keys) const { engine_->prefetch(keys); }

// --- storing -----------------------------------------------------------------------------------------------

LARDER_INLINE StoreResult Cache::set(std::string_view key, std::string_view value, const SetOptions& options) {
  return store(key, value, {.item = options}).result;
}

LARDER_INLINE StoreResult Cache::add(std::string_view key, std::string_view value, const SetOptions& options) {
  return store(key, value, {.mode = StoreMode::kAdd, .item = options}).result;
}

LARDER_INLINE StoreResult Cache::replace(std::string_view key, std::string_view value, const SetOptions& options) {
  return store(key, value, {.mode = StoreMode::kReplace, .item = options}).result;
}

LARDER_INLINE StoreResult Cache::append(std::string_view key, std::string_view value) {
  return store(key, value, {.mode = StoreMode::kAppend}).result;
}

LARDER_INLINE StoreResult Cache::prepend(std::string_view key, std::string_view value) {
  return store(key, value, {.mode = StoreMode::kPrepend}).result;
}

LARDER_INLINE StoreResult Cache::cas(std::string_view key, std::string_view value, uint64_t expected,
                                     const SetOptions& options) {
  return store(key, value, {.item = options, .expected = expected}).result;
}

LARDER_INLINE StoreOutcome Cache::store(std::string_view key, std::string_view value, const StoreOptions& options) {
  StoreOutcome outcome{.result = internal::check_sizes(*engine_, key, value)};
  if (outcome.result == StoreResult::kStored) outcome = internal::store_item(*engine_, key, value, options);
  const bool has_failed = outcome.result == StoreResult::kTooLarge || outcome.result == StoreResult::kNoMemory;
  if (has_failed && options.mode == StoreMode::kSet && !options.expected) internal::remove_item(*engine_, key);
  return outcome;
}

LARDER_INLINE std::vector<StoreResult> Cache::set_multi(std::span<const SetEntry> entries) {
  std::vector<StoreResult> results;
  results.reserve(entries.size());
  std::array<std::string_view, internal::kSetsAtOnce> keys;
  while (!entries.empty()) {
    const std::span<const SetEntry> next = entries.first(std::min(internal::kSetsAtOnce, entries.size()));
    std::ranges::transform(next, keys.begin(), &SetEntry::key);
    engine_->prefetch(std::span(keys).first(next.size()));
    for (const SetEntry& entry : next) results.push_back(set(entry.key, entry.value, entry.options));
    entries = entries.subspan(next.size());
  }
  return results;
}

LARDER_INLINE UpdateOutcome Cache::update(std::string_view key, Updater updater) {
  if (!internal::is_key(key)) return {.status = UpdateStatus::kBadKey};
  return internal::update_item(*engine_, key, updater);
}

// --- counting ----------------------------------------------------------------------------------------------

LARDER_INLINE CounterResult Cache::incr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  if (!internal::is_key(key)) return {.status = CounterStatus::kBadKey};
  const auto add = [](uint64_t number, uint64_t by) { return number + by; };
  const CounterResult result = internal::count_item(*engine_, key, delta, options, add);
  internal::count_outcome(engine_->counters(key), result.status, internal::Counter::kIncrHits,
                          internal::Counter::kIncrMisses);
  return result;
}

LARDER_INLINE CounterResult Cache::decr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  if (!internal::is_key(key)) return {.status = CounterStatus::kBadKey};
  const auto subtract = [](uint64_t number, uint64_t by) { return number < by ? 0 : number - by; };
  const CounterResult result = internal::count_item(*engine_, key, delta, options, subtract);
  internal::count_outcome(engine_->counters(key), result.status, internal::Counter::kDecrHits,
                          internal::Counter::kDecrMisses);
  return result;
}

// --- expiry and removal ------------------------------------------------------------------------------------

LARDER_INLINE bool Cache::visit_and_touch(std::string_view key, Expiry expiry, Visitor visitor) {
  if (!internal::is_key(key)) return false;
  bool is_found = false;
  const ReadOptions options{.expiry = expiry, .may_win = false};
  internal::read_item(*engine_, key, options, internal::Reader::kAnyone, [&](const Reading* reading) {
    is_found = reading != nullptr;
    engine_->counters(key).add(is_found ? internal::Counter::kTouchHits : internal::Counter::kTouchMisses);
    if (is_found) visitor(reading->item);
  });
  return is_found;
}

LARDER_INLINE std::optional<Item> Cache::get_and_touch(std::string_view key, Expiry expiry) {
  std::optional<Item> touched;
  visit_and_touch(key, expiry, [&](const ItemView& item) { touched = internal::item_of(item); });
  return touched;
}

LARDER_INLINE bool Cache::touch(std::string_view key, Expiry expiry) {
  return touch(key, expiry, [](const ItemView&) {});
}

LARDER_INLINE bool Cache::touch(std::string_view key, Expiry expiry, Visitor visitor) {
  if (!internal::is_key(key)) return false;
  const int64_t now_ms = engine_->now_ms();
  const int64_t deadline_ms = engine_->deadline_of(expiry, now_ms);
  bool is_found = false;
  const std::optional<uint64_t> cas =
      engine_->mutate(key, now_ms, [&](const internal::StoredItem* item) -> internal::Decision {
        is_found = item != nullptr;
        if (is_found) visitor(*item);
        return is_found ? internal::postponement(*item, deadline_ms, now_ms) : internal::Decision{};
      });
  const bool is_touched = is_found && cas.has_value();
  engine_->counters(key).add(is_touched ? internal::Counter::kTouchHits : internal::Counter::kTouchMisses);
  return is_touched;
}

LARDER_INLINE EraseResult Cache::erase(std::string_view key, std::optional<uint64_t> cas) {
  return erase(key, cas, [](const ItemView&) {});
}

LARDER_INLINE EraseResult Cache::erase(std::string_view key, std::optional<uint64_t> cas, Visitor visitor) {
  internal::Counters& counters = engine_->counters(key);  // as in visit
  const EraseResult result = internal::erase_with(*engine_, key, cas, [&](const ItemView& item, int64_t) {
    visitor(item);
    return internal::Decision{.kind = internal::Decision::Kind::kRemove};
  });
  if (result == EraseResult::kErased) counters.add(internal::Counter::kEraseHits);
  return result;
}

LARDER_INLINE EraseResult Cache::invalidate(std::string_view key, const InvalidateOptions& options) {
  return internal::erase_with(*engine_, key, options.expected,
                              [&](const internal::StoredItem& item, int64_t now_ms) {
                                return internal::invalidation(*engine_, item, options, now_ms);
                              });
}

LARDER_INLINE void Cache::discard(std::string_view key) {
  if (internal::is_key(key)) internal::remove_item(*engine_, key);
}

LARDER_INLINE size_t Cache::erase_multi(std::span<const std::string_view> keys) {
  size_t erased = 0;
  for (const std::string_view key : keys) {
    if (erase(key) == EraseResult::kErased) ++erased;
  }
  return erased;
}

LARDER_INLINE size_t Cache::erase_if(Predicate is_unwanted) {
  return internal::whole_walk(
      [&](ScanCursor& cursor) { return erase_if(cursor, internal::kItemsPerStep, is_unwanted); });
}

LARDER_INLINE size_t Cache::erase_if(ScanCursor& cursor, size_t items_max, Predicate is_unwanted) {
  size_t erased = 0;
  const auto is_unwanted_item = [&](const ItemView* item) { return item != nullptr && is_unwanted(*item); };
  scan(cursor, items_max,
       [&](const ItemInfo& item) { erased += internal::erase_one_if(*engine_, item.key, is_unwanted_item); });
  return erased;
}

LARDER_INLINE size_t Cache::erase_prefix(std::string_view prefix) {
  return internal::whole_walk(
      [&](ScanCursor& cursor) { return erase_prefix(cursor, internal::kItemsPerStep, prefix); });
}

LARDER_INLINE size_t Cache::erase_prefix(ScanCursor& cursor, size_t items_max, std::string_view prefix) {
  size_t erased = 0;
  const auto erase = [&](const ItemInfo& item) {
    if (!item.key.starts_with(prefix)) return;
    erased += internal::erase_one_if(*engine_, item.key, [](const ItemView*) { return true; });
  };
  // Loads that are under way must not bring back what was erased.
  engine_->scan(cursor, items_max, erase, internal::Placeholders::kShown);
  return erased;
}

LARDER_INLINE void Cache::flush_all(std::chrono::milliseconds delay) { engine_->flush_all(delay.count()); }

LARDER_INLINE bool Cache::flush_namespace(std::string_view prefix) { return engine_->flush_namespace(prefix); }

// --- the whole cache ---------------------------------------------------------------------------------------

LARDER_INLINE void Cache::for_each(absl::FunctionRef<bool(const ItemView& item)> visitor) const {
  engine_->for_each(visitor);
}
LARDER_INLINE bool Cache::scan(ScanCursor& cursor, size_t items_max,
                               absl::FunctionRef<void(const ItemInfo& item)> visitor) const {
  return engine_->scan(cursor, items_max, visitor);
}
LARDER_INLINE const Options& Cache::options() const { return engine_->options(); }
LARDER_INLINE Stats Cache::stats() const { return engine_->stats(); }
LARDER_INLINE std::vector<NamespaceStats> Cache::namespace_stats() const { return engine_->namespace_stats(); }
LARDER_INLINE void Cache::reset_stats() { engine_->reset_counters(); }
LARDER_INLINE absl::Status Cache::set_memory_limit(size_t bytes) { return engine_->set_memory_limit(bytes); }
LARDER_INLINE absl::Status Cache::check_memory_limit(size_t bytes) const {
  return engine_->check_memory_limit(bytes);
}
LARDER_INLINE size_t Cache::memory_limit_bytes_min() const { return engine_->memory_limit_bytes_min(); }
LARDER_INLINE bool Cache::maintain(size_t step_bytes) { return engine_->maintain(step_bytes); }
LARDER_INLINE void Cache::add_external_bytes(int64_t bytes) { engine_->add_external_bytes(bytes); }
LARDER_INLINE void Cache::charge_external_bytes(size_t bytes) { engine_->charge_external_bytes(bytes); }
LARDER_INLINE size_t Cache::bytes_over_limit() const { return engine_->bytes_over_limit(); }
LARDER_INLINE absl::Status Cache::assert_valid() const { return engine_->assert_valid(); }

// --- for loaders -------------------------------------------------------------------------------------------

LARDER_INLINE bool Cache::look(std::string_view key, Visitor visitor) {
  if (!internal::is_key(key)) return false;
  bool is_hit = false;
  const auto note_and_visit = [&](const ItemView& item) {
    is_hit = !internal::is_hidden(item);
    visitor(item);
  };
  const bool is_found = engine_->read(key, internal::Engine::Recency::kMarkedByLoader, note_and_visit);
  engine_->counters(key).add(is_hit ? internal::Counter::kGetHits : internal::Counter::kGetMisses);
  return is_found;
}

LARDER_INLINE size_t Cache::look(std::span<const std::string_view> keys, MultiVisitor visitor) {
  return internal::get_multi_by_namespaces(*engine_, keys, visitor, internal::Engine::Recency::kMarkedByLoader);
}

LARDER_INLINE std::optional<ItemDetails> Cache::inspect_hidden(std::string_view key) const {
  return engine_->inspect(key, engine_->now_ms(), internal::Placeholders::kShown);
}

LARDER_INLINE bool Cache::claim(std::string_view key, const ReadOptions& options, ReadVisitor visitor) {
  bool is_found = false;
  internal::read_item(*engine_, key, options, internal::Reader::kLoader, [&](const Reading* reading) {
    is_found = reading != nullptr;
    if (is_found) visitor(*reading);
  });
  return is_found;
}

LARDER_INLINE StoreResult Cache::bring(std::string_view key, std::optional<std::string_view> value, bool has_grace,
                                       const StoreOptions& options) {
  const std::string_view bytes = value.value_or(std::string_view());
  if (const StoreResult result = internal::check_sizes(*engine_, key, bytes); result != StoreResult::kStored)
    return result;
  const auto marks =
      static_cast<uint8_t>((value ? 0 : internal::kMarkAbsent) | (has_grace ? internal::kMarkGrace : 0));
  return internal::store_item(*engine_, key, bytes, options, internal::Placeholders::kShown, marks).result;
}

LARDER_INLINE EraseResult Cache::give_back(std::string_view key, const InvalidateOptions& options) {
  const auto decide = [&](const internal::StoredItem& item, int64_t now_ms) {
    return internal::invalidation(*engine_, item, options, now_ms);
  };
  return internal::erase_with(*engine_, key, options.expected, decide, internal::Placeholders::kShown);
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_CACHE_INL_H_
