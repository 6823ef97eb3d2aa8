#ifndef LARDER_INTERNAL_COMMANDS_HOLD_INL_H_
#define LARDER_INTERNAL_COMMANDS_HOLD_INL_H_

#include <algorithm>
#include <memory>

#include "larder/api.h"
#include "larder/handle.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/engine.h"

namespace larder {

LARDER_INLINE void Handle::end() {
  engine_->end_handle(held_, copy_ != nullptr ? item_.key.size() + item_.value.size() : 0);
  copy_.reset();
  engine_ = nullptr;
  item_ = {};
}

namespace internal {

LARDER_INLINE size_t Engine::pinned_bytes_max() const {
  const size_t limit = account_.limit();
  return std::min(options_.pinned_bytes_max.value_or(limit / kPinnedDivisor), limit / kPinnedDivisorMin);
}

LARDER_INLINE Handle Engine::hold(const KeyRef& key) {
  const RemovalQueue::Delivery delivery(removals());
  note_request(key, RequestKind::kRead);
  Handle handle;
  const Seen seen = look_locked(key, now_ms(), Lookup::kGet, Shown::kInPlace, [&](const ItemView& item) {
    handle = keep(item);
    if (handle) return;
    handle = copy_of(item);
    counters(key).add(Counter::kHandlesCopied);
  });
  count_get(key, seen == Seen::kItem);
  return handle;
}

// Whoever is shown an item where it lies has its segment pinned.
LARDER_INLINE Handle Engine::keep(const ItemView& item) {
  Handle handle;
  if (!log_->contains(item.key) || !log_->contains(item.value)) return handle;
  const SegmentId segment = log_->segment_of(item.key);
  // A key that was shown with another item is none of this one's.
  if (!log_->contains(segment, item.value)) return handle;
  if (!log_->try_add_handle(segment, pinned_bytes_max())) return handle;
  handle.engine_ = this;
  handle.held_ = segment;
  handle.item_ = item;
  return handle;
}

LARDER_INLINE Handle Engine::copy_of(const ItemView& item) {
  const size_t bytes = item.key.size() + item.value.size();
  Handle handle;
  handle.copy_ = std::make_unique_for_overwrite<char[]>(bytes);
  charge(Use::kHandles, bytes);
  handle.engine_ = this;
  handle.item_ = item;
  char* const value = std::ranges::copy(item.key, handle.copy_.get()).out;
  std::ranges::copy(item.value, value);
  handle.item_.key = {handle.copy_.get(), item.key.size()};
  handle.item_.value = {value, item.value.size()};
  return handle;
}

LARDER_INLINE void Engine::end_handle(SegmentId held, size_t copied_bytes) {
  if (copied_bytes > 0) {
    account_.release(Use::kHandles, copied_bytes);
  } else {
    log_->end_handle(held);
  }
}

}  // namespace internal
}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_HOLD_INL_H_
