// What a cache gives back of an item: a copy (`Item`) or a look at it in place (`ItemView`).
#ifndef LARDER_ITEM_H_
#define LARDER_ITEM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder {

// Time left of an item that never expires.
inline constexpr int64_t kNeverExpires = -1;

// A copy of an item's value and what is stored with it.
struct Item {
  std::string value;
  uint32_t flags = 0;              // the client flags it was stored with
  uint64_t cas = 0;                // changes with every change of the value; 0 when Options::cas is off
  int64_t ttl_ms = kNeverExpires;  // milliseconds left, > 0, or kNeverExpires
  bool is_stale = false;           // out of date, and shown until somebody has renewed it: see Cache::read
  bool is_won = false;             // somebody is renewing it
  bool is_key_binary = false;      // SetOptions::is_key_binary
};

// An item where it lies. Valid only during the call of the visitor that it is passed to, or as long as its handle.
struct ItemView {
  std::string_view key;
  std::string_view value;
  uint32_t flags = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;
  bool is_stale = false;
  bool is_won = false;
  bool is_key_binary = false;

  // What loaders note of items. To everybody else a key that has one of the last two is missing, but that
  // Cache::read with `vivify` shows a placeholder as an empty item that is won.
  bool has_grace = false;       // the end of its ttl is LoadOptions::stale_grace
  bool is_placeholder = false;  // a load is under way
  bool is_absence = false;      // there was nothing to load
};

// Whether the item holds a value, as typed caches and loaders see it. An empty one that is won or stale stands for
// a value that somebody is to bring; so an empty value that is being renewed counts as none, too.
[[nodiscard]] inline bool has_value(const ItemView& item) {
  return !item.value.empty() || (!item.is_won && !item.is_stale);
}

// What `Cache::read` shows.
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

// What `Cache::inspect` tells of an item, for people who look for the reason of something.
struct ItemDetails {
  size_t value_bytes = 0;
  size_t item_bytes = 0;  // what it takes in memory, its slot in the index left out
  uint32_t flags = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;
  bool is_stale = false;
  bool is_won = false;
  bool is_key_binary = false;
  bool was_fetched = false;  // this and the next as in Reading
  uint32_t idle_s = 0;
  uint32_t frequency = 0;  // 0..3: what the eviction policy goes by
  uint32_t stripe = 0;     // the part of the index that finds it
  uint32_t segment = 0;    // the part of memory that it lies in
};

}  // namespace larder

#endif  // LARDER_ITEM_H_
