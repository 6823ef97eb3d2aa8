// Counters: each thread counts in a block of its own, with plain loads and stores.
#ifndef LARDER_TESTS_MEMORY_MODEL_COUNTERS_H_
#define LARDER_TESTS_MEMORY_MODEL_COUNTERS_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

// Counters::add_alone.
inline void add_alone(Atomic& value) { value.store(value.load(mo_relaxed) + 1, mo_relaxed); }

// A thread goes on in the block of one that has ended.
//
// Stands for: give_thread_number_back and take_lowest_thread_number.
// Must hold: nothing that was counted is lost.
class NumberPassedOn : public rl::test_suite<NumberPassedOn, 2> {
 public:
  void before() { taken_.store(1, mo_relaxed); }

  void thread(unsigned number) {
    if (number == 1) {
      unsigned seen = 0;
      if (!taken_.compare_exchange(seen, 1, order(kTakeNumber))) return;
    }
    add_alone(value_);
    counted_.fetch_add(1, mo_relaxed);
    if (number == 0) taken_.fetch_and(0, order(kGiveNumberBack));
  }

  void after() { require(value_.load(mo_relaxed) == counted_.load(mo_relaxed), "a count was lost"); }

 private:
  Atomic taken_;
  Atomic value_;
  Atomic counted_;
};

// Two threads need blocks that are not there yet, and a third adds all blocks up.
//
// Stands for: PerThread::block_of_many, make_more and for_each, as Counters uses them.
// Must hold: nobody takes what lay in the memory before for a count.
class MoreBlocks : public rl::test_suite<MoreBlocks, 3> {
 public:
  void thread(unsigned number) {
    if (number < 2) {
      unsigned blocks = more_.load(order(kBlockOfMany));
      if (blocks == 0) blocks = make_more(number);
      add_alone(made_[blocks - 1][number]);
      require(made_[blocks - 1][number].load(mo_relaxed) == 1, "a thread went on from what was no count");
    } else if (const unsigned blocks = more_.load(order(kTotal)); blocks != 0) {
      for (const Atomic& value : made_[blocks - 1])
        require(value.load(mo_relaxed) <= 1, "a sum counts what was no count");
    }
  }

 private:
  static constexpr unsigned kGarbage = 7;

  unsigned make_more(unsigned number) {
    for (Atomic& value : made_[number]) value.store(0, mo_relaxed);
    unsigned blocks = 0;
    return more_.compare_exchange(blocks, number + 1, order(kMakeMore)) ? number + 1 : blocks;
  }

  Atomic more_;
  Atomic made_[2][2] = {{kGarbage, kGarbage}, {kGarbage, kGarbage}};
};

// Counters are reset while they are added up.
//
// Stands for: Counters::reset and sum.
// Must hold: no sum is below zero.
class ResetBesideSum : public rl::test_suite<ResetBesideSum, 3> {
 public:
  void thread(unsigned number) {
    if (number == 0) add_alone(value_);
    if (number == 1) reset_at_.store(value_.load(mo_relaxed), order(kReset));
    if (number == 2) {
      const unsigned at_reset = reset_at_.load(order(kSum));
      require(value_.load(mo_relaxed) >= at_reset, "a sum was below zero");
    }
  }

 private:
  Atomic value_;
  Atomic reset_at_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_COUNTERS_H_
