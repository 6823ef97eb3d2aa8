// A segment is cleaned, freed and opened again, and its room is written, while a reader copies what lay there.
//
// Stands for: Cleaner::drop, Log::seal, Log::finish, Log::open_next; Log::reserve by a store that may have read
// which segment is open long before; Record::create; a reader without a lock. Must hold: a reader believes nothing
// that it copied of the new record.
#ifndef LARDER_TESTS_MEMORY_MODEL_SEGMENT_REUSE_H_
#define LARDER_TESTS_MEMORY_MODEL_SEGMENT_REUSE_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

class SegmentReuse : public rl::test_suite<SegmentReuse, 4> {
 public:
  void before() {
    bucket_.slot.store(1, mo_relaxed);
    record_.rewrite(1);
    fill_.store(kOpenBit + 1, mo_relaxed);
    open_.store(1, mo_relaxed);
  }

  void thread(unsigned number) {
    if (number == 0) clean();
    if (number == 1) open_next();
    if (number == 2) store();
    if (number == 3) read();
  }

 private:
  void clean() {
    {
      const Lock lock(log_);
      fill_.fetch_and(~kOpenBit, order(kSeal));
    }
    {
      const Lock lock(stripe_);
      const BucketChange change(bucket_.control);
      bucket_.slot.store(0, mo_relaxed);
    }
    const Lock lock(log_);
    is_free_.store(1);
  }

  void open_next() {
    const Lock lock(log_);
    if (is_free_.load() == 0) return;
    fill_.store(kOpenBit, order(kOpenFill));
    open_.store(1, order(kOpenNext));
  }

  // Of another key, in another stripe.
  void store() {
    if (open_.load(order(kReserve)) != 0 && append(fill_)) record_.create(2);
  }

  void read() {
    const std::optional<Seen> seen = optimistic_find(bucket_, &record_);
    if (!seen || seen->slot == 0) return;
    require(seen->key == 1 && seen->value == 1, "a reader found what was written later");
  }

  Mutex stripe_;
  Mutex log_;
  Bucket bucket_;
  Record record_;
  Atomic fill_;
  Atomic open_;
  Plain is_free_;
};

// A segment is cleaned, and its memory goes back to the system by the one who takes its last pin away.
//
// Stands for: Cleaner::drop, Log::unpin and give_back; a reader without a lock.
class SegmentGivenBack : public rl::test_suite<SegmentGivenBack, 3> {
 public:
  void before() {
    bucket_.slot.store(1, mo_relaxed);
    record_.rewrite(1);
  }

  void thread(unsigned number) {
    if (number == 0) clean();
    if (number == 1) give_back();
    if (number == 2) read();
  }

 private:
  void clean() {
    {
      const BucketChange change(bucket_.control);
      bucket_.slot.store(0, mo_relaxed);
    }
    const Lock lock(log_);
    is_free_.store(1);
  }

  void give_back() {
    {
      const Lock lock(log_);
      if (is_free_.load() == 0) return;
    }
    discard(record_);
  }

  void read() {
    const std::optional<Seen> seen = optimistic_find(bucket_, &record_);
    if (!seen || seen->slot == 0) return;
    require(seen->key == 1 && seen->value == 1, "a reader found what had gone back to the system");
  }

  Mutex log_;
  Bucket bucket_;
  Record record_;
  Plain is_free_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_SEGMENT_REUSE_H_
