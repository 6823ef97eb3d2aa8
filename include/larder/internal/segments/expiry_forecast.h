// When how many of a segment's bytes will have expired: for each expiry class, the sum of its bytes and their
// latest deadline.
#ifndef LARDER_INTERNAL_SEGMENTS_EXPIRY_FORECAST_H_
#define LARDER_INTERNAL_SEGMENTS_EXPIRY_FORECAST_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "larder/internal/base/atomic.h"
#include "larder/internal/item/record.h"
#include "larder/internal/segments/expiry_class.h"

namespace larder::internal {

// Thread-safe. All orders are relaxed: it is a hint, which is exact while nobody changes it.
class ExpiryForecast {
 public:
  void clear() {
    for (Part& part : parts_) {
      part.bytes.store(0);
      part.last_tick.store(0);
    }
  }

  // Adds `bytes` of an item that is stored at `now_ms`. Items that never expire are not counted.
  void add(size_t bytes, int64_t deadline_ms, int64_t now_ms) {
    if (deadline_ms >= kNeverMs) return;
    Part& part = parts_[static_cast<size_t>(expiry_class(deadline_ms, now_ms))];
    part.bytes.fetch_add(static_cast<uint32_t>(bytes));
    part.last_tick.raise_to(tick(deadline_ms));
  }

  // An item that was added gets a later deadline. The class it was counted in is not known any more, but it is not
  // one whose latest deadline is before the item's own.
  void postpone(int64_t old_deadline_ms, int64_t deadline_ms) {
    if (deadline_ms <= old_deadline_ms) return;
    for (Part& part : parts_) {
      if (part.last_tick.load() >= tick(old_deadline_ms)) {
        part.last_tick.raise_to(tick(deadline_ms));
      }
    }
  }

  // At least this many of the added bytes have expired.
  [[nodiscard]] uint64_t expired_bytes(int64_t now_ms) const {
    uint64_t expired = 0;
    for (const Part& part : parts_) {
      const bool is_over = int64_t{part.last_tick.load()} * kTickMs <= now_ms;
      if (is_over) expired += part.bytes.load();
    }
    return expired;
  }

 private:
  // In this unit, deadlines of eight years fit into 32 bits, and later ones are cut down to that. That an item
  // counts as live some milliseconds longer does no harm.
  static constexpr int64_t kTickMs = 64;

  struct Part {
    RelaxedAtomic<uint32_t> bytes{0};
    RelaxedAtomic<uint32_t> last_tick{0};
  };

  static uint32_t tick(int64_t deadline_ms) {
    return static_cast<uint32_t>(std::min<int64_t>((deadline_ms + kTickMs - 1) / kTickMs, UINT32_MAX));
  }

  // For all classes except that of items that never expire.
  std::array<Part, kExpiryClassCount - 1> parts_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_SEGMENTS_EXPIRY_FORECAST_H_
