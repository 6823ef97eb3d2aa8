// What a server of a cache, or a person who looks after one, needs besides the cache's own functions.
//
// All of it is thread-safe, as the cache is, and costs what the functions of Cache cost unless something else is
// said.
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

// --- looking without a trace ---

// What can be told of the item to people, without a trace; nothing when there is none. Takes a lock.
[[nodiscard]] LARDER_API std::optional<ItemDetails> inspect(const Cache& cache, std::string_view key);

// Whether there is an item, and if not, what is left of one: the first get that comes upon that takes it away.
// Without a trace. Takes a lock.
[[nodiscard]] LARDER_API Presence presence(const Cache& cache, std::string_view key);

// Shows the next items, about `items_max` ≥ 1 of them, without their values, and moves `cursor`, a fresh one of
// which begins the walk over all items, or a sample, behind them. False when the walk has come to its end. What
// Cache::for_each promises holds for the walk as a whole, however long it pauses, and nothing is kept for it
// meanwhile. Cheaper than for_each. Removes what it finds expired.
LARDER_API bool scan(const Cache& cache, ScanCursor& cursor, size_t items_max,
                     FunctionRef<void(const ItemInfo& item)> visitor);

// Cache::stats by namespaces: element i is that of Options::namespaces[i], and the last that of all other keys.
[[nodiscard]] LARDER_API std::vector<NamespaceStats> namespace_stats(const Cache& cache);

// Sets the counters of Stats to 0; gauges stay.
LARDER_API void reset_stats(Cache& cache);

// --- operations that show more ---

// Has the memory fetched that operations on these keys will need: for callers who know the keys of many
// operations before they begin the first. A hint: nothing is changed, marked or counted. Of use for a few dozen
// keys at a time, and only when the operations follow at once.
LARDER_API void prefetch(const Cache& cache, std::span<const std::string_view> keys);

// For visitors that may call the cache and want to go on with the item that they are being shown: a handle
// to it, without another lookup, if it is shown where it lies and may be held there. Otherwise, that is, for a
// short value or beyond Options::pinned_bytes_max, an empty handle: what is needed of the item must be copied.
[[nodiscard]] LARDER_API Handle keep(Cache& cache, const ItemView& item);

// Cache::get_and_touch, that shows the item instead of copying it.
LARDER_API bool visit_and_touch(Cache& cache, std::string_view key, Expiry expiry, Cache::Visitor visitor);

// Cache::touch, that shows the item as it was to `visitor`, with a lock held as `erase` does; twice or more if room
// must be made first.
LARDER_API bool touch(Cache& cache, std::string_view key, Expiry expiry, Cache::Visitor visitor);

// Cache::erase, that shows what is removed to `visitor` before it goes, with a lock held: the visitor should be
// brief, and must not call the cache.
LARDER_API EraseResult erase(Cache& cache, std::string_view key, std::optional<uint64_t> cas,
                             Cache::Visitor visitor);

// One step of Cache::erase_if: about `items_max` ≥ 1 items, from `cursor` on, which is moved behind them (see
// scan). For callers who have something else to do as well, or want to stop in between.
LARDER_API size_t erase_if(Cache& cache, ScanCursor& cursor, size_t items_max, Cache::Predicate is_unwanted);

// Removes the items whose keys begin with `prefix`; an empty one is that of all keys. A prefix that is often
// emptied is better declared a namespace: see flush_namespace.
LARDER_API size_t erase_prefix(Cache& cache, std::string_view prefix);
LARDER_API size_t erase_prefix(Cache& cache, ScanCursor& cursor, size_t items_max, std::string_view prefix);

// For owners that must refuse a value before the cache sees it: what a store with these options would have done,
// had it found the value too large (kTooLarge) or no room for it (kNoMemory). Counts it, removes the item that a
// plain set would have replaced, and answers `reason`, or kBadKey.
LARDER_API StoreResult reject(Cache& cache, std::string_view key, const StoreOptions& options, StoreResult reason);

// --- memory ---

// What Cache::set_memory_limit would answer, as far as it is known before it evicts; changes nothing. For owners
// who make room step by step first: charge_external_bytes what the limit is to be lowered by, Cache::maintain until
// bytes_over_limit is 0, give the charge back and set the limit.
[[nodiscard]] LARDER_API absl::Status check_memory_limit(const Cache& cache, size_t bytes);

// The lowest limit that Cache::set_memory_limit takes.
[[nodiscard]] LARDER_API size_t memory_limit_bytes_min(const Cache& cache);

// Charges (or, negative, returns) memory the owner uses on the cache's behalf, such as connection buffers, to
// the limit. Items make room first, as for a store; what no room can be made for is charged all the same, and
// the next stores make it up. What leaves no room for any item at all makes stores answer kNoMemory. Returning
// more than was charged returns what was charged.
LARDER_API void add_external_bytes(Cache& cache, int64_t bytes);

// Only charges, as add_external_bytes does, and leaves it to others to make room: it evicts nothing, takes no
// lock and calls no listener, so it may be called from anywhere, also from inside a visitor or an updater. Memory
// use is then beyond the limit by no more than what was so charged, and less with each of the next stores, which
// pay a little of it each, and with each step of maintain. A store that needs memory beyond what its segment has
// left, for a long value, say, makes up all of it first. Returned with add_external_bytes.
LARDER_API void charge_external_bytes(Cache& cache, size_t bytes);

// How much more is charged than the limit allows; 0 but for what charge_external_bytes has charged lately, and
// for what nothing could make room for. Takes no lock, and is cheap enough for every operation.
[[nodiscard]] LARDER_API size_t bytes_over_limit(const Cache& cache);

// Checks every invariant of the engine (see lib/DESIGN.md) and returns what is violated, or OK. No other
// thread may use the cache meanwhile: sums over all of it would not add up. Takes time proportional to what the
// cache holds: for tests.
[[nodiscard]] LARDER_API absl::Status assert_valid(const Cache& cache);

}  // namespace larder

#endif  // LARDER_SERVING_H_
