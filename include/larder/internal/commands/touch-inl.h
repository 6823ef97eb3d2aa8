#ifndef LARDER_INTERNAL_COMMANDS_TOUCH_INL_H_
#define LARDER_INTERNAL_COMMANDS_TOUCH_INL_H_

#include <cstdint>
#include <optional>

#include "larder/api.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/read.h"
#include "larder/internal/commands/touch.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/decision.h"

namespace larder::internal {

LARDER_INLINE bool touch_item(Engine& engine, std::string_view key, Expiry expiry, Engine::Visitor visitor) {
  if (!is_key(key)) return false;
  const KeyRef ref = engine.ref(key);
  engine.note_request(ref, RequestKind::kWrite);
  const int64_t now_ms = engine.now_ms();
  const int64_t deadline_ms = engine.deadline_of(expiry, now_ms);
  bool is_found = false;
  const std::optional<uint64_t> cas = engine.mutate(ref, now_ms, [&](const StoredItem* item) -> Decision {
    is_found = item != nullptr;
    if (is_found) visitor(engine.view(*item, now_ms));
    return is_found ? postponement(*item, deadline_ms, engine.latest_ms(now_ms), now_ms) : Decision{};
  });
  const bool is_touched = is_found && cas.has_value();
  engine.counters(ref).add(is_touched ? Counter::kTouchHits : Counter::kTouchMisses);
  return is_touched;
}

LARDER_INLINE bool visit_and_touch_item(Engine& engine, std::string_view key, Expiry expiry,
                                        Engine::Visitor visitor) {
  if (!is_key(key)) return false;
  const KeyRef ref = engine.ref(key);
  engine.note_request(ref, RequestKind::kWrite);
  bool is_found = false;
  const ReadOptions options{.expiry = expiry, .may_win = false};
  read_item(engine, ref, options, Reader::kAnyone, [&](const Reading* reading) {
    is_found = reading != nullptr;
    engine.counters(ref).add(is_found ? Counter::kTouchHits : Counter::kTouchMisses);
    if (is_found) visitor(reading->item);
  });
  return is_found;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_TOUCH_INL_H_
