// What a cache has removed and its listener has not been told yet.
//
// Items go while locks are held, and a listener is called with none. So what is removed is copied into this queue,
// and every operation of the engine that may remove something delivers it when it has let its locks go
// (`Delivery`). An operation under way has no more here than it removes between two deliveries: a step of cleaning
// or of a namespace's hand, or the stale items of one page of the index.
//
// Nothing is locked and nobody called while the queue's mutex is held.
#ifndef LARDER_INTERNAL_ENGINE_REMOVAL_QUEUE_H_
#define LARDER_INTERNAL_ENGINE_REMOVAL_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "larder/internal/base/atomic.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/engine/counters.h"
#include "larder/removal_listener.h"

namespace larder::internal {

// Thread-safe.
class RemovalQueue {
 public:
  // Both must outlive it.
  RemovalQueue(RemovalListener& listener, Counters& counters);

  [[nodiscard]] bool wants(Removal why) const { return ((wanted_ >> static_cast<int>(why)) & 1) != 0; }

  // Copies the item, and its value if that is wanted. Without memory for that the item is counted as untold: the
  // cache, which calls this in the middle of a change, must not be left half done.
  void add(const ItemInfo& item, std::string_view value, Removal why) noexcept ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells the listener what is queued, and what is added meanwhile. Inside a call of the listener by this thread it
  // does nothing: the delivery that made the call goes on with what is there.
  void deliver() {
    // Relaxed: this thread sees what it has added itself; what others add they deliver.
    if (has_items_.load()) deliver_queued();
  }

  // Delivers at the end of an operation. To be made before the operation's locks, so that they have gone before it.
  class Delivery {
   public:
    // `queue` may be null.
    explicit Delivery(RemovalQueue* queue) : queue_(queue) {}
    ~Delivery() {
      if (queue_ != nullptr) queue_->deliver();
    }
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

   private:
    RemovalQueue* const queue_;
  };

 private:
  struct Entry {
    RemovedItem item;  // its key and value are in `bytes`, one behind the other
    size_t key_begin = 0;
    size_t key_bytes = 0;
    size_t copied_value_bytes = 0;
    Removal why = Removal::kEvicted;
  };
  struct Batch {
    std::vector<Entry> entries;
    std::string bytes;
  };

  // A thread that is delivering: known so that what its listener's calls remove waits for it. On the thread's
  // stack.
  struct Turn {
    const std::thread::id thread = std::this_thread::get_id();
    Turn* next = nullptr;
  };

  // False: this thread is delivering already.
  [[nodiscard]] bool begin(Turn& turn) ABSL_LOCKS_EXCLUDED(mutex_);
  void end(const Turn& turn) ABSL_LOCKS_EXCLUDED(mutex_);
  void append(const ItemInfo& item, std::string_view value, Removal why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void deliver_queued() ABSL_LOCKS_EXCLUDED(mutex_);
  [[nodiscard]] Batch take() ABSL_LOCKS_EXCLUDED(mutex_);

  RemovalListener& listener_;
  Counters& counters_;
  const unsigned wanted_;  // a bit for each cause
  const bool wants_values_;
  RelaxedAtomic<bool> has_items_{false};  // changed under the mutex

  Mutex mutex_ ABSL_ACQUIRED_AFTER(lock_order::kRemovals);
  Batch queued_ ABSL_GUARDED_BY(mutex_);
  Turn* turns_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_REMOVAL_QUEUE_H_
