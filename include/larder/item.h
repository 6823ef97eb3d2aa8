// What a cache returns of an item: a copy (`Item`) or a view of it (`ItemView`).
#ifndef LARDER_ITEM_H_
#define LARDER_ITEM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder {

// Time left of an item that never expires.
inline constexpr int64_t kNeverExpires = -1;

// A copy of an item's value, and what is stored with it.
struct Item {
  std::string value;
  uint32_t flags = 0;              // the client flags it was stored with
  uint64_t cas = 0;                // changes with every change of the value; 0 when Options::cas is off
  int64_t ttl_ms = kNeverExpires;  // milliseconds left, > 0, or kNeverExpires
  bool is_stale = false;           // out of date, and shown until it is renewed: see larder::read
  bool is_won = false;             // another reader has the lease, and renews it
  bool is_key_binary = false;      // SetOptions::is_key_binary
};

// A view of an item. Valid only during the call of the visitor it is passed to, or as long as its handle.
struct ItemView {
  std::string_view key;
  std::string_view value;
  uint32_t flags = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;
  int64_t expiry_ttl_ms = kNeverExpires;  // the same if it is always read in time: see SetOptions::idle
  bool is_stale = false;
  bool is_won = false;
  bool is_key_binary = false;

  // Marks of loaders. A key with one of the last two is missing for everybody else, except that larder::read with
  // `vivify` shows a placeholder as an empty item that is won.
  bool has_grace = false;       // the last part of its ttl is LoadOptions::stale_grace
  bool is_placeholder = false;  // a load is under way
  bool is_absence = false;      // a load found nothing
};

// Whether the item holds a value, in the eyes of typed caches and loaders. An empty item that is won or stale
// stands for a value that is still to be stored; so an empty value that is being renewed does not count either.
[[nodiscard]] inline bool has_value(const ItemView& item) {
  return !item.value.empty() || (!item.is_won && !item.is_stale);
}

}  // namespace larder

#endif  // LARDER_ITEM_H_
