// Single flight, and why it holds.
//
// A *flight* is one caller's attempt to come by one key, on behalf of all who ask for it through this Loader. The
// caller that makes it leads it. It stands in its shard's table until it lands; or until another caller puts a
// flight of its own in its place, because it is overdue or because its item is gone. All of a flight that
// changes is guarded by the shard's mutex.
//
// What a caller does that was not served by a look at the cache:
//
//   enter   under the shard's mutex: joins the flight in the table, or puts one of its own there and leads it.
//   claim   leaders only: reads the item once more, as a reader who may win; where there is none it wins a
//           placeholder. Fresh after all: it lands, and has nothing to say. Won: it has to load. Won by somebody
//           elsewhere: it looks again later, and loads when its time is up.
//   load    leaders only, with no lock held.
//   store   on condition that the item is still the one that was claimed (its CAS number; an item that was given
//           back, erased, replaced or invalidated has another one, or is not there).
//   land    under the shard's mutex: out of the table, has_landed, everybody who waits is woken.
//   wait    joiners only, after all that they lead has landed, until has_landed or the flight's deadline. Those of
//           a flight that has nothing to say begin anew, with a look at the cache.
//
// 1. One load at a time. To load takes leading, and the table has one flight of a key. A flight is replaced only
//    if it is overdue or its item is no longer the claimed one; then loading anew is what is wanted.
// 2. No second load of what has just been loaded. A caller that saw nothing in the cache may enter when the flight
//    it should have joined has landed. It then leads, but its claim comes after its entering, which comes after the
//    landing (same mutex), which comes after the store: it finds the value, fresh, and does not load.
// 3. No second load elsewhere. The engine lets one reader win an item until it is stored again or gone, or a
//    placeholder until its lease ends (read_item.h), and only who has won, or has waited for load_timeout, loads.
//    (But for two cases, of which 1 and 2 still hold: there is no room to note the win, or the item is there but
//    its octets are no value.)
// 4. Nothing old is brought back. The store is conditional, as above, so whatever changes the item after the claim
//    wins over a load that began before the change. And who asks after the change is not given that load's value:
//    entering, it compares the flight's item with the one that is there, and leads anew if they differ. If it
//    enters before the flight has noted its item, which is done under the shard's mutex and before the load, the
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
#include "larder/loader.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/atomic_max.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/base/mutex.h"

namespace larder {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;
using internal::Mutex;
using internal::MutexLock;

constexpr size_t kShards = 16;
// How often a caller looks whether a winner elsewhere has brought its value.
constexpr milliseconds kPollMin{1};
constexpr milliseconds kPollMax{50};
// 34 years: beyond it the cache takes any expiry for never.
constexpr milliseconds kDurationMax{int64_t{1} << 40};

milliseconds bounded(milliseconds duration) { return std::clamp(duration, milliseconds(0), kDurationMax); }

milliseconds load_timeout(const LoadOptions& options) {
  return std::clamp(options.load_timeout, milliseconds(1), milliseconds(std::chrono::hours(24)));
}

// A copy that shares nothing. Copies of a Status count who refers to what they share, and Debian builds Abseil
// without ThreadSanitizer, which would take the last one to go for a race.
absl::Status own_copy(const absl::Status& status) {
  absl::Status copy(status.code(), status.message());
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) { copy.SetPayload(type, payload); });
  return copy;
}

// Relaxed, as all counts: statistics; nothing else is read on the strength of them.
void count(std::atomic<uint64_t>& counter, uint64_t n = 1) { counter.fetch_add(n, std::memory_order_relaxed); }
uint64_t sum(const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); }

}  // namespace

struct Loader::Flight {
  Flight(std::string_view flight_key, const Call* flight_call, Steady::time_point flight_deadline)
      : key(flight_key), call(flight_call), deadline(flight_deadline) {}

  const std::string key;
  const Call* const call;  // to compare only
  const std::thread::id leader = std::this_thread::get_id();

  // Guarded by the mutex of the key's shard.
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

// Its mutex comes before all of the cache's.
struct alignas(64) Loader::Shard {
  Mutex mutex;
  std::unordered_map<std::string_view, std::shared_ptr<Flight>> flights ABSL_GUARDED_BY(mutex);
};

// One call that a look at the cache did not suffice for.
class Loader::Call {
 public:
  Call(Loader& loader, const LoadOptions& options, Load load, Show show)
      : loader_(loader), cache_(loader.cache_), options_(options), load_(load), show_(show) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  ~Call() {
    for (Ask& ask : asks_) {
      if (ask.role != Role::kLeads) continue;
      give_back(ask);
      land(ask, absl::AbortedError("the load was abandoned"));
    }
  }

