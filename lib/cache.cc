#include "larder/cache.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "larder/internal/counters.h"
#include "larder/internal/engine.h"

namespace larder {
namespace {

using internal::Content;
using internal::Counter;
using internal::Engine;
using internal::kNeverMs;
using Decision = Engine::Decision;

bool is_key(std::string_view key) { return !key.empty() && key.size() <= kKeyBytesMax; }

Item copy(const ItemView& view) {
  return {.value = std::string(view.value), .flags = view.flags, .cas = view.cas, .ttl_ms = view.ttl_ms};
}

// A new value, or none at all when its deadline is already past.
Decision replacement(std::string_view value, uint32_t flags, int64_t deadline_ms, int64_t now_ms) {
  if (deadline_ms <= now_ms) return {.kind = Decision::Kind::kRemove};
  return {.kind = Decision::Kind::kStore, .content = {.value = value, .flags = flags, .deadline_ms = deadline_ms}};
}

// Another value for the item, whose flags and deadline stay.
Decision revaluation(const ItemView& item, std::string_view value, int64_t now_ms) {
  const int64_t deadline_ms = item.ttl_ms == kNeverExpires ? kNeverMs : now_ms + item.ttl_ms;
  return {.kind = Decision::Kind::kStore,
          .content = {.value = value, .flags = item.flags, .deadline_ms = deadline_ms}};
}

// Another deadline for the item, whose value stays.
Decision postponement(const ItemView& item, int64_t deadline_ms, int64_t now_ms) {
  Decision decision = replacement(item.value, item.flags, deadline_ms, now_ms);
  decision.keeps_cas = true;
  decision.is_used = true;
  return decision;
}

// Digits for an unsigned 64-bit number, with spaces around and a '+' before them allowed.
std::optional<uint64_t> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What the store operations have in common. `decide` is asked about an item that is there, or about null, and
// says what the operation answers; only kStored stores.
StoreResult store(Engine& engine, std::string_view key, std::string_view value, const SetOptions& options,
                  absl::FunctionRef<StoreResult(const ItemView* item)> decide) {
  const int64_t now_ms = engine.now_ms();
  const int64_t deadline_ms = engine.deadline_of(options.expiry, now_ms);
  engine.counters().add(Counter::kStores);
  StoreResult result = StoreResult::kNotStored;
  const bool had_room = engine.mutate(key, now_ms, [&](const ItemView* item) -> Decision {
    result = decide(item);
    if (result != StoreResult::kStored) return {.is_used = true};
    return replacement(value, options.flags, deadline_ms, now_ms);
  });
  if (!had_room) {
    engine.counters().add(Counter::kStoreNoMemory);
    return StoreResult::kNoMemory;
  }
  if (result == StoreResult::kStored) engine.counters().add(Counter::kItemsStored);
  return result;
}

// kStored if key and value can be stored at all; what cannot is counted.
StoreResult check(Engine& engine, std::string_view key, std::string_view value) {
  if (!is_key(key)) return StoreResult::kBadKey;
  if (value.size() <= engine.options().item_bytes_max) return StoreResult::kStored;
  engine.counters().add(Counter::kStoreTooLarge);
  return StoreResult::kTooLarge;
}

void remove(Engine& engine, std::string_view key) {
  // Removing needs no room.
  (void)engine.mutate(key, engine.now_ms(),
                      [](const ItemView*) { return Decision{.kind = Decision::Kind::kRemove}; });
}

// The new value is `before` + old value + `after`.
StoreResult extend(Engine& engine, std::string_view key, std::string_view before, std::string_view after) {
  if (const StoreResult checked = check(engine, key, before.empty() ? after : before);
      checked != StoreResult::kStored) {
    return checked;
  }
  const int64_t now_ms = engine.now_ms();
  engine.counters().add(Counter::kStores);
  StoreResult result = StoreResult::kNotStored;
  std::string joined;
  const bool had_room = engine.mutate(key, now_ms, [&](const ItemView* item) -> Decision {
    result = StoreResult::kNotStored;
    if (item == nullptr || before.size() + item->value.size() + after.size() > engine.options().item_bytes_max) {
      return {};
    }
    joined.assign(before);
    joined.append(item->value).append(after);
    result = StoreResult::kStored;
    return revaluation(*item, joined, now_ms);
  });
  if (!had_room) {
    engine.counters().add(Counter::kStoreNoMemory);
    return StoreResult::kNotStored;
  }
  if (result == StoreResult::kStored) engine.counters().add(Counter::kItemsStored);
  return result;
}

using Arithmetic = uint64_t (*)(uint64_t number, uint64_t delta);

CounterResult count(Engine& engine, std::string_view key, uint64_t delta, const CounterOptions& options,
                    Arithmetic arithmetic) {
  if (!is_key(key)) return {.status = CounterStatus::kBadKey};
  const int64_t now_ms = engine.now_ms();
  const int64_t deadline_ms = engine.deadline_of(options.expiry, now_ms);
  CounterResult result;
  char digits[20];
  const auto text = [&](uint64_t number) -> std::string_view {
    return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
  };
  const bool had_room = engine.mutate(key, now_ms, [&](const ItemView* item) -> Decision {
    if (item == nullptr) {
      if (!options.initial) {
        result = {.status = CounterStatus::kNotFound};
        return {};
      }
      result = {.status = CounterStatus::kCreated, .value = *options.initial};
      return replacement(text(result.value), 0, deadline_ms, now_ms);
    }
    const std::optional<uint64_t> number = parse_number(item->value);
    if (!number) {
      result = {.status = CounterStatus::kNotANumber};
      return {};
    }
    result = {.status = CounterStatus::kDone, .value = arithmetic(*number, delta)};
    return revaluation(*item, text(result.value), now_ms);
  });
  if (!had_room) return {.status = CounterStatus::kNoMemory};
  if (result.status == CounterStatus::kCreated) engine.counters().add(Counter::kItemsStored);
  return result;
}

void count_outcome(Engine& engine, CounterStatus status, Counter hits, Counter misses) {
  if (status == CounterStatus::kDone) engine.counters().add(hits);
  if (status == CounterStatus::kNotFound) engine.counters().add(misses);
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
  engine_->counters().add(item ? Counter::kGetHits : Counter::kGetMisses);
  return item;
}

bool Cache::get(std::string_view key, std::string& value) {
  if (!is_key(key)) return false;
  const bool is_found = engine_->read_value(key, value);
  engine_->counters().add(is_found ? Counter::kGetHits : Counter::kGetMisses);
  return is_found;
}

bool Cache::visit(std::string_view key, Visitor visitor) {
  if (!is_key(key)) return false;
  const bool is_found = engine_->read(key, Engine::Trace::kUsed, visitor);
  engine_->counters().add(is_found ? Counter::kGetHits : Counter::kGetMisses);
  return is_found;
}

std::optional<Item> Cache::peek(std::string_view key) const {
  std::optional<Item> item;
  if (!is_key(key)) return item;
  engine_->read(key, Engine::Trace::kNone, [&](const ItemView& view) { item = copy(view); });
  return item;
}

bool Cache::contains(std::string_view key) const {
  return is_key(key) && engine_->read(key, Engine::Trace::kNone, [](const ItemView&) {});
}

size_t Cache::get_multi(std::span<const std::string_view> keys, MultiVisitor visitor) {
  const size_t found = engine_->read_many(keys, visitor);
  engine_->counters().add(Counter::kGetHits, found);
  const auto good_keys = static_cast<size_t>(std::ranges::count_if(keys, is_key));
  engine_->counters().add(Counter::kGetMisses, good_keys - found);
  return found;
}

std::vector<std::optional<Item>> Cache::get_multi(std::span<const std::string_view> keys) {
  std::vector<std::optional<Item>> items(keys.size());
  get_multi(keys, [&](size_t index, const ItemView& item) { items[index] = copy(item); });
  return items;
}

// --- storing -----------------------------------------------------------------------------------------------

StoreResult Cache::set(std::string_view key, std::string_view value, const SetOptions& options) {
  StoreResult result = check(*engine_, key, value);
  if (result == StoreResult::kStored) {
    result = store(*engine_, key, value, options, [](const ItemView*) { return StoreResult::kStored; });
  }
  if (result == StoreResult::kTooLarge || result == StoreResult::kNoMemory) remove(*engine_, key);
  return result;
}

StoreResult Cache::add(std::string_view key, std::string_view value, const SetOptions& options) {
  if (const StoreResult checked = check(*engine_, key, value); checked != StoreResult::kStored) return checked;
  return store(*engine_, key, value, options, [](const ItemView* item) {
    return item == nullptr ? StoreResult::kStored : StoreResult::kNotStored;
  });
}

StoreResult Cache::replace(std::string_view key, std::string_view value, const SetOptions& options) {
  if (const StoreResult checked = check(*engine_, key, value); checked != StoreResult::kStored) return checked;
  return store(*engine_, key, value, options, [](const ItemView* item) {
    return item != nullptr ? StoreResult::kStored : StoreResult::kNotStored;
  });
}

StoreResult Cache::append(std::string_view key, std::string_view value) { return extend(*engine_, key, {}, value); }
StoreResult Cache::prepend(std::string_view key, std::string_view value) {
  return extend(*engine_, key, value, {});
}

StoreResult Cache::cas(std::string_view key, std::string_view value, uint64_t expected, const SetOptions& options) {
  if (const StoreResult checked = check(*engine_, key, value); checked != StoreResult::kStored) return checked;
  const StoreResult result = store(*engine_, key, value, options, [&](const ItemView* item) {
    if (item == nullptr) return StoreResult::kNotFound;
    return expected != 0 && item->cas == expected ? StoreResult::kStored : StoreResult::kExists;
  });
  if (result == StoreResult::kStored) engine_->counters().add(Counter::kCasHits);
  if (result == StoreResult::kNotFound) engine_->counters().add(Counter::kCasMisses);
  if (result == StoreResult::kExists) engine_->counters().add(Counter::kCasBadval);
  return result;
}

std::vector<StoreResult> Cache::set_multi(std::span<const SetEntry> entries) {
  std::vector<StoreResult> results;
  results.reserve(entries.size());
  for (const SetEntry& entry : entries) results.push_back(set(entry.key, entry.value, entry.options));
  return results;
}

// --- counting ----------------------------------------------------------------------------------------------

CounterResult Cache::incr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  const CounterResult result =
      count(*engine_, key, delta, options, [](uint64_t number, uint64_t by) { return number + by; });
  count_outcome(*engine_, result.status, Counter::kIncrHits, Counter::kIncrMisses);
  return result;
}

CounterResult Cache::decr(std::string_view key, uint64_t delta, const CounterOptions& options) {
  const CounterResult result = count(*engine_, key, delta, options,
                                     [](uint64_t number, uint64_t by) { return number < by ? 0 : number - by; });
  count_outcome(*engine_, result.status, Counter::kDecrHits, Counter::kDecrMisses);
  return result;
}

// --- expiry and removal ------------------------------------------------------------------------------------

bool Cache::visit_and_touch(std::string_view key, Expiry expiry, Visitor visitor) {
  const std::optional<Item> item = get_and_touch(key, expiry);
  if (!item) return false;
  visitor({.key = key, .value = item->value, .flags = item->flags, .cas = item->cas, .ttl_ms = item->ttl_ms});
  return true;
}

std::optional<Item> Cache::get_and_touch(std::string_view key, Expiry expiry) {
  std::optional<Item> touched;
  if (!is_key(key)) return touched;
  const int64_t now_ms = engine_->now_ms();
  const int64_t deadline_ms = engine_->deadline_of(expiry, now_ms);
  const bool had_room = engine_->mutate(key, now_ms, [&](const ItemView* item) -> Decision {
    touched.reset();
    if (item == nullptr) return {};
    touched = copy(*item);
    return postponement(*item, deadline_ms, now_ms);
  });
  if (touched && had_room) touched->ttl_ms = deadline_ms == kNeverMs ? kNeverExpires : deadline_ms - now_ms;
  engine_->counters().add(touched ? Counter::kTouchHits : Counter::kTouchMisses);
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
  const bool had_room = engine_->mutate(key, now_ms, [&](const ItemView* item) -> Decision {
    is_found = item != nullptr;
    if (is_found) visitor(*item);
    return is_found ? postponement(*item, deadline_ms, now_ms) : Decision{};
  });
  engine_->counters().add(is_found && had_room ? Counter::kTouchHits : Counter::kTouchMisses);
  return is_found && had_room;
}

EraseResult Cache::erase(std::string_view key, std::optional<uint64_t> cas) {
  return erase(key, cas, [](const ItemView&) {});
}

EraseResult Cache::erase(std::string_view key, std::optional<uint64_t> cas, Visitor visitor) {
  EraseResult result = EraseResult::kNotFound;
  if (!is_key(key)) return result;
  // Removing needs no room.
  (void)engine_->mutate(key, engine_->now_ms(), [&](const ItemView* item) -> Decision {
    if (item == nullptr) return {};
    if (cas && *cas != item->cas) {
      result = EraseResult::kExists;
      return {};
    }
    visitor(*item);
    result = EraseResult::kErased;
    return {.kind = Decision::Kind::kRemove};
  });
  engine_->counters().add(result == EraseResult::kErased ? Counter::kEraseHits : Counter::kEraseMisses);
  return result;
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

void Cache::flush_all(std::chrono::milliseconds delay) { engine_->flush_all(delay.count()); }

// --- the whole cache ---------------------------------------------------------------------------------------

void Cache::for_each(absl::FunctionRef<bool(const ItemView& item)> visitor) const { engine_->for_each(visitor); }
bool Cache::scan(ScanCursor& cursor, size_t items_max,
                 absl::FunctionRef<void(const ItemInfo& item)> visitor) const {
  return engine_->scan(cursor, items_max, visitor);
}
Stats Cache::stats() const { return engine_->stats(); }
void Cache::reset_stats() { engine_->counters().reset(); }
absl::Status Cache::set_memory_limit(size_t bytes) { return engine_->set_memory_limit(bytes); }
size_t Cache::memory_limit_bytes_min() const { return engine_->memory_limit_bytes_min(); }
bool Cache::maintain(size_t step_bytes) { return engine_->maintain(step_bytes); }
void Cache::add_external_bytes(int64_t bytes) { engine_->add_external_bytes(bytes); }
absl::Status Cache::assert_valid() const { return engine_->assert_valid(); }

}  // namespace larder
