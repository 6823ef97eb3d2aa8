// Leases and stale items: readers keep items up to date without all of them going to the source at once.
//
//   larder::read(cache, "page", {.recache = std::chrono::seconds(30)}, [&](const larder::Reading& reading) {
//     show(reading.item.value);
//     must_renew = reading.has_won;  // this caller has the lease: it should store a new value; the others go on
//   });
//
// One reader renews an item that is missing, stale or about to expire. It *wins* the item, that is, it gets the
// lease for it until the item is stored again. LoadingCache does all of this for programs that can load what is
// missing; these functions are for those that cannot, such as servers. Thread-safe, as the cache is.
#ifndef LARDER_RENEWAL_H_
#define LARDER_RENEWAL_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/api.h"
#include "larder/arguments.h"
#include "larder/cache.h"
#include "larder/expiry.h"
#include "larder/function_ref.h"
#include "larder/item.h"
#include "larder/result.h"

namespace larder {

// What `read` shows to its visitor.
struct Reading {
  ItemView item;            // after the read
  bool has_won = false;     // the caller should renew the item; no other reader is told so until it is stored
  bool is_created = false;  // the key was missing: ReadOptions::vivify created the item
  int64_t previous_ttl_ms = kNeverExpires;  // before ReadOptions::expiry

  // Filled in only with ReadOptions::wants_history. The first such read of an item starts a record of its accesses
  // (9 bytes, unless marks_used is false); from then on both are exact. Until then was_fetched is what the
  // eviction policy remembers, which survives an overwrite and may be forgotten when memory is short; and idle_s
  // counts from the last change of the value, or is 0 if that is not known either (Options::cas is off, or the
  // caller chose the CAS number).
  bool was_fetched = false;  // read before, since it was stored or its value changed
  uint32_t idle_s = 0;       // seconds since the last access before this one
};

// What read does besides showing the item.
struct ReadOptions {
  std::optional<Expiry> expiry = {};       // given: the item's new expiry, set as touch does
  std::optional<SetOptions> vivify = {};   // given: a missing key is created, empty, and won by the caller
  std::chrono::milliseconds recache =
      {};                      // an item that expires in less than this can be won, whatever its idle time
  bool may_win = true;         // false: for callers that would not renew it; what vivify creates is won anyway
  bool marks_used = true;      // false: no side effects, as peek, except on the counters
  bool wants_history = false;  // fill in Reading::was_fetched and idle_s; takes a lock
};

// What invalidate does to an item.
struct InvalidateOptions {
  bool is_stale = true;                   // still shown, but the next reader wins it and should renew it
  bool is_empty = false;                  // the value becomes empty, and flags and expiry are those below
  std::optional<uint64_t> expected = {};  // given: only an item with this CAS number
  std::optional<Expiry> expiry = {};      // given: its new expiry. Not given: unchanged, or never with is_empty
  uint32_t flags = 0;                     // with is_empty
  uint64_t cas = 0;                       // as in SetOptions
};

// Is shown the result of a read; valid until it returns.
using ReadVisitor = FunctionRef<void(const Reading& reading)>;

// Like Cache::visit, for callers that keep what they read up to date: one of them is told to renew an item, while
// the others go on with the existing value.
//
// A reader wins an item (Reading::has_won is true), if it may and nobody has won the item before, when
//   - it was missing and `options.vivify` is given: the item is created with an empty value, and shown; or
//   - it is stale (see invalidate, and StoreOptions::takes_older); or
//   - it expires in less than `options.recache`; an item that never expires does not.
// All other readers see item.is_won until the item is stored again, which ends both won and stale; append and
// prepend do, too. incr, decr and touch leave both as they are. The other read functions never win an item, and
// show stale and empty items like any other. With `vivify`, a key that a Loader is loading is shown as an empty
// item that is won, with the time that the load may still take; it is not touched.
//
//   options.expiry     the item is shown with it; an expiry already past removes the item. `recache` is compared
//                      with the expiry before.
//   options.vivify     the expiry should be about as long as the winner may take.
//
// False if there is no item, or if vivify found no room. If there is no room to note a win or a new expiry
// (eviction is off, or the item itself is evicted), neither happens. Counts get_hits or get_misses, and vivified;
// with `expiry`, a hit counts as touch_hits instead. Costs as much as visit, or as touch if anything about the
// item changes; long values are then copied. Source: memcached protocol.txt, "Meta Get".
LARDER_API bool read(Cache& cache, std::string_view key, const ReadOptions& options, ReadVisitor visitor);

// Instead of removing the item, leaves it in the cache for readers until one of them, the winner (see read), has
// stored a new one. The item gets a new CAS number, so that no cas based on its old value succeeds; if it is
// emptied without being stale, it keeps its number. It is no longer won. Returns what Cache::erase returns, but
// counts only erase_misses. If there is no room for the marks, the item is removed.
LARDER_API EraseResult invalidate(Cache& cache, std::string_view key, const InvalidateOptions& options = {});

}  // namespace larder

#endif  // LARDER_RENEWAL_H_
