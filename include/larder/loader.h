// Loader: the first caller of a missing key loads it, and the others wait for the value. It works on bytes;
// programs use loading_cache.h, which adds types.
//
// Of all callers that find a key missing at the same time, one loads it. A mark in the cache decides which: a
// caller wins the item (see larder::read) until its value is stored, and where there is no item a placeholder is
// created to be won. memcached's meta commands set and show the same mark, so a key that a client of a server was
// told to renew is not loaded here at the same time, nor the other way round. Callers of one Loader wait for each
// other without polling. For a winner elsewhere, for example in another Loader, one caller of a key polls every 1
// to 50 ms, and the others wait for that caller.
//
// Placeholders and absent markers (LoadOptions::absent_ttl) are not items. For everybody else those keys are
// missing: for reads, stores of every kind, counters, touch, listeners, walks and statistics. Only a larder::read
// with `vivify`, which would renew the item, is shown a placeholder, as an empty item that is won. An erase
// returns kNotFound, but still ends the load or the absence; so does any store. Both take memory.
//
// A load never replaces what was stored after it started, and never brings back what was erased, flushed or
// invalidated since. Its value then goes to the callers that were waiting for it, and is not stored; callers that
// come after the erase load again. So do callers that come after the won item was evicted, because that looks the
// same. All this relies on CAS numbers: with Options::cas off, a loaded value replaces whatever is there.
//
// Nobody waits for ever. If a winner does not store its value within LoadOptions::load_timeout, those who wait for
// it give up, and the cache lets the next reader win the key. Those who waited get the old value if there is one,
// or DeadlineExceeded; the next caller loads. A value that arrives within another hour is still stored, unless the
// item was stored or erased meanwhile, or a client of a server has won it; of several late loads, the first to end
// stores its value. Waits are measured with the system's steady clock, whatever Options::clock is. If a load
// fails, the next caller wins the key and loads.
//
// A load function may call the loader for other keys. If it asks for its own key it gets FailedPrecondition. Two
// threads whose load functions ask for each other's key get DeadlineExceeded after the load timeout.
//
// internal/loader/flight.h describes how this works, and why it is correct.
#ifndef LARDER_LOADER_H_
#define LARDER_LOADER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "larder/api.h"
#include "larder/cache.h"
#include "larder/function_ref.h"
#include "larder/internal/base/atomic.h"

namespace larder {

namespace internal {
class Engine;
}  // namespace internal

// How a key is loaded, and how long the result lasts. All callers of a key should use the same options. Durations
// below 0 count as 0, and above 34 years as 34 years.
struct LoadOptions {
  // How long a value is fresh. Not given: as long as it is in the cache. 0: the value goes to the callers that
  // wait for it, and is not kept.
  std::optional<std::chrono::milliseconds> ttl = {};

  // 0..1. Up to this share of ttl and absent_ttl is subtracted at random each time, so that values loaded together
  // do not expire together. Less than 0, or not a number, counts as 0, and more than 1 as 1.
  double ttl_jitter = 0;

  // During this last part of its ttl a value is due: one caller loads it again, while the others use it. Should be
  // well below ttl, and longer than a load takes.
  std::chrono::milliseconds refresh_ahead = {};

  // How long after its ttl a value is kept for callers whose load fails. The item's expiry in the cache is ttl +
  // stale_grace; an item that gets another expiry, by touch, set or any other call, has no grace. Unless 0, takes
  // 5 bytes per item.
  std::chrono::milliseconds stale_grace = {};

  // How long the cache remembers that there is nothing to load; 0: not at all.
  std::chrono::milliseconds absent_ttl = {};

  // How long a value is there that nobody asks for. Not given: that does not matter. It ends no later than with
  // ttl and stale_grace; when it is due depends on ttl alone. See SetOptions::idle. (Not of objects, whose cache
  // says it: ObjectCacheOptions::idle.)
  std::optional<std::chrono::milliseconds> idle = {};

  // What the value, or the absence, can be erased by, together with others: see tags.h. (Not of objects.)
  Tags tags = {};

  // Client flags of the loaded item.
  uint32_t flags = 0;

