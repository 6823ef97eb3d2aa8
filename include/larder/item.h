// What a cache gives back of an item: a copy (`Item`) or a look at it in place (`ItemView`).
#ifndef LARDER_ITEM_H_
#define LARDER_ITEM_H_

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
};

// An item where it lies. Valid only during the call of the visitor that it is passed to.
struct ItemView {
  std::string_view key;
  std::string_view value;
  uint32_t flags = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;
};

}  // namespace larder

#endif  // LARDER_ITEM_H_
