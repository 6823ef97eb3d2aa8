#ifndef LARDER_INTERNAL_OBJECTS_OBJECT_STORE_INL_H_
#define LARDER_INTERNAL_OBJECTS_OBJECT_STORE_INL_H_

#include <algorithm>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "larder/api.h"
#include "larder/internal/base/hash.h"
#include "larder/internal/loader/call_catching.h"
#include "larder/internal/objects/object_load.h"
#include "larder/object_store.h"
#include "larder/serving.h"

namespace larder {
namespace internal {

LARDER_INLINE void ObjectSpace::count(Count what) {
  const auto i = static_cast<size_t>(what);
  if (Counts* const own = counts.own(); own != nullptr) [[likely]] {
    own->all[i].store(own->all[i].load() + 1);
  } else {
    counts.of_none().all[i].fetch_add(1);
  }
}

LARDER_INLINE uint64_t ObjectSpace::counted(Count what) const {
  uint64_t sum = 0;
  counts.for_each([&](const Counts& block) { sum += block.all[static_cast<size_t>(what)].load(); });
  return sum;
}

}  // namespace internal

// Objects that have left their queues. They are told of, and let go, when this is destroyed, without a lock held.
class ObjectStore::Departures {
 public:
  explicit Departures(ObjectStore& store) : store_(store) {}
  ~Departures() {
    for (size_t i = 0; i < count_; ++i) finish(all_[i]);
  }
  Departures(const Departures&) = delete;
  Departures& operator=(const Departures&) = delete;

  [[nodiscard]] bool is_full() const { return count_ == all_.size(); }

  // One that has been taken out of its table.
  void add(std::shared_ptr<Object> object, Removal why) {
    internal::ObjectSpace& space = *object->space;
    add_victim(std::move(object), why);
    own(all_[count_ - 1], space);
  }
  // One that may be in its table.
  void add_victim(std::shared_ptr<Object> object, Removal why) {
    all_[count_++] = {.object = std::move(object), .why = why};
  }
  // Takes the victims out of their tables, except those that somebody else has taken out by now.
  void take_victims() {
    for (size_t i = 0; i < count_; ++i) {
      Departure& victim = all_[i];
      if (victim.is_ours) continue;
      Shard& shard = store_.shards_[shard_number(victim.object->hash)];
      const internal::MutexLock lock(shard.mutex);
      if (!shard.table.erase(*victim.object)) continue;
      victim.object->self.reset();
      // With the lock held: when its cache has gone through this shard, the space may be no more.
      own(victim, *victim.object->space);
    }
  }

 private:
  struct Departure {
    std::shared_ptr<Object> object;
    Removal why = Removal::kEvicted;
    bool is_ours = false;
    internal::ObjectSpace* told = nullptr;  // whose listener is to be told
  };

  static void own(Departure& departure, internal::ObjectSpace& space) {
    departure.is_ours = true;
    if (departure.object->value == nullptr) return;  // Nobody was to see it.
    space.removals[static_cast<size_t>(departure.why)].fetch_add(1);
    if (!space.listener) return;
    // Relaxed: the mutex of the shard orders it before the owner's look.
    space.telling.fetch_add(1, std::memory_order_relaxed);
    departure.told = &space;
  }

  void finish(Departure& departure) {
    if (!departure.is_ours) return;
    Object& object = *departure.object;
    if (departure.told != nullptr) tell({departure.object, departure.why, departure.told});
    if (departure.object.use_count() == 1) return;
    store_.held_->count.fetch_add(1);
    store_.held_->weight.fetch_add(object.weight);
    object.held = store_.held_;
  }

  // A listener that stores has others evicted: they are told of when it has returned, not within it.
  struct News {
    std::shared_ptr<Object> object;
    Removal why;
    internal::ObjectSpace* space;
  };
  static void tell(News news) {
    thread_local std::vector<News>* later = nullptr;
    if (later != nullptr) return later->push_back(std::move(news));
    std::vector<News> now, after;
    later = &after;
    for (size_t told = 0;;) {
      news.space->listener(news.object, news.why);
      // Release: with the acquire in finish_telling. The space may be no more after this.
      news.space->telling.fetch_sub(1, std::memory_order_release);
      if (told == now.size()) {
        now.clear();
        now.swap(after);
        told = 0;
        if (now.empty()) break;
      }
      news = std::move(now[told++]);
    }
    later = nullptr;
  }

