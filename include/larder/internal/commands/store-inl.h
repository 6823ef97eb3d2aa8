#ifndef LARDER_INTERNAL_COMMANDS_STORE_INL_H_
#define LARDER_INTERNAL_COMMANDS_STORE_INL_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "larder/api.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/store.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/decision.h"

namespace larder::internal {

// A store that adds to the value that is there.
inline bool extends(const StoreOptions& options) {
  return options.mode == StoreMode::kAppend || options.mode == StoreMode::kPrepend;
}

// 1 ms to 46 days: with what idle_deadline_ms adds, it is less than 2^32.
inline uint32_t bounded_idle_ms(std::chrono::milliseconds idle) {
  constexpr int64_t kIdleMaxMs = 4'000'000'000;
  return static_cast<uint32_t>(std::clamp<int64_t>(idle.count(), 1, kIdleMaxMs));
}

// A store that carries a CAS number to be compared.
inline bool compares(const StoreOptions& options) { return options.expected && options.mode != StoreMode::kAdd; }

// What comes late, and is to be stored as stale.
inline bool is_late(const StoredItem& item, const StoreOptions& options) {
  return options.takes_older && options.is_cas() && *options.expected < item.cas;
}

// A store that asks nothing of the item that is there.
inline bool replaces_anything(const StoreOptions& options) {
  return options.mode == StoreMode::kSet && !options.expected && options.item.cas == 0;
}

// kStored if the store is to be carried out, given what is there.
inline StoreResult judge(const StoredItem* item, const StoreOptions& options) {
  if (options.mode == StoreMode::kAdd) return item == nullptr ? StoreResult::kStored : StoreResult::kNotStored;
  if (item != nullptr) {
    const bool is_allowed = !compares(options) || has_cas(*item, *options.expected) || is_late(*item, options);
    return is_allowed ? StoreResult::kStored : StoreResult::kExists;
  }
  if (extends(options)) return options.vivify ? StoreResult::kStored : StoreResult::kNotStored;
  if (compares(options)) return StoreResult::kNotFound;
  return options.mode == StoreMode::kReplace ? StoreResult::kNotStored : StoreResult::kStored;
}

inline void count(Counters& counters, StoreResult result, const StoreOptions& options, Placeholders placeholders,
                  bool is_hidden) {
  if (result == StoreResult::kStored && !is_hidden) counters.add(Counter::kItemsStored);
  // A loader compares numbers of its own.
  if (!options.is_cas() || placeholders == Placeholders::kShown) return;
  if (result == StoreResult::kStored) counters.add(Counter::kCasHits);
  if (result == StoreResult::kNotFound) counters.add(Counter::kCasMisses);
  if (result == StoreResult::kExists) counters.add(Counter::kCasBadval);
}

// Makes the content of an item that is stored. Lives until it has been.
class StoredContent {
 public:
  // `tags`: null if it has none.
  StoredContent(std::string_view value, const StoreOptions& options, Marks marks, const TagStamp* tags,
                int64_t end_ms, int64_t latest_ms)
      : options_(options),
        latest_ms_(latest_ms),
        given_{.value = value,
               .flags = options.item.flags,
               .deadline_ms = end_ms,
               .marks = static_cast<Marks>(marks | binary_key_mark(options.item.is_key_binary))} {
    if (tags != nullptr) tags->put_into(given_);
    if (!options.item.idle || extends(options)) return;
    given_.marks |= kMarkIdle;
    given_.idle_ms = bounded_idle_ms(*options.item.idle);
    given_.end_at(end_ms, latest_ms);
  }

  [[nodiscard]] const Content& over(const StoredItem* item) {
    if (item == nullptr) return given_;
    if (extends(options_)) return joined(*item);
    if (!is_late(*item, options_)) return given_;
    changed_ = given_;
    changed_.deadline_ms = item->content.deadline_ms;
    changed_.idle_ms = item->content.idle_ms;
    changed_.end_ms = item->content.end_ms;
    changed_.marks &= static_cast<Marks>(~kMarkIdle);
    changed_.marks |= kMarkStale | (item->content.marks & (kMarkWon | kMarkGrace | kMarkIdle));
    changed_.note_use(latest_ms_);
    return changed_;
  }

