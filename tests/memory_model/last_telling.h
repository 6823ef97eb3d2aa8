// A thread that has taken an object out of a shard tells the listener of its cache, which another thread ends.
//
// Stands for: ObjectStore::Departures; ObjectStore::clear and finish_telling.
// Must hold: the listener is not ended while it is told.
#ifndef LARDER_TESTS_MEMORY_MODEL_LAST_TELLING_H_
#define LARDER_TESTS_MEMORY_MODEL_LAST_TELLING_H_

#include "memory_model/orders.h"

namespace larder::memory_model {

class LastTelling : public rl::test_suite<LastTelling, 2> {
 public:
  void thread(unsigned number) {
    if (number == 0) evict();
    if (number == 1) end();
  }

 private:
  bool take_out() {
    const Lock lock(shard_);
    if (is_out_.load() != 0) return false;
    is_out_.store(1);
    telling_.fetch_add(1, mo_relaxed);
    return true;
  }

  void evict() {
    if (!take_out()) return;
    require(listener_.load() == 0, "a listener was told after its end");
    telling_.fetch_sub(1, order(kTold));
  }

  void end() {
    if (take_out()) telling_.fetch_sub(1, order(kTold));
    // A thread that waits comes here again.
    if (telling_.load(order(kAwaitTold)) == 0) listener_.store(1);
  }

  Mutex shard_;
  Plain is_out_;
  Plain listener_;  // 1: it has ended
  Atomic telling_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_LAST_TELLING_H_
