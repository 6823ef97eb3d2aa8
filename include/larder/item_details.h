// What is told of items to people who look for the reason of something: see serving.h.
#ifndef LARDER_ITEM_DETAILS_H_
#define LARDER_ITEM_DETAILS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "larder/api.h"
#include "larder/item.h"
#include "larder/result.h"

namespace larder {

// Of `presence`.
enum class Presence : uint8_t {
  kPresent,  // there is an item
  kMissing,  // there is none, and nothing left of one
  kExpired,  // there was an item, and its room has not been taken back yet
  kFlushed,  // likewise, of one that a flush removed
};

// "present", "missing", …
[[nodiscard]] LARDER_API std::string_view to_string(Presence presence);

// What `inspect` tells of an item, for people who look for the reason of something.
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

#endif  // LARDER_ITEM_DETAILS_H_
