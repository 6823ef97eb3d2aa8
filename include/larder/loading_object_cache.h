// LoadingObjectCache: an object cache that loads what it does not have.
//
//   larder::LoadingObjectCache<int, Page> pages(10'000);
//   absl::StatusOr<std::shared_ptr<const Page>> page =
//       pages.get_or_load(7, {.ttl = 5min}, [&](int number) { return render(number); });
//
// However many threads ask for a missing key, one of them loads it, and the others get its object or its error.
// What LoadOptions (loader.h) say of times, errors and absence holds here as well: an object can be refreshed
// before its time is over, and served after it when a load fails; that there is none can be remembered. A load
// never replaces what was stored after it had started, and never brings back what was erased or evicted since: it
// then goes to those who wait.
//
// A load function takes a key (a std::string_view, if keys are strings) and returns T, std::optional<T>,
// std::shared_ptr of a T, or absl::StatusOr of one of these; or these with a larder::Loaded (loaded.h) around the
// object, to say how long it is good and what it weighs. Nothing, null, and NotFound mean that there is none. If it
// throws, or the object's constructor or weigher does, all who wait in a thread get the exception. Hashes and == of
// keys must not throw. LoadOptions::flags do not matter: objects have none.
#ifndef LARDER_LOADING_OBJECT_CACHE_H_
#define LARDER_LOADING_OBJECT_CACHE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/objects/brought.h"
#include "larder/internal/objects/object_load.h"
#include "larder/load_completion.h"
#include "larder/loaded.h"
#include "larder/loader.h"
#include "larder/object_cache.h"

