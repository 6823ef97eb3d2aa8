#ifndef LARDER_INTERNAL_COMMANDS_ERASE_INL_H_
#define LARDER_INTERNAL_COMMANDS_ERASE_INL_H_

#include "larder/api.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/engine/counters.h"

namespace larder::internal {

LARDER_INLINE void remove_item(Engine& engine, const KeyRef& key) {
  (void)engine.mutate(key, engine.now_ms(),
                      [](const StoredItem*) { return Decision{.kind = Decision::Kind::kRemove}; });
}

LARDER_INLINE Decision invalidation(const Engine& engine, const StoredItem& item, const InvalidateOptions& options,
                                    int64_t now_ms) {
  Decision decision = marking(item, 0);
  Content& content = decision.content;
  const bool keeps_deadline = !options.is_empty && !options.expiry;
  content.marks &= static_cast<Marks>(~(kMarkWon | kMarkStale | (keeps_deadline ? 0 : kMarkGrace)));
  if (options.is_stale) content.marks |= kMarkStale;
  if (options.is_empty) {
    decision.kind = Decision::Kind::kReplace;
    content.value = {};
    content.flags = options.flags;
    content.marks &= static_cast<Marks>(~kMarkIdle);
    content.end_at(kNeverMs, engine.latest_ms(now_ms));
  }
  if (options.expiry) content.end_at(engine.deadline_of(*options.expiry, now_ms), engine.latest_ms(now_ms));
  decision.keeps_cas = !options.is_stale && options.cas == 0;
  decision.cas = options.cas;
  return removal_if_over(decision, now_ms);
}

LARDER_INLINE EraseResult erase_with(Engine& engine, const KeyRef& key, std::optional<uint64_t> expected,
                                     FunctionRef<Decision(const StoredItem& item, int64_t now_ms)> decide,
                                     Placeholders placeholders) {
  EraseResult result = EraseResult::kNotFound;
  if (placeholders == Placeholders::kHidden) engine.note_request(key, RequestKind::kWrite);
  const int64_t now_ms = engine.now_ms();
  // Not the optional itself: where this is inlined, GCC 12 warns that it may be uninitialized.
  const bool is_conditional = expected.has_value();
  const uint64_t expected_cas = expected.value_or(0);
  const auto decide_if_there = [&](const StoredItem* item) -> Decision {
    result = EraseResult::kNotFound;
    if (item == nullptr) return {.kind = is_conditional ? Decision::Kind::kLeave : Decision::Kind::kRemove};
    result = EraseResult::kExists;
    if (is_conditional && !has_cas(*item, expected_cas)) return {};
    result = EraseResult::kErased;
    return decide(*item, now_ms);
  };
  const std::optional<uint64_t> cas = engine.mutate(key, now_ms, decide_if_there, placeholders);
  if (!cas) remove_item(engine, key);
  const bool is_miss = result != EraseResult::kErased && placeholders == Placeholders::kHidden;
  if (is_miss) engine.counters(key).add(Counter::kEraseMisses);
  return result;
}

LARDER_INLINE size_t erase_one_if(Engine& engine, const KeyRef& key,
                                  FunctionRef<bool(const ItemView* item)> is_unwanted) {
  bool is_removed = false;
  const int64_t now_ms = engine.now_ms();
  (void)engine.mutate(key, now_ms, [&](const StoredItem* item) -> Decision {
    if (!engine.visit(item, now_ms, is_unwanted)) return {};
    is_removed = item != nullptr;
    return {.kind = Decision::Kind::kRemove};
  });
  if (is_removed) engine.counters(key).add(Counter::kEraseHits);
  return is_removed ? 1 : 0;
}

LARDER_INLINE EraseResult erase_item(Engine& engine, std::string_view key, std::optional<uint64_t> cas,
                                     Engine::Visitor visitor) {
  if (!is_key(key)) return EraseResult::kNotFound;
  const KeyRef ref = engine.ref(key);
  const EraseResult result = erase_with(engine, ref, cas, [&](const StoredItem& item, int64_t now_ms) {
    visitor(engine.view(item, now_ms));
    return Decision{.kind = Decision::Kind::kRemove};
  });
  if (result == EraseResult::kErased) engine.counters(ref).add(Counter::kEraseHits);
  return result;
}

LARDER_INLINE size_t erase_step(Engine& engine, ScanCursor& cursor, size_t items_max,
                                FunctionRef<bool(const ItemView& item)> is_unwanted) {
  size_t erased = 0;
  const auto is_unwanted_item = [&](const ItemView* item) { return item != nullptr && is_unwanted(*item); };
  engine.scan(cursor, items_max, [&](const ItemInfo& item) {
    erased += erase_one_if(engine, engine.ref(item.key), is_unwanted_item);
  });
  return erased;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_ERASE_INL_H_
