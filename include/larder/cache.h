// larder::Cache: byte keys and byte values under one hard memory limit, with memcached's semantics.
//
// Start here. A cache is made with `Cache::create`, shared freely between threads, and destroyed when nobody
// uses it any more. It starts no thread and keeps nothing outside itself.
//
//   larder::Options options;
//   options.memory_limit_bytes = 256 << 20;
//   absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create(options);
//   if (!cache.ok()) return cache.status();
//   (*cache)->set("greeting", "hello", {.expiry = std::chrono::minutes(5)});
//   if (std::optional<larder::Item> item = (*cache)->get("greeting")) use(item->value);
//
// Keys are 1..kKeyBytesMax bytes of any kind, values 0..Options::item_bytes_max bytes. An operation with a key
// outside those bounds changes nothing and answers kBadKey, or as if the key were missing. What keys and values are
// views of must stay as it is until the call returns; but get, visit and erase may put the value where the key was.
//
// Every function is thread-safe, and operations on one key are linearizable: each takes effect at one moment
// between its call and its return. Operations on several keys (…_multi, for_each) are not one step: each key
// is looked at on its own. Visitors run without any lock held and may call any function of the cache. A long value
// that a visitor is being shown cannot go meanwhile, and nobody waits until it can: calls from inside the visitor,
// like those of other threads, evict other items instead, and where there are none that may go they answer
// kNoMemory, or charge what no room can be made for. A visitor that must not pay for eviction uses
// charge_external_bytes (serving.h). Where a function is said to run with a lock held, a call of the same cache
// would wait for ever, and is an assertion that fails in debug builds.
//
// Cost: one hash of the key. Reads take no lock and wait for nobody, but for values above 8 KiB. Changes lock the
// part of the index that the key falls in; stores also pay for eviction, in steps proportional to what they store.
//
// fork(): a child has a copy of the cache, and may use it, if no other thread was inside a call. Otherwise a lock
// may be held in the child for ever: it may exec, _exit, or create caches of its own, but leaves those of its
// parent alone and does not destroy them. A program that forks its workers creates their caches after the fork.
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

// One cache. What holds for all its functions is told above.
class LARDER_API Cache {
 public:
  // Are shown items, of several by their index too. What they are shown is valid until they return.
  using Visitor = FunctionRef<void(const ItemView& item)>;
  using MultiVisitor = FunctionRef<void(size_t index, const ItemView& item)>;
  // Are asked about items; null: there is none. What they are shown is valid until they return.
  using Predicate = FunctionRef<bool(const ItemView& item)>;
  using Updater = FunctionRef<Update(const ItemView* item)>;

  // Makes a cache. InvalidArgument names the option that is out of range and its value; ResourceExhausted says
  // which memory could not be had.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Cache>> create(const Options& options = {});

  // No other thread may be inside a call, no visitor or listener may be running, and all handles must be gone: in
  // debug builds an assertion fails if one is not.
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // What it was made with; the limit that holds now is Stats::memory_limit_bytes.
  [[nodiscard]] const Options& options() const;

  // --- reading ---------------------------------------------------------------------------------------------

  // A copy of the item, or nothing when there is none. Marks the item as used. Counts get_hits or get_misses.
  [[nodiscard]] std::optional<Item> get(std::string_view key);

  // Copies the value into `value`, whose capacity is reused: the fastest read. False when there is none; `value` is
  // then unspecified. `key` may be a view of `value`.
  [[nodiscard]] bool get(std::string_view key, std::string& value);

  // Shows the item to `visitor`; false when there is none. A long value is shown where it lies, without a copy, and
  // a short one (up to 8 KiB with its key) as a copy on the stack. While the visitor runs the value neither changes
  // nor moves, whatever other threads do. The memory that a long one lies in cannot be reused meanwhile, so a
  // visitor should be brief.
  bool visit(std::string_view key, Visitor visitor);

  // As get and visit, but leave no trace: not marked as used, nothing counted.
  [[nodiscard]] std::optional<Item> peek(std::string_view key) const;
  bool peek(std::string_view key, Visitor visitor) const;
  [[nodiscard]] bool contains(std::string_view key) const;