namespace larder {

// An object cache that loads what is missing. Thread-safe.
template <class Key, class T, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class LoadingObjectCache : public ObjectCache<Key, T, Hash, Equal> {
  using Cached = ObjectCache<Key, T, Hash, Equal>;

 public:
  using Cached::Cached;
  using typename Cached::Pointer;
  ~LoadingObjectCache() { this->end(); }

  // The object of `key`, from the cache or from `load`, which is called as load(key), without a lock held.
  //
  // Errors:
  //   NotFound            there is nothing to load, according to `load`, now or within absent_ttl.
  //   FailedPrecondition  this thread is already loading that key.
  //   DeadlineExceeded    another caller has been loading it for longer than load_timeout.
  //   any other           what `load` returned to the caller that loaded.
  // The last three only if there is no old object to return. `source`: takes where the answer has come from; may be
  // null. A hit costs as much as get.
  template <class Load>
  [[nodiscard]] absl::StatusOr<Pointer> get_or_load(const View<Key>& key, const LoadOptions& options, Load&& load,
                                                    LoadSource* source = nullptr) {
    LoadSource unused;
    LoadSource& from = source != nullptr ? *source : unused;
    from = LoadSource::kHit;
    const uint64_t hash = this->hash_of(key);
    if (Pointer found = find_fresh(hash, key, options)) return found;
    constexpr bool kMayRunLater = std::is_copy_constructible_v<std::decay_t<Load>>;
    const bool defers = kMayRunLater && executor_ != nullptr;
    Entry entry = enter(hash, key, options, std::this_thread::get_id(), nullptr, defers);
    if constexpr (kMayRunLater) {
      if (entry.is_deferred) load_later(hash, key, options, entry.load, load);
    }
    if (entry.load == nullptr || entry.is_deferred) return answer(entry, from);
    internal::ObjectLoad& running = *entry.load;
    from = entry.leads ? LoadSource::kLoaded : LoadSource::kJoined;
    if (entry.leads) {
      run_load(hash, key, options, entry.load, Steady::now(), [&]() -> decltype(auto) { return load(key); });
    } else if (running.leader == std::this_thread::get_id()) {
      return unless_old(entry, absl::FailedPreconditionError("this thread is already loading that key"), from);
    } else {
      counts_.waits.fetch_add(1);
      if (!ObjectStore::await_landing(running)) {
        counts_.timeouts.fetch_add(1);
        return unless_old(entry, absl::DeadlineExceededError("another caller is still loading that key"), from);
      }
    }
    if (entry.found == nullptr && running.exception != nullptr) std::rethrow_exception(running.exception);
    return result_of(running, entry, from);
  }

  // From now on, whoever asks for an object that is due (LoadOptions::refresh_ahead) gets it as it is, and
  // `executor` is given a task that loads it: nobody waits for a refresh. The task has a copy of the load function,
  // which must then still be usable. (Of functions that cannot be copied, the caller loads.) Call it before other
  // threads use this, which then must not end before all tasks have run or been destroyed. An empty `executor`:
  // callers refresh, as they did.
  void refresh_in_background(LoadExecutor executor) { executor_ = std::move(executor); }

  // Is to finish a load that get_or_load_async has had started; a caller of that who may not want to wait any more.
  using Completion = LoadCompletion<LoadingObjectCache, Key>;
  using Wait = LoadWait<LoadingObjectCache>;

  // Like get_or_load, for callers that do not wait: done(absl::StatusOr<Pointer>) is called once, without a lock
  // held, by this thread before this returns, or else by the one that finishes the load. If this caller is the one
  // to load, start(key, Completion) is called by this thread, and begins it. All callers of a key, of both kinds,
  // share a load.
  //
  // An object that is due for refreshing is given to `done` at once, and refreshed meanwhile: nobody waits for
  // that.
  //
  // No thread and no timer is ours: to wait no longer than some time, cancel the Wait that is returned.
  // load_timeout is the time after which another caller loads. `done` must not throw, nor must `start` once it has
  // given the completion away; it must not wait for its own key. Errors: NotFound, Cancelled, and what the load has
  // failed with; Internal if that has thrown.
  template <class Start, class Done>
  Wait get_or_load_async(const View<Key>& key, const LoadOptions& options, Start&& start, Done&& done) {
    const uint64_t hash = this->hash_of(key);
    if (Pointer found = find_fresh(hash, key, options)) {
      std::forward<Done>(done)(absl::StatusOr<Pointer>(std::move(found)));
      return {};
    }
    auto called = std::make_unique<Called<std::decay_t<Done>>>(*this, std::forward<Done>(done));
    auto* const mine = called.get();
    std::unique_ptr<Waiter> waiter = std::move(called);
    Entry entry = enter(hash, key, options, {}, &waiter, false);
    Wait wait;
    if (waiter != nullptr) {
      LoadSource unused;
      mine->call(answer(entry, unused));
    } else {
      counts_.waits.fetch_add(entry.leads ? 0 : 1);
      wait.objects_ = this;
      wait.hash_ = hash;
      wait.load_ = entry.load;
      wait.number_ = entry.waiter_number;
    }
    if (entry.leads) start(key, completion_of(hash, key, options, entry.load));
    return wait;
  }

  // The counters of its loads.
  [[nodiscard]] LoadStats load_stats() const { return counts_.stats(); }

 private:
  friend Completion;
  friend Wait;
  using typename Cached::Count;
  using typename Cached::Object;
  using typename Cached::Shard;
  using Steady = std::chrono::steady_clock;
  using Waiter = internal::ObjectLoad::Waiter;
  using Waiters = std::vector<std::unique_ptr<Waiter>>;

  template <class Done>
  class Called final : public Waiter {
   public:
    Called(LoadingObjectCache& cache, Done done) : cache_(cache), done_(std::move(done)) {}
    void landed(const internal::ObjectLoad& load) noexcept override {
      Entry entry{
          .found = std::static_pointer_cast<const T>(std::move(this->old)), .is_absence = false, .load = nullptr};
      LoadSource unused;
      call(cache_.result_of(load, entry, unused));
    }
    void cancelled() noexcept override { call(absl::CancelledError("the caller does not wait any more")); }
    void call(absl::StatusOr<Pointer> result) { std::move(done_)(std::move(result)); }

   private:
    LoadingObjectCache& cache_;
    Done done_;
  };

  // What a caller has found.
  struct Entry {
    Pointer found;
    bool is_lapsed = false;  // that is
    bool is_absence = false;
    std::shared_ptr<internal::ObjectLoad> load;  // that it waits for, or leads
    bool leads = false;
    bool is_deferred = false;  // leads, and leaves it to a task
    uint64_t waiter_number = 0;
  };

  [[nodiscard]] absl::StatusOr<Pointer> result_of(const internal::ObjectLoad& load, Entry& entry,
                                                  LoadSource& from) {
    if (load.object != nullptr) return this->pointer_to(load.object);
    if (absl::IsNotFound(load.status)) return internal::absence();
    return unless_old(entry, internal::own_copy(load.status), from);
  }
  bool cancel(uint64_t hash, internal::ObjectLoad& load, uint64_t number) {
    std::unique_ptr<Waiter> cancelled;
    {
      const internal::MutexLock lock(this->shard_of(hash).mutex);
      const auto is_it = [&](const std::unique_ptr<Waiter>& each) { return each->number == number; };
      const auto found = std::find_if(load.waiters.begin(), load.waiters.end(), is_it);
      if (found == load.waiters.end()) return false;
      cancelled = std::move(*found);
      load.waiters.erase(found);
    }
    cancelled->cancelled();
    return true;
  }
  [[nodiscard]] absl::StatusOr<Pointer> answer(Entry& entry, LoadSource& from) {
    from = entry.is_absence ? LoadSource::kAbsent : LoadSource::kHit;
    if (entry.found != nullptr) return std::move(entry.found);
    if (!entry.is_absence) return absl::CancelledError("the cache is about to end");
    counts_.absent_hits.fetch_add(1);
    return internal::absence();
  }

  [[nodiscard]] absl::StatusOr<Pointer> unless_old(Entry& entry, absl::Status status, LoadSource& from) {
    if (entry.found == nullptr) return status;
    from = entry.is_lapsed ? LoadSource::kStale : LoadSource::kHit;
    counts_.stale_served.fetch_add(1);
    return std::move(entry.found);
  }

  enum class Worth : uint8_t { kNone, kLapsed, kDue, kFresh };

  // Of most callers this is all.
  [[nodiscard]] Pointer find_fresh(uint64_t hash, const View<Key>& key, const LoadOptions& options) {
    Shard& shard = this->shard_of(hash);
    const internal::MutexLock lock(shard.mutex);
    Object* const object = this->find(shard, hash, key);
    if (object == nullptr || object->value == nullptr) return nullptr;
    if (object->has_end()) {
      if (worth_of(*object, options) != Worth::kFresh) return nullptr;
      object->read_ms.store(this->store_->now_ms());
    }
    ObjectStore::count(*this->space_, Count::kHits);
    object->note_read();
    return this->pointer_to(object->self);
  }

  [[nodiscard]] Worth worth_of(const Object& object, const LoadOptions& options) const {
    if (object.value == nullptr && object.load != nullptr) return Worth::kNone;
    if (!object.has_end()) return Worth::kFresh;
    const int64_t now_ms = this->store_->now_ms();
    if (object.is_over(now_ms)) return Worth::kNone;
    if (now_ms >= object.fresh_until_ms) return object.value != nullptr ? Worth::kLapsed : Worth::kNone;
    const bool is_due = object.value != nullptr && object.fresh_until_ms - now_ms < options.refresh_ahead.count();
    return is_due ? Worth::kDue : Worth::kFresh;
  }

  // `leader`: the thread that loads if the caller leads. `waiter`: who is to be called when there is a load to wait
  // for; he stays here if there is none. `defers`: if the caller leads a refresh, he leaves it to a task.
  [[nodiscard]] Entry enter(uint64_t hash, const View<Key>& key, const LoadOptions& options, std::thread::id leader,
                            std::unique_ptr<Waiter>* waiter, bool defers) {
    Shard& shard = this->shard_of(hash);
    Entry entry;
    Object* gone = nullptr;
    {
      const internal::MutexLock lock(shard.mutex);
      Object* object = this->find(shard, hash, key);
      const Worth worth = object != nullptr ? worth_of(*object, options) : Worth::kNone;
      if (worth != Worth::kNone) {
        entry.is_lapsed = worth == Worth::kLapsed;
        entry.is_absence = object->value == nullptr;
        if (!entry.is_absence) entry.found = this->pointer_to(object->self);
        if (object->has_end()) object->read_ms.store(this->store_->now_ms());
      }
      ObjectStore::count(*this->space_, worth >= Worth::kDue && !entry.is_absence ? Count::kHits : Count::kMisses);
      const bool is_loading =
          object != nullptr && object->load != nullptr && Steady::now() < object->load->deadline;
      if (worth == Worth::kNone && this->space_->is_ending.load() != 0) return entry;
      // Of what is due, one caller loads the next, and the others use it.
      if (worth == Worth::kFresh || (worth == Worth::kDue && is_loading)) {
        object->note_read();
        return entry;
      }
      // Who does not wait uses what is due in any case.
      const bool waits = waiter != nullptr && worth != Worth::kDue;
      if (is_loading) {
        entry.load = object->load;
        if (waits) add_waiter(entry, std::move(*waiter));
        return entry;
      }
      entry.leads = true;
      entry.is_deferred = defers && worth == Worth::kDue;
      entry.load = std::make_shared<internal::ObjectLoad>(
          Steady::now() + internal::bounded_load_timeout(options.load_timeout),
          entry.is_deferred ? std::thread::id() : leader);
      counts_.loads.fetch_add(1);
      if (waits) add_waiter(entry, std::move(*waiter));
      const bool is_placeholder = object != nullptr && object->value == nullptr && object->load != nullptr;
      if (worth == Worth::kNone && !is_placeholder) {
        gone = object;
        object = put_placeholder(shard, hash, key, gone);
      }
      object->load = entry.load;
      object->is_loading.store(1);
      if (worth == Worth::kDue) counts_.refreshes.fetch_add(1);
    }
    if (entry.found == nullptr) this->store_->note_miss(hash);
    if (gone != nullptr) this->store_->settle(gone, Removal::kExpired, nullptr);
    return entry;
  }

  static void add_waiter(Entry& entry, std::unique_ptr<Waiter> waiter) {
    waiter->old = entry.found;
    waiter->number = entry.waiter_number = ++entry.load->waiter_count;
    entry.load->waiters.push_back(std::move(waiter));
  }

  // Is to have a load, and has no value.
  [[nodiscard]] Object* put_placeholder(Shard& shard, uint64_t hash, const View<Key>& key, Object* gone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex) {
    std::shared_ptr<Object> placeholder = this->without_object(key);
    placeholder->hash = hash;
    placeholder->space = this->space_.get();
    gone != nullptr ? shard.table.replace(*gone, *placeholder) : shard.table.insert(*placeholder);
    Object* const put = placeholder.get();
    put->self = std::move(placeholder);
    return put;
  }

  // A load, up to its end. `call` returns what a load function does.
  template <class Call>
  void run_load(uint64_t hash, const View<Key>& key, const LoadOptions& options,
                const std::shared_ptr<internal::ObjectLoad>& running, Steady::time_point begin, const Call& call) {
    internal::Brought brought;
    running->status = ObjectStore::call_catching([&] { return bring(key, call(), brought); }, running->exception);
    land(hash, key, options, running, std::move(brought), begin);
  }

  // Has a task do it. If that is destroyed before it has run, the load has failed.
  template <class Load>
  void load_later(uint64_t hash, const View<Key>& key, const LoadOptions& options,
                  const std::shared_ptr<internal::ObjectLoad>& running, const Load& load) {
    auto completion = std::make_shared<Completion>(completion_of(hash, key, options, running));
    executor_([completion = std::move(completion), load]() mutable {
      const std::unique_ptr<typename Completion::Running> own = std::move(completion->running_);
      const View<Key> own_key = own->key;
      own->objects.run_load(own->hash, own_key, own->options, own->load, Steady::now(),
                            [&]() -> decltype(auto) { return load(own_key); });
    });
  }
  [[nodiscard]] Completion completion_of(uint64_t hash, const View<Key>& key, const LoadOptions& options,
                                         const std::shared_ptr<internal::ObjectLoad>& running) {
    using Running = typename Completion::Running;
    return Completion(std::unique_ptr<Running>(new Running{*this, Key(key), hash, options, running}));
  }

  // The end of a load, whose status is known.
  void land(uint64_t hash, const View<Key>& key, const LoadOptions& options,
            const std::shared_ptr<internal::ObjectLoad>& load, internal::Brought brought,
            Steady::time_point begin) {
    if (load->status.ok()) load->object = brought.object;
    counts_.note_load(Steady::now() - begin);
    if (!load->status.ok()) {
      (absl::IsNotFound(load->status) ? counts_.absences : counts_.load_failures).fetch_add(1);
    }
    const Waiters waiters = keep(hash, key, options, load, brought);
    ObjectStore::land(*load);
    for (const std::unique_ptr<Waiter>& waiter : waiters) waiter->landed(*load);
  }

  // Makes an object of a load function's result, or says why there is none.
  template <class Result>
  [[nodiscard]] absl::Status bring(const View<Key>& key, Result&& result, internal::Brought& brought) const {
    absl::Status status =
        internal::unwrap<T>(std::forward<Result>(result), brought, [&]<class Given>(Given&& given) {
          if constexpr (std::is_same_v<std::remove_cvref_t<Given>, Pointer>) {
            brought.object = this->share(key, std::forward<Given>(given));
          } else {
            brought.object = this->make(key, std::forward<Given>(given));
          }
        });
    if (brought.object != nullptr && !brought.weight) brought.weight = this->weight_of(*brought.object);
    return status;
  }
  // Puts what was loaded (or that there is none, or nothing after a failure) in place of what had the load, unless
  // that has gone. Returns those who are to be called.
  [[nodiscard]] Waiters keep(uint64_t hash, const View<Key>& key, const LoadOptions& options,
                             const std::shared_ptr<internal::ObjectLoad>& load, const internal::Brought& brought) {
    const bool is_absence = absl::IsNotFound(load->status);
    const auto ttl = is_absence ? std::optional(options.absent_ttl) : brought.ttl ? brought.ttl : options.ttl;
    const bool is_kept = (load->status.ok() || is_absence) && (!ttl || ttl->count() > 0);
    std::shared_ptr<Object> fresh;
    if (is_kept) {
      fresh = is_absence ? this->without_object(key) : brought.object;
      fresh->hash = hash;
      this->prepare(*fresh, is_absence ? this->weight_of(*fresh) : *brought.weight);
      set_times(*fresh, ttl, options);
    }
    Shard& shard = this->shard_of(hash);
    Object* gone = nullptr;
    Waiters waiters;
    Removal why = is_absence ? Removal::kErased : Removal::kReplaced;
    {
      const internal::MutexLock lock(shard.mutex);
      waiters = std::move(load->waiters);
      Object* const there = this->find(shard, hash, key);
      if (there == nullptr || there->load != load) {
        if (is_kept && !is_absence) counts_.not_stored.fetch_add(1);
        return waiters;
      }
      there->load = nullptr;
      there->is_loading.store(0);
      // After a failure an old object stays.
      if (there->value != nullptr && !load->status.ok() && !is_absence) return waiters;
      gone = there;
      if (!this->is_there(*there)) {
        why = Removal::kExpired;
      } else if (fresh == nullptr) {
        why = Removal::kErased;
      }
      if (fresh == nullptr) {
        (void)shard.table.erase(*there);
      } else if (this->put(shard, fresh, there) != StoreResult::kStored) {
        counts_.not_stored.fetch_add(1);
        fresh = nullptr;
        if (why == Removal::kReplaced) why = Removal::kErased;
      }
    }
    this->store_->settle(gone, why, fresh);
    return waiters;
  }

  void set_times(Object& fresh, std::optional<std::chrono::milliseconds> ttl, const LoadOptions& options) {
    if (!ttl) {
      fresh.fresh_until_ms = this->deadline(this->options_.expiry);
      fresh.expires_ms.store(fresh.fresh_until_ms);
      return;
    }
    const auto lived = internal::less_jitter(internal::bounded_duration(*ttl), options.ttl_jitter,
                                             internal::mix_hash(draws_.fetch_add(1), fresh.hash));
    fresh.fresh_until_ms = this->deadline(lived);
    fresh.expires_ms.store(this->deadline(lived + internal::bounded_duration(options.stale_grace)));
  }

  internal::LoadCounts counts_;
  internal::RelaxedAtomic<uint64_t> draws_{0};  // for the jitter
  LoadExecutor executor_;
};

}  // namespace larder

#endif  // LARDER_LOADING_OBJECT_CACHE_H_
