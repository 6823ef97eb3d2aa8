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
  // larder::read with `vivify` shows a placeholder as an empty item that is won.
  bool has_grace = false;       // the end of its ttl is LoadOptions::stale_grace
  bool is_placeholder = false;  // a load is under way
  bool is_absence = false;      // there was nothing to load
};

// Whether the item holds a value, as typed caches and loaders see it. An empty one that is won or stale stands for
// a value that somebody is to bring; so an empty value that is being renewed counts as none, too.
[[nodiscard]] inline bool has_value(const ItemView& item) {
  return !item.value.empty() || (!item.is_won && !item.is_stale);
}

}  // namespace larder

#endif  // LARDER_ITEM_H_
