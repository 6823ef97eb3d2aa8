#ifndef LARDER_INTERNAL_COMMANDS_UPDATE_INL_H_
#define LARDER_INTERNAL_COMMANDS_UPDATE_INL_H_

#include <cstdint>
#include <optional>

#include "larder/api.h"
#include "larder/internal/commands/update.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/decision.h"

namespace larder::internal {

// What the item, if there is one, is to be with the value that was decided on.
inline Content updated(const Engine& engine, const StoredItem* item, const Update& update, int64_t now_ms) {
  Content content = item != nullptr ? item->content : Content();
  const Marks old_marks = content.marks;
  content.value = update.bytes();
  content.marks = item != nullptr ? static_cast<Marks>(old_marks & (kMarkBinaryKey | kMarkIdle | kMarksTags))
                                  : binary_key_mark(update.is_key_binary);
  if (update.flags) content.flags = *update.flags;
  if (update.expiry) {
    content.end_at(engine.deadline_of(*update.expiry, now_ms), engine.latest_ms(now_ms));
  } else {
    content.marks |= old_marks & kMarkGrace;
    content.note_use(engine.latest_ms(now_ms));
  }
  return content;
}

inline void count(Counters& counters, UpdateStatus status) {
  if (status == UpdateStatus::kErased) counters.add(Counter::kEraseHits);
  if (status == UpdateStatus::kTooLarge) counters.add(Counter::kStoreTooLarge);
  if (status == UpdateStatus::kNoMemory) counters.add(Counter::kStoreNoMemory);
  if (status == UpdateStatus::kStored) counters.add(Counter::kItemsStored);
  if (status == UpdateStatus::kStored || status == UpdateStatus::kNoMemory) counters.add(Counter::kStores);
}

LARDER_INLINE UpdateOutcome update_item(Engine& engine, const KeyRef& key,
                                        FunctionRef<Update(const ItemView* item)> updater) {
  engine.note_request(key, RequestKind::kWrite);
  const int64_t now_ms = engine.now_ms();
  UpdateOutcome outcome;
  Update update;  // its value is stored after the decision was returned
  const std::optional<uint64_t> cas = engine.mutate(key, now_ms, [&](const StoredItem* item) -> Decision {
    update = engine.visit(item, now_ms, updater);
    switch (update.kind) {
      case Update::Kind::kLeave:
        outcome.status = UpdateStatus::kLeft;
        return {};
      case Update::Kind::kErase:
        outcome.status = item != nullptr ? UpdateStatus::kErased : UpdateStatus::kLeft;
        return {.kind = Decision::Kind::kRemove};
      case Update::Kind::kStore:
        break;
    }
    if (update.bytes().size() > engine.options().item_bytes_max) {
      outcome.status = UpdateStatus::kTooLarge;
      return {};
    }
    outcome.status = UpdateStatus::kStored;
    Decision decision = replacement(updated(engine, item, update, now_ms), now_ms);
    decision.is_used = true;
    return decision;
  });
  if (!cas) outcome.status = UpdateStatus::kNoMemory;
  outcome.cas = cas.value_or(0);
  count(engine.counters(key), outcome.status);
  return outcome;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_UPDATE_INL_H_
