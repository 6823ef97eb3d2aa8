// Single flight, and why it holds.
//
// A *flight* is one caller's attempt to come by one key, on behalf of all who ask for it through this Loader. The
// caller that makes it leads it. It stands in its stripe's table until it lands; or until another caller puts a
// flight of its own in its place, because it is overdue or because its item is gone. All of a flight that
// changes is guarded by the stripe's mutex.
//
// What a caller does that was not served by a look at the cache:
//
//   enter   under the stripe's mutex: joins the flight in the table, or puts one of its own there and leads it.
//   claim   leaders only: reads the item once more, as a reader who may win; where there is none it wins a
//           placeholder. Fresh after all: it lands, and has nothing to say. Won: it has to load. Won by somebody
//           elsewhere: it looks again later, and loads when its time is up.
//   load    leaders only, with no lock held.
//   store   on condition that the item is still the one that was claimed (its CAS number; an item that was given
//           back, erased, replaced or invalidated has another one, or is not there).
//   land    under the stripe's mutex: out of the table, has_landed, everybody who waits is woken.
//   wait    joiners only, after all that they lead has landed, until has_landed or the flight's deadline. Those of
//           a flight that has nothing to say begin anew, with a look at the cache.
//
// 1. One load at a time. To load takes leading, and the table has one flight of a key. A flight is replaced only
//    if it is overdue or its item is no longer the claimed one; then loading anew is what is wanted.
// 2. No second load of what has just been loaded. A caller that saw nothing in the cache may enter when the flight
//    it should have joined has landed. It then leads, but its claim comes after its entering, which comes after the
//    landing (same mutex), which comes after the store: it finds the value, fresh, and does not load.
// 3. No second load elsewhere. The engine lets one reader win an item until it is stored again or gone, or a
//    placeholder until its lease ends (commands/read.h), and only who has won, or has waited for load_timeout,
//    loads. (But for two cases, of which 1 and 2 still hold: there is no room to note the win, or the item is there
//    but its bytes are no value.)
// 4. Nothing old is brought back. The store is conditional, as above, so whatever changes the item after the claim
//    wins over a load that began before the change. And who asks after the change is not given that load's value:
//    entering, it compares the flight's item with the one that is there, and leads anew if they differ. If it
//    enters before the flight has noted its item, which is done under the stripe's mutex and before the load, the
//    load begins after it came. (Where no room was found for an item there is nothing to compare.) What a claim has
//    found may have been read before it came: that is why a flight that lands after its claim says nothing. A load
//    that takes over a placeholder after its lease leaves it its CAS number: both loads may then store, and the
//    first does. Neither brings back anything, for whatever was erased since took the placeholder with it.
// 5. No waking is missed. has_landed is set and looked at under one mutex, which waiting gives up as it begins.
// 6. Nobody waits for ever. A joiner waits until the flight's deadline, which is moved on twice at most: when its
//    leader begins to look out for somebody else, and to load. It begins anew only within load_timeout. A call
//    leads some flights and joins others, and never waits for one before all it leads have landed: so no two calls
//    wait for each other, unless their load functions call the loader. Then the deadline ends it.
// 7. A win does not outlive its flight. However a leader leaves, its flights land (~Call), and one that has not
//    brought a value gives the item back first, unless another leader has taken its place and inherited the win.
#ifndef LARDER_INTERNAL_LOADER_FLIGHT_H_
#define LARDER_INTERNAL_LOADER_FLIGHT_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
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
#include "larder/internal/base/mutex.h"
#include "larder/loader.h"

namespace larder {
namespace internal {

inline constexpr size_t kLoaderStripes = 16;
// How often a caller looks whether a winner elsewhere has brought its value.
inline constexpr std::chrono::milliseconds kPollMin{1};
inline constexpr std::chrono::milliseconds kPollMax{50};
// 34 years: beyond it the cache takes any expiry for never.
inline constexpr std::chrono::milliseconds kDurationMax{int64_t{1} << 40};

inline std::chrono::milliseconds bounded_duration(std::chrono::milliseconds duration) {
  return std::clamp(duration, std::chrono::milliseconds(0), kDurationMax);
}

inline std::chrono::milliseconds bounded_load_timeout(const LoadOptions& options) {
  return std::clamp<std::chrono::milliseconds>(options.load_timeout, std::chrono::milliseconds(1),
                                               std::chrono::hours(24));
}

// A copy that shares nothing. Copies of a Status count who refers to what they share, and Debian builds Abseil
// without ThreadSanitizer, which would take the last one to go for a race.
inline absl::Status own_copy(const absl::Status& status) {
  absl::Status copy(status.code(), status.message());
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) { copy.SetPayload(type, payload); });
  return copy;
}

// Relaxed, as all counts: statistics; nothing else is read on the strength of them.
inline void add_relaxed(std::atomic<uint64_t>& counter, uint64_t n = 1) {
  counter.fetch_add(n, std::memory_order_relaxed);
}
inline uint64_t load_relaxed(const std::atomic<uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace internal

struct Loader::Flight {
  Flight(std::string_view flight_key, const Call* flight_call, Steady::time_point flight_deadline)
      : key(flight_key), call(flight_call), deadline(flight_deadline) {}

  const std::string key;
  const Call* const call;  // to compare only
  const std::thread::id leader = std::this_thread::get_id();

  // Guarded by the mutex of the key's stripe.
  Steady::time_point deadline;
  uint64_t claimed_cas = 0;  // CAS number of the item that is to be replaced; 0: none is known
  bool is_waited_for = false;
  bool has_landed = false;
  std::condition_variable_any landed;

  // What it has to say, if anything. Written before has_landed, and not changed after.
  std::optional<absl::Status> status;
  std::string value;
  std::exception_ptr exception;
};

struct alignas(64) Loader::Stripe {
  internal::Mutex mutex;
  std::unordered_map<std::string_view, std::shared_ptr<Flight>> flights ABSL_GUARDED_BY(mutex);
};

}  // namespace larder

#endif  // LARDER_INTERNAL_LOADER_FLIGHT_H_