  // In the order of their indexes.
  void add(std::string_view key, size_t index, const Look& look) {
    asks_.push_back({.key = key, .index = index, .look = look});
  }

  void run(std::vector<absl::Status>& results) {
    for (std::vector<Ask*> asked = all(); !asked.empty(); asked = look_again(asked)) run_once(asked);
    for (Ask& ask : asks_) results[ask.index] = std::move(ask.status);
  }

 private:
  enum class Role : uint8_t { kDone, kLeads, kJoins, kLooksAgain };
  enum class Claim : uint8_t { kDone, kMine, kOthers };

  // One key that is asked for.
  struct Ask {
    std::string_view key;
    size_t index = 0;
    Look look = {};  // the best that was shown so far
    Role role = Role::kDone;
    absl::Status status = {};
    std::shared_ptr<Flight> flight = nullptr;
    uint64_t inherited_cas = 0;  // of what the flight that this one has replaced had claimed

    // The item that the value is to replace, as claimed.
    bool has_item = false;
    bool has_won = false;
    bool is_placeholder = false;
    bool is_stale = false;
    uint64_t cas = 0;
  };

  [[nodiscard]] Steady::time_point new_deadline() const { return Steady::now() + load_timeout(options_); }

  [[nodiscard]] std::vector<Ask*> all() {
    std::vector<Ask*> asked;
    asked.reserve(asks_.size());
    for (Ask& ask : asks_) asked.push_back(&ask);
    return asked;
  }

  void run_once(std::span<Ask* const> asked) {
    std::vector<Ask*> mine, others;
    for (Ask* ask : asked) enter(*ask);
    for (Ask* ask : asked) {
      if (ask->role != Role::kLeads) continue;
      const Claim claimed = claim(*ask);
      if (claimed == Claim::kMine) mine.push_back(ask);
      if (claimed == Claim::kOthers) others.push_back(ask);
    }
    load(mine);
    look_out(std::move(others));
    for (Ask* ask : asked) {
      if (ask->role == Role::kJoins) wait(*ask);
    }
  }

  // Those that a look at the cache still does not suffice for.
  [[nodiscard]] std::vector<Ask*> look_again(std::span<Ask* const> asked) {
    std::vector<Ask*> open;
    for (Ask* ask : asked) {
      if (ask->role != Role::kLooksAgain) continue;
      ask->role = Role::kDone;
      Look look;
      cache_.look(ask->key, [&](const ItemView& item) { look = look_at(item, ask->index, options_, show_); });
      if (look.worth > Worth::kNothing) ask->look = look;
      if (look.suffices()) {
        ask->status = loader_.answer(look);
      } else if (Steady::now() >= give_up_at_) {
        ask->status = time_out(*ask);
      } else {
        open.push_back(ask);
      }
    }
    return open;
  }

  void enter(Ask& ask) {
    Shard& shard = loader_.shard_of(ask.key);
    const MutexLock lock(shard.mutex);
    if (const auto found = shard.flights.find(ask.key); found != shard.flights.end()) {
      Flight& flight = *found->second;
      const bool is_own = flight.leader == std::this_thread::get_id();
      if (is_own && flight.call != this) {
        ask.status =
            unless_old(ask, absl::FailedPreconditionError("a load function asks for the key that it is loading"));
        return;
      }
      if (is_own || is_standing(flight)) {
        if (ask.look.worth == Worth::kDue) {
          ask.status = loader_.answer(ask.look);
          return;
        }
        flight.is_waited_for = true;
        ask.role = Role::kJoins;
        ask.flight = found->second;
        count(loader_.counts_.waits);
        return;
      }
      ask.inherited_cas = flight.claimed_cas;
      shard.flights.erase(found);
    }
    ask.flight = std::make_shared<Flight>(ask.key, this, new_deadline());
    shard.flights.emplace(ask.flight->key, ask.flight);
    ask.role = Role::kLeads;
  }

  // Whether the flight, which is in the table, is one to wait for.
  [[nodiscard]] bool is_standing(const Flight& flight) const {
    if (Steady::now() >= flight.deadline) return false;
    if (flight.claimed_cas == 0) return true;
    const std::optional<ItemDetails> item = cache_.inspect_hidden(flight.key);
    return item && item->cas == flight.claimed_cas;
  }

