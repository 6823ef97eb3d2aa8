// A sealed segment is freed by the operation that takes out its last live record.
//
// Stands for: Engine::unlink and Log::remove_live; the room is written anew at once by whoever freed it, as
// Log::open_next, Log::append and Record::create would (segment_reuse.h has their orders).
// Must hold: a reader without a lock believes nothing that it copied of a new record, and what is live stays.
#ifndef LARDER_TESTS_MEMORY_MODEL_EMPTIED_SEGMENT_H_
#define LARDER_TESTS_MEMORY_MODEL_EMPTIED_SEGMENT_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

struct SealedSegment {
  Mutex log;
  Atomic state = State::kSealed;
  Atomic fill;
  Atomic live;

  // Log::remove_live. Calls free() if the segment is free then.
  template <class Free>
  void remove_live(Free&& free) {
    if (live.fetch_sub(1, order(kRemoveLive)) != 1) return;
    if (state.load(mo_relaxed) != State::kSealed) return;
    const Lock lock(log);
    if (state.load(mo_relaxed) != State::kSealed || has_writers(fill) || live.load(order(kNothingLive)) != 0)
      return;
    state.store(State::kFree, order(kFree));
    free();
  }
};

// A reader without a lock.
inline void read(const Bucket& bucket, const Record& record) {
  const std::optional<Seen> seen = optimistic_find(bucket, &record);
  if (!seen || seen->slot == 0) return;
  require(seen->key == 1 && seen->value == 1, "a reader found what was written later");
}

// Two records are erased by two threads, and the last one frees the segment.
class LastOneOut : public rl::test_suite<LastOneOut, 3> {
 public:
  void before() {
    segment_.live.store(2, mo_relaxed);
    for (unsigned i = 0; i < 2; ++i) {
      bucket_[i].slot.store(1, mo_relaxed);
      record_[i].rewrite(1);
    }
  }

  void thread(unsigned number) {
    if (number < 2) {
      erase(number);
    } else {
      read(bucket_[0], record_[0]);
    }
  }

 private:
  void erase(unsigned i) {
    const Lock lock(stripe_[i]);
    {
      const BucketChange change(bucket_[i].control);
      bucket_[i].slot.store(0, mo_relaxed);
    }
    segment_.remove_live([&] { record_[0].create(2); });
  }

  Mutex stripe_[2];
  Bucket bucket_[2];
  Record record_[2];
  SealedSegment segment_;
};

// One record is erased. Before the segment is looked at under the log's mutex, the last writer commits another one,
// which may be erased, too.
class EmptiedTwice : public rl::test_suite<EmptiedTwice, 3> {
 public:
  void before() {
    segment_.live.store(1, mo_relaxed);
    segment_.fill.store(2 + kOneWriter, mo_relaxed);
  }

  void thread(unsigned number) {
    if (number == 0) erase_first();
    if (number == 1) store_and_erase_second();
    if (number == 2) read(bucket_, record_);
  }

 private:
  void erase_first() {
    segment_.remove_live([&] { record_.create(2); });
  }

  void store_and_erase_second() {
    {
      const Lock lock(stripe_);
      record_.create(1);
      {
        const BucketChange change(bucket_.control);
        bucket_.slot.store(1, mo_relaxed);
      }
      commit(segment_.fill, segment_.live);
    }
    const Lock lock(stripe_);
    {
      const BucketChange change(bucket_.control);
      bucket_.slot.store(0, mo_relaxed);
    }
    segment_.remove_live([&] { record_.create(2); });
  }

  Mutex stripe_;
  Bucket bucket_;
  Record record_;
  SealedSegment segment_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_EMPTIED_SEGMENT_H_