  // How long callers, here and readers elsewhere, wait for a load. 1 ms to 24 h. The value of a load that takes up
  // to an hour longer is still stored.
  std::chrono::milliseconds load_timeout = std::chrono::seconds(30);
};

// Where an answer of a loader has come from; of an error, who has met it.
enum class LoadSource : uint8_t {
  kHit,     // the cache had it
  kStale,   // the cache had it, but past its ttl or invalidated, and there is nothing newer yet
  kAbsent,  // the cache knew that there is nothing to load
  kLoaded,  // this caller has called its load function
  kJoined,  // another caller was loading it, and this one has waited
};

// Has a task run, once, in a thread of the program's: for example by posting it to an event loop or a thread pool.
using LoadExecutor = std::function<void(std::function<void()> task)>;

// What a loader has counted since it was made. The cache counts hits and misses (Stats): a key that is loaded adds
// 1 to get_misses and to stores, and one that is known to be absent adds 1 to get_misses.
struct LoadStats {
  uint64_t loads = 0;          // keys requested from a load function
  uint64_t load_failures = 0;  // of loads: those that ended with an error or exception
  uint64_t absences = 0;       // of loads: there was nothing to load
  uint64_t refreshes = 0;      // of loads: those of a key with a good value, about to expire or stale
  uint64_t not_stored = 0;     // of loads: values not stored, because of a newer one or for lack of room
  uint64_t load_ns = 0;        // time spent in load functions, summed over threads
  uint64_t load_ns_max = 0;    // the longest single call of a load function
  uint64_t waits = 0;          // keys for which a caller waited for another caller's load
  uint64_t timeouts = 0;       // of waits: given up after the load timeout
  uint64_t stale_served = 0;   // answered with an old value, or an old absence, in place of an error
  uint64_t absent_hits = 0;    // answered with NotFound because of an absent marker: see LoadOptions::absent_ttl
};

namespace internal {

// What they are made of.
struct LoadCounts {
  RelaxedAtomic<uint64_t> loads{0}, load_failures{0}, absences{0}, refreshes{0}, not_stored{0}, load_ns{0},
      load_ns_max{0}, waits{0}, timeouts{0}, stale_served{0}, absent_hits{0};

  // A load function has returned.
  void note_load(std::chrono::nanoseconds took) {
    load_ns.fetch_add(static_cast<uint64_t>(took.count()));
    load_ns_max.raise_to(static_cast<uint64_t>(took.count()));
  }
  [[nodiscard]] LoadStats stats() const {
    return {.loads = loads.load(),
            .load_failures = load_failures.load(),
            .absences = absences.load(),
            .refreshes = refreshes.load(),
            .not_stored = not_stored.load(),
            .load_ns = load_ns.load(),
            .load_ns_max = load_ns_max.load(),
            .waits = waits.load(),
            .timeouts = timeouts.load(),
            .stale_served = stale_served.load(),
            .absent_hits = absent_hits.load()};
  }
};

}  // namespace internal

// Reads a cache, and loads what is missing, as bytes: the basis of LoadingCache. Thread-safe.
class LARDER_API Loader {
 public:
  // Takes the value of one of the wanted keys; nothing: there is none.
  using Deliver = FunctionRef<void(size_t index, std::optional<std::string_view> value)>;

  // Loads the keys with these indexes and delivers each, in any order, on the thread it is called on. A returned
  // error applies to all keys that it has not delivered; NotFound means that there is nothing to load. May throw:
  // then all waiting callers get the exception.
  using Load = FunctionRef<absl::Status(std::span<const size_t> wanted, Deliver deliver)>;

  // Is shown the value of a key, without a lock held, and returns false if these bytes are not a value. The last
  // call for a key counts. It is not called for values that `load` has delivered to this call.
  using Show = FunctionRef<bool(size_t index, std::string_view value)>;

  // Is told which keys are due (LoadOptions::refresh_ahead), and sees to it that somebody loads them: the call does
  // not, and gives its caller what there is.
  using Refresh = FunctionRef<void(std::span<const size_t> due)>;

  // `cache` must outlive this. `seed` is for the jitter; not given: taken from the system's random device.
  explicit Loader(Cache& cache, std::optional<uint64_t> seed = std::nullopt, bool is_key_binary = false);

