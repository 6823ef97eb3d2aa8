#include "netd/removal_log.h"

#include <fmt/format.h>

#include <exception>

#include "netd/exptime.h"
#include "netd/key_text.h"

namespace netd {

void RemovalLog::removed(const larder::RemovedItem& item, larder::Removal why) {
  const ItemClass item_class = class_of(item.key, item.value_bytes);
  if (why == larder::Removal::kExpired) {
    counters_.add(item_class, ClassCounter::kExpired);
    if (!item.is_read) counters_.add(item_class, ClassCounter::kExpiredUnread);
    return;
  }
  counters_.add(item_class, ClassCounter::kEvicted);
  evicted_idle_s_[item_class].store(item.idle_s, std::memory_order_relaxed);
  counters_.add(item_class, item.is_read ? ClassCounter::kEvictedActive : ClassCounter::kEvictedUnread);
  if (item.ttl_ms != larder::kNeverExpires) counters_.add(item_class, ClassCounter::kEvictedMortal);
  if (hub_.wants(kWatchEvictions)) tell_eviction(item);
}

void RemovalLog::tell_eviction(const larder::ItemInfo& item) {
  try {
    hub_.tell(kWatchEvictions, clock_.unix_ms(),
              fmt::format("eviction key={} fetch={} ttl={} la={} clsid={} size={}", percent_encoded(item.key),
                          item.is_read ? "yes" : "no", seconds_left(item.ttl_ms), item.idle_s,
                          class_of(item.key, item.value_bytes), item.value_bytes));
  } catch (const std::exception&) {
    // No memory for the line: it is lost. The cache, which called, wants no exception.
  }
}

}  // namespace netd
