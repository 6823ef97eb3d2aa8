// larder::Cache: byte keys and byte values under one hard memory limit, with memcached's semantics.
//
// Start here. `Cache::create` makes a cache; threads share it freely, and it is destroyed when nobody uses it any
// more. A cache starts no thread and keeps nothing outside itself.
//
//   larder::Options options;
//   options.memory_limit_bytes = 256 << 20;
//   absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create(options);
//   if (!cache.ok()) return cache.status();
//   (*cache)->set("greeting", "hello", {.expiry = std::chrono::minutes(5)});
//   if (std::optional<larder::Item> item = (*cache)->get("greeting")) use(item->value);
//
// Keys are 1..kKeyBytesMax bytes of any kind, values 0..Options::item_bytes_max bytes. An operation with a key
// outside those bounds changes nothing, and returns kBadKey or what it returns for a missing key. The bytes that a
// key or value view refers to must not change until the call returns; but the string that get writes to, and a
// visitor of visit or erase, may overwrite the key.
//
// Every function is thread-safe, and operations on one key are linearizable: each takes effect at one moment
// between its call and its return. An operation on several keys (…_multi, for_each) is not one step: it treats
// each key separately. Visitors run without a lock unless their function says otherwise, and may then call any
// function of the cache. A long value that is being shown to a visitor cannot be removed from memory, and nobody
// waits for the visitor: calls from inside it, like those of other threads, evict other items instead. Where no
// other item can go, they return kNoMemory, or charge memory beyond the limit. A visitor that must not pay for
// eviction uses charge_external_bytes (serving.h). A function that the cache calls with a lock held must not call
// that cache: it would deadlock. In debug builds an assertion fails.
//
// Cost: one hash of the key. Reads take no lock and wait for nobody, except for values above 8 KiB, and now and then
// for items with an idle time. Changes lock the part of the index that the key belongs to. Stores also pay for
// eviction, in steps proportional to what they store.
//
// fork(): a child gets a copy of the cache, and may use it if no other thread was inside a call. Otherwise a lock
// may be held in the child for ever: it may call exec or _exit or create caches of its own, but must neither use
// nor destroy its parent's caches. A program that forks workers should create their caches after the fork.
#ifndef LARDER_CACHE_H_
#define LARDER_CACHE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/api.h"
#include "larder/arguments.h"
#include "larder/expiry.h"
#include "larder/explain.h"
#include "larder/function_ref.h"
#include "larder/handle.h"
#include "larder/item.h"
#include "larder/options.h"
#include "larder/result.h"
#include "larder/scan.h"
#include "larder/stats.h"

namespace larder {

namespace internal {
class Engine;
struct CacheAccess;
}  // namespace internal

// One cache. The comment at the top of this file holds for all its functions.
class LARDER_API Cache {
 public:
  // Functions that are shown items; a MultiVisitor also gets the item's index. The view is valid until they
  // return.
  using Visitor = FunctionRef<void(const ItemView& item)>;
  using MultiVisitor = FunctionRef<void(size_t index, const ItemView& item)>;
  // Functions that decide about an item; an Updater gets null if there is none. The view is valid until they
  // return.
  using Predicate = FunctionRef<bool(const ItemView& item)>;
  using Updater = FunctionRef<Update(const ItemView* item)>;

  // Makes a cache. InvalidArgument names the option that is out of range, and its value; ResourceExhausted says
  // which memory the system refused.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Cache>> create(const Options& options = {});

  // No other thread may be inside a call, no visitor or listener may be running, and no handle may exist:
  // otherwise an assertion fails in debug builds.
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // The options it was made with; the limit that holds now is Stats::memory_limit_bytes.
  [[nodiscard]] const Options& options() const;

  // --- reading ---------------------------------------------------------------------------------------------

  // Returns a copy of the item, or nothing if there is none. Marks the item as used. Counts get_hits or
  // get_misses.
  [[nodiscard]] std::optional<Item> get(std::string_view key);

  // Copies the value into `value`, reusing its capacity: the fastest read. False if there is no item; `value` is
  // then unspecified. `key` may be a view of `value`.
  [[nodiscard]] bool get(std::string_view key, std::string& value);

  // Shows the item to `visitor`; false if there is none. A long value is shown in place, without a copy; a short
  // one (up to 8 KiB with its key) as a copy on the stack. While the visitor runs the value neither changes nor
  // moves, whatever other threads do. The memory of a long value cannot be reused meanwhile, so a visitor should
  // be brief.
  bool visit(std::string_view key, Visitor visitor);

  // Like get and visit, but without side effects: the item is not marked as used, and nothing is counted.
  [[nodiscard]] std::optional<Item> peek(std::string_view key) const;
  bool peek(std::string_view key, Visitor visitor) const;
  [[nodiscard]] bool contains(std::string_view key) const;

  // Like get, but without a copy: the item in place, unchanged until the handle is destroyed, whatever happens to
  // the item meanwhile. An empty handle if there is none. Beyond Options::pinned_bytes_max the handle has a copy:
  // items are evicted for it, and it counts towards the memory limit even if none can be. Takes a lock. See
  // handle.h.
  [[nodiscard]] Handle hold(std::string_view key);

