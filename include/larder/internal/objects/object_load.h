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
#include "larder/internal/base/event.h"
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

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_OBJECTS_OBJECT_LOAD_H_
