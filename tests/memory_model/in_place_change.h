// A record changes where it lies, while readers without a lock copy it.
//
// Stands for: Engine::store_in_place and Index::change_record; optimistic_find_at_home and optimistic_find_further.
// Must hold: what a reader believes to have found is of one store.
#ifndef LARDER_TESTS_MEMORY_MODEL_IN_PLACE_CHANGE_H_
#define LARDER_TESTS_MEMORY_MODEL_IN_PLACE_CHANGE_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

template <const Site& load, const Site& end>
class InPlaceChange : public rl::test_suite<InPlaceChange<load, end>, 2> {
 public:
  void before() {
    bucket_.slot.store(1, mo_relaxed);
    record_.rewrite(1);
  }

  void thread(unsigned number) { number == 0 ? overwrite() : read(); }

 private:
  void overwrite() {
    for (const unsigned content : {2, 3}) {
      const Lock lock(stripe_);
      const BucketChange change(bucket_.control);
      record_.rewrite(content);
    }
  }

  void read() {
    const std::optional<Seen> seen = optimistic_find<load, end>(bucket_, &record_);
    if (seen) require(seen->key == seen->value, "a reader found half of one store and half of another");
  }

  Mutex stripe_;
  Bucket bucket_;
  Record record_;
};

using ChangeBesideRead = InPlaceChange<kLoadBucket, kFindEnd>;
using ChangeBesideLongerRead = InPlaceChange<kLoadBucketFurther, kFindFurtherEnd>;

// A reader counts a use of the slot that it found, after all checks, while the item is erased, and another one of
// the same tag is put into the slot.
//
// Stands for: OptimisticResult::mark_used; Index::erase and Index::place.
// Must hold: a slot that was erased does not come back, and the other item's slot is not lost.
class UseBesideErase : public rl::test_suite<UseBesideErase, 2> {
 public:
  void before() { bucket_.slot.store(kItem, mo_relaxed); }

  void thread(unsigned number) {
    if (number == 0) {
      put(0);
      put(kOtherItem);
    } else if (const std::optional<Seen> seen = optimistic_find(bucket_); seen && seen->slot != 0) {
      unsigned slot = seen->slot;
      if (bucket_.slot.load(mo_relaxed) == slot) bucket_.slot.compare_exchange(slot, slot + kOneUse, mo_relaxed);
    }
  }

  void after() {
    require(bucket_.slot.load(mo_relaxed) % kOneUse == kOtherItem, "a use brought an erased slot back");
  }

 private:
  static constexpr unsigned kItem = 1;
  static constexpr unsigned kOtherItem = 2;
  static constexpr unsigned kOneUse = 1u << 16;

  void put(unsigned slot) {
    const Lock lock(stripe_);
    const BucketChange change(bucket_.control);
    bucket_.slot.store(slot, mo_relaxed);
  }

  Mutex stripe_;
  Bucket bucket_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_IN_PLACE_CHANGE_H_