  // Why the key is not there, or what is known of it if it is: see explain.h. Without side effects. Takes a lock.
  [[nodiscard]] Explanation explain(std::string_view key) const;

  // Looks up each key in order and calls visitor(index, item) for each one found, twice for a key named twice.
  // Returns how many were found. Cheaper per key than get.
  size_t get_multi(std::span<const std::string_view> keys, MultiVisitor visitor);

  // The same, with copies: element i belongs to keys[i].
  [[nodiscard]] std::vector<std::optional<Item>> get_multi(std::span<const std::string_view> keys);

  // Both also take {"a", "b"} and any range of strings.
  size_t get_multi(std::initializer_list<std::string_view> keys, MultiVisitor visitor) {
    return get_multi(std::span(keys.begin(), keys.size()), visitor);
  }
  [[nodiscard]] std::vector<std::optional<Item>> get_multi(std::initializer_list<std::string_view> keys) {
    return get_multi(std::span(keys.begin(), keys.size()));
  }
  template <internal::StringRange Keys>
  size_t get_multi(const Keys& keys, MultiVisitor visitor) {
    return get_multi(std::span<const std::string_view>(internal::views_of(keys)), visitor);
  }
  template <internal::StringRange Keys>
  [[nodiscard]] std::vector<std::optional<Item>> get_multi(const Keys& keys) {
    return get_multi(std::span<const std::string_view>(internal::views_of(keys)));
  }

  // --- storing ---------------------------------------------------------------------------------------------

  // Stores `value` under `key`, whether or not an item is there already.
  //
  //   key      1..kKeyBytesMax bytes.
  //   value    0..Options::item_bytes_max bytes; copied before set returns.
  //   options  client flags and expiry. With an expiry already past, no get finds the item; an older one is still
  //            removed.
  //
  // Returns
  //   kStored    every get that starts after this returns sees the item.
  //   kTooLarge  the value is longer than Options::item_bytes_max.
  //   kNoMemory  no room could be made: eviction is off, or visitors and handles hold everything that could go.
  //   kBadKey    the key is out of bounds.
  //   After kTooLarge and kNoMemory `key` holds nothing: an old value must not outlive a failed replacement.
  //
  // Thread-safe. Source: memcached protocol.txt, "Storage commands".
  StoreResult set(std::string_view key, std::string_view value, const SetOptions& options = {});

  // Stores only if the key is missing; otherwise kNotStored, and the item there is marked as used.
  StoreResult add(std::string_view key, std::string_view value, const SetOptions& options = {});

  // Stores only if the key is there; otherwise kNotStored.
  StoreResult replace(std::string_view key, std::string_view value, const SetOptions& options = {});

  // Puts `value` after (append) or before (prepend) the existing value; flags and expiry stay. An append usually
  // copies only what it adds, because a long value that must move to grow gets an eighth more room. A prepend
  // copies the whole value. kNotStored if the key is missing, or if the result would be too long or finds no room:
  // the item is then unchanged. kTooLarge if `value` alone is too long.
  StoreResult append(std::string_view key, std::string_view value);
  StoreResult prepend(std::string_view key, std::string_view value);

  // Stores only if the item is there (otherwise kNotFound) and still has the CAS number `expected` (otherwise
  // kExists; no item has the number 0). The number comes from Item::cas.
  StoreResult cas(std::string_view key, std::string_view value, uint64_t expected, const SetOptions& options = {});

  // All of the above in one function, with options that they lack.
  //
  //   options.expected     as in cas; with kAppend and kPrepend a missing key is kNotStored all the same.
  //   options.takes_older  an item whose CAS number is greater than `expected` is replaced, too. The new item is
  //                        then marked stale, and keeps the old one's expiry and whether it was won. For writers
  //                        whose values may arrive late: readers see the newest value that arrived, and one of
  //                        them renews it.
  //
  // Returns what the function of that mode returns and, with kStored, the item's CAS number and size.
  StoreOutcome store(std::string_view key, std::string_view value, const StoreOptions& options = {});

  // Sets each entry in order; results[i] belongs to entries[i]. Cheaper per entry than set.
  std::vector<StoreResult> set_multi(std::span<const SetEntry> entries);

  // Shows the item to `updater` and applies what it returns, in one step: nobody reads or changes the item in
  // between.
  //
  //   updater  is called with a lock held: it should be brief, and must not call the cache. If room must be made
  //            first, it is called again with the item as it is then, and its first answer is dropped. A view that
  //            it returns must stay valid until it is called again or update returns; it may refer to a part of
  //            the item's own value. A temporary string needs no such care: see Update::store. If it throws, the
  //            item is unchanged.
  //
  // The stored value is a new one: neither stale nor won, with a new CAS number. Counts stores or erase_hits.
  UpdateOutcome update(std::string_view key, Updater updater);

  // --- counting --------------------------------------------------------------------------------------------

