// Reads that keep items up to date, without a herd of callers at the source: leases, and stale items meanwhile.
//
//   larder::read(cache, "page", {.recache = std::chrono::seconds(30)}, [&](const larder::Reading& reading) {
//     show(reading.item.value);
//     must_renew = reading.has_won;  // this caller has the lease: it is to store a new value, the others go on
//   });
//
// An item that is missing, stale or about to expire is renewed by one reader: it *wins* the item, that is, gets the
// lease for it, until the item is stored again. LoadingCache does all of this for programs that can load what is
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

// What `read` shows.
struct Reading {
  ItemView item;            // as the read leaves it
  bool has_won = false;     // the caller is to renew the item, and nobody else is told so until it is stored again
  bool is_created = false;  // there was none: ReadOptions::vivify made it
  int64_t previous_ttl_ms = kNeverExpires;  // before ReadOptions::expiry

  // With ReadOptions::wants_history, otherwise not filled in. The first question about an item begins a record of
  // its accesses (9 bytes, unless marks_used is false), and from then on both are exact. Until then was_fetched is
  // what the eviction policy remembers, which outlives an overwrite and may be forgotten when memory is short; and
  // idle_s counts from the last change of the value, 0 where that is not known either (Options::cas is off, or the
  // number is the caller's).
  bool was_fetched = false;  // read before, since it was stored or its value changed
  uint32_t idle_s = 0;       // seconds since the last access before this one
};

// How read treats the item besides showing it.
struct ReadOptions {
  std::optional<Expiry> expiry = {};       // given: the item's new expiry, as touch sets it
  std::optional<SetOptions> vivify = {};   // given: a missing key is created, empty, and the caller has won it
  std::chrono::milliseconds recache = {};  // an item that expires in less than this can be won
  bool may_win = true;         // false: for callers that would not renew it; but what vivify creates is won
  bool marks_used = true;      // false: as peek, leaves no trace, but in the counters
  bool wants_history = false;  // fill in Reading::was_fetched and idle_s; takes a lock
};

// What invalidate leaves of an item.
struct InvalidateOptions {
  bool is_stale = true;                   // still shown, but to be renewed by the next reader, who wins it
  bool is_empty = false;                  // the value is replaced by an empty one, flags and expiry by those below
  std::optional<uint64_t> expected = {};  // given: only of an item with this CAS number
  std::optional<Expiry> expiry = {};      // given: its new expiry. Not given: it stays, or with is_empty is never
  uint32_t flags = 0;                     // with is_empty
  uint64_t cas = 0;                       // as in SetOptions
};

// Is shown what a read found, as the read leaves it; valid until it returns.
using ReadVisitor = FunctionRef<void(const Reading& reading)>;

// As Cache::visit, for callers that keep what they read up to date: one of them is told to renew an item, while the
// others go on with what there is.
//
// A reader that may wins an item, that is, Reading::has_won is true, if nobody has won it before and
//   - it was missing, and `options.vivify` given: the item is created with an empty value, and shown; or
//   - it is stale (see invalidate, and StoreOptions::takes_older); or
//   - it expires in less than `options.recache`; an item that never expires does not.
// Everyone else finds item.is_won true until the item is stored anew, which ends both being won and being stale;
// so do append and prepend. incr, decr and touch leave both as they are. Reads by the other functions win
// nothing, and show stale and empty items like any others. With `vivify` a key that a Loader is loading is shown,
// too, as an empty item that is won, with the time that the load may still take; it is not touched.
//
//   options.expiry     the item is shown with it; a past one removes the item. `recache` goes by the one before.
//   options.vivify     the expiry should be about as long as the winner may take.
//
// False when there is none, or when vivify found no room. When winning or a new expiry finds no room (eviction is
// off, or the item is evicted to make some), neither happens. Counts get_hits or get_misses, and vivified; what
// is found with `expiry`, touch_hits instead. Costs what visit does, or what touch does if anything of the item
// changes; long values are then copied. Source: memcached protocol.txt, "Meta Get".
LARDER_API bool read(Cache& cache, std::string_view key, const ReadOptions& options, ReadVisitor visitor);

// Instead of removing the item, leaves it in the cache for readers to go on with until one of them, the winner
// (see read), has stored a new one. It gets a new CAS number, so that no cas made from its old value succeeds;
// emptied without being stale, it keeps its own. Whether it had been won is forgotten. Answers as Cache::erase
// does, but counts erase_misses only; where no room can be made for what is to be noted, the item is removed.
LARDER_API EraseResult invalidate(Cache& cache, std::string_view key, const InvalidateOptions& options = {});

}  // namespace larder

#endif  // LARDER_RENEWAL_H_
