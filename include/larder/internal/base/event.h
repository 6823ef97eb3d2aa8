// Something that happens once, and that many threads wait for until a deadline.
//
// Threads that wait for a condition variable need its mutex when they are woken, and queue for it. Here they need
// none, and only one of them has a timer in the kernel, which costs as much as a tenth of a wait: the first. When
// its deadline is past it wakes the others, and the first of those that go on waiting has the next timer.
#ifndef LARDER_INTERNAL_BASE_EVENT_H_
#define LARDER_INTERNAL_BASE_EVENT_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "larder/internal/base/atomic.h"

namespace larder::internal {

// Thread-safe.
class Event {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Call once. What the thread did before is seen by those that see the event.
  void happen();

  // Returns true once it has happened, or false when the deadline is past. A deadline before that of the thread
  // with the timer may be noticed as late as that one.
  [[nodiscard]] bool wait_until(Deadline deadline);

 private:
  static constexpr uint32_t kAhead = 0;    // no thread has the timer
  static constexpr uint32_t kAwaited = 1;  // a thread has it; others may sleep
  static constexpr uint32_t kPast = 2;

  // Waits as the thread with the timer. Another one has it, or needs it no longer, when it returns.
  void keep_time_until(Deadline deadline);
  // Returns false if the deadline, if there is one, was past before the thread was woken.
  bool sleep_while_awaited(const Deadline* deadline);
  void wake_all();

  OrderedAtomic<uint32_t> state_{kAhead};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_EVENT_H_
