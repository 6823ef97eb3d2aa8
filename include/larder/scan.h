// What a walk over a cache needs: where it stands, and what it shows.
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
  size_t stored_bytes = 0;  // what the item takes where it lies, key and header included
  uint32_t flags = 0;
  uint64_t cas = 0;
  int64_t ttl_ms = kNeverExpires;  // milliseconds left, or kNeverExpires; 0 for an item that has expired
  bool is_read = false;            // it was read lately; a cache forgets reads that are long ago
  uint32_t idle_s = 0;             // seconds since the last access, known as well as Reading::idle_s is
};

// Where a walk with larder::scan stands. A plain value: it holds nothing of the cache, and may be kept for any
// time. It is good for the cache that it began with; in another one the walk comes to its end all the same, but may
// have left items out.
class ScanCursor {
 public:
  // A walk over all items.
  ScanCursor() = default;

  // A walk over a sample of them: about `share` of the items of each namespace, chosen by the hashes of their keys.
  // So what is counted of them stands for all, and the next walk meets the same ones as far as they are still
  // there. A share that is too small, or more than 1, is taken for the least, or for 1.
  [[nodiscard]] static ScanCursor sample(double share) {
    ScanCursor cursor;
    cursor.place_end_ = static_cast<uint32_t>(std::fmin(std::fmax(std::ceil(share * kPlaceCount), 1), kPlaceCount));
    return cursor;
  }

  // The share of all items that the walk is over.
  [[nodiscard]] double share() const { return static_cast<double>(place_end_) / kPlaceCount; }

  // Nothing is left to be shown.
  [[nodiscard]] bool is_at_end() const { return is_at_end_; }

 private:
  friend class internal::Engine;

  static constexpr uint32_t kPlaceCount = 1 << 22;

  // The next part of the index, the place within it, and where the walk leaves every part.
  uint32_t part_ = 0;
  uint32_t place_ = 0;  // < place_end_
  uint32_t place_end_ = kPlaceCount;
  bool is_at_end_ = false;
};

}  // namespace larder

#endif  // LARDER_SCAN_H_