  // Adds to the decimal number in the value (wrapping at 2^64), or subtracts from it (stopping at 0). The new
  // number is stored without padding; flags and expiry stay, and so do the marks stale and won. The old text may
  // have leading and trailing spaces and one leading '+'. Source: memcached protocol.txt, "Increment/Decrement".
  CounterResult incr(std::string_view key, uint64_t delta = 1, const CounterOptions& options = {});
  CounterResult decr(std::string_view key, uint64_t delta = 1, const CounterOptions& options = {});

  // --- expiry and removal ----------------------------------------------------------------------------------

  // Gives the item a new expiry; its CAS number stays. False if there is no item, or, with eviction off, no room
  // for an expiry that the item did not have before. An expiry already past removes the item and returns true.
  // Counts touch_hits or touch_misses.
  bool touch(std::string_view key, Expiry expiry);

  // get and touch in one step. The item has its new time left, or the old one if touch would find no room. With an
  // expiry already past, the item is removed and returned with ttl_ms 0. Counts as touch, not as get.
  [[nodiscard]] std::optional<Item> get_and_touch(std::string_view key, Expiry expiry);

  // Removes the item. With `cas`, only if it still has that number, otherwise kExists. Without `cas`, also ends a
  // load or an absence that a Loader has noted under the key (see loader.h); that is not an item, so the result is
  // kNotFound. erase_multi, and invalidate, erase_prefix and reject of renewal.h and serving.h do the same.
  EraseResult erase(std::string_view key, std::optional<uint64_t> cas = std::nullopt);

  // Removes each key; returns how many items were there.
  size_t erase_multi(std::span<const std::string_view> keys);
  size_t erase_multi(std::initializer_list<std::string_view> keys) {
    return erase_multi(std::span(keys.begin(), keys.size()));
  }
  template <internal::StringRange Keys>
  size_t erase_multi(const Keys& keys) {
    return erase_multi(std::span<const std::string_view>(internal::views_of(keys)));
  }

  // Removes each item for which `is_unwanted` returns true, and returns how many. The predicate is called with a
  // lock held, so that exactly what it saw is removed: it should be brief, and must not call the cache. It may be
  // called more than once for an item. Walks over the whole cache, a few items at a time, and never stops other
  // callers for longer than one step. Which items it meets: see for_each. Counts erase_hits for each.
  size_t erase_if(Predicate is_unwanted);

  // Removes every item stored before this call or, with a delay > 0, every item stored before that moment. Only
  // one delayed flush can be pending: a later call replaces it. Takes effect at once for every reader, and costs
  // the same however many items there are; their memory is reclaimed as it is needed.
  void flush_all(std::chrono::milliseconds delay = std::chrono::milliseconds(0));

  // The same for the items of one namespace, and of those whose prefixes start with its, one after the other and
  // without a delay: see Options::namespaces. False if no namespace was declared with this prefix.
  bool flush_namespace(std::string_view prefix);

  // --- the whole cache -------------------------------------------------------------------------------------

  // Shows each item to `visitor` until that returns false. An item that is there from start to end is shown at
  // least once, and exactly once unless it is overwritten meanwhile; an item that comes or goes meanwhile may or
  // may not be shown. Copies a few items at a time, and never stops other callers for longer than one step.
  void for_each(FunctionRef<bool(const ItemView& item)> visitor) const;

  // Adds up the counters of all threads: cheap enough for every second, not for every operation.
  [[nodiscard]] Stats stats() const;

  // Changes the memory limit to `bytes`. Lowering it evicts items, in steps between which other callers run, until
  // memory use is within the new limit, and gives the memory back to the system before it returns.
  //
  // The limit can be raised to 16 GiB or to four times the first limit, whichever is more. From a first limit
  // below 32 MiB it can be raised to that limit's square divided by 64 KiB (1 MiB to 16 MiB, 4 MiB to 256 MiB),
  // because a program may have many such caches; and less far where the system is short of address space.
  //
  // InvalidArgument if `bytes` is out of range, below four times Options::item_bytes_max, or below 1/16 of the
  // first limit. ResourceExhausted if there is not enough address space, or if external bytes, handles or visitors
  // hold memory that would have to go. The limit then stays as it was. No item is evicted in that case, except
  // those that went before it turned out that visitors hold too much of the rest.
  [[nodiscard]] absl::Status set_memory_limit(size_t bytes);

  // Does in advance, a step at a time, work that later stores would do: reclaims the room of expired, flushed and
  // erased items, gives unused memory back to the system, and makes room for what is charged beyond the limit. A
  // step cleans about `step_bytes` of memory, and checks one item per 256 bytes of that for expiry: once a minute
  // by the cache's clock it starts a walk over all items, and when the walk ends no expired item is counted as an
  // item. True if there is more to do. Never required; for owners with idle time, or who want memory use to follow
  // what is stored.
  bool maintain(size_t step_bytes = 1 << 20);

 private:
  friend struct internal::CacheAccess;

  explicit Cache(std::unique_ptr<internal::Engine> engine);

  const std::unique_ptr<internal::Engine> engine_;
};

}  // namespace larder

#ifdef LARDER_HEADER_ONLY
#include "larder/internal/header_only.h"
#endif

#endif  // LARDER_CACHE_H_
