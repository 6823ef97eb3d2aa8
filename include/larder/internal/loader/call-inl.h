// One call of a Loader whose keys were not all in the cache: flight.h describes what it does, and why.
#ifndef LARDER_INTERNAL_LOADER_CALL_INL_H_
#define LARDER_INTERNAL_LOADER_CALL_INL_H_

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "larder/internal/base/atomic.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/loader/call_catching.h"
#include "larder/internal/loader/flight.h"
#include "larder/internal/loader/placeholder.h"

namespace larder {

class Loader::Call {
 public:
  Call(Loader& loader, const LoadOptions& options, Load load, Show show)
      : loader_(loader), engine_(loader.engine_), options_(options), load_(load), show_(show) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  ~Call() {
    for (Ask& ask : asks_) {
      if (ask.role != Role::kLeads) continue;
      give_back(ask);
      land(ask, absl::AbortedError("the load was abandoned"));
    }
  }

  // Call in the order of the indexes.
  void add(std::string_view key, size_t index, const Look& look) {
    asks_.push_back({.key = key, .index = index, .look = look});
  }

  void run(std::span<Answer> results) {
    do {
      run_once();
    } while (look_again());
    for (Ask& ask : asks_) results[ask.index] = {.status = std::move(ask.status), .source = ask.source};
  }

 private:
  enum class Role : uint8_t { kEnters, kLeads, kJoins, kLooksAgain, kDone };
  enum class Claim : uint8_t { kDone, kMine, kOthers };

  // One of the keys of the call.
  struct Ask {
    std::string_view key;
    size_t index = 0;
    Look look = {};  // the best that was shown so far
    Role role = Role::kEnters;
    absl::Status status = {};
    LoadSource source = LoadSource::kLoaded;
    std::shared_ptr<Flight> flight = nullptr;
    Steady::time_point deadline = {};  // of the flight, when it was joined
    uint64_t inherited_cas = 0;  // the claimed CAS number of the flight that this one replaced

    // The claimed item, which the value is to replace.
    bool has_item = false;
    bool has_won = false;
    bool is_placeholder = false;
    bool is_stale = false;
    uint64_t cas = 0;
    uint64_t erasures = 0;  // of tags, when it was claimed
  };

  [[nodiscard]] Steady::time_point new_deadline() const {
    return Steady::now() + internal::bounded_load_timeout(options_.load_timeout);
  }

  void run_once() {
    std::vector<Ask*> mine, others;
    for (Ask& ask : asks_) {
      if (ask.role == Role::kEnters) enter(ask);
    }
    for (Ask& ask : asks_) {
      if (ask.role != Role::kLeads) continue;
      const Claim claimed = claim(ask);
      if (claimed == Claim::kMine) mine.push_back(&ask);
      if (claimed == Claim::kOthers) others.push_back(&ask);
    }
    load(mine);
    look_out(std::move(others));
    for (Ask& ask : asks_) {
      if (ask.role == Role::kJoins) wait(ask);
    }
  }

  // Looks the keys up again, and returns whether some are still not answered.
  bool look_again() {
    bool is_any_open = false;
    for (Ask& ask : asks_) {
      if (ask.role != Role::kLooksAgain) continue;
      ask.role = Role::kDone;
      Look look;
      internal::look_as_loader(engine_, ask.key,
                               [&](const ItemView& item) { look = look_at(item, ask.index, options_, show_); });
      if (look.worth > Worth::kNothing) ask.look = look;
      if (look.suffices()) {
        ask.status = loader_.answer(look);
      } else if (Steady::now() >= give_up_at_) {
        ask.status = time_out(ask);
      } else {
        ask.role = Role::kEnters;
        is_any_open = true;
      }
    }
    return is_any_open;
  }

  void enter(Ask& ask) {
    ask.role = Role::kDone;
    Stripe& stripe = loader_.stripe_of(ask.key);
    const internal::MutexLock lock(stripe.mutex);
    if (const auto found = stripe.flights.find(ask.key); found != stripe.flights.end()) {
      Flight& flight = *found->second;
      const bool is_own = flight.leader == std::this_thread::get_id();
      if (is_own && flight.call != this) {
        ask.status =
            unless_old(ask, absl::FailedPreconditionError("a load function asks for the key that it is loading"));
        return;
      }
      if (is_own || is_standing(flight, ask.look)) {
        if (ask.look.worth == Worth::kDue) {
          ask.status = answer(ask, ask.look);
          return;
        }
        flight.is_waited_for = true;
        ask.role = Role::kJoins;
        if (!is_own) ask.source = LoadSource::kJoined;
        ask.flight = found->second;
        ask.deadline = flight.deadline;
        loader_.counts_.waits.fetch_add(1);
        return;
      }
      ask.inherited_cas = flight.claimed_cas;
      stripe.flights.erase(found);
    }
    ask.flight = std::make_shared<Flight>(ask.key, this, new_deadline());
    stripe.flights.emplace(ask.flight->key, ask.flight);
    ask.role = Role::kLeads;
  }

