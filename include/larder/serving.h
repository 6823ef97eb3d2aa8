// Functions for servers of a cache, and for its operators.
//
// All are thread-safe, as the cache is, and cost as much as the corresponding functions of Cache unless they say
// otherwise.
#ifndef LARDER_SERVING_H_
#define LARDER_SERVING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "larder/api.h"
#include "larder/arguments.h"
#include "larder/cache.h"
#include "larder/expiry.h"
#include "larder/function_ref.h"
#include "larder/handle.h"
#include "larder/item.h"
#include "larder/item_details.h"
#include "larder/result.h"
#include "larder/scan.h"
#include "larder/stats.h"

namespace larder {

// --- reads without side effects ---

// Details of the item, for diagnosis; nothing if there is none. No side effects. Takes a lock.
[[nodiscard]] LARDER_API std::optional<ItemDetails> inspect(const Cache& cache, std::string_view key);

// Whether there is an item, and if not, what remains of one; the first get that meets the remains removes them. No
// side effects. Takes a lock.
[[nodiscard]] LARDER_API Presence presence(const Cache& cache, std::string_view key);

// Shows the next items, about `items_max` ≥ 1, without their values, and moves `cursor` past them. A new cursor
// starts a walk over all items, or over a sample. False when the walk is over. The guarantees of Cache::for_each
// hold for the walk as a whole, however long it pauses; meanwhile no memory is held for it. Cheaper than for_each.
// Removes expired items that it meets.
LARDER_API bool scan(const Cache& cache, ScanCursor& cursor, size_t items_max,
                     FunctionRef<void(const ItemInfo& item)> visitor);

// Cache::stats per namespace: element i belongs to Options::namespaces[i], the last one to all other keys.
[[nodiscard]] LARDER_API std::vector<NamespaceStats> namespace_stats(const Cache& cache);

// Sets the counters of Stats to 0; gauges are unaffected.
LARDER_API void reset_stats(Cache& cache);

// --- operations that show the item ---

// Prefetches the memory that operations on these keys will need: for callers that know the keys of many operations
// before the first. A hint: nothing is changed, marked or counted. Useful for a few dozen keys at a time, if the
// operations follow at once.
LARDER_API void prefetch(const Cache& cache, std::span<const std::string_view> keys);

// For visitors that may call the cache and need the item after they return: a handle to it without another lookup,
// if it is shown in place and may be held. Otherwise (a short value, or more than Options::pinned_bytes_max) an
// empty handle: the visitor must copy what it needs.
[[nodiscard]] LARDER_API Handle keep(Cache& cache, const ItemView& item);

// Like Cache::get_and_touch, but shows the item instead of copying it.
LARDER_API bool visit_and_touch(Cache& cache, std::string_view key, Expiry expiry, Cache::Visitor visitor);

// Like Cache::touch, but shows the item as it was to `visitor`, with a lock held: see erase. The visitor is called
// again if room must be made first.
LARDER_API bool touch(Cache& cache, std::string_view key, Expiry expiry, Cache::Visitor visitor);

// Like Cache::erase, but shows the item to `visitor` before it is removed, with a lock held: the visitor should be
// brief, and must not call the cache.
LARDER_API EraseResult erase(Cache& cache, std::string_view key, std::optional<uint64_t> cas,
                             Cache::Visitor visitor);

// One step of Cache::erase_if: covers about `items_max` ≥ 1 items from `cursor` on, which is moved past them (see
// scan). Returns how many were removed. For callers that do other work in between, or want to stop early.
LARDER_API size_t erase_if(Cache& cache, ScanCursor& cursor, size_t items_max, Cache::Predicate is_unwanted);

// Removes the items whose keys start with `prefix` (empty: all items), and returns how many. If a prefix is
// emptied often, declare it as a namespace: see flush_namespace.
LARDER_API size_t erase_prefix(Cache& cache, std::string_view prefix);
LARDER_API size_t erase_prefix(Cache& cache, ScanCursor& cursor, size_t items_max, std::string_view prefix);

// For servers that must refuse a value before the cache sees it. Does what a store with these options would have
// done if the value had been too large (kTooLarge) or had found no room (kNoMemory): counts it, and removes the
// item that a plain set would have replaced. Returns `reason`, or kBadKey.
LARDER_API StoreResult reject(Cache& cache, std::string_view key, const StoreOptions& options, StoreResult reason);

// --- memory ---

// What Cache::set_memory_limit would return, as far as it is known before it evicts; changes nothing. For owners
// that make room step by step first: charge_external_bytes the difference, call Cache::maintain until
// bytes_over_limit is 0, return the charge, and set the limit.
[[nodiscard]] LARDER_API absl::Status check_memory_limit(const Cache& cache, size_t bytes);

// The lowest limit that Cache::set_memory_limit accepts.
[[nodiscard]] LARDER_API size_t memory_limit_bytes_min(const Cache& cache);

// Charges memory that the owner uses on the cache's behalf, such as connection buffers, to the limit; a negative
// number returns it. Items are evicted first, as for a store; if they cannot make enough room, the memory is
// charged anyway, and the next stores make up for it. If no room is left for items, stores return kNoMemory.
// Returning more than was charged returns what was charged.
LARDER_API void add_external_bytes(Cache& cache, int64_t bytes);

// Like add_external_bytes, but only charges, and leaves it to later operations to make room. It evicts nothing,
// takes no lock and calls no listener, so it may be called anywhere, also inside a visitor or updater. Memory use
// can exceed the limit by what was charged in this way; each later store makes up for a little of it, and so does
// each step of maintain. A store that needs memory beyond the room in its segment, for example for a long value,
// makes up for all of it first. add_external_bytes with a negative number returns the charge.
LARDER_API void charge_external_bytes(Cache& cache, size_t bytes);

// How much more is charged than the limit allows; 0 unless charge_external_bytes was called recently, or items
// could not make enough room. Takes no lock, and is cheap enough for every operation.
[[nodiscard]] LARDER_API size_t bytes_over_limit(const Cache& cache);

// Checks the invariants of the engine (see lib/DESIGN.md), and returns OK or what is violated. No other thread may
// use the cache meanwhile, because sums over all of it would not add up. Takes time proportional to the contents:
// for tests.
[[nodiscard]] LARDER_API absl::Status assert_valid(const Cache& cache);

}  // namespace larder

#endif  // LARDER_SERVING_H_
