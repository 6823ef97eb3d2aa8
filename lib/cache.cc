#include "larder/cache.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "larder/internal/commands/count.h"
#include "larder/internal/commands/read.h"
#include "larder/internal/commands/store.h"
#include "larder/internal/commands/update.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/decision.h"
#include "larder/internal/engine/engine.h"

namespace larder {
namespace {

using internal::Content;
using internal::content_of;
using internal::Counter;
using internal::Decision;
using internal::Engine;
using internal::has_cas;
using internal::kMarkAbsent;
using internal::kMarkGrace;
using internal::kMarkStale;
using internal::kMarkWon;
using internal::kNeverMs;
using internal::Placeholders;
using internal::postponement;
using internal::replacement;
using internal::StoredItem;

// set_multi has the memory of so many stores fetched together.
constexpr size_t kSetsAtOnce = 32;

// Of walks that nobody has set a step for.
constexpr size_t kItemsPerStep = 64;

bool is_key(std::string_view key) { return !key.empty() && key.size() <= kKeyBytesMax; }

// Whether writing to `string` would write to the octets of `view`.
bool lies_in(std::string_view view, const std::string& string) {
  // Addresses below the string's wrap around.
  return reinterpret_cast<uintptr_t>(view.data()) - reinterpret_cast<uintptr_t>(string.data()) <= string.capacity();
}

Item copy(const ItemView& view) {
  return {.value = std::string(view.value),
          .flags = view.flags,
          .cas = view.cas,
          .ttl_ms = view.ttl_ms,
          .is_stale = view.is_stale,
          .is_won = view.is_won,
          .is_key_binary = view.is_key_binary};
}

// kStored if key and value can be stored at all; what cannot is counted.
StoreResult check(Engine& engine, std::string_view key, std::string_view value) {
  if (!is_key(key)) return StoreResult::kBadKey;
  if (value.size() <= engine.options().item_bytes_max) return StoreResult::kStored;
  engine.counters(key).add(Counter::kStoreTooLarge);
  return StoreResult::kTooLarge;
}

void remove(Engine& engine, std::string_view key) {
  // Removing needs no room.
  (void)engine.mutate(key, engine.now_ms(),
                      [](const ItemView*) { return Decision{.kind = Decision::Kind::kRemove}; });
}

void count_outcome(internal::Counters& counters, CounterStatus status, Counter hits, Counter misses) {
  if (status == CounterStatus::kDone) counters.add(hits);
  if (status == CounterStatus::kNotFound) counters.add(misses);
}

Decision invalidation(const Engine& engine, const StoredItem& item, const InvalidateOptions& options,
                      int64_t now_ms) {
  Content content = content_of(item);
  const bool keeps_deadline = !options.is_empty && !options.expiry;
  content.marks &= static_cast<uint8_t>(~(kMarkWon | kMarkStale | (keeps_deadline ? 0 : kMarkGrace)));
  if (options.is_stale) content.marks |= kMarkStale;
  if (options.is_empty) {
    content.value = {};
    content.flags = options.flags;
    content.deadline_ms = kNeverMs;
  }
  if (options.expiry) content.deadline_ms = engine.deadline_of(*options.expiry, now_ms);
  Decision decision = replacement(content, now_ms);
  decision.keeps_cas = !options.is_stale && options.cas == 0;
  decision.cas = options.cas;
  return decision;
}

// `decide` is asked about the item, if it is there and has the CAS number that it should. A load of a key that is
// missing is void, unless a number was given.
EraseResult erase_with(Engine& engine, std::string_view key, std::optional<uint64_t> expected,
                       absl::FunctionRef<Decision(const StoredItem& item, int64_t now_ms)> decide,
                       Placeholders placeholders = Placeholders::kHidden) {
  EraseResult result = EraseResult::kNotFound;
  if (!is_key(key)) return result;
  internal::Counters& counters = engine.counters(key);
  const int64_t now_ms = engine.now_ms();
  const auto decide_if_there = [&](const StoredItem* item) -> Decision {
    result = EraseResult::kNotFound;
    if (item == nullptr) return {.kind = expected ? Decision::Kind::kLeave : Decision::Kind::kRemove};
    result = EraseResult::kExists;
    if (expected && !has_cas(*item, *expected)) return {};
    result = EraseResult::kErased;
    return decide(*item, now_ms);
  };
  const std::optional<uint64_t> cas = engine.mutate(key, now_ms, decide_if_there, placeholders);
  if (!cas) remove(engine, key);
  const bool is_miss = result != EraseResult::kErased && placeholders == Placeholders::kHidden;
  if (is_miss) counters.add(Counter::kEraseMisses);
  return result;
}

// How many items were removed: 0 or 1.
size_t erase_one_if(Engine& engine, std::string_view key,
                    absl::FunctionRef<bool(const ItemView* item)> is_unwanted) {
  bool is_removed = false;
  (void)engine.mutate(key, engine.now_ms(), [&](const ItemView* item) -> Decision {
    if (!is_unwanted(item)) return {};
    is_removed = item != nullptr;
    return {.kind = Decision::Kind::kRemove};
  });
  if (is_removed) engine.counters(key).add(Counter::kEraseHits);
  return is_removed ? 1 : 0;
}

// Of a walk over everything: what its steps add up to.
size_t whole_walk(absl::FunctionRef<size_t(ScanCursor& cursor)> take_step) {
  size_t sum = 0;
  for (ScanCursor cursor; !cursor.is_at_end();) sum += take_step(cursor);
  return sum;
}

void count_read(internal::Counters& counters, const ReadOptions& options, const Reading* reading) {
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

bool is_hidden(const ItemView& item) { return item.is_placeholder || item.is_absence; }

// Each key counts for its own namespace.
size_t get_multi_by_namespaces(Engine& engine, std::span<const std::string_view> keys, Cache::MultiVisitor visitor,
                               Engine::Trace trace = Engine::Trace::kUsed) {
  std::vector<bool> is_found(keys.size());
  const auto note_and_visit = [&](size_t index, const ItemView& item) {
    is_found[index] = !is_hidden(item);
    visitor(index, item);
  };
  const size_t found = engine.read_many(keys, note_and_visit, trace);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (is_key(keys[i])) engine.counters(keys[i]).add(is_found[i] ? Counter::kGetHits : Counter::kGetMisses);
  }
  return found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cache>> Cache::create(const Options& options) {
  absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::create(options);
  if (!engine.ok()) return engine.status();
  return std::unique_ptr<Cache>(new Cache(*std::move(engine)));
}

Cache::Cache(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Cache::~Cache() = default;

// --- reading -----------------------------------------------------------------------------------------------

std::optional<Item> Cache::get(std::string_view key) {
  std::optional<Item> item;
  if (!is_key(key)) return item;
  engine_->read(key, Engine::Trace::kUsed, [&](const ItemView& view) { item = copy(view); });
  engine_->counters(key).add(item ? Counter::kGetHits : Counter::kGetMisses);
  return item;
}

bool Cache::get(std::string_view key, std::string& value) {
  if (!is_key(key)) return false;
  // What is read may come in several attempts, and the key is needed for each.
  if (lies_in(key, value)) [[unlikely]]
    return engine_->read_value(std::string(key), value);
  return engine_->read_value(key, value);
}

bool Cache::visit(std::string_view key, Visitor visitor) {
  if (!is_key(key)) return false;
  internal::Counters& counters = engine_->counters(key);  // the visitor may overwrite what the key is a view of
  const bool is_found = engine_->read(key, Engine::Trace::kUsed, visitor);
  counters.add(is_found ? Counter::kGetHits : Counter::kGetMisses);
  return is_found;
}

std::optional<Item> Cache::peek(std::string_view key) const {
  std::optional<Item> item;
  peek(key, [&](const ItemView& view) { item = copy(view); });
  return item;
}

bool Cache::peek(std::string_view key, Visitor visitor) const {
  return is_key(key) && engine_->read(key, Engine::Trace::kNone, visitor);
}

bool Cache::contains(std::string_view key) const {
  return peek(key, [](const ItemView&) {});
}

Handle Cache::hold(std::string_view key) {
  if (!is_key(key)) return {};
  Handle handle = engine_->hold(key);
  engine_->counters(key).add(handle ? Counter::kGetHits : Counter::kGetMisses);
  return handle;
}

Handle Cache::keep(const ItemView& item) { return engine_->keep(item); }

bool Cache::read(std::string_view key, const ReadOptions& options, ReadVisitor visitor) {
  if (!is_key(key)) return false;
  bool is_found = false;
  internal::read_item(*engine_, key, options, internal::Reader::kAnyone, [&](const Reading* reading) {
    count_read(engine_->counters(key), options, reading);
    is_found = reading != nullptr;
    if (is_found) visitor(*reading);
  });
  return is_found;
}

std::optional<ItemDetails> Cache::inspect(std::string_view key) const {
  return is_key(key) ? engine_->inspect(key, engine_->now_ms()) : std::nullopt;
}

Presence Cache::presence(std::string_view key) const {
  return is_key(key) ? engine_->presence(key, engine_->now_ms()) : Presence::kMissing;
}

size_t Cache::get_multi(std::span<const std::string_view> keys, MultiVisitor visitor) {
  if (!options().namespaces.empty()) return get_multi_by_namespaces(*engine_, keys, visitor);
  const size_t found = engine_->read_many(keys, visitor);
  const auto good_keys = static_cast<size_t>(std::ranges::count_if(keys, is_key));
  internal::Counters& counters = engine_->counters({});
  counters.add(Counter::kGetHits, found);
  counters.add(Counter::kGetMisses, good_keys - found);
  return found;
}

std::vector<std::optional<Item>> Cache::get_multi(std::span<const std::string_view> keys) {
  std::vector<std::optional<Item>> items(keys.size());
  get_multi(keys, [&](size_t index, const ItemView& item) { items[index] = copy(item); });
  return items;
}

void Cache::prefetch(std::span<const std::string_view> keys) const { engine_->prefetch(keys); }

// --- storing -----------------------------------------------------------------------------------------------

StoreResult Cache::set(std::string_view key, std::string_view value, const SetOptions& options) {
  return store(key, value, {.item = options}).result;
}

StoreResult Cache::add(std::string_view key, std::string_view value, const SetOptions& options) {
  return store(key, value, {.mode = StoreMode::kAdd, .item = options}).result;
}

StoreResult Cache::replace(std::string_view key, std::string_view value, const SetOptions& options) {
  return store(key, value, {.mode = StoreMode::kReplace, .item = options}).result;
}

StoreResult Cache::append(std::string_view key, std::string_view value) {
  return store(key, value, {.mode = StoreMode::kAppend}).result;
}

StoreResult Cache::prepend(std::string_view key, std::string_view value) {
  return store(key, value, {.mode = StoreMode::kPrepend}).result;
}

StoreResult Cache::cas(std::string_view key, std::string_view value, uint64_t expected, const SetOptions& options) {
  return store(key, value, {.item = options, .expected = expected}).result;
}

StoreOutcome Cache::store(std::string_view key, std::string_view value, const StoreOptions& options) {
  StoreOutcome outcome{.result = check(*engine_, key, value)};
  if (outcome.result == StoreResult::kStored) outcome = internal::store_item(*engine_, key, value, options);
  const bool has_failed = outcome.result == StoreResult::kTooLarge || outcome.result == StoreResult::kNoMemory;
  if (has_failed && options.mode == StoreMode::kSet && !options.expected) remove(*engine_, key);
  return outcome;
}

std::vector<StoreResult> Cache::set_multi(std::span<const SetEntry> entries) {
  std::vector<StoreResult> results;
  results.reserve(entries.size());
  std::array<std::string_view, kSetsAtOnce> keys;
  while (!entries.empty()) {
    const std::span<const SetEntry> next = entries.first(std::min(kSetsAtOnce, entries.size()));
    std::ranges::transform(next, keys.begin(), &SetEntry::key);
    engine_->prefetch(std::span(keys).first(next.size()));
    for (const SetEntry& entry : next) results.push_back(set(entry.key, entry.value, entry.options));
    entries = entries.subspan(next.size());
  }
  return results;
}

UpdateOutcome Cache::update(std::string_view key, Updater updater) {
  if (!is_key(key)) return {.status = UpdateStatus::kBadKey};
  return internal::update_item(*engine_, key, updater);
}

// --- counting ----------------------------------------------------------------------------------------------

CounterResult Cache::incr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  if (!is_key(key)) return {.status = CounterStatus::kBadKey};
  const auto add = [](uint64_t number, uint64_t by) { return number + by; };
  const CounterResult result = internal::count_item(*engine_, key, delta, options, add);
  count_outcome(engine_->counters(key), result.status, Counter::kIncrHits, Counter::kIncrMisses);
  return result;
}

CounterResult Cache::decr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  if (!is_key(key)) return {.status = CounterStatus::kBadKey};
  const auto subtract = [](uint64_t number, uint64_t by) { return number < by ? 0 : number - by; };
  const CounterResult result = internal::count_item(*engine_, key, delta, options, subtract);
  count_outcome(engine_->counters(key), result.status, Counter::kDecrHits, Counter::kDecrMisses);
  return result;
}

// --- expiry and removal ------------------------------------------------------------------------------------

bool Cache::visit_and_touch(std::string_view key, Expiry expiry, Visitor visitor) {
  if (!is_key(key)) return false;
  bool is_found = false;
  const ReadOptions options{.expiry = expiry, .may_win = false};
  internal::read_item(*engine_, key, options, internal::Reader::kAnyone, [&](const Reading* reading) {
    is_found = reading != nullptr;
    engine_->counters(key).add(is_found ? Counter::kTouchHits : Counter::kTouchMisses);
    if (is_found) visitor(reading->item);
  });
  return is_found;
}

std::optional<Item> Cache::get_and_touch(std::string_view key, Expiry expiry) {
  std::optional<Item> touched;
  visit_and_touch(key, expiry, [&](const ItemView& item) { touched = copy(item); });
  return touched;
}

bool Cache::touch(std::string_view key, Expiry expiry) {
  return touch(key, expiry, [](const ItemView&) {});
}

bool Cache::touch(std::string_view key, Expiry expiry, Visitor visitor) {
  if (!is_key(key)) return false;
  const int64_t now_ms = engine_->now_ms();
  const int64_t deadline_ms = engine_->deadline_of(expiry, now_ms);
  bool is_found = false;
  const std::optional<uint64_t> cas = engine_->mutate(key, now_ms, [&](const StoredItem* item) -> Decision {
    is_found = item != nullptr;
    if (is_found) visitor(*item);
    return is_found ? postponement(*item, deadline_ms, now_ms) : Decision{};
  });
  const bool is_touched = is_found && cas.has_value();
  engine_->counters(key).add(is_touched ? Counter::kTouchHits : Counter::kTouchMisses);
  return is_touched;
}

EraseResult Cache::erase(std::string_view key, std::optional<uint64_t> cas) {
  return erase(key, cas, [](const ItemView&) {});
}

EraseResult Cache::erase(std::string_view key, std::optional<uint64_t> cas, Visitor visitor) {
  internal::Counters& counters = engine_->counters(key);  // as in visit
  const EraseResult result = erase_with(*engine_, key, cas, [&](const ItemView& item, int64_t) {
    visitor(item);
    return Decision{.kind = Decision::Kind::kRemove};
  });
  if (result == EraseResult::kErased) counters.add(Counter::kEraseHits);
  return result;
}

EraseResult Cache::invalidate(std::string_view key, const InvalidateOptions& options) {
  return erase_with(*engine_, key, options.expected, [&](const StoredItem& item, int64_t now_ms) {
    return invalidation(*engine_, item, options, now_ms);
  });
}

void Cache::discard(std::string_view key) {
  if (is_key(key)) remove(*engine_, key);
}

size_t Cache::erase_multi(std::span<const std::string_view> keys) {
  size_t erased = 0;
  for (const std::string_view key : keys) {
    if (erase(key) == EraseResult::kErased) ++erased;
  }
  return erased;
}

size_t Cache::erase_if(Predicate is_unwanted) {
  return whole_walk([&](ScanCursor& cursor) { return erase_if(cursor, kItemsPerStep, is_unwanted); });
}

size_t Cache::erase_if(ScanCursor& cursor, size_t items_max, Predicate is_unwanted) {
  size_t erased = 0;
  const auto is_unwanted_item = [&](const ItemView* item) { return item != nullptr && is_unwanted(*item); };
  scan(cursor, items_max,
       [&](const ItemInfo& item) { erased += erase_one_if(*engine_, item.key, is_unwanted_item); });
  return erased;
}

size_t Cache::erase_prefix(std::string_view prefix) {
  return whole_walk([&](ScanCursor& cursor) { return erase_prefix(cursor, kItemsPerStep, prefix); });
}

size_t Cache::erase_prefix(ScanCursor& cursor, size_t items_max, std::string_view prefix) {
  size_t erased = 0;
  const auto erase = [&](const ItemInfo& item) {
    if (!item.key.starts_with(prefix)) return;
    erased += erase_one_if(*engine_, item.key, [](const ItemView*) { return true; });
  };
  // Loads that are under way must not bring back what was erased.
  engine_->scan(cursor, items_max, erase, Placeholders::kShown);
  return erased;
}

void Cache::flush_all(std::chrono::milliseconds delay) { engine_->flush_all(delay.count()); }

bool Cache::flush_namespace(std::string_view prefix) { return engine_->flush_namespace(prefix); }

// --- the whole cache ---------------------------------------------------------------------------------------

void Cache::for_each(absl::FunctionRef<bool(const ItemView& item)> visitor) const { engine_->for_each(visitor); }
bool Cache::scan(ScanCursor& cursor, size_t items_max,
                 absl::FunctionRef<void(const ItemInfo& item)> visitor) const {
  return engine_->scan(cursor, items_max, visitor);
}
const Options& Cache::options() const { return engine_->options(); }
Stats Cache::stats() const { return engine_->stats(); }
std::vector<NamespaceStats> Cache::namespace_stats() const { return engine_->namespace_stats(); }
void Cache::reset_stats() { engine_->reset_counters(); }
absl::Status Cache::set_memory_limit(size_t bytes) { return engine_->set_memory_limit(bytes); }
absl::Status Cache::check_memory_limit(size_t bytes) const { return engine_->check_memory_limit(bytes); }
size_t Cache::memory_limit_bytes_min() const { return engine_->memory_limit_bytes_min(); }
bool Cache::maintain(size_t step_bytes) { return engine_->maintain(step_bytes); }
void Cache::add_external_bytes(int64_t bytes) { engine_->add_external_bytes(bytes); }
void Cache::charge_external_bytes(size_t bytes) { engine_->charge_external_bytes(bytes); }
size_t Cache::bytes_over_limit() const { return engine_->bytes_over_limit(); }
absl::Status Cache::assert_valid() const { return engine_->assert_valid(); }

// --- for loaders -------------------------------------------------------------------------------------------

bool Cache::look(std::string_view key, Visitor visitor) {
  if (!is_key(key)) return false;
  bool is_hit = false;
  const auto note_and_visit = [&](const ItemView& item) {
    is_hit = !is_hidden(item);
    visitor(item);
  };
  const bool is_found = engine_->read(key, Engine::Trace::kUsedByLoader, note_and_visit);
  engine_->counters(key).add(is_hit ? Counter::kGetHits : Counter::kGetMisses);
  return is_found;
}

size_t Cache::look(std::span<const std::string_view> keys, MultiVisitor visitor) {
  return get_multi_by_namespaces(*engine_, keys, visitor, Engine::Trace::kUsedByLoader);
}

std::optional<ItemDetails> Cache::inspect_hidden(std::string_view key) const {
  return engine_->inspect(key, engine_->now_ms(), Placeholders::kShown);
}

bool Cache::claim(std::string_view key, const ReadOptions& options, ReadVisitor visitor) {
  bool is_found = false;
  internal::read_item(*engine_, key, options, internal::Reader::kLoader, [&](const Reading* reading) {
    is_found = reading != nullptr;
    if (is_found) visitor(*reading);
  });
  return is_found;
}

StoreResult Cache::bring(std::string_view key, std::optional<std::string_view> value, bool has_grace,
                         const StoreOptions& options) {
  const std::string_view bytes = value.value_or(std::string_view());
  if (const StoreResult result = check(*engine_, key, bytes); result != StoreResult::kStored) return result;
  const auto marks = static_cast<uint8_t>((value ? 0 : kMarkAbsent) | (has_grace ? kMarkGrace : 0));
  return internal::store_item(*engine_, key, bytes, options, Placeholders::kShown, marks).result;
}

EraseResult Cache::give_back(std::string_view key, const InvalidateOptions& options) {
  const auto decide = [&](const StoredItem& item, int64_t now_ms) {
    return invalidation(*engine_, item, options, now_ms);
  };
  return erase_with(*engine_, key, options.expected, decide, Placeholders::kShown);
}

}  // namespace larder