  // No other thread may be inside a call.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Shows the value of `key`, whose index is 0, or loads it.
  //
  // Returns
  //   OK                  the value was shown, or delivered.
  //   NotFound            there is nothing to load, according to `load`, now or within absent_ttl.
  //   InvalidArgument     the key is empty or longer than kKeyBytesMax.
  //   FailedPrecondition  this thread is already loading that key.
  //   DeadlineExceeded    another caller has been loading it for longer than load_timeout.
  //   any other           what `load` returned to the caller that loaded.
  // The last three only if there is no old value to show. `source`: takes where the answer has come from.
  // `refresh`: see Refresh. Both may be null.
  //
  // Thread-safe. A hit costs as much as Cache::visit. Source: "win" in memcached's protocol.txt, "Meta Get";
  // stale-if-error in RFC 5861.
  [[nodiscard]] absl::Status get_or_load(std::string_view key, const LoadOptions& options, Load load, Show show,
                                         LoadSource* source = nullptr, const Refresh* refresh = nullptr) {
    Look look;
    look_up(key, [&](const ItemView& item) { look = look_at(item, 0, options, show); });
    if (look.suffices()) {
      if (source != nullptr) *source = look.source();
      return answer(look);
    }
    Answer result;
    load_missing({&key, 1}, {&look, 1}, options, load, show, refresh, {&result, 1});
    if (source != nullptr) *source = result.source;
    return std::move(result.status);
  }

  // The same for many keys. Those that this call has to load are loaded together, with one call of `load`. (Keys
  // for which it waited in vain, because their winner is elsewhere, take further calls.) Element i of the result
  // belongs to keys[i], and so does sources[i], if there is room for one for each.
  [[nodiscard]] std::vector<absl::Status> get_or_load_multi(std::span<const std::string_view> keys,
                                                            const LoadOptions& options, Load load, Show show,
                                                            std::span<LoadSource> sources = {},
                                                            const Refresh* refresh = nullptr);

  // The counters of all threads since it was made.
  [[nodiscard]] LoadStats stats() const { return counts_.stats(); }

 private:
  template <class Key, class T, class ValueCodec, class CodecOfKey>
  friend class LoadingCache;
  using milliseconds = std::chrono::milliseconds;
  using Steady = std::chrono::steady_clock;

  class Call;
  struct Flight;
  struct Stripe;

  // How useful an item is to a caller that asks for it.
  enum class Worth : uint8_t {
    kNothing,  // there is none, or only a placeholder for one
    kLapsed,   // past its ttl: used only if a load fails
    kDue,      // good, but somebody should load it
    kFresh,
  };
  struct Look {
    // Whether the caller has nothing left to do.
    [[nodiscard]] bool suffices() const { return worth == Worth::kFresh || (worth == Worth::kDue && is_won); }
    [[nodiscard]] LoadSource source() const {
      if (is_absence) return LoadSource::kAbsent;
      return is_stale || worth == Worth::kLapsed ? LoadSource::kStale : LoadSource::kHit;
    }

    Worth worth = Worth::kNothing;
    bool is_won = false;
    bool is_stale = false;    // the item was invalidated
    bool is_absence = false;  // the item is an absent marker
    uint64_t cas = 0;         // of the item, or of the placeholder for one; 0: there is neither
  };

  struct Answer {
    absl::Status status;
    LoadSource source = LoadSource::kLoaded;
  };

  // For LoadingCache, whose tasks have nobody to tell of exceptions.
  static void call_ignoring_exceptions(FunctionRef<void()> call);
  bool look_up(std::string_view key, FunctionRef<void(const ItemView& item)> visitor);
  [[nodiscard]] static Look look_at(const ItemView& item, size_t index, const LoadOptions& options, Show show);
  [[nodiscard]] absl::Status answer(const Look& look);
  void load_missing(std::span<const std::string_view> keys, std::span<const Look> looks, const LoadOptions& options,
                    Load load, Show show, const Refresh* refresh, std::span<Answer> results);
  [[nodiscard]] Stripe& stripe_of(std::string_view key) const;
  [[nodiscard]] Expiry expiry_of(bool is_absence, const LoadOptions& options);

  internal::Engine& engine_;  // of the cache
  const uint64_t seed_;
  const bool is_key_binary_;
  const std::unique_ptr<Stripe[]> stripes_;
  internal::RelaxedAtomic<uint64_t> jitter_count_{0};
  internal::LoadCounts counts_;
};

}  // namespace larder

#ifdef LARDER_HEADER_ONLY
#include "larder/internal/loader-inl.h"
#endif

#endif  // LARDER_LOADER_H_
