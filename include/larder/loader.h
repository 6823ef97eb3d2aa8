// Loader: whoever asks first loads, and the others wait. Over bytes; loading_cache.h puts types on top of it, and
// is what programs use.
//
// Of all callers that find a key missing at the same time, one loads it. Which one, the cache's own mark says: an
// item is won (see larder::read) until its value comes, and where there is none a placeholder stands for it. That
// is the mark that memcached's meta commands set and show: a key that a client of a server is told to renew is not
// loaded here at the same time, nor the other way round. Callers of one Loader wait for each other without polling;
// for winners elsewhere, another Loader among them, one caller of a key looks every 1 to 50 ms, and the others wait
// for it.
//
// Placeholders, and the marks of what there was not to load (LoadOptions::absent_ttl), are no items. For everybody
// else those keys are missing: reads, stores of every kind, counters, touch, listeners, walks and statistics. Only
// a larder::read with `vivify`, which would renew the item, is shown a placeholder, as an empty item that is won.
// An erase answers kNotFound, and still ends the load or the absence; so does whatever stores. Both take memory.
//
// What a load must not do, and does not: replace what was stored after it began, or bring back what was erased,
// flushed or invalidated since. Its value then goes to the callers that were waiting for it, and is not stored; who
// comes after the erasure loads anew. So does who comes after the won item was evicted, which only looks like it.
// This goes by CAS numbers: with Options::cas off a loaded value replaces whatever is there.
//
// Nobody waits for ever. A winner that does not bring its value within LoadOptions::load_timeout is given up: by
// those who wait for it, and by the cache, which lets the next reader win the key. Those who wait get what old
// value there is, or DeadlineExceeded; the next caller loads. If the value comes after all, within another hour, it
// is stored unless the item was stored or erased meanwhile, or a client of a server has won it: of several loads
// that are late the first to end is. Waiting is measured by the system's steady clock, whatever Options::clock is.
// A load that fails gives the win back, and the next caller loads.
//
// A load may call the loader for other keys. Asking for its own key, it is told FailedPrecondition; loads of two
// threads that ask for each other's key get DeadlineExceeded after the load timeout.
//
// How that is made, and why it holds, stands at the top of internal/loader/flight.h.
#ifndef LARDER_LOADER_H_
#define LARDER_LOADER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "larder/api.h"
#include "larder/cache.h"
#include "larder/function_ref.h"

namespace larder {

namespace internal {
class Engine;
}  // namespace internal

// How a key is loaded, and how long what was loaded lasts. Callers of one key should agree on it. Durations below 0
// count as 0, and above 34 years as 34 years.
struct LoadOptions {
  // How long a value is fresh. Not given: as long as it is in the cache. 0: it goes to those who wait for it, and
  // is not kept.
  std::optional<std::chrono::milliseconds> ttl = {};

  // 0..1: up to this share of ttl and absent_ttl is taken off, at random, each time: what was loaded at the same
  // time is then not due at the same time. Less, or not a number, counts as 0, and more as 1.
  double ttl_jitter = 0;

  // In the last so-much of its ttl a value is due: one caller loads it, while the others go on with it. Should be
  // well below ttl, and above the time that a load takes.
  std::chrono::milliseconds refresh_ahead = {};

  // For so long after its ttl a value is kept, for callers whose load fails. The item's expiry in the cache is
  // ttl + stale_grace; what has another expiry since, by touch, set or any other call, has no grace. Takes 5 bytes
  // of each item, unless it is 0.
  std::chrono::milliseconds stale_grace = {};

  // How long it is known that there is nothing to load; 0: not at all.
  std::chrono::milliseconds absent_ttl = {};

  // How long a load is waited for, here and by readers elsewhere. 1 ms to 24 h. What takes longer by up to an hour
  // is still stored.
  std::chrono::milliseconds load_timeout = std::chrono::seconds(30);
};

// What a loader has counted since it was made. Hits and misses are the cache's to count (Stats): a key that is
// loaded adds 1 to get_misses and stores, one that is known to be absent 1 to get_misses.
struct LoadStats {
  uint64_t loads = 0;          // keys asked for of a load function
  uint64_t load_failures = 0;  // of these: an error, or an exception
  uint64_t absences = 0;       // of these: there is nothing to load
  uint64_t refreshes = 0;      // of these: loads of a key with a good value, about to expire or stale
  uint64_t not_stored = 0;     // of these: values that found something newer in their place, or no room
  uint64_t load_ns = 0;        // time spent in load functions, summed over threads
  uint64_t load_ns_max = 0;    // of this: the longest call of one
  uint64_t waits = 0;          // keys that somebody else's load was waited for
  uint64_t timeouts = 0;       // of these: in vain, for the load timeout
  uint64_t stale_served = 0;   // answered with an old value, or an old absence, in place of an error
  uint64_t absent_hits = 0;    // answered with NotFound by what the cache remembers: see LoadOptions::absent_ttl
};

// Reads a cache, and brings what is missing: the bytes beneath LoadingCache. Thread-safe.
class LARDER_API Loader {
 public:
  // Takes the value of one of the keys that were wanted; nothing: there is none.
  using Deliver = FunctionRef<void(size_t index, std::optional<std::string_view> value)>;