  // Whether a flight in the table is worth waiting for. `look`: the caller's own, at any moment of this call.
  [[nodiscard]] bool is_standing(const Flight& flight, const Look& look) const {
    if (Steady::now() >= flight.deadline) return false;
    if (flight.claimed_cas == 0 || flight.claimed_cas == look.cas) return true;
    const std::optional<ItemDetails> item = internal::inspect_as_loader(engine_, flight.key);
    return item && item->cas == flight.claimed_cas;
  }

  Claim claim(Ask& ask) {
    const milliseconds ahead =
        ask.look.is_absence ? milliseconds(0) : internal::bounded_duration(options_.refresh_ahead);
    const ReadOptions how{
        .vivify = SetOptions{.expiry = internal::bounded_load_timeout(options_.load_timeout),
                             .is_key_binary = loader_.is_key_binary_,
                             .tags = options_.tags},
        // One more than the grace: an item with exactly the grace left has lapsed.
        .recache = internal::bounded_duration(options_.stale_grace) + std::max(ahead, milliseconds(1)),
        .marks_used = false};
    Look look;
    if (!options_.tags.empty()) ask.erasures = engine_.erased_tags().count();
    ask.has_won = false;
    ask.has_item = internal::claim_item(engine_, ask.key, how, [&](const Reading& reading) {
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
      ask.status = answer(ask, look);
      land(ask, std::nullopt);
      return Claim::kDone;
    }
    if (is_others) return Claim::kOthers;
    begin(ask);
    return Claim::kMine;
  }

  // Marks the flight as one that loads.
  void begin(Ask& ask) {
    ask.source = LoadSource::kLoaded;
    const internal::MutexLock lock(loader_.stripe_of(ask.key).mutex);
    ask.flight->deadline = new_deadline();
    if (ask.has_item) ask.flight->claimed_cas = ask.cas;
  }

  // Polls for values that others elsewhere are loading, and loads what they give up or do not store in time.
  void look_out(std::vector<Ask*> others) {
    if (others.empty()) return;
    const Steady::time_point deadline = new_deadline();
    for (const Ask* ask : others) {
      loader_.counts_.waits.fetch_add(1);
      const internal::MutexLock lock(loader_.stripe_of(ask->key).mutex);
      // Callers that have joined should wait until the load starts.
      ask->flight->deadline = deadline + 2 * internal::kPollMax;
    }
    std::vector<Ask*> mine;
    for (milliseconds pause = internal::kPollMin; !others.empty();
         pause = std::min(2 * pause, internal::kPollMax)) {
      std::this_thread::sleep_for(pause);
      const bool is_over = Steady::now() >= deadline;
      std::erase_if(others, [&](Ask* ask) {
        const Claim claimed = claim(*ask);
        const bool is_given_up = is_over && claimed == Claim::kOthers;
        if (claimed == Claim::kDone) ask->source = LoadSource::kJoined;
        if (is_given_up) loader_.counts_.timeouts.fetch_add(1);
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
      if (ask->look.worth == Worth::kDue) loader_.counts_.refreshes.fetch_add(1);
    }
    loader_.counts_.loads.fetch_add(wanted.size());
    const Steady::time_point begin = Steady::now();
    std::exception_ptr exception;
    const absl::Status status = call_load(wanted, exception);
    loader_.counts_.note_load(Steady::now() - begin);
    bool is_fatal = false;
    for (Ask* ask : mine) {
      if (ask->role != Role::kLeads) continue;
      if (exception == nullptr && absl::IsNotFound(status)) {
        bring(*ask, std::nullopt, status);
        continue;
      }
      loader_.counts_.load_failures.fetch_add(1);
      give_back(*ask);
      const absl::Status failure = status.ok() ? absl::InternalError("the load function left out a key") : status;
      land(*ask, failure, {}, exception);
      ask->status = unless_old(*ask, failure);
      is_fatal = is_fatal || !ask->status.ok();
    }
    if (is_fatal && exception != nullptr) std::rethrow_exception(exception);
  }

  absl::Status call_load(std::span<const size_t> wanted, std::exception_ptr& exception) {
    const auto deliver = [&](size_t index, std::optional<std::string_view> value) {
      const auto ask = std::lower_bound(asks_.begin(), asks_.end(), index,
                                        [](const Ask& each, size_t place) { return each.index < place; });
      if (ask == asks_.end() || ask->index != index || ask->role != Role::kLeads) return;
      bring(*ask, value, value ? absl::OkStatus() : internal::absence());
    };
    return internal::call_catching([&] { return load_(wanted, deliver); }, exception);
  }

  // Stores a loaded value, or an absence, and hands it on.
  void bring(Ask& ask, std::optional<std::string_view> value, const absl::Status& status) {
    if (!value) loader_.counts_.absences.fetch_add(1);
    store(ask, value);
    land(ask, status, value.value_or(std::string_view()));
    ask.status = status;
  }

  void store(const Ask& ask, std::optional<std::string_view> value) {
    StoreOptions how{.item = {.flags = value ? options_.flags : 0,
                              .expiry = loader_.expiry_of(!value, options_),
                              .is_key_binary = loader_.is_key_binary_,
                              .idle = value ? options_.idle : std::nullopt,
                              .tags = options_.tags}};
    if (!ask.has_item) how.mode = StoreMode::kAdd;
    if (ask.has_item && ask.cas != 0) how.expected = ask.cas;
    const bool has_grace = (!value || options_.ttl) && options_.stale_grace > milliseconds(0);
    const StoreResult result = internal::store_loaded(engine_, ask.key, value, has_grace, how, ask.erasures);
    if (result == StoreResult::kStored) return;
    loader_.counts_.not_stored.fetch_add(1);
    // An old value must not outlive a new one that finds no room, nor a win a value that is too large.
    if (result == StoreResult::kTooLarge || result == StoreResult::kNoMemory) remove(ask);
  }

  // Removes the claimed item, if it is still there.
  void remove(const Ask& ask) {
    if (!ask.has_item) return;
    if (ask.cas == 0) return internal::remove_item(engine_, engine_.ref(ask.key));
    (void)internal::give_back_item(
        engine_, ask.key, {.is_stale = false, .expected = ask.cas, .expiry = Expiry::after(milliseconds(0))});
  }

  // Lets the next reader win the item.
  void give_back(const Ask& ask) {
    if (!ask.has_won) return;
    {
      Stripe& stripe = loader_.stripe_of(ask.key);
      const internal::MutexLock lock(stripe.mutex);
      const auto found = stripe.flights.find(ask.key);
      if (found == stripe.flights.end() || found->second != ask.flight) return;
    }
    if (ask.is_placeholder || ask.cas == 0) return remove(ask);
    (void)internal::give_back_item(engine_, ask.key, {.is_stale = ask.is_stale, .expected = ask.cas});
  }

  void land(Ask& ask, const std::optional<absl::Status>& status, std::string_view value = {},
            std::exception_ptr exception = nullptr) {
    Flight& flight = *ask.flight;
    if (leave_table(ask)) {
      if (status) flight.status = internal::own_copy(*status);
      flight.value = value;
      flight.exception = std::move(exception);
      flight.landing.happen();
    }
    ask.role = Role::kDone;
  }

  // Returns whether anybody waits for the flight; nobody joins it from now on.
  bool leave_table(const Ask& ask) {
    Stripe& stripe = loader_.stripe_of(ask.key);
    const internal::MutexLock lock(stripe.mutex);
    const auto found = stripe.flights.find(ask.key);
    if (found != stripe.flights.end() && found->second == ask.flight) stripe.flights.erase(found);
    return ask.flight->is_waited_for;
  }

  // Returns whether the flight has landed by its deadline, which may move meanwhile.
  bool await_landing(const Ask& ask) {
    Steady::time_point deadline = ask.deadline;
    while (!ask.flight->landing.wait_until(deadline)) {
      const internal::MutexLock lock(loader_.stripe_of(ask.key).mutex);
      if (ask.flight->deadline == deadline) return false;
      deadline = ask.flight->deadline;
    }
    return true;
  }

  void wait(Ask& ask) {
    const Flight& flight = *ask.flight;
    ask.role = Role::kDone;
    if (!await_landing(ask)) {
      ask.status = time_out(ask);
    } else if (!flight.status) {
      ask.role = Role::kLooksAgain;
    } else if (flight.status->ok()) {
      if (!show_(ask.index, flight.value)) ask.status = absl::InternalError("the loaded value cannot be decoded");
    } else if (absl::IsNotFound(*flight.status)) {
      ask.status = internal::own_copy(*flight.status);
    } else {
      ask.status = unless_old(ask, internal::own_copy(*flight.status));
      if (!ask.status.ok() && flight.exception != nullptr) std::rethrow_exception(flight.exception);
    }
  }

  absl::Status time_out(Ask& ask) {
    loader_.counts_.timeouts.fetch_add(1);
    return unless_old(ask, absl::DeadlineExceededError("somebody else's load takes longer than load_timeout"));
  }

  // What a caller gets when a load has failed: the old value if there is one.
  absl::Status unless_old(Ask& ask, const absl::Status& failure) {
    if (ask.look.worth == Worth::kNothing) return failure;
    loader_.counts_.stale_served.fetch_add(1);
    return answer(ask, ask.look);
  }

  absl::Status answer(Ask& ask, const Look& look) {
    ask.source = look.source();
    return loader_.answer(look);
  }

  Loader& loader_;
  internal::Engine& engine_;
  const LoadOptions& options_;
  const Load load_;
  const Show show_;
  const Steady::time_point give_up_at_ = new_deadline();
  std::vector<Ask> asks_;
};

}  // namespace larder

#endif  // LARDER_INTERNAL_LOADER_CALL_INL_H_
