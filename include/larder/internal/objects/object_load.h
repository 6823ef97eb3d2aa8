// A load of an object, which many may wait for.
#ifndef LARDER_INTERNAL_OBJECTS_OBJECT_LOAD_H_
#define LARDER_INTERNAL_OBJECTS_OBJECT_LOAD_H_

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "larder/api.h"
#include "larder/function_ref.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/event.h"
#include "larder/internal/loader/bounds.h"
#include "larder/internal/objects/object.h"
#include "larder/loader.h"

namespace larder::internal {

// The caller that has made it leads it. An object of its key, in the table, has it until it ends: the one that is
// to be replaced, or one without a value. If that object is taken out before, for whatever reason, what is loaded
// goes to those who wait, and is not stored: so a load brings back nothing that was erased, and overwrites nothing
// newer.
struct ObjectLoad {
  using Steady = std::chrono::steady_clock;

  // One who is called instead of waiting.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // The load has landed. Called once, without a lock held.
    virtual void landed(const ObjectLoad& load) noexcept = 0;
    // He does not want to know any more.
    virtual void cancelled() noexcept = 0;

    std::shared_ptr<const void> old;  // for him if the load fails
    uint64_t number = 0;              // among those of the load
  };

  ObjectLoad(Steady::time_point load_deadline, std::thread::id loading_thread)
      : leader(loading_thread), deadline(load_deadline) {}

  const std::thread::id leader;       // none if it does not wait for the result
  const Steady::time_point deadline;  // until then others wait; after it another may load

  // Guarded by the mutex of the key's shard. None comes when no object has this load any more.
  std::vector<std::unique_ptr<Waiter>> waiters;
  uint64_t waiter_count = 0;  // that there have been

  // The result: written before the landing, and read after it.
  absl::Status status;
  std::shared_ptr<Object> object;  // if the status is OK
  std::exception_ptr exception;

  Event landing;
};

// What LoadStats are made of.
class ObjectLoadCounts {
 public:
  RelaxedAtomic<uint64_t> loads{0}, refreshes{0}, not_stored{0}, waits{0}, timeouts{0}, stale_served{0},
      absent_hits{0};

  // A load function has returned.
  void note_load(uint64_t ns, const absl::Status& status) {
    load_ns_.fetch_add(ns);
    load_ns_max_.raise_to(ns);
    if (!status.ok()) (absl::IsNotFound(status) ? absences_ : load_failures_).fetch_add(1);
  }
  // Another number each time.
  [[nodiscard]] uint64_t next_draw() { return draws_.fetch_add(1); }

  [[nodiscard]] LoadStats stats() const {
    return {.loads = loads.load(),
            .load_failures = load_failures_.load(),
            .absences = absences_.load(),
            .refreshes = refreshes.load(),
            .not_stored = not_stored.load(),
            .load_ns = load_ns_.load(),
            .load_ns_max = load_ns_max_.load(),
            .waits = waits.load(),
            .timeouts = timeouts.load(),
            .stale_served = stale_served.load(),
            .absent_hits = absent_hits.load()};
  }

 private:
  RelaxedAtomic<uint64_t> load_failures_{0}, absences_{0}, load_ns_{0}, load_ns_max_{0}, draws_{0};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_OBJECTS_OBJECT_LOAD_H_
