// What becomes of the items that the cache evicts or finds expired: they are counted by size class, and clients
// that watch evictions are told.
#ifndef NETD_REMOVAL_LOG_H_
#define NETD_REMOVAL_LOG_H_

#include "larder/clock.h"
#include "larder/removal_listener.h"
#include "netd/class_counters.h"
#include "netd/watch_hub.h"

namespace netd {

// Thread-safe.
class RemovalLog final : public larder::RemovalListener {
 public:
  // Both must outlive it.
  RemovalLog(const larder::Clock& clock, WatchHub& hub) : clock_(clock), hub_(hub) {}

  void removed(const larder::ItemInfo& item, larder::Removal why) override;

  ClassCounters& counters() { return counters_; }
  const ClassCounters& counters() const { return counters_; }

 private:
  void tell_eviction(const larder::ItemInfo& item);

  const larder::Clock& clock_;
  WatchHub& hub_;
  ClassCounters counters_;
};

}  // namespace netd

#endif  // NETD_REMOVAL_LOG_H_
