#ifndef LARDER_INTERNAL_ENGINE_REMOVAL_QUEUE_INL_H_
#define LARDER_INTERNAL_ENGINE_REMOVAL_QUEUE_INL_H_

#include <new>
#include <utility>

#include "larder/api.h"
#include "larder/internal/engine/removal_queue.h"

namespace larder::internal {

// How often one delivery takes what is queued: first what operations have removed, then what the listener's own
// calls have. Without a bound, a listener that puts back what a full cache evicts would be told for ever.
inline constexpr int kRoundsMax = 8;

inline unsigned causes_wanted(const RemovalListener& listener) {
  unsigned wanted = 0;
  for (int why = 0; why < kRemovalCount; ++why) {
    if (listener.wants(static_cast<Removal>(why))) wanted |= 1u << why;
  }
  return wanted;
}

LARDER_INLINE RemovalQueue::RemovalQueue(RemovalListener& listener, Counters& counters)
    : listener_(listener),
      counters_(counters),
      wanted_(causes_wanted(listener)),
      wants_values_(listener.wants_values()) {}

LARDER_INLINE void RemovalQueue::add(const ItemInfo& item, std::string_view value, Removal why) noexcept {
  const MutexLock lock(mutex_);
#ifdef __cpp_exceptions
  try {
    append(item, value, why);
  } catch (const std::bad_alloc&) {
    // Bytes that belong to no entry go with the next batch.
    counters_.add(Counter::kRemovalsUntold);
  }
#else
  append(item, value, why);
#endif
}

LARDER_INLINE void RemovalQueue::append(const ItemInfo& item, std::string_view value, Removal why) {
  if (!wants_values_) value = {};
  const size_t key_begin = queued_.bytes.size();
  queued_.bytes.append(item.key).append(value);
  queued_.entries.push_back({.item = {item, {}},
                             .key_begin = key_begin,
                             .key_bytes = item.key.size(),
                             .copied_value_bytes = value.size(),
                             .why = why});
  has_items_.store(true);
}

LARDER_INLINE bool RemovalQueue::begin(Turn& turn) {
  const MutexLock lock(mutex_);
  for (const Turn* other = turns_; other != nullptr; other = other->next) {
    if (other->thread == turn.thread) return false;
  }
  turn.next = turns_;
  turns_ = &turn;
  return true;
}

LARDER_INLINE void RemovalQueue::end(const Turn& turn) {
  const MutexLock lock(mutex_);
  Turn** link = &turns_;
  while (*link != &turn) link = &(*link)->next;
  *link = turn.next;
}

LARDER_INLINE void RemovalQueue::deliver_queued() {
  Turn turn;
  if (!begin(turn)) return;
  for (int round = 0; round < kRoundsMax && has_items_.load(); ++round) {
    Batch batch = take();
    const std::string_view bytes = batch.bytes;
    for (Entry& entry : batch.entries) {
      entry.item.key = bytes.substr(entry.key_begin, entry.key_bytes);
      entry.item.value = bytes.substr(entry.key_begin + entry.key_bytes, entry.copied_value_bytes);
      listener_.removed(entry.item, entry.why);
    }
  }
  end(turn);
}

LARDER_INLINE RemovalQueue::Batch RemovalQueue::take() {
  const MutexLock lock(mutex_);
  has_items_.store(false);
  return std::exchange(queued_, {});
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_REMOVAL_QUEUE_INL_H_