  // As get, but without a copy: the item where it lies, kept as it is until the handle is destroyed, whatever
  // becomes of the item meanwhile; an empty handle when there is none. Beyond Options::pinned_bytes_max the handle
  // has a copy, which items make room for, and which counts towards the memory limit even where nothing can go.
  // Takes a lock. See handle.h.
  [[nodiscard]] Handle hold(std::string_view key);

  // Looks up each key in order and calls visitor(index, item) for each one found; a key named twice is shown
  // twice. Returns how many were found. Cheaper per key than get.
  size_t get_multi(std::span<const std::string_view> keys, MultiVisitor visitor);

  // The same as copies: element i belongs to keys[i].
  [[nodiscard]] std::vector<std::optional<Item>> get_multi(std::span<const std::string_view> keys);

  // Both take {"a", "b"} and any range of strings, too.
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
  //   options  client flags and expiry. An expiry already past stores nothing that a get could find, and still
  //            removes an older item.
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

  // Stores only when the key is missing; otherwise kNotStored, and the item there is marked as used.
  StoreResult add(std::string_view key, std::string_view value, const SetOptions& options = {});

  // Stores only when the key is there; otherwise kNotStored.
  StoreResult replace(std::string_view key, std::string_view value, const SetOptions& options = {});

  // Puts `value` behind (append) or before (prepend) what is there; flags and expiry stay as they are. An append
  // mostly copies what it adds alone: a long value that has to move for it gets room to grow by an eighth. A
  // prepend copies the whole value. kNotStored when the key is missing, or when the result would be too long or
  // finds no room: the item is then as it was. kTooLarge when `value` alone is too long.
  StoreResult append(std::string_view key, std::string_view value);
  StoreResult prepend(std::string_view key, std::string_view value);

  // Stores only when the item is there (otherwise kNotFound) and still has the CAS number `expected` (otherwise
  // kExists; 0 is nobody's number). The number comes from Item::cas.
  StoreResult cas(std::string_view key, std::string_view value, uint64_t expected, const SetOptions& options = {});

  // All of the above in one function, and what they leave out.
  //
  //   options.expected     as cas; with kAppend and kPrepend a missing key stays kNotStored.
  //   options.takes_older  an item whose CAS number is greater than `expected` is replaced all the same. The new
  //                        one is then marked stale, keeps the old one's expiry and whether it has been won. For
  //                        writers whose values may arrive late: readers see the newest that came, and one of them
  //                        renews it.
  //
  // Returns what the function of that mode returns, and if it is kStored the item's CAS number and size.
  StoreOutcome store(std::string_view key, std::string_view value, const StoreOptions& options = {});

  // Sets each entry in order; results[i] belongs to entries[i]. Faster than one by one: see get_multi.
  std::vector<StoreResult> set_multi(std::span<const SetEntry> entries);

  // Shows the item to `updater` and makes of it what that says, in one step: nobody reads or changes the item
  // between the look and the change.
  //
  //   updater  is called with a lock held: it should be brief, and must not call the cache. If room must be made
  //            first, it is called again with the item as it is then; what it said before counts for nothing. A
  //            view that it returns must stay good until it is called again or update returns; it may be of a part
  //            of the item's own value. A temporary string needs no such care: see Update::store. Out of a call
  //            that throws, the item comes unchanged.
  //
  // What is stored is a new value: neither stale nor won, with a new CAS number. Counts stores or erase_hits.
  UpdateOutcome update(std::string_view key, Updater updater);

  // --- counting --------------------------------------------------------------------------------------------

  // Adds to (wrapping at 2^64) or takes from (stopping at 0) the decimal number that the value holds. The new
  // number is stored without padding; flags and expiry stay. Leading and trailing spaces and one leading '+' of
  // the old text are accepted. What is stale or won stays so. Source: memcached protocol.txt,
  // "Increment/Decrement".
  CounterResult incr(std::string_view key, uint64_t delta = 1, const CounterOptions& options = {});
  CounterResult decr(std::string_view key, uint64_t delta = 1, const CounterOptions& options = {});

