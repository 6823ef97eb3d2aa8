#ifndef LARDER_INTERNAL_COMMANDS_CACHE_INL_H_
#define LARDER_INTERNAL_COMMANDS_CACHE_INL_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "larder/api.h"
#include "larder/cache.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/commands/count.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/store.h"
#include "larder/internal/commands/touch.h"
#include "larder/internal/commands/update.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/decision.h"
#include "larder/internal/engine/engine.h"

namespace larder::internal {

// set_multi has the memory of so many stores fetched together.
inline constexpr size_t kSetsAtOnce = 32;

// Whether writing to `string` would write to the bytes of `view`.
inline bool lies_in(std::string_view view, const std::string& string) {
  // Addresses below the string's wrap around.
  return reinterpret_cast<uintptr_t>(view.data()) - reinterpret_cast<uintptr_t>(string.data()) <= string.capacity();
}

inline void count_outcome(Counters& counters, CounterStatus status, Counter hits, Counter misses) {
  if (status == CounterStatus::kDone) counters.add(hits);
  if (status == CounterStatus::kNotFound) counters.add(misses);
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
  visit(key, [&](const ItemView& view) { item = internal::item_of(view); });
  return item;
}

LARDER_INLINE bool Cache::get(std::string_view key, std::string& value) {
  if (!internal::is_key(key)) return false;
  // What is read may come in several attempts, and the key is needed for each.
  if (internal::lies_in(key, value)) [[unlikely]]
    return engine_->get_value(engine_->ref(std::string(key)), value);
  return engine_->get_value(engine_->ref(key), value);
}

LARDER_INLINE bool Cache::visit(std::string_view key, Visitor visitor) {
  return internal::is_key(key) && engine_->read(engine_->ref(key), internal::Engine::Lookup::kGet, visitor);
}

LARDER_INLINE std::optional<Item> Cache::peek(std::string_view key) const {
  std::optional<Item> item;
  peek(key, [&](const ItemView& view) { item = internal::item_of(view); });
  return item;
}

LARDER_INLINE bool Cache::peek(std::string_view key, Visitor visitor) const {
  return internal::is_key(key) && engine_->read(engine_->ref(key), internal::Engine::Lookup::kPeek, visitor);
}

LARDER_INLINE bool Cache::contains(std::string_view key) const {
  return peek(key, [](const ItemView&) {});
}

LARDER_INLINE Handle Cache::hold(std::string_view key) {
  return internal::is_key(key) ? engine_->hold(engine_->ref(key)) : Handle();
}

LARDER_INLINE size_t Cache::get_multi(std::span<const std::string_view> keys, MultiVisitor visitor) {
  return engine_->get_many(keys, visitor);
}

LARDER_INLINE std::vector<std::optional<Item>> Cache::get_multi(std::span<const std::string_view> keys) {
  std::vector<std::optional<Item>> items(keys.size());
  get_multi(keys, [&](size_t index, const ItemView& item) { items[index] = internal::item_of(item); });
  return items;
}

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
  if (!internal::is_key(key)) return {.result = StoreResult::kBadKey};
  return internal::store(*engine_, engine_->begin_change(engine_->ref(key)), value, options);
}

LARDER_INLINE std::vector<StoreResult> Cache::set_multi(std::span<const SetEntry> entries) {
  std::vector<StoreResult> results(entries.size(), StoreResult::kBadKey);
  std::array<std::string_view, internal::kSetsAtOnce> keys;
  for (size_t first = 0; first < entries.size(); first += keys.size()) {
    const std::span<const SetEntry> next = entries.subspan(first, std::min(keys.size(), entries.size() - first));
    std::ranges::transform(next, keys.begin(), &SetEntry::key);
    engine_->begin_changes(
        std::span(keys).first(next.size()), [&](size_t i, const internal::Engine::Target& target) {
          const SetEntry& entry = next[i];
          results[first + i] = internal::store(*engine_, target, entry.value, {.item = entry.options}).result;
        });
  }
  return results;
}

LARDER_INLINE UpdateOutcome Cache::update(std::string_view key, Updater updater) {
  if (!internal::is_key(key)) return {.status = UpdateStatus::kBadKey};
  return internal::update_item(*engine_, engine_->ref(key), updater);
}

// --- counting ----------------------------------------------------------------------------------------------

LARDER_INLINE CounterResult Cache::incr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  if (!internal::is_key(key)) return {.status = CounterStatus::kBadKey};
  const auto add = [](uint64_t number, uint64_t by) { return number + by; };
  const internal::KeyRef ref = engine_->ref(key);
  const CounterResult result = internal::count_item(*engine_, ref, delta, options, add);
  internal::count_outcome(engine_->counters(ref), result.status, internal::Counter::kIncrHits,
                          internal::Counter::kIncrMisses);
  return result;
}

LARDER_INLINE CounterResult Cache::decr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  if (!internal::is_key(key)) return {.status = CounterStatus::kBadKey};
  const auto subtract = [](uint64_t number, uint64_t by) { return number < by ? 0 : number - by; };
  const internal::KeyRef ref = engine_->ref(key);
  const CounterResult result = internal::count_item(*engine_, ref, delta, options, subtract);
  internal::count_outcome(engine_->counters(ref), result.status, internal::Counter::kDecrHits,
                          internal::Counter::kDecrMisses);
  return result;
}

// --- expiry and removal ------------------------------------------------------------------------------------

LARDER_INLINE std::optional<Item> Cache::get_and_touch(std::string_view key, Expiry expiry) {
  std::optional<Item> touched;
  internal::visit_and_touch_item(*engine_, key, expiry,
                                 [&](const ItemView& item) { touched = internal::item_of(item); });
  return touched;
}

LARDER_INLINE bool Cache::touch(std::string_view key, Expiry expiry) {
  return internal::touch_item(*engine_, key, expiry, [](const ItemView&) {});
}

LARDER_INLINE EraseResult Cache::erase(std::string_view key, std::optional<uint64_t> cas) {
  return internal::erase_item(*engine_, key, cas, [](const ItemView&) {});
}

LARDER_INLINE size_t Cache::erase_multi(std::span<const std::string_view> keys) {
  size_t erased = 0;
  for (const std::string_view key : keys) {
    if (erase(key) == EraseResult::kErased) ++erased;
  }
  return erased;
}

LARDER_INLINE size_t Cache::erase_if(Predicate is_unwanted) {
  return internal::whole_walk([&](ScanCursor& cursor) {
    return internal::erase_step(*engine_, cursor, internal::kItemsPerStep, is_unwanted);
  });
}

LARDER_INLINE void Cache::flush_all(std::chrono::milliseconds delay) { engine_->flush_all(delay.count()); }

LARDER_INLINE bool Cache::flush_namespace(std::string_view prefix) { return engine_->flush_namespace(prefix); }

// --- the whole cache ---------------------------------------------------------------------------------------

LARDER_INLINE void Cache::for_each(FunctionRef<bool(const ItemView& item)> visitor) const {
  engine_->for_each(visitor);
}

LARDER_INLINE const Options& Cache::options() const { return engine_->options(); }

LARDER_INLINE Stats Cache::stats() const { return engine_->stats(); }

LARDER_INLINE absl::Status Cache::set_memory_limit(size_t bytes) { return engine_->set_memory_limit(bytes); }

LARDER_INLINE bool Cache::maintain(size_t step_bytes) { return engine_->maintain(step_bytes); }

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_CACHE_INL_H_
