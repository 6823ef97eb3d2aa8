// ObjectCache: a program's objects, kept as they are. Nothing is encoded or copied: a get returns a pointer that
// shares the object.
//
//   larder::ObjectCache<int, Page> pages(10'000);                  // at most so many
//   pages.set(7, Page(...), {.expiry = std::chrono::minutes(5)});
//   if (std::shared_ptr<const Page> page = pages.get(7)) show(*page);
//
// An object that has been evicted, replaced or erased lives on for those who still have a pointer to it, and is
// destroyed by the last of them, or else by the operation that took it out; never while a lock is held. What
// objects hold beyond themselves is not seen: to limit memory instead of the number of objects, weigh them
// (ObjectCacheOptions::weigher).
//
// Several caches can share one limit, among each other and with a Cache: see object_store.h.
//
// Keys need a hash and ==, like those of std::unordered_map. Strings can be looked up by std::string_view.
#ifndef LARDER_OBJECT_CACHE_H_
#define LARDER_OBJECT_CACHE_H_

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "larder/clock.h"
#include "larder/codec.h"
#include "larder/expiry.h"
#include "larder/internal/base/mutex.h"
#include "larder/internal/objects/object.h"
#include "larder/object_store.h"
#include "larder/removal_listener.h"
#include "larder/result.h"

namespace larder {

// What an ObjectCache is made with.
template <class Key, class T>
struct ObjectCacheOptions {
  // What an object counts for in the limit; its bytes, say. Called once for each, when it is stored, without a lock
  // held. Not given, or 0: 1.
  std::function<uint64_t(const Key& key, const T& object)> weigher = {};

  // What it counts for that there is nothing to load for a key (LoadOptions::absent_ttl). 0: as much as any object
  // if there is no weigher; otherwise the bytes that it takes, about 250.
  uint64_t absence_weight = 0;

  // How long an object is there unless SetObject::expiry or, of what is loaded, LoadOptions::ttl says otherwise.
  Expiry expiry = {};

  // How long an object is there that nobody reads. Not given: that does not matter. It ends no later than its
  // expiry.
  std::optional<std::chrono::milliseconds> idle = {};

