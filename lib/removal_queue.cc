#include "larder/internal/removal_queue.h"

#include <new>
#include <utility>

namespace larder::internal {
namespace {

// How often one delivery takes what is queued: first what operations have removed, then what the listener's own
// calls have. Without a bound, a listener that puts back what a full cache evicts would be told for ever.
constexpr int kRoundsMax = 8;

unsigned causes_wanted(const RemovalListener& listener) {
  unsigned wanted = 0;
  for (int why = 0; why < kRemovalCount; ++why) {
    if (listener.wants(static_cast<Removal>(why))) wanted |= 1u << why;
  }
  return wanted;
}

// A delivery that this thread is in the middle of. There are several if listeners call other caches.
class Turn {
 public:
  explicit Turn(const RemovalQueue& queue) : queue_(queue), outer_(innermost_) { innermost_ = this; }
  ~Turn() { innermost_ = outer_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  [[nodiscard]] static bool is_under_way(const RemovalQueue& queue) {
    const Turn* turn = innermost_;
    while (turn != nullptr && &turn->queue_ != &queue) turn = turn->outer_;
    return turn != nullptr;
  }

 private:
  static thread_local const Turn* innermost_;

  const RemovalQueue& queue_;
  const Turn* const outer_;
};
thread_local const Turn* Turn::innermost_ = nullptr;

}  // namespace

RemovalQueue::RemovalQueue(RemovalListener& listener, Counters& counters)
    : listener_(listener),
      counters_(counters),
      wanted_(causes_wanted(listener)),
      wants_values_(listener.wants_values()) {}

void RemovalQueue::add(const ItemInfo& item, std::string_view value, Removal why) noexcept {
  const MutexLock lock(mutex_);
#ifdef __cpp_exceptions
  try {
    append(item, value, why);
  } catch (const std::bad_alloc&) {
    // Octets that belong to no entry go with the next batch.
    counters_.add(Counter::kRemovalsUntold);
  }
#else
  append(item, value, why);
#endif
}

void RemovalQueue::append(const ItemInfo& item, std::string_view value, Removal why) {
  if (!wants_values_) value = {};
  const size_t key_begin = queued_.octets.size();
  queued_.octets.append(item.key).append(value);
  queued_.entries.push_back({.item = {item, {}},
                             .key_begin = key_begin,
                             .key_bytes = item.key.size(),
                             .copied_value_bytes = value.size(),
                             .why = why});
  has_items_.store(true, std::memory_order_relaxed);
}

void RemovalQueue::deliver_queued() {
  if (Turn::is_under_way(*this)) return;
  const Turn turn(*this);
  for (int round = 0; round < kRoundsMax && has_items_.load(std::memory_order_relaxed); ++round) {
    Batch batch = take();
    const std::string_view octets = batch.octets;
    for (Entry& entry : batch.entries) {
      entry.item.key = octets.substr(entry.key_begin, entry.key_bytes);
      entry.item.value = octets.substr(entry.key_begin + entry.key_bytes, entry.copied_value_bytes);
      listener_.removed(entry.item, entry.why);
    }
  }
}

RemovalQueue::Batch RemovalQueue::take() {
  const MutexLock lock(mutex_);
  has_items_.store(false, std::memory_order_relaxed);
  return std::exchange(queued_, {});
}

}  // namespace larder::internal
