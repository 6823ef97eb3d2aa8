#ifndef LARDER_INTERNAL_COMMANDS_ERASE_INL_H_
#define LARDER_INTERNAL_COMMANDS_ERASE_INL_H_

#include "larder/api.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/engine/counters.h"

namespace larder::internal {

LARDER_INLINE void remove_item(Engine& engine, std::string_view key) {
  (void)engine.mutate(key, engine.now_ms(),
                      [](const ItemView*) { return Decision{.kind = Decision::Kind::kRemove}; });
}

LARDER_INLINE Decision invalidation(const Engine& engine, const StoredItem& item, const InvalidateOptions& options,
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

LARDER_INLINE EraseResult erase_with(Engine& engine, std::string_view key, std::optional<uint64_t> expected,
                                     FunctionRef<Decision(const StoredItem& item, int64_t now_ms)> decide,
                                     Placeholders placeholders) {
  EraseResult result = EraseResult::kNotFound;
  if (!is_key(key)) return result;
  Counters& counters = engine.counters(key);
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
  if (!cas) remove_item(engine, key);
  const bool is_miss = result != EraseResult::kErased && placeholders == Placeholders::kHidden;
  if (is_miss) counters.add(Counter::kEraseMisses);
  return result;
}

LARDER_INLINE size_t erase_one_if(Engine& engine, std::string_view key,
                                  FunctionRef<bool(const ItemView* item)> is_unwanted) {
  bool is_removed = false;
  (void)engine.mutate(key, engine.now_ms(), [&](const ItemView* item) -> Decision {
    if (!is_unwanted(item)) return {};
    is_removed = item != nullptr;
    return {.kind = Decision::Kind::kRemove};
  });
  if (is_removed) engine.counters(key).add(Counter::kEraseHits);
  return is_removed ? 1 : 0;
}

LARDER_INLINE EraseResult erase_item(Engine& engine, std::string_view key, std::optional<uint64_t> cas,
                                     Engine::Visitor visitor) {
  Counters& counters = engine.counters(key);  // as in visit
  const EraseResult result = erase_with(engine, key, cas, [&](const ItemView& item, int64_t) {
    visitor(item);
    return Decision{.kind = Decision::Kind::kRemove};
  });
  if (result == EraseResult::kErased) counters.add(Counter::kEraseHits);
  return result;
}

LARDER_INLINE size_t erase_step(Engine& engine, ScanCursor& cursor, size_t items_max,
                                FunctionRef<bool(const ItemView& item)> is_unwanted) {
  size_t erased = 0;
  const auto is_unwanted_item = [&](const ItemView* item) { return item != nullptr && is_unwanted(*item); };
  engine.scan(cursor, items_max,
              [&](const ItemInfo& item) { erased += erase_one_if(engine, item.key, is_unwanted_item); });
  return erased;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_ERASE_INL_H_