  Claim claim(Ask& ask) {
    const milliseconds ahead = ask.look.is_absence ? milliseconds(0) : bounded(options_.refresh_ahead);
    const ReadOptions how{
        .vivify = SetOptions{.expiry = load_timeout(options_), .is_key_binary = loader_.is_key_binary_},
        // One more than the grace: what has no time left but that is lapsed.
        .recache = bounded(options_.stale_grace) + std::max(ahead, milliseconds(1)),
        .marks_used = false};
    Look look;
    ask.has_won = false;
    ask.has_item = cache_.claim(ask.key, how, [&](const Reading& reading) {
      const ItemView& item = reading.item;
      ask.cas = item.cas;
      ask.is_placeholder = reading.is_created || item.is_placeholder;
      ask.is_stale = item.is_stale;
      ask.has_won = reading.has_won || (item.is_won && item.cas != 0 && item.cas == ask.inherited_cas);
      look = look_at(item, ask.index, options_, show_);
    });
    if (look.worth > Worth::kNothing) ask.look = look;
    const bool is_others = ask.has_item && look.is_won && !ask.has_won;
    if (look.worth == Worth::kFresh || (look.worth == Worth::kDue && is_others)) {
      give_back(ask);
      ask.status = loader_.answer(look);
      land(ask, std::nullopt);
      return Claim::kDone;
    }
    if (is_others) return Claim::kOthers;
    begin(ask);
    return Claim::kMine;
  }

  // From now on the flight is one that loads.
  void begin(Ask& ask) {
    const MutexLock lock(loader_.shard_of(ask.key).mutex);
    ask.flight->deadline = new_deadline();
    if (ask.has_item) ask.flight->claimed_cas = ask.cas;
  }

  // Looks again and again for what others elsewhere have won, and loads what they give up or do not bring in time.
  void look_out(std::vector<Ask*> others) {
    if (others.empty()) return;
    const Steady::time_point deadline = new_deadline();
    for (const Ask* ask : others) {
      count(loader_.counts_.waits);
      const MutexLock lock(loader_.shard_of(ask->key).mutex);
      // Those who have joined should see the load begin.
      ask->flight->deadline = deadline + 2 * kPollMax;
    }
    std::vector<Ask*> mine;
    for (milliseconds pause = kPollMin; !others.empty(); pause = std::min(2 * pause, kPollMax)) {
      std::this_thread::sleep_for(pause);
      const bool is_over = Steady::now() >= deadline;
      std::erase_if(others, [&](Ask* ask) {
        const Claim claimed = claim(*ask);
        const bool is_given_up = is_over && claimed == Claim::kOthers;
        if (is_given_up) count(loader_.counts_.timeouts);
        if (is_given_up) begin(*ask);
        if (is_given_up || claimed == Claim::kMine) mine.push_back(ask);
        return is_over || claimed != Claim::kOthers;
      });
      load(mine);
      mine.clear();
    }
  }

  void load(std::span<Ask* const> mine) {
    if (mine.empty()) return;
    std::vector<size_t> wanted;
    wanted.reserve(mine.size());
    for (const Ask* ask : mine) {
      wanted.push_back(ask->index);
      if (ask->look.worth == Worth::kDue) count(loader_.counts_.refreshes);
    }
    count(loader_.counts_.loads, wanted.size());
    const Steady::time_point begin = Steady::now();
    std::exception_ptr exception;
    const absl::Status status = call_load(wanted, exception);
    const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Steady::now() - begin);
    count(loader_.counts_.load_ns, static_cast<uint64_t>(took.count()));
    internal::raise(loader_.counts_.load_ns_max, static_cast<uint64_t>(took.count()));
    bool is_fatal = false;
    for (Ask* ask : mine) {
      if (ask->role != Role::kLeads) continue;
      if (exception == nullptr && absl::IsNotFound(status)) {
        bring(*ask, std::nullopt, status);
        continue;
      }
      count(loader_.counts_.load_failures);
      give_back(*ask);
      const absl::Status failure = status.ok() ? absl::InternalError("the load function left out a key") : status;
      land(*ask, failure, {}, exception);
      ask->status = unless_old(*ask, failure);
      is_fatal = is_fatal || !ask->status.ok();
    }
    if (is_fatal && exception != nullptr) std::rethrow_exception(exception);
  }