  // Loads the keys with these indexes, and delivers each, in any order, on the thread it is called on. An error
  // holds for all that it has not delivered; NotFound says that there is nothing to load. May throw: everybody who
  // waits then gets the exception.
  using Load = FunctionRef<absl::Status(std::span<const size_t> wanted, Deliver deliver)>;

  // Is shown the value of a key, with no lock held; false: these bytes are no value. What it was shown last
  // counts. It is not called for what `load` has delivered to this call.
  using Show = FunctionRef<bool(size_t index, std::string_view value)>;

  // `cache` must outlive this. `seed` is that of the jitter; not given: from the system's random device.
  explicit Loader(Cache& cache, std::optional<uint64_t> seed = std::nullopt, bool is_key_binary = false);

  // No other thread may be inside a call.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Shows or loads the value of `key`, whose index is 0.
  //
  // Returns
  //   OK                  it was shown, or delivered.
  //   NotFound            there is nothing to load, as `load` has said now or within absent_ttl.
  //   InvalidArgument     the key is empty or longer than kKeyBytesMax.
  //   FailedPrecondition  this thread is loading that key already.
  //   DeadlineExceeded    somebody else has been loading it for longer than load_timeout.
  //   any other           what `load` returned to whoever called it.
  // The last three only if there is no old value to show.
  //
  // Thread-safe. A hit costs what Cache::visit does. Source: the win of memcached's protocol.txt, "Meta Get",
  // stale-if-error of RFC 5861.
  [[nodiscard]] absl::Status get_or_load(std::string_view key, const LoadOptions& options, Load load, Show show) {
    Look look;
    look_up(key, [&](const ItemView& item) { look = look_at(item, 0, options, show); });
    if (look.suffices()) return answer(look);
    return load_missing({&key, 1}, {&look, 1}, options, load, show)[0];
  }

  // The same for many keys: those of them that this call is to load, it loads together with one call of `load`.
  // (Keys that it has waited for in vain, because their winner is elsewhere, come in further ones.) Element i of
  // the result belongs to keys[i].
  [[nodiscard]] std::vector<absl::Status> get_or_load_multi(std::span<const std::string_view> keys,
                                                            const LoadOptions& options, Load load, Show show);

  // Counted since it was made, over all its threads.
  [[nodiscard]] LoadStats stats() const;

 private:
  using milliseconds = std::chrono::milliseconds;
  using Steady = std::chrono::steady_clock;

  class Call;
  struct Flight;
  struct Stripe;

  // What an item is worth to somebody who asks for it.
  enum class Worth : uint8_t {
    kNothing,  // there is none, or it only stands for one
    kLapsed,   // past its ttl: for when a load fails
    kDue,      // good, but somebody should load it
    kFresh,
  };
  struct Look {
    // Whether there is nothing to be done.
    [[nodiscard]] bool suffices() const { return worth == Worth::kFresh || (worth == Worth::kDue && is_won); }

    Worth worth = Worth::kNothing;
    bool is_won = false;
    bool is_absence = false;  // what it holds is that there is no value
  };

  bool look_up(std::string_view key, FunctionRef<void(const ItemView& item)> visitor);
  [[nodiscard]] static Look look_at(const ItemView& item, size_t index, const LoadOptions& options, Show show);
  [[nodiscard]] static absl::Status absence();
  [[nodiscard]] absl::Status answer(const Look& look);
  [[nodiscard]] std::vector<absl::Status> load_missing(std::span<const std::string_view> keys,
                                                       std::span<const Look> looks, const LoadOptions& options,
                                                       Load load, Show show);
  [[nodiscard]] Stripe& stripe_of(std::string_view key) const;
  [[nodiscard]] Expiry expiry_of(bool is_absence, const LoadOptions& options);

  struct Counts {
    std::atomic<uint64_t> loads{0}, load_failures{0}, absences{0}, refreshes{0}, not_stored{0}, load_ns{0},
        load_ns_max{0}, waits{0}, timeouts{0}, stale_served{0}, absent_hits{0};
  };

  internal::Engine& engine_;  // of the cache
  const uint64_t seed_;
  const bool is_key_binary_;
  const std::unique_ptr<Stripe[]> stripes_;
  std::atomic<uint64_t> jitter_count_{0};
  Counts counts_;
};

}  // namespace larder

#ifdef LARDER_HEADER_ONLY
#include "larder/internal/loader-inl.h"
#endif

#endif  // LARDER_LOADER_H_