  // Is told of each object that is taken out, with the object, and why: without a lock held, by the thread whose
  // operation took it out, which may be one that uses another cache of the same store. May call the cache, but not
  // end one of the same store, and must not throw. What goes because of its own calls it is told after it has
  // returned; what it stores while its cache ends is not stored.
  std::function<void(const Key& key, const std::shared_ptr<const T>& object, Removal why)> listener = {};
};

// How an object is stored.
struct SetObject {
  std::optional<Expiry> expiry = {};  // not given: ObjectCacheOptions::expiry
};

// What a cache has counted since it was made.
struct ObjectCacheStats {
  uint64_t hits = 0;    // of get and get_or_load
  uint64_t misses = 0;  // of the same
  uint64_t stores = 0;  // that succeeded
  // Objects that went, by reason: see Removal.
  uint64_t evictions = 0;
  uint64_t expirations = 0;
  uint64_t replacements = 0;
  uint64_t erasures = 0;  // by erase, and by clear
};

// Keeps objects of one type. Thread-safe. A get locks one of 64 parts of its store for as long as a lookup takes.
template <class Key, class T, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class ObjectCache {
 public:
  // What get returns, and what the constructors take.
  using Pointer = std::shared_ptr<const T>;
  using Options = ObjectCacheOptions<Key, T>;

  // With a store of its own for objects that weigh so much together: so many, unless they are weighed.
  explicit ObjectCache(uint64_t weight_max, Options options = {}, const Clock* clock = nullptr)
      : ObjectCache(std::make_unique<ObjectStore>(ObjectStoreOptions{.weight_max = weight_max, .clock = clock}),
                    nullptr, std::move(options)) {}
  // As a part of that store, which must outlive it.
  explicit ObjectCache(ObjectStore& store, Options options = {})
      : ObjectCache(nullptr, &store, std::move(options)) {}
  // Lets all its objects go, of which the listener is told.
  ~ObjectCache() { end(); }
  ObjectCache(const ObjectCache&) = delete;
  ObjectCache& operator=(const ObjectCache&) = delete;

  // --- reading ---------------------------------------------------------------------------------------------------

  // The object, or null. Cost: a lock, a lookup, and one reference count.
  [[nodiscard]] Pointer get(const View<Key>& key) {
    const uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    Object* gone = nullptr;
    {
      const internal::MutexLock lock(shard.mutex);
      Object* const object = find(shard, hash, key);
      if (object != nullptr && object->value != nullptr && is_fresh(*object)) {
        ObjectStore::count(*space_, Count::kHits);
        object->note_read();
        return pointer_to(object->self);
      }
      if (object != nullptr && is_over(*object) && shard.table.erase(*object)) gone = object;
    }
    ObjectStore::count(*space_, Count::kMisses);
    store_->note_miss(hash);
    if (gone != nullptr) store_->settle(gone, Removal::kExpired, nullptr);
    return nullptr;
  }

  // The same, but it does not count as a read.
  [[nodiscard]] Pointer peek(const View<Key>& key) const {
    const uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    const internal::MutexLock lock(shard.mutex);
    const Object* const object = find(shard, hash, key);
    return object != nullptr && is_there(*object) ? pointer_to(object->self) : nullptr;
  }
  [[nodiscard]] bool contains(const View<Key>& key) const { return peek(key) != nullptr; }

  // Calls visitor(key, pointer) for the objects that are there, in no order, without a lock held. Those that come
  // or go meanwhile may be shown or not.
  template <std::invocable<const Key&, const Pointer&> Visitor>
  void for_each(Visitor&& visitor) const {
    std::vector<std::shared_ptr<Object>> objects;
    for (Shard& shard : store_->shards_) {
      {
        const internal::MutexLock lock(shard.mutex);
        shard.table.retain_if([&](Object& object) {
          if (object.space == space_.get() && is_there(object)) objects.push_back(object.self);
          return true;
        });
      }
      for (const std::shared_ptr<Object>& object : objects) visitor(key_of(*object), pointer_to(object));
      objects.clear();
    }
  }

  // --- storing ---------------------------------------------------------------------------------------------------

  // Stores an object, made from `object`, or shared with the caller, who does not change it any more.
  //   kStored     it is there, unless it has expired at once.
  //   kTooLarge   it weighs more than the limit. What was there before is gone as well.
  //   kNotStored  the pointer is null. Nothing has changed.
  template <class U = T>
  requires std::convertible_to<U, T> &&(!std::convertible_to<U, Pointer>)StoreResult
      set(const View<Key>& key, U&& object, const SetObject& options = {}) {
    return store(make(key, std::forward<U>(object)), options, [](const Object*) { return StoreResult::kStored; });
  }
  StoreResult set(const View<Key>& key, Pointer object, const SetObject& options = {}) {
    return store(share(key, std::move(object)), options, [](const Object*) { return StoreResult::kStored; });
  }

  // The same if there is none: kNotStored otherwise.
  template <class U = T>
  requires std::convertible_to<U, T> &&(!std::convertible_to<U, Pointer>)StoreResult
      add(const View<Key>& key, U&& object, const SetObject& options = {}) {
    return store(make(key, std::forward<U>(object)), options, is_absent);
  }
  StoreResult add(const View<Key>& key, Pointer object, const SetObject& options = {}) {
    return store(share(key, std::move(object)), options, is_absent);
  }

  // The same if `expected` is there, as it was returned by get: kExists if there is another, kNotFound if there is
  // none.
  template <class U = T>
  requires std::convertible_to<U, T> &&(!std::convertible_to<U, Pointer>)StoreResult
      cas(const View<Key>& key, const Pointer& expected, U&& object, const SetObject& options = {}) {
    return store(make(key, std::forward<U>(object)), options, is_expected(expected));
  }
  StoreResult cas(const View<Key>& key, const Pointer& expected, Pointer object, const SetObject& options = {}) {
    return store(share(key, std::move(object)), options, is_expected(expected));
  }

  // --- expiry and removal ----------------------------------------------------------------------------------------

  // Gives an object another expiry. False if there is none.
  bool touch(const View<Key>& key, Expiry expiry) {
    const uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    const int64_t deadline_ms = deadline(expiry);
    {
      const internal::MutexLock lock(shard.mutex);
      Object* const object = find(shard, hash, key);
      if (object == nullptr || !is_there(*object)) return false;
      object->expires_ms.store(deadline_ms);
      object->fresh_until_ms = deadline_ms;
    }
    if (deadline_ms != internal::kNoEnd) store_->note_end();
    return true;
  }

  // kErased, or kNotFound. Also ends that a load has found nothing, and keeps what is being loaded from being
  // stored.
  EraseResult erase(const View<Key>& key) {
    const uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    Object* object = nullptr;
    bool was_there = false;
    {
      const internal::MutexLock lock(shard.mutex);
      object = find(shard, hash, key);
      if (object == nullptr) return EraseResult::kNotFound;
      was_there = is_there(*object);
      (void)shard.table.erase(*object);
    }
    store_->settle(object, was_there ? Removal::kErased : Removal::kExpired, nullptr);
    return was_there ? EraseResult::kErased : EraseResult::kNotFound;
  }

  // Lets all objects go that are there now. Takes time proportional to what is in the store.
  void clear() { store_->clear(*space_, Removal::kFlushed); }

  // --- the cache itself ------------------------------------------------------------------------------------------

  // What it has counted. Not at one moment, while other threads use it.
  [[nodiscard]] ObjectCacheStats stats() const {
    ObjectCacheStats sum;
    sum.hits = ObjectStore::counted(*space_, Count::kHits);
    sum.misses = ObjectStore::counted(*space_, Count::kMisses);
    sum.stores = ObjectStore::counted(*space_, Count::kStores);
    const auto removals = [&](Removal why) { return space_->removals[static_cast<size_t>(why)].load(); };
    sum.evictions = removals(Removal::kEvicted);
    sum.expirations = removals(Removal::kExpired);
    sum.replacements = removals(Removal::kReplaced);
    sum.erasures = removals(Removal::kErased) + removals(Removal::kFlushed);
    return sum;
  }

  // Its store.
  [[nodiscard]] ObjectStore& objects() const { return *store_; }

 private:
  template <class OtherKey, class Other, class OtherHash, class OtherEqual>
  friend class LoadingObjectCache;
  using Object = internal::Object;
  using Count = ObjectStore::Count;
  using Shard = ObjectStore::Shard;

  // Nothing is stored any more, nobody told any more.
  void end() {
    space_->is_ending.store(1);
    store_->clear(*space_, Removal::kFlushed);
    ObjectStore::finish_telling(*space_);
  }

  struct Keyed : Object {
    explicit Keyed(const View<Key>& own_key) : key(own_key) {}
    const Key key;
  };
  template <class Held>
  struct Holding : Keyed {
    template <class... Arguments>
    explicit Holding(const View<Key>& own_key, Arguments&&... arguments)
        : Keyed(own_key), held_value(std::forward<Arguments>(arguments)...) {}
    Held held_value;
  };

  ObjectCache(std::unique_ptr<ObjectStore> own, ObjectStore* store, Options options)
      : own_store_(std::move(own)),
        store_(store != nullptr ? store : own_store_.get()),
        options_(std::move(options)) {
    space_->salt = store_->next_salt();
    if (options_.idle) space_->idle_ms = std::max<int64_t>(1, options_.idle->count());
    if (!options_.listener) return;
    space_->listener = [this](const std::shared_ptr<Object>& object, Removal why) {
      options_.listener(key_of(*object), pointer_to(object), why);
    };
  }

  // Of an allocation and its counts of owners, about.
  static constexpr uint64_t kAllocationBytes = 32;

  // --- keys and objects ---

  [[nodiscard]] uint64_t hash_of(const View<Key>& key) const {
    constexpr bool kIsString = std::same_as<Key, std::string> || std::same_as<Key, std::string_view>;
    if constexpr (kIsString && std::same_as<Hash, std::hash<Key>>) {
      return ObjectStore::hash_bytes(key, space_->salt);
    } else {
      return internal::mix_hash(Hash()(key), space_->salt);
    }
  }
  [[nodiscard]] Shard& shard_of(uint64_t hash) const { return store_->shards_[ObjectStore::shard_number(hash)]; }

  [[nodiscard]] static const Key& key_of(const Object& object) { return static_cast<const Keyed&>(object).key; }
  [[nodiscard]] static Pointer pointer_to(const std::shared_ptr<Object>& object) {
    return Pointer(object, static_cast<const T*>(object->value));
  }

  [[nodiscard]] Object* find(const Shard& shard, uint64_t hash, const View<Key>& key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex) {
    return shard.table.find(
        hash, [&](const Object& object) { return object.space == space_.get() && Equal()(key_of(object), key); });
  }

  template <class... Arguments>
  [[nodiscard]] std::shared_ptr<Object> make(const View<Key>& key, Arguments&&... arguments) const {
    auto object = std::make_shared<Holding<T>>(key, std::forward<Arguments>(arguments)...);
    object->value = &object->held_value;
    return object;
  }
  [[nodiscard]] std::shared_ptr<Object> without_object(const View<Key>& key) const {
    return std::make_shared<Keyed>(key);
  }
  [[nodiscard]] std::shared_ptr<Object> share(const View<Key>& key, Pointer pointer) const {
    auto object = std::make_shared<Holding<Pointer>>(key, std::move(pointer));
    object->value = object->held_value.get();
    return object;
  }

  // --- time ---

  [[nodiscard]] int64_t deadline(Expiry expiry) const { return store_->deadline(expiry); }

  // Whether it may be read; notes when it was. Only the mutex of its shard keeps it there.
  [[nodiscard]] bool is_fresh(Object& object) const {
    if (!object.has_end()) return true;
    const int64_t now_ms = store_->now_ms();
    if (now_ms >= object.fresh_until_ms || object.is_over(now_ms)) return false;
    object.read_ms.store(now_ms);
    return true;
  }
  [[nodiscard]] bool is_over(const Object& object) const {
    return object.load == nullptr && object.has_end() && object.is_over(store_->now_ms());
  }
  // Whether a get would find it.
  [[nodiscard]] bool is_there(const Object& object) const {
    if (object.value == nullptr) return false;
    if (!object.has_end()) return true;
    const int64_t now_ms = store_->now_ms();
    return now_ms < object.fresh_until_ms && !object.is_over(now_ms);
  }

  // --- storing ---

  // What becomes of a store, if this object is there (or none).
  static StoreResult is_absent(const Object* there) {
    return there != nullptr ? StoreResult::kNotStored : StoreResult::kStored;
  }
  [[nodiscard]] static auto is_expected(const Pointer& expected) {
    return [&expected](const Object* there) {
      if (there == nullptr) return StoreResult::kNotFound;
      return there->value == expected.get() ? StoreResult::kStored : StoreResult::kExists;
    };
  }

  template <class Condition>
  StoreResult store(std::shared_ptr<Object> fresh, const SetObject& options, Condition&& condition) {
    if (fresh->value == nullptr) return StoreResult::kNotStored;
    const int64_t deadline_ms = deadline(options.expiry.value_or(options_.expiry));
    fresh->hash = hash_of(key_of(*fresh));
    fresh->expires_ms.store(deadline_ms);
    fresh->fresh_until_ms = deadline_ms;
    prepare(*fresh, weight_of(*fresh));
    Shard& shard = shard_of(fresh->hash);
    Object* gone = nullptr;
    bool was_there = false;
    StoreResult result = StoreResult::kStored;
    {
      const internal::MutexLock lock(shard.mutex);
      gone = find(shard, fresh->hash, key_of(*fresh));
      was_there = gone != nullptr && is_there(*gone);
      result = space_->is_ending.load() != 0 ? StoreResult::kNotStored : condition(was_there ? gone : nullptr);
      if (result != StoreResult::kStored) return result;
      result = put(shard, fresh, gone);
    }
    const bool is_stored = result == StoreResult::kStored;
    const Removal why = !was_there ? Removal::kExpired : is_stored ? Removal::kReplaced : Removal::kErased;
    if (gone != nullptr || is_stored) store_->settle(gone, why, is_stored ? fresh : nullptr);
    return result;
  }

  // Of an object, or of an absence; calls the weigher.
  [[nodiscard]] uint64_t weight_of(const Object& fresh) const {
    if (fresh.value != nullptr && options_.weigher != nullptr) {
      return options_.weigher(key_of(fresh), *static_cast<const T*>(fresh.value));
    }
    if (fresh.value == nullptr && options_.absence_weight != 0) return options_.absence_weight;
    if (options_.weigher == nullptr && !store_->counts_bytes()) return 1;
    return sizeof(Keyed) + sizeof(T) + kAllocationBytes;
  }
  // What is the same for each that is stored.
  void prepare(Object& fresh, uint64_t weight) const {
    fresh.space = space_.get();
    if (space_->idle_ms != internal::kNoEnd) fresh.read_ms.store(store_->now_ms());
    fresh.weight = std::max<uint64_t>(1, weight);
  }

  // In place of `gone`, or else as a new one. If it cannot be, `gone` goes all the same.
  [[nodiscard]] StoreResult put(Shard& shard, const std::shared_ptr<Object>& fresh, Object* gone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex) {
    if (fresh->weight > store_->weight_max()) {
      if (gone != nullptr) (void)shard.table.erase(*gone);
      return StoreResult::kTooLarge;
    }
    gone != nullptr ? shard.table.replace(*gone, *fresh) : shard.table.insert(*fresh);
    fresh->self = fresh;
    if (fresh->value != nullptr) ObjectStore::count(*space_, Count::kStores);
    return StoreResult::kStored;
  }

  const std::unique_ptr<ObjectStore> own_store_;
  ObjectStore* const store_;
  const Options options_;
  const std::unique_ptr<internal::ObjectSpace> space_ = std::make_unique<internal::ObjectSpace>();
};

}  // namespace larder

#endif  // LARDER_OBJECT_CACHE_H_