  // --- expiry and removal ----------------------------------------------------------------------------------

  // Gives the item a new expiry; its CAS number stays. False when there is none, or, with eviction off, no room for
  // an expiry that the item did not have before. Counts touch_hits or touch_misses. An expiry already past removes
  // the item and answers true.
  bool touch(std::string_view key, Expiry expiry);

  // get and touch in one step; the item comes back with its new time left (or the old one, where touch would be
  // false for want of room). Counts as touch, not as get. An expiry already past removes the item and still gives
  // it back (with ttl_ms 0).
  [[nodiscard]] std::optional<Item> get_and_touch(std::string_view key, Expiry expiry);

  // Removes the item. With `cas`: only if it still has that number, otherwise kExists. Without, also ends
  // what a Loader has left under the key (see loader.h), which is no item: kNotFound. So do erase_multi,
  // and invalidate, erase_prefix and reject of renewal.h and serving.h.
  EraseResult erase(std::string_view key, std::optional<uint64_t> cas = std::nullopt);

  // Removes each key; returns how many were there.
  size_t erase_multi(std::span<const std::string_view> keys);
  size_t erase_multi(std::initializer_list<std::string_view> keys) {
    return erase_multi(std::span(keys.begin(), keys.size()));
  }
  template <internal::StringRange Keys>
  size_t erase_multi(const Keys& keys) {
    return erase_multi(std::span<const std::string_view>(internal::views_of(keys)));
  }

  // Removes each item that `is_unwanted`, and returns how many were. It is asked with a lock held, so that what it
  // is shown is what is removed: it should be brief, and must not call the cache. It may be asked about an item
  // more than once. Goes over the whole cache, a few items at a time, and never stops other callers for longer than
  // one of its steps; which items it meets is as with for_each. Each counts erase_hits.
  size_t erase_if(Predicate is_unwanted);

  // Removes every item stored before this call, or, with a delay > 0, every item stored before that moment. One
  // moment can be pending: a later call replaces it. Takes effect at once for every reader and costs the same
  // however many items there are; memory comes back as it is needed.
  void flush_all(std::chrono::milliseconds delay = std::chrono::milliseconds(0));

  // The same of the items of one namespace, at once: see Options::namespaces. False if none was declared with this
  // prefix.
  bool flush_namespace(std::string_view prefix);

  // --- the whole cache -------------------------------------------------------------------------------------

  // Shows each item to `visitor` until it returns false. Items that are there all the while are shown at least
  // once, and once only unless they are overwritten meanwhile; items that come or go meanwhile may be shown or
  // not. Copies a few items at a time; never stops other callers for longer than one of its steps.
  void for_each(FunctionRef<bool(const ItemView& item)> visitor) const;

  // Adds up what all threads have counted: cheap enough for every second, not for every operation.
  [[nodiscard]] Stats stats() const;

  // Changes the limit. It can be raised to 16 GiB or four times the first one, whichever is more; if the first one
  // is below 32 MiB, to its square divided by 64 KiB (16 MiB from 1 MiB, 256 MiB from 4 MiB), since there may be
  // many such caches; and less far where the system is short of address space. Lowering it evicts, in steps during
  // which other callers go on, until memory use is within the new limit, and gives the memory back to the system
  // before it returns. InvalidArgument when `bytes` is out of range, less than four times Options::item_bytes_max,
  // or less than 1/16 of the first limit; ResourceExhausted when more address space than is left would be needed,
  // or when external bytes, handles or visitors hold what would have to go. The limit is then what it was, and no
  // item has gone, but for those that went before it turned out that visitors hold too much of the others.
  [[nodiscard]] absl::Status set_memory_limit(size_t bytes);

  // Does what else waits for the next stores, a step at a time: takes back the room of expired, flushed and erased
  // items, gives memory that nothing lies in back to the system, and makes room for what is charged beyond the
  // limit. A step cleans about `step_bytes` of memory, and looks at an item for each 256 bytes of that: once a
  // minute by the cache's clock a walk over all of them begins, at whose end no expired item counts as one any
  // more. True when there is more to do. Never needed; for owners with idle time, or who want memory to follow what
  // is stored.
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