  // What the load function throws, if the library was built with exceptions, is put into `exception`.
  absl::Status call_load(std::span<const size_t> wanted, std::exception_ptr& exception) {
    const auto deliver = [&](size_t index, std::optional<std::string_view> value) {
      const auto ask = std::lower_bound(asks_.begin(), asks_.end(), index,
                                        [](const Ask& each, size_t place) { return each.index < place; });
      if (ask == asks_.end() || ask->index != index || ask->role != Role::kLeads) return;
      bring(*ask, value, value ? absl::OkStatus() : absence());
    };
#ifdef __cpp_exceptions
    try {
      return load_(wanted, deliver);
    } catch (...) {
      exception = std::current_exception();
      return absl::InternalError("the load function threw an exception");
    }
#else
    (void)exception;
    return load_(wanted, deliver);
#endif
  }

  // The value has come, or that there is none.
  void bring(Ask& ask, std::optional<std::string_view> value, const absl::Status& status) {
    if (!value) count(loader_.counts_.absences);
    store(ask, value);
    land(ask, status, value.value_or(std::string_view()));
    ask.status = status;
  }

  void store(const Ask& ask, std::optional<std::string_view> value) {
    StoreOptions how{
        .item = {.expiry = loader_.expiry_of(!value, options_), .is_key_binary = loader_.is_key_binary_}};
    if (!ask.has_item) how.mode = StoreMode::kAdd;
    if (ask.has_item && ask.cas != 0) how.expected = ask.cas;
    const bool has_grace = (!value || options_.ttl) && options_.stale_grace > milliseconds(0);
    const StoreResult result = cache_.bring(ask.key, value, has_grace, how);
    if (result == StoreResult::kStored) return;
    count(loader_.counts_.not_stored);
    // An old value must not outlive a new one that finds no room, nor the win a value that is too large.
    if (result == StoreResult::kTooLarge || result == StoreResult::kNoMemory) remove(ask);
  }

  // The claimed item, if it is still there.
  void remove(const Ask& ask) {
    if (!ask.has_item) return;
    if (ask.cas == 0) return cache_.discard(ask.key);
    (void)cache_.give_back(ask.key,
                           {.is_stale = false, .expected = ask.cas, .expiry = Expiry::after(milliseconds(0))});
  }

  // Lets the next reader win the item.
  void give_back(const Ask& ask) {
    if (!ask.has_won) return;
    {
      Shard& shard = loader_.shard_of(ask.key);
      const MutexLock lock(shard.mutex);
      const auto found = shard.flights.find(ask.key);
      if (found == shard.flights.end() || found->second != ask.flight) return;
    }
    if (ask.is_placeholder || ask.cas == 0) return remove(ask);
    (void)cache_.give_back(ask.key, {.is_stale = ask.is_stale, .expected = ask.cas});
  }

  void land(Ask& ask, const std::optional<absl::Status>& status, std::string_view value = {},
            std::exception_ptr exception = nullptr) {
    Shard& shard = loader_.shard_of(ask.key);
    const MutexLock lock(shard.mutex);
    const auto found = shard.flights.find(ask.key);
    if (found != shard.flights.end() && found->second == ask.flight) shard.flights.erase(found);
    Flight& flight = *ask.flight;
    if (status) flight.status = own_copy(*status);
    if (flight.is_waited_for) flight.value = value;
    flight.exception = std::move(exception);
    flight.has_landed = true;
    flight.landed.notify_all();
    ask.role = Role::kDone;
  }

  void wait(Ask& ask) {
    Flight& flight = *ask.flight;
    bool has_landed = false;
    {
      Shard& shard = loader_.shard_of(ask.key);
      const MutexLock lock(shard.mutex);
      while (!flight.has_landed && Steady::now() < flight.deadline) {
        // A copy: it is looked at with the mutex given up.
        const Steady::time_point deadline = flight.deadline;
        flight.landed.wait_until(shard.mutex, deadline);
      }
      has_landed = flight.has_landed;
    }
    ask.role = Role::kDone;
    if (!has_landed) {
      ask.status = time_out(ask);
    } else if (!flight.status) {
      ask.role = Role::kLooksAgain;
    } else if (flight.status->ok()) {
      if (!show_(ask.index, flight.value)) ask.status = absl::InternalError("the loaded value cannot be decoded");
    } else if (absl::IsNotFound(*flight.status)) {
      ask.status = own_copy(*flight.status);
    } else {
      ask.status = unless_old(ask, own_copy(*flight.status));
      if (!ask.status.ok() && flight.exception != nullptr) std::rethrow_exception(flight.exception);
    }
  }

  absl::Status time_out(const Ask& ask) {
    count(loader_.counts_.timeouts);
    return unless_old(ask, absl::DeadlineExceededError("somebody else's load takes longer than load_timeout"));
  }

