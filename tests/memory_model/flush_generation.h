// A flush counts a generation up, and what was stored before is stale.
#ifndef LARDER_TESTS_MEMORY_MODEL_FLUSH_GENERATION_H_
#define LARDER_TESTS_MEMORY_MODEL_FLUSH_GENERATION_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

// A flush that has become due is applied by the first operation that comes after, or by flush_all.
//
// Stands for: Engine::now_ms, Engine::Moment, Engine::flush_all; Index::flush and Index::generation.
// Must hold: no operation that is later than the flush works in a generation before it.
template <const Site& look, const Site& done>
class DueFlush : public rl::test_suite<DueFlush<look, done>, 2> {
 public:
  void thread(unsigned number) {
    if (number == 0) {
      const Lock lock(mutex_);
      flush();
    } else {
      if (flush_due_.load(order(look)) != kNoFlush) {
        const Lock lock(mutex_);
        if (flush_due_.load(mo_relaxed) != kNoFlush) flush();
      }
      require(generation_.load(order(kGeneration)) > 0, "an operation did not see a flush that was due before it");
    }
  }

 private:
  static constexpr unsigned kNoFlush = 1;

  void flush() {
    generation_.fetch_add(1, order(kFlush));
    flush_due_.store(kNoFlush, order(done));
  }

  Mutex mutex_;
  Atomic flush_due_;
  Atomic generation_;
};
using DueFlushBesideChange = DueFlush<kNow, kFlushDone>;
using DueFlushBesideRead = DueFlush<kMoment, kFlushDone>;
using FlushAllBesideChange = DueFlush<kNow, kFlushAll>;

// A store is under way in the middle of a flush. What it stores is stale then, and lies where the cleaner looks for
// stale records, in a segment opened before the flush, or it is taken back.
//
// Stands for: Index::flush, Log::flush; Index::refresh, Log::reserve and open_next, Engine::unlink_if_flushed.
// Must hold: no stale record stays in a segment that was opened after the flush.
class FlushBesideStore : public rl::test_suite<FlushBesideStore, 3> {
 public:
  void before() {
    fill_[0].store(kOpenBit + 1, mo_relaxed);
    opened_[0].store(1);
    opened_count_.store(1);
  }

  void thread(unsigned number) {
    if (number == 0) flush();
    if (number == 1) store();
    if (number == 2) open_next(0);
  }

  void after() {
    const bool is_stored = stored_in_.load() != kNowhere;
    const bool is_stale = is_stored && stored_generation_.load() != generation_.load(mo_relaxed);
    if (is_stale)
      require(opened_[stored_in_.load()].load() < flushed_before_.load(), "a stale record lies among others");
  }

 private:
  static constexpr unsigned kNowhere = 2;

  void flush() {
    generation_.fetch_add(1, order(kFlush));
    const Lock lock(log_);
    flushed_before_.store(opened_count_.load() + 1);
  }

  void store() {
    const Lock lock(stripe_);
    stored_generation_.store(generation_.load(order(kGeneration)));
    unsigned id = open_.load(order(kReserve));
    while (!append(fill_[id])) {
      if (id == 1 || !open_next(id)) return;
      id = open_.load(order(kReserve));
    }
    stored_in_.store(id);
    // Engine::unlink_if_flushed.
    if (generation_.load(order(kGeneration)) != stored_generation_.load()) stored_in_.store(kNowhere);
  }

  bool open_next(unsigned full) {
    const Lock lock(log_);
    if (open_.load(mo_relaxed) != full) return true;
    opened_count_.store(opened_count_.load() + 1);
    opened_[1].store(opened_count_.load());
    fill_[1].store(kOpenBit, order(kOpenFill));
    open_.store(1, order(kOpenNext));
    return true;
  }

  Mutex stripe_;
  Mutex log_;
  Atomic generation_;
  Atomic open_;
  Atomic fill_[2];
  Plain opened_[2];
  Plain opened_count_;
  Plain flushed_before_;
  Plain stored_in_ = kNowhere;
  Plain stored_generation_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_FLUSH_GENERATION_H_
