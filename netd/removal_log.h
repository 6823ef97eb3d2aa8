// Counts items that the cache evicts or finds expired by size class, and reports evictions to clients that watch
// them.
#ifndef NETD_REMOVAL_LOG_H_
#define NETD_REMOVAL_LOG_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "larder/clock.h"
#include "larder/removal_listener.h"
#include "netd/class_counters.h"
#include "netd/item_class.h"
#include "netd/watch_hub.h"

namespace netd {

// Thread-safe.
class RemovalLog final : public larder::RemovalListener {
 public:
  // Both must outlive it.
  RemovalLog(const larder::Clock& clock, WatchHub& hub) : clock_(clock), hub_(hub) {}

  void removed(const larder::RemovedItem& item, larder::Removal why) override;
  [[nodiscard]] bool wants(larder::Removal why) const override {
    return why == larder::Removal::kEvicted || why == larder::Removal::kExpired;
  }

  ClassCounters& counters() { return counters_; }
  const ClassCounters& counters() const { return counters_; }
  // For how long the last evicted item of the class had not been accessed.
  [[nodiscard]] uint32_t evicted_idle_s(ItemClass item_class) const {
    return evicted_idle_s_[item_class].load(std::memory_order_relaxed);
  }

 private:
  void tell_eviction(const larder::ItemInfo& item);

  const larder::Clock& clock_;
  WatchHub& hub_;
  ClassCounters counters_;
  // Relaxed: for information; no other data depends on them.
  std::array<std::atomic<uint32_t>, kItemClassMax + 1> evicted_idle_s_{};
};

}  // namespace netd

#endif  // NETD_REMOVAL_LOG_H_
