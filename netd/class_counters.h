// Counters per size class.
#ifndef NETD_CLASS_COUNTERS_H_
#define NETD_CLASS_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "netd/item_class.h"

namespace netd {

enum class ClassCounter : uint8_t {
  kGetHits,
  kStores,
  kDeleteHits,
  kIncrHits,
  kDecrHits,
  kCasHits,
  kCasBadval,
  kTouchHits,
  kOutOfMemory,
  kEvicted,
  kEvictedUnread,
  kEvictedActive,
  kEvictedMortal,  // evicted items that had an expiry
  kExpired,
  kExpiredUnread,
  kCount,  // the number of counters
};

class alignas(64) ClassCounters {
 public:
  // Relaxed throughout: statistics; no other data depends on them.
  void add(ItemClass item_class, ClassCounter counter) {
    value(item_class, counter).fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t get(ItemClass item_class, ClassCounter counter) const {
    return values_[index(item_class, counter)].load(std::memory_order_relaxed);
  }
  void reset() {
    for (std::atomic<uint64_t>& value : values_) value.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kCounters = static_cast<size_t>(ClassCounter::kCount);

  static constexpr size_t index(ItemClass item_class, ClassCounter counter) {
    return item_class * kCounters + static_cast<size_t>(counter);
  }
  std::atomic<uint64_t>& value(ItemClass item_class, ClassCounter counter) {
    return values_[index(item_class, counter)];
  }

  std::array<std::atomic<uint64_t>, (kItemClassMax + 1) * kCounters> values_{};
};

}  // namespace netd

#endif  // NETD_CLASS_COUNTERS_H_
