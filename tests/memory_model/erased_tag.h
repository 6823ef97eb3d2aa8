// A tag is erased while a value that has it is being loaded.
#ifndef LARDER_TESTS_MEMORY_MODEL_ERASED_TAG_H_
#define LARDER_TESTS_MEMORY_MODEL_ERASED_TAG_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

// What the value is made from changes, and then the tag is erased. A load that counts the erasure as one from before
// must read what has changed: nobody would erase its value.
//
// Stands for: ErasedTags::erase and count; Loader::Call::claim, load and store.
// Must hold: a value made from what was there before the change is erased.
class ErasureBesideLoad : public rl::test_suite<ErasureBesideLoad, 2> {
 public:
  void thread(unsigned number) {
    if (number == 0) {
      source_.store(1, mo_relaxed);
      count_.fetch_add(1, order(kErase));
    } else {
      const unsigned erasures = count_.load(order(kErasures));
      const bool is_old = source_.load(mo_relaxed) == 0;
      require(!is_old || erasures == 0, "an old value is not erased");
    }
  }

 private:
  Atomic source_;
  Atomic count_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_ERASED_TAG_H_
