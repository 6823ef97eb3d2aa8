#include "netd/removal_log.h"

#include <fmt/format.h>

#include <exception>

#include "netd/key_text.h"

namespace netd {

void RemovalLog::removed(const larder::ItemInfo& item, larder::Removal why) {
  const ItemClass item_class = class_of(item.key.size() + item.value_bytes);
  if (why == larder::Removal::kExpired) {
    counters_.add(item_class, ClassCounter::kExpired);
    if (!item.is_read) counters_.add(item_class, ClassCounter::kExpiredUnread);
    return;
  }
  counters_.add(item_class, ClassCounter::kEvicted);
  counters_.add(item_class, item.is_read ? ClassCounter::kEvictedActive : ClassCounter::kEvictedUnread);
  if (item.ttl_ms != larder::kNeverExpires) counters_.add(item_class, ClassCounter::kEvictedMortal);
  if (hub_.wants(kWatchEvictions)) tell_eviction(item);
}

void RemovalLog::tell_eviction(const larder::ItemInfo& item) {
  try {
    const int64_t ttl_s = item.ttl_ms == larder::kNeverExpires ? -1 : (item.ttl_ms + 999) / 1000;
    hub_.tell(kWatchEvictions, clock_.unix_ms(),
              fmt::format("eviction key={} fetch={} ttl={} la=0 clsid={} size={}", percent_encoded(item.key),
                          item.is_read ? "yes" : "no", ttl_s, class_of(item.key.size() + item.value_bytes),
                          item.value_bytes));
  } catch (const std::exception&) {
    // No memory for the line. The cache, which called, must not be left half done: the line is lost.
  }
}

}  // namespace netd
