// Threads wait for an event until a deadline, and the first of them has the timer.
//
// Stands for: Event, and Call::land and wait in the loader, which pass a result on by it.
// Must hold: those that see the event see the result whole; and none of the others is left asleep when the first
// gives up, whether the event happens before, after or meanwhile.
#ifndef LARDER_TESTS_MEMORY_MODEL_EVENT_H_
#define LARDER_TESTS_MEMORY_MODEL_EVENT_H_

#include "memory_model/orders.h"

namespace larder::memory_model {

// What the system's futex does: it looks at the word and goes to sleep as one step.
class Futex {
 public:
  void sleep_while(const Atomic& word, unsigned value) {
    const Where where = here();
    mutex_.lock(where);
    if (word.load(mo_relaxed, where) == value) woken_.wait(mutex_, where);
    mutex_.unlock(where);
  }
  void wake_all() {
    const Where where = here();
    mutex_.lock(where);
    woken_.notify_all(where);
    mutex_.unlock(where);
  }

 private:
  rl::mutex mutex_;
  rl::condition_variable woken_;
};

class EventWithTimer : public rl::test_suite<EventWithTimer, 3> {
 public:
  void thread(unsigned number) {
    if (number == 0) {
      result_.store(7);
      if (state_.exchange(kPast, order(kHappen)) == kAwaited) futex_.wake_all();
    } else if (wait(number == 1)) {
      require(result_.load() == 7, "the event was seen before the result");
    }
  }

 private:
  static constexpr unsigned kAhead = 0, kAwaited = 1, kPast = 2;

  // The deadline of one of them is past as soon as it has the timer.
  bool wait(bool is_hasty) {
    for (;;) {
      unsigned state = state_.load(order(kWait));
      if (state == kPast) return true;
      if (state == kAwaited) {
        futex_.sleep_while(state_, kAwaited);
      } else if (state_.compare_exchange(state, kAwaited, mo_relaxed)) {
        if (!is_hasty) futex_.sleep_while(state_, kAwaited);
        state = kAwaited;
        if (state_.compare_exchange(state, kAhead, mo_relaxed)) futex_.wake_all();
        if (is_hasty) return false;
      }
    }
  }

  Atomic state_;
  Plain result_;
  Futex futex_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_EVENT_H_
