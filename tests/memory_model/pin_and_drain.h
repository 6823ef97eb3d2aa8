// Visitors look at a record where it lies, in a segment that they have pinned.
//
// The record's words are plain memory here: a visitor reads them plainly, and so a race for them is an error.
#ifndef LARDER_TESTS_MEMORY_MODEL_PIN_AND_DRAIN_H_
#define LARDER_TESTS_MEMORY_MODEL_PIN_AND_DRAIN_H_

#include "memory_model/engine_parts.h"

namespace larder::memory_model {

// A segment whose records are gone is freed when its last pin is, by whoever sees both. It may be in use again, and
// be drained again, before the one who took the last pin away has looked.
//
// Stands for: Engine::read_locked, Log::pin and unpin; Log::take, finish, free_when_unpinned and free_segment.
// Must hold: the segment is freed once each time, and not while anybody looks at what is in it.
class PinAndDrain : public rl::test_suite<PinAndDrain, 3> {
 public:
  void before() {
    slot_.store(1);
    record_.store(1);
  }

  void thread(unsigned number) {
    if (number < 2) {
      visit();
    } else {
      clean();
      if (use_again()) clean();
    }
  }

  void after() { require(state_.load(mo_relaxed) == State::kFree, "nobody freed the segment"); }

 private:
  void visit() {
    {
      const Lock lock(stripe_);
      if (slot_.load() == 0) return;
      pins_.fetch_add(1, order(kPin));
    }
    require(record_.load() == 1, "a visitor saw what was written later");
    if (pins_.fetch_sub(1, order(kUnpin)) != 1) return;
    if (state_.load(order(kIsDraining)) != State::kDraining) return;
    const Lock lock(log_);
    if (state_.load(mo_relaxed) == State::kDraining && !is_pinned()) free_segment();
  }

  void clean() {
    {
      const Lock lock(log_);
      state_.store(State::kCleaning, order(kCleaning));
    }
    {
      const Lock lock(stripe_);
      slot_.store(0);
    }
    const Lock lock(log_);
    state_.store(State::kDraining, order(kDrain));
    if (!is_pinned()) free_segment();
  }

  bool use_again() {
    {
      const Lock lock(log_);
      if (state_.load(mo_relaxed) != State::kFree) return false;
      state_.store(State::kSealed, order(kStart));
    }
    const Lock lock(stripe_);
    record_.store(1);
    slot_.store(1);
    return true;
  }

  bool is_pinned() const { return pins_.load(order(kIsPinned)) != 0; }

  void free_segment() {
    require(state_.load(mo_relaxed) == State::kDraining, "a segment was freed twice");
    state_.store(State::kFree, order(kFree));
    record_.store(2);
  }

  Mutex stripe_;
  Mutex log_;
  Plain slot_;
  Plain record_;
  Atomic pins_;
  Atomic state_ = State::kSealed;
};

// A record is changed in place only while nobody has its segment pinned.
//
// Stands for: Engine::read_locked, Log::pin and unpin; Engine::store_in_place.
class PinnedRecordStays : public rl::test_suite<PinnedRecordStays, 3> {
 public:
  void before() { record_.store(1); }

  void thread(unsigned number) {
    if (number < 2) {
      {
        const Lock lock(stripe_);
        pins_.fetch_add(1, order(kPin));
      }
      (void)record_.load();
      pins_.fetch_sub(1, order(kUnpin));
    } else {
      const Lock lock(stripe_);
      if (pins_.load(order(kIsPinned)) == 0) record_.store(2);
    }
  }

 private:
  Mutex stripe_;
  Plain record_;
  Atomic pins_;
};

// Two handles to what is in one segment begin and end.
//
// Stands for: Log::try_add_handle and end_handle, by those who have the segment pinned.
// Must hold: the segment's room counts once while there are handles to it, and is given back with the last.
class HandlesShareRoom : public rl::test_suite<HandlesShareRoom, 2> {
 public:
  void thread(unsigned) {
    add();
    require(handle_bytes_seen() == kRoom, "the room of a segment with a handle was not counted once");
    end();
  }

  void after() {
    require(handles_.load(mo_relaxed) == 0 && handle_bytes_.load() == 0, "room stayed counted without a handle");
  }

 private:
  static constexpr unsigned kRoom = 8;

  void add() {
    unsigned handles = handles_.load(mo_relaxed);
    while (handles != 0 && !handles_.compare_exchange(handles, handles + 1, mo_relaxed)) {
    }
    if (handles != 0) return;
    const Lock lock(log_);
    if (handles_.load(mo_relaxed) == 0) handle_bytes_.store(handle_bytes_.load() + kRoom);
    handles_.fetch_add(1, mo_relaxed);
  }

  void end() {
    unsigned handles = handles_.load(mo_relaxed);
    while (handles > 1 && !handles_.compare_exchange(handles, handles - 1, mo_relaxed)) {
    }
    if (handles != 1) return;
    const Lock lock(log_);
    if (handles_.fetch_sub(1, mo_relaxed) == 1) handle_bytes_.store(handle_bytes_.load() - kRoom);
  }

  unsigned handle_bytes_seen() {
    const Lock lock(log_);
    return handle_bytes_.load();
  }

  Mutex log_;
  Atomic handles_;
  Plain handle_bytes_;
};

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_PIN_AND_DRAIN_H_