  // What is answered when a load has failed.
  absl::Status unless_old(const Ask& ask, const absl::Status& failure) {
    if (ask.look.worth == Worth::kNothing) return failure;
    count(loader_.counts_.stale_served);
    return loader_.answer(ask.look);
  }

  Loader& loader_;
  Cache& cache_;
  const LoadOptions& options_;
  const Load load_;
  const Show show_;
  const Steady::time_point give_up_at_ = new_deadline();
  std::vector<Ask> asks_;
};

Loader::Loader(Cache& cache, std::optional<uint64_t> seed, bool is_key_binary)
    : cache_(cache),
      seed_(seed ? *seed : std::random_device()()),
      is_key_binary_(is_key_binary),
      shards_(std::make_unique<Shard[]>(kShards)) {}

Loader::~Loader() = default;

std::vector<absl::Status> Loader::get_or_load_multi(std::span<const std::string_view> keys,
                                                    const LoadOptions& options, Load load, Show show) {
  std::vector<Look> looks(keys.size());
  cache_.look(keys,
              [&](size_t index, const ItemView& item) { looks[index] = look_at(item, index, options, show); });
  return load_missing(keys, looks, options, load, show);
}

std::vector<absl::Status> Loader::load_missing(std::span<const std::string_view> keys, std::span<const Look> looks,
                                               const LoadOptions& options, Load load, Show show) {
  std::vector<absl::Status> results(keys.size());
  Call call(*this, options, load, show);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (looks[i].suffices()) {
      results[i] = answer(looks[i]);
    } else if (keys[i].empty() || keys[i].size() > kKeyBytesMax) {
      results[i] = absl::InvalidArgumentError("a key is empty or longer than kKeyBytesMax");
    } else {
      call.add(keys[i], i, looks[i]);
    }
  }
  call.run(results);
  return results;
}

Loader::Look Loader::look_at(const ItemView& item, size_t index, const LoadOptions& options, Show show) {
  Look look{.is_won = item.is_won, .is_absence = item.is_absence};
  if (!look.is_absence && !(has_value(item) && show(index, item.value))) return look;
  look.worth = item.is_stale ? Worth::kDue : Worth::kFresh;
  if (item.ttl_ms == kNeverExpires) return look;
  const int64_t fresh_ms = item.ttl_ms - (item.has_grace ? bounded(options.stale_grace).count() : 0);
  if (fresh_ms <= 0) {
    look.worth = Worth::kLapsed;
  } else if (!look.is_absence && fresh_ms < options.refresh_ahead.count()) {
    look.worth = Worth::kDue;
  }
  return look;
}

absl::Status Loader::absence() { return absl::NotFoundError("there is nothing to load"); }

absl::Status Loader::answer(const Look& look) {
  if (!look.is_absence) return absl::OkStatus();
  count(counts_.absent_hits);
  return absence();
}

Loader::Shard& Loader::shard_of(std::string_view key) const {
  return shards_[std::hash<std::string_view>{}(key) % kShards];
}

Expiry Loader::expiry_of(bool is_absence, const LoadOptions& options) {
  if (!is_absence && !options.ttl) return Expiry::never();
  const milliseconds ttl = bounded(is_absence ? options.absent_ttl : *options.ttl);
  if (ttl == milliseconds(0)) return ttl;
  // Relaxed: all that matters is that no number is drawn twice.
  const uint64_t draw = jitter_count_.fetch_add(1, std::memory_order_relaxed);
  const uint64_t random = internal::hash_key({reinterpret_cast<const char*>(&draw), sizeof draw}, seed_);
  // Unlike std::clamp these make 0 of what is not a number.
  const double jitter = std::fmin(std::fmax(options.ttl_jitter, 0.0), 1.0);
  const double share = jitter * static_cast<double>(random >> 11) * 0x1p-53;
  const milliseconds off(static_cast<int64_t>(static_cast<double>(ttl.count()) * share));
  return std::max(ttl - off, milliseconds(1)) + bounded(options.stale_grace);
}

LoadStats Loader::stats() const {
  return {.loads = sum(counts_.loads),
          .load_failures = sum(counts_.load_failures),
          .absences = sum(counts_.absences),
          .refreshes = sum(counts_.refreshes),
          .not_stored = sum(counts_.not_stored),
          .load_ns = sum(counts_.load_ns),
          .load_ns_max = sum(counts_.load_ns_max),
          .waits = sum(counts_.waits),
          .timeouts = sum(counts_.timeouts),
          .stale_served = sum(counts_.stale_served),
          .absent_hits = sum(counts_.absent_hits)};
}

}  // namespace larder
