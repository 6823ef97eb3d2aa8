// What diagnostic functions report about an item: see serving.h.
#ifndef LARDER_ITEM_DETAILS_H_
#define LARDER_ITEM_DETAILS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "larder/api.h"
#include "larder/item.h"
#include "larder/result.h"

namespace larder {

// What larder::presence returns.
enum class Presence : uint8_t {
  kPresent,  // there is an item
  kMissing,  // there is none, and no remains of one
  kExpired,  // there was an item; its room has not been reclaimed yet
  kFlushed,  // the same, for an item that a flush removed
};

// "present", "missing", …
[[nodiscard]] LARDER_API std::string_view to_string(Presence presence);

// What larder::inspect returns: details for diagnosis.
struct ItemDetails {
  size_t value_bytes = 0;
  size_t item_bytes = 0;  // what it takes in memory, without its slot in the index
  uint32_t flags = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;
  bool is_stale = false;
  bool is_won = false;
  bool is_key_binary = false;
  bool was_fetched = false;  // this and the next as in Reading
  uint32_t idle_s = 0;
  uint32_t frequency = 0;  // 0..3: the reads that the eviction policy remembers
  uint32_t stripe = 0;     // the part of the index that has its slot
  uint32_t segment = 0;    // the segment it is stored in
};

}  // namespace larder

#endif  // LARDER_ITEM_DETAILS_H_
