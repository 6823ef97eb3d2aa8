// Single flight, and why it is correct.
//
// A *flight* is one caller's attempt to get the value of one key, on behalf of all callers that ask this Loader
// for it. The caller that creates it leads it. It is in its stripe's table until it lands, or until another caller
// replaces it by a flight of its own, because it is overdue or its item is gone. The stripe's mutex guards
// everything in a flight that changes, except its result.
//
// Steps of a caller whose key was not in the cache:
//
//   enter   under the stripe's mutex: joins the flight in the table, or adds its own and leads it.
//   claim   leaders only: reads the item once more, as a reader that may win; where there is none it wins a
//           placeholder. Value fresh after all: lands, without a result for others. Won: has to load. Won by
//           somebody elsewhere: polls, and loads when its time is up.
//   load    leaders only, without a lock.
//   store   on condition that the item is still the claimed one (by its CAS number; an item that was given back,
//           erased, replaced or invalidated has another number, or is gone).
//   land    leaves the table under the stripe's mutex, notes the result, and wakes all waiting callers without a
//           mutex: there are many of them, and each would wait for it at once.
//   wait    joiners only, after all that they lead has landed: without a mutex, until the flight lands or its
//           deadline is past. If the flight has no result, they start again with a lookup in the cache.
//
// 1. One load at a time. Only a leader loads, and the table has one flight per key. A flight is replaced only if
//    it is overdue or its item is no longer the claimed one; then another load is what is wanted.
// 2. No second load of what has just been loaded. A caller that found nothing in the cache may enter after the
//    flight that it should have joined has landed. It then leads, but its claim comes after its entry, which comes
//    after the landing (same mutex), which comes after the store: it finds the value fresh, and does not load.
// 3. No second load elsewhere. The engine lets one reader win an item until it is stored again or gone, or a
//    placeholder until its lease ends (commands/read.h). Only a caller that has won, or has waited for
//    load_timeout, loads. (There are two exceptions, in which 1 and 2 still hold: there is no room to note the
//    win, or the item is there but its bytes are not a value.)
// 4. Nothing old is brought back. The store is conditional, as above, so any change of the item after the claim
//    prevails over a load that started before the change. A caller that asks after the change does not get that
//    load's value: when it enters, it compares the flight's item with the one that it has found itself, else with
//    the one that is there by then, and leads a new flight if they differ. If it enters before the flight has
//    noted its item, which is done under the stripe's mutex and before the load, the load starts after it came.
//    (Where no room was found for an item there is nothing to compare.) What a claim has found may have been read
//    before the caller came; that is why a flight that lands after its claim has no result for others. A load that
//    takes over a placeholder after its lease keeps its CAS number: both loads may then store, and the first does.
//    Neither brings anything back, because an erase since then has removed the placeholder, too.
// 5. No wake-up is missed, and no result is read before it is whole: the landing is an event (base/event.h), which
//    happens after the result was written. A result is left out only if nobody has joined by the time the flight
//    leaves the table, and nobody joins it after that.
// 6. Nobody waits for ever. A joiner waits until the flight's deadline, which is moved at most twice: when its
//    leader starts to wait for somebody elsewhere, and when it starts to load. A joiner starts again only within
//    load_timeout. A call leads some flights and joins others, and never waits before all it leads have landed. So
//    no two calls wait for each other, unless their load functions call the loader; then the deadline ends it.
// 7. A win does not outlive its flight. However a leader leaves, its flights land (~Call), and a flight without a
//    value gives the item back first, unless another leader has replaced it and inherited the win.
#ifndef LARDER_INTERNAL_LOADER_FLIGHT_H_
#define LARDER_INTERNAL_LOADER_FLIGHT_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "larder/internal/base/event.h"
#include "larder/internal/base/lock_order.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/loader/bounds.h"
#include "larder/loader.h"

namespace larder {
namespace internal {

inline constexpr size_t kLoaderStripes = 16;
// How often a caller checks whether a winner elsewhere has stored its value.
inline constexpr std::chrono::milliseconds kPollMin{1};
inline constexpr std::chrono::milliseconds kPollMax{50};

}  // namespace internal

struct Loader::Flight {
  Flight(std::string_view flight_key, const Call* flight_call, Steady::time_point flight_deadline)
      : key(flight_key), call(flight_call), deadline(flight_deadline) {}

  const std::string key;
  const Call* const call;  // only for comparison
  const std::thread::id leader = std::this_thread::get_id();

  // Guarded by the mutex of the key's stripe.
  Steady::time_point deadline;
  uint64_t claimed_cas = 0;  // CAS number of the item to be replaced; 0: unknown
  bool is_waited_for = false;

  // The result for others, if there is one. Written by the leader before it lands, and read after.
  std::optional<absl::Status> status;
  std::string value;
  std::exception_ptr exception;

  internal::Event landing;
};

struct alignas(64) Loader::Stripe {
  internal::Mutex mutex ABSL_ACQUIRED_BEFORE(internal::lock_order::kEngine);
  std::unordered_map<std::string_view, std::shared_ptr<Flight>> flights ABSL_GUARDED_BY(mutex);
};

}  // namespace larder

#endif  // LARDER_INTERNAL_LOADER_FLIGHT_H_