  ObjectStore& store_;
  std::array<Departure, kVictims> all_;
  size_t count_ = 0;
};

LARDER_INLINE ObjectStore::ObjectStore(const ObjectStoreOptions& options)
    : system_clock_(options.clock == nullptr ? std::make_unique<SystemClock>() : nullptr),
      clock_(options.clock == nullptr ? system_clock_.get() : options.clock),
      clock_lag_ms_(clock_->lag_ms()),
      charged_to_(options.charged_to),
      seed_(options.seed ? *options.seed : random_seed()),
      queues_(bounded_weight(options.weight_max), sample_),
      weight_max_(bounded_weight(options.weight_max)) {}

LARDER_INLINE uint64_t ObjectStore::random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

LARDER_INLINE ObjectStore::~ObjectStore() {
  const internal::MutexLock lock(queues_mutex_);
  if (charged_ > 0) add_external_bytes(*charged_to_, -static_cast<int64_t>(charged_));
}

LARDER_INLINE void ObjectStore::set_weight_max(uint64_t weight_max) {
  {
    const internal::MutexLock lock(queues_mutex_);
    queues_.set_weight_max(bounded_weight(weight_max));
    weight_max_.store(queues_.weight_max());
  }
  settle(nullptr, Removal::kEvicted, nullptr);
}

LARDER_INLINE ObjectStoreStats ObjectStore::stats() const {
  const internal::MutexLock lock(queues_mutex_);
  return {.objects = queues_.size(),
          .weight = queues_.weight(),
          .weight_max = queues_.weight_max(),
          .held_objects = held_->count.load(),
          .held_weight = held_->weight.load()};
}

LARDER_INLINE int64_t ObjectStore::deadline(Expiry expiry) const {
  if (expiry.kind() == Expiry::Kind::kNever) return internal::kNoEnd;
  const int64_t now = now_ms();
  const int64_t since = expiry.kind() == Expiry::Kind::kAt ? clock_->unix_ms() : 0;
  if (expiry.ms() <= since) return now;
  const int64_t left = expiry.ms() - since;
  // Not before its time, because the clock lags behind.
  const int64_t lagged = now + clock_lag_ms_;
  return left >= internal::kNoEnd - lagged ? internal::kNoEnd : lagged + left;
}

LARDER_INLINE void ObjectStore::note_end() {
  const internal::MutexLock lock(queues_mutex_);
  queues_.note_end();
}

LARDER_INLINE void ObjectStore::settle(Object* gone, Removal why, const std::shared_ptr<Object>& fresh) {
  const int64_t now = now_ms();
  bool is_first = true, goes_on = true;
  while (goes_on) {
    Departures departures(*this);
    int64_t charge = 0;
    {
      const internal::MutexLock lock(queues_mutex_);
      // Either may have been taken out by somebody else meanwhile.
      const bool adds = is_first && fresh != nullptr && fresh->place == Object::Place::kNew;
      if (adds) queues_.add(*fresh, gone);
      if (is_first && gone != nullptr) take_leave(*gone, why, departures);
      find_victims(now, adds, departures);
      charge = start_charging();
    }
    departures.take_victims();
    goes_on = departures.is_full();
    is_first = false;
    while (charge != 0) {
      add_external_bytes(*charged_to_, charge);
      const internal::MutexLock lock(queues_mutex_);
      is_charging_ = false;
      charge = start_charging();
    }
  }
}

LARDER_INLINE void ObjectStore::clear(const internal::ObjectSpace& space, Removal why) {
  for (Shard& shard : shards_) {
    Object* gone = nullptr;
    {
      const internal::MutexLock lock(shard.mutex);
      shard.table.retain_if([&](Object& object) {
        if (object.space != &space) return true;
        object.next = std::exchange(gone, &object);
        return false;
      });
    }
    while (gone != nullptr) {
      Departures departures(*this);
      const internal::MutexLock lock(queues_mutex_);
      while (gone != nullptr && !departures.is_full()) {
        take_leave(*std::exchange(gone, gone->next), why, departures);
      }
    }
  }
  settle(nullptr, why, nullptr);
}

LARDER_INLINE uint64_t ObjectStore::hash_bytes(std::string_view bytes, uint64_t seed) {
  return internal::hash_key(bytes, seed);
}

LARDER_INLINE void ObjectStore::count(internal::ObjectSpace& space, Count what) { space.count(what); }

LARDER_INLINE uint64_t ObjectStore::counted(const internal::ObjectSpace& space, Count what) {
  return space.counted(what);
}

LARDER_INLINE absl::Status ObjectStore::call_catching(FunctionRef<absl::Status()> load,
                                                      std::exception_ptr& exception) {
  return internal::call_catching(load, exception);
}

LARDER_INLINE void ObjectStore::land(internal::ObjectLoad& load) { load.landing.happen(); }

LARDER_INLINE bool ObjectStore::await_landing(internal::ObjectLoad& load) {
  return load.landing.wait_until(load.deadline);
}

LARDER_INLINE void ObjectStore::finish_telling(const internal::ObjectSpace& space) {
  while (space.telling.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

LARDER_INLINE void ObjectStore::take_leave(Object& gone, Removal why, Departures& departures) {
  if (gone.place == Object::Place::kQueue) queues_.take_out(gone);
  gone.place = Object::Place::kOut;
  departures.add(std::move(gone.self), why);
}

LARDER_INLINE void ObjectStore::find_victims(int64_t now, bool sweeps, Departures& departures) {
  Removal why = Removal::kEvicted;
  while (!departures.is_full()) {
    Object* const victim = queues_.next_victim(now, why);
    if (victim == nullptr) break;
    departures.add_victim(victim->self, why);
  }
  if (!sweeps || !queues_.needs_sweep()) return;
  for (int i = 0; i < kSweptPerStore && !departures.is_full(); ++i) {
    if (const Object* const over = queues_.sweep(now)) departures.add_victim(over->self, Removal::kExpired);
  }
}

LARDER_INLINE int64_t ObjectStore::start_charging() {
  if (charged_to_ == nullptr || is_charging_) return 0;
  const uint64_t due = (queues_.weight() + kChargeStep - 1) / kChargeStep * kChargeStep;
  const auto charge = static_cast<int64_t>(due - std::exchange(charged_, due));
  is_charging_ = charge != 0;
  return charge;
}

}  // namespace larder

#endif  // LARDER_INTERNAL_OBJECTS_OBJECT_STORE_INL_H_
