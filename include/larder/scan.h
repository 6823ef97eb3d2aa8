// Walks over a cache: the cursor, and what they show.
#ifndef LARDER_SCAN_H_
#define LARDER_SCAN_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "larder/item.h"

namespace larder {

namespace internal {
class Engine;
}  // namespace internal

// An item without its value. The key is valid only during the call that shows it.
struct ItemInfo {
  std::string_view key;
  size_t value_bytes = 0;
  size_t stored_bytes = 0;  // what the item takes in its segment, including key and header
  uint32_t flags = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;  // milliseconds left, or kNeverExpires; 0 for an item that has expired
  bool is_read = false;            // read recently; a cache forgets reads that are long ago
  uint32_t idle_s = 0;             // seconds since the last access; as exact as Reading::idle_s
};

// The position of a walk with larder::scan. A plain value: it refers to nothing in the cache, and may be kept for
// any time. It is valid for the cache that it started with; in another cache the walk still ends, but may leave
// items out.
class ScanCursor {
 public:
  // A walk over all items.
  ScanCursor() = default;

  // A walk over a sample: about `share` of the items of each namespace, chosen by the hashes of their keys.
  // Results for the sample therefore estimate those for all items, and the next walk meets the same items as far
  // as they are still there. 0 < share ≤ 1; a share that is too small counts as the least possible one, and one
  // above 1 as 1.
  [[nodiscard]] static ScanCursor sample(double share) {
    ScanCursor cursor;
    cursor.place_end_ = static_cast<uint32_t>(std::fmin(std::fmax(std::ceil(share * kPlaceCount), 1), kPlaceCount));
    return cursor;
  }

  // The share of all items that the walk covers.
  [[nodiscard]] double share() const { return static_cast<double>(place_end_) / kPlaceCount; }

  // Whether the walk is over.
  [[nodiscard]] bool is_at_end() const { return is_at_end_; }

 private:
  friend class internal::Engine;

  static constexpr uint32_t kPlaceCount = 1 << 22;

  // The next part of the index, the position within it, and the position at which the walk leaves every part.
  uint32_t part_ = 0;
  uint32_t place_ = 0;  // < place_end_
  uint32_t place_end_ = kPlaceCount;
  bool is_at_end_ = false;
};

}  // namespace larder

#endif  // LARDER_SCAN_H_