 private:
  const Content& joined(const StoredItem& item) {
    changed_ = item.content;
    changed_.tail = given_.value.empty() ? std::string_view("") : given_.value;
    if (options_.mode == StoreMode::kPrepend) std::swap(changed_.value, changed_.tail);
    changed_.marks = (given_.marks & ~kMarksTags) | (item.content.marks & (kMarkGrace | kMarkIdle | kMarksTags));
    changed_.note_use(latest_ms_);
    return changed_;
  }

  const StoreOptions& options_;
  const int64_t latest_ms_;
  Content given_;
  Content changed_;
};

LARDER_INLINE StoreOutcome store(Engine& engine, const Engine::Target& target, std::string_view value,
                                 const StoreOptions& options) {
  StoreOutcome outcome{.result = check_size(engine, target.key, value)};
  if (outcome.result == StoreResult::kStored) outcome = store_item(engine, target, value, options);
  const bool has_failed = outcome.result == StoreResult::kTooLarge || outcome.result == StoreResult::kNoMemory;
  if (has_failed) remove_replaced(engine, target.key, options);
  return outcome;
}

LARDER_INLINE StoreOutcome store_item(Engine& engine, const Engine::Target& target, std::string_view value,
                                      const StoreOptions& options, Placeholders placeholders, Marks marks,
                                      std::optional<uint64_t> erasures) {
  const int64_t now_ms = engine.now_ms();
  const Expiry expiry = extends(options) ? options.vivify.value_or(Expiry()) : options.item.expiry;
  std::optional<TagStamp> tags;
  if (!options.item.tags.empty()) tags.emplace(options.item.tags, erasures.value_or(engine.erased_tags().count()));
  StoredContent stored(value, options, marks, tags ? &*tags : nullptr, engine.deadline_of(expiry, now_ms),
                       engine.latest_ms(now_ms));
  if (options.item.idle) engine.expect_expiries();
  Counters& counters = engine.counters(target.key);
  const bool is_hidden = (marks & kMarksHidden) != 0;
  if (!is_hidden) {
    counters.add(Counter::kStores);
    engine.note_request(target.key, RequestKind::kWrite);
  }
  StoreOutcome outcome;
  if (replaces_anything(options) && !is_hidden && stored.over(nullptr).deadline_ms > now_ms) {
    if (const std::optional<uint64_t> cas = engine.overwrite(target, stored.over(nullptr), now_ms)) {
      counters.add(Counter::kItemsStored);
      return {.result = StoreResult::kStored, .cas = *cas, .value_bytes = value.size()};
    }
  }
  const auto decide = [&](const StoredItem* item) -> Decision {
    outcome.result = judge(item, options);
    const size_t old_bytes = item != nullptr && extends(options) ? item->content.value.size() : 0;
    if (old_bytes + value.size() > engine.options().item_bytes_max) outcome.result = StoreResult::kNotStored;
    if (outcome.result != StoreResult::kStored) return {.is_used = !extends(options)};
    const Content& content = stored.over(item);
    outcome.value_bytes = content.value_bytes();
    Decision decision = replacement(content, now_ms, options.item.cas);
    decision.is_appended = item != nullptr && options.mode == StoreMode::kAppend;
    return decision;
  };
  const std::optional<uint64_t> cas = engine.mutate(target, now_ms, decide, placeholders);
  if (!cas) {
    counters.add(Counter::kStoreNoMemory);
    outcome = {.result = extends(options) ? StoreResult::kNotStored : StoreResult::kNoMemory};
    return outcome;
  }
  outcome.cas = *cas;
  count(counters, outcome.result, options, placeholders, is_hidden);
  return outcome;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_STORE_INL_H_
