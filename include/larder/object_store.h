// ObjectStore: the limit that several object caches share, and the order in which their objects go.
//
//   larder::ObjectStore store({.weight_max = 100'000});
//   larder::ObjectCache<int, Page> pages(store);          // each is a part of it, with statistics of its own
//   larder::ObjectCache<std::string, User> users(store);
//
// An ObjectCache that is given a limit instead of a store has one of its own. See object_cache.h.
#ifndef LARDER_OBJECT_STORE_H_
#define LARDER_OBJECT_STORE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "larder/api.h"
#include "larder/cache.h"
#include "larder/clock.h"
#include "larder/expiry.h"
#include "larder/function_ref.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/objects/object.h"
#include "larder/internal/objects/object_queues.h"
#include "larder/internal/objects/object_table.h"
#include "larder/internal/policy/eviction_sample.h"

namespace larder {

// What an ObjectStore is made with.
struct ObjectStoreOptions {
  // How much the objects may weigh together, 1 to 2^56: as many as they are, unless their caches weigh them in
  // another way (ObjectCacheOptions::weigher). What is less or more counts as 1 or 2^56.
  uint64_t weight_max = 10'000;

  // If given, weights are bytes, and are charged to this cache's memory limit: what objects do not take is there
  // for its items, and they are evicted as there come to be more objects. Objects that nobody weighs count for what
  // they take without what they point at. It must outlive the store.
  Cache* charged_to = nullptr;

  // Not owned; must outlive the store. nullptr: a SystemClock.
  const Clock* clock = nullptr;

  // Keys the hashes. Not given: taken from the system's random device.
  std::optional<uint64_t> seed = {};
};

// What a store holds.
struct ObjectStoreStats {
  uint64_t objects = 0;
  uint64_t weight = 0;
  uint64_t weight_max = 0;
  // Objects that are no longer in the store, but that readers still use; they are not counted above.
  uint64_t held_objects = 0;
  uint64_t held_weight = 0;
};

// Holds the objects of one or several object caches. Thread-safe. It evicts by the policy of Cache: S3-FIFO, with a
// memory of what was evicted lately.
class LARDER_API ObjectStore {
 public:
  explicit ObjectStore(const ObjectStoreOptions& options = {});
  // Its caches must be gone.
  ~ObjectStore();
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  // Changes the limit; evicts at once what exceeds it.
  void set_weight_max(uint64_t weight_max);

  // What it holds now.
  [[nodiscard]] ObjectStoreStats stats() const;

 private:
  template <class Key, class T, class Hash, class Equal>
  friend class ObjectCache;
  template <class Key, class T, class Hash, class Equal>
  friend class LoadingObjectCache;
  using Object = internal::Object;

  struct alignas(64) Shard {
    internal::Mutex mutex;
    internal::ObjectTable table ABSL_GUARDED_BY(mutex);
  };
  static constexpr int kShardBits = 6;
  static constexpr size_t kShards = size_t{1} << kShardBits;
  // So many victims are looked for at a time, and so many objects looked at, for some have expired.
  static constexpr size_t kVictims = 8;
  static constexpr int kSweptPerStore = 2;
  // Charges go to the cache in steps.
  static constexpr uint64_t kChargeStep = uint64_t{64} << 10;

  // Those that have to be told to their listeners, and destroyed, when no lock is held.
  class Departures;

  [[nodiscard]] static size_t shard_number(uint64_t hash) { return hash >> (64 - kShardBits); }
  [[nodiscard]] int64_t now_ms() const { return clock_->monotonic_ms(); }
  // When something expires that is stored now; internal::kNoEnd if never.
  [[nodiscard]] int64_t deadline(Expiry expiry) const;
  [[nodiscard]] uint64_t weight_max() const { return weight_max_.load(); }
  [[nodiscard]] bool counts_bytes() const { return charged_to_ != nullptr; }
  // So that sums, and ten times a weight, are numbers.
  [[nodiscard]] static uint64_t bounded_weight(uint64_t weight) {
    return std::clamp<uint64_t>(weight, 1, uint64_t{1} << 56);
  }
  [[nodiscard]] static uint64_t random_seed();

  // After a change of a shard's table: `gone` is no longer in it (none: null), and `fresh` is new there (or null).
  // Without a lock held.
  void settle(Object* gone, Removal why, const std::shared_ptr<Object>& fresh);
  // Takes out everything of that space.
  void clear(const internal::ObjectSpace& space, Removal why);
  // Waits until its listener is not called any more; it must have been cleared.
  static void finish_telling(const internal::ObjectSpace& space);
  // The time of an object has got an end.
  void note_end();
  // Another one for each cache.
  [[nodiscard]] uint64_t next_salt() { return internal::mix_hash(spaces_.fetch_add(1), seed_); }
  // For the templates, for which the library exports no more than this class.
  using Count = internal::ObjectSpace::Count;
  [[nodiscard]] static uint64_t hash_bytes(std::string_view bytes, uint64_t seed);
  static void count(internal::ObjectSpace& space, Count what);
  [[nodiscard]] static uint64_t counted(const internal::ObjectSpace& space, Count what);
  [[nodiscard]] static absl::Status call_catching(FunctionRef<absl::Status()> load, std::exception_ptr& exception);
  static void land(internal::ObjectLoad& load);
  // False if its deadline has come before.
  [[nodiscard]] static bool await_landing(internal::ObjectLoad& load);
  // A get has missed.
  void note_miss(uint64_t hash) { sample_.note_miss(hash); }

  // Has what is no longer in a table leave its queue, too.
  void take_leave(Object& gone, Removal why, Departures& departures) ABSL_EXCLUSIVE_LOCKS_REQUIRED(queues_mutex_);
  // Finds who has to go: as many as there is room for in `departures`.
  void find_victims(int64_t now_ms, bool sweeps, Departures& departures)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(queues_mutex_);
  // What this thread has to charge to the cache now; negative: to return. 0: nothing, or another thread is
  // charging, which sees to the rest: so that what is returned never comes before what was charged.
  [[nodiscard]] int64_t start_charging() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queues_mutex_);

  const std::unique_ptr<const SystemClock> system_clock_;
  const Clock* const clock_;
  const int64_t clock_lag_ms_;
  Cache* const charged_to_;
  const uint64_t seed_;
  internal::RelaxedAtomic<uint64_t> spaces_{0};
  internal::EvictionSample sample_;
  std::array<Shard, kShards> shards_;

  alignas(64) mutable internal::Mutex queues_mutex_;
  internal::ObjectQueues queues_ ABSL_GUARDED_BY(queues_mutex_);
  uint64_t charged_ ABSL_GUARDED_BY(queues_mutex_) = 0;
  bool is_charging_ ABSL_GUARDED_BY(queues_mutex_) = false;
  internal::RelaxedAtomic<uint64_t> weight_max_;
  const std::shared_ptr<internal::HeldObjects> held_ = std::make_shared<internal::HeldObjects>();
};

}  // namespace larder

#ifdef LARDER_HEADER_ONLY
#include "larder/internal/objects-inl.h"
#endif

#endif  // LARDER_OBJECT_STORE_H_
