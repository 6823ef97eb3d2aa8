// A record is written into fresh room, a slot is made to point at it, and it is committed.
//
// Stands for: Log::append, Record::create, Index::place, Log::commit; a reader without a lock; Log::seal, Log::take
// and Cleaner::hash_of, which reads the keys of a victim without a lock.
// Must hold: whoever finds the slot finds the record whole, and so does the cleaner in a segment without writers.
#ifndef LARDER_TESTS_MEMORY_MODEL_PUBLISH_H_
#define LARDER_TESTS_MEMORY_MODEL_PUBLISH_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

class Publish : public rl::test_suite<Publish, 3> {
 public:
  void before() { fill_.store(kOpenBit, mo_relaxed); }

  void thread(unsigned number) {
    if (number == 0) store();
    if (number == 1) read();
    if (number == 2) clean();
  }

 private:
  void store() {
    const Lock lock(stripe_);
    if (!append(fill_)) return;
    record_.create(1);
    {
      const BucketChange change(bucket_.control);
      bucket_.slot.store(1, mo_relaxed);
    }
    commit(fill_, live_);
  }

  void read() {
    const std::optional<Seen> seen = optimistic_find(bucket_, &record_);
    if (!seen || seen->slot == 0) return;
    require(seen->key == 1 && seen->value == 1, "a slot pointed at a record that was not whole");
  }

  void clean() {
    const Lock lock(log_);
    fill_.fetch_and(~kOpenBit, order(kSeal));
    if (has_writers(fill_)) return;
    const unsigned used = fill_.load(order(kUsedBytes)) & kUsedMask;
    if (used != 0) require(record_.key.load(mo_relaxed) == 1, "the cleaner met a record that was not whole");
  }

  Mutex stripe_;
  Mutex log_;
  Bucket bucket_;
  Record record_;
  Atomic fill_;
  Atomic live_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_PUBLISH_H_
