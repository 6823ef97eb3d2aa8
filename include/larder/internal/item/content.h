// What is stored under a key: the value and its attributes.
#ifndef LARDER_INTERNAL_ITEM_CONTENT_H_
#define LARDER_INTERNAL_ITEM_CONTENT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::internal {

// "Never", as a deadline in milliseconds since the cache was made. Every other deadline is lower.
inline constexpr int64_t kNeverMs = int64_t{1} << 40;

// Converts milliseconds to whole seconds.
[[nodiscard]] constexpr uint32_t whole_seconds(int64_t ms) { return static_cast<uint32_t>(ms / 1000); }

// Rare properties of an item. An item without any of these marks pays nothing for them.
inline constexpr uint8_t kMarkStale = 0x01;
inline constexpr uint8_t kMarkWon = 0x02;        // a reader has the lease: it was told to renew the item
inline constexpr uint8_t kMarkBinaryKey = 0x04;  // SetOptions::is_key_binary
inline constexpr uint8_t kMarkTracked = 0x08;    // somebody asked for the item's history: accesses are recorded
inline constexpr uint8_t kMarkFetched = 0x10;    // only with kMarkTracked: read since it was stored
inline constexpr uint8_t kMarkGrace = 0x20;      // the last part of its ttl is a loader's LoadOptions::stale_grace
// Records of loaders that are not items. For everybody else the key is missing.
inline constexpr uint8_t kMarkPlaceholder = 0x40;  // a load is under way
inline constexpr uint8_t kMarkAbsent = 0x80;       // an absent marker: there was nothing to load
inline constexpr uint8_t kMarksHidden = kMarkPlaceholder | kMarkAbsent;

// What a record holds besides its key.
struct Content {
  [[nodiscard]] bool has(uint8_t mark) const { return (marks & mark) != 0; }
  [[nodiscard]] bool is_hidden() const { return has(kMarksHidden); }
  [[nodiscard]] size_t value_bytes() const { return value.size() + tail.size(); }
  // If is_joined, the value to store is in two pieces, the second of which may be empty.
  [[nodiscard]] bool is_joined() const { return tail.data() != nullptr; }

  std::string_view value;
  std::string_view tail = {};  // if is_joined: comes after the value
  uint32_t flags = 0;
  int64_t deadline_ms = kNeverMs;
  uint64_t cas = 0;  // the stripe's count, or a whole number if is_cas_whole
  bool is_cas_whole = false;
  uint8_t marks = 0;
  uint32_t accessed_s = 0;  // with kMarkTracked
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ITEM_CONTENT_H_
