#include "netd/removal_log.h"

#include <doctest/doctest.h>

#include <string_view>

namespace netd {
namespace {

larder::RemovedItem info(std::string_view key, size_t value_bytes, int64_t ttl_ms, bool is_read) {
  larder::RemovedItem item;
  item.key = key;
  item.value_bytes = value_bytes;
  item.ttl_ms = ttl_ms;
  item.is_read = is_read;
  item.idle_s = 7;
  return item;
}

TEST_CASE("removals are counted by class, and evictions told") {
  const larder::ManualClock clock;
  WatchHub hub(1 << 10);
  RemovalLog log(clock, hub);
  log.removed(info("unwatched", 100, larder::kNeverExpires, false), larder::Removal::kEvicted);
  const auto watcher = hub.add(kWatchEvictions);
  log.removed(info("a b", 5, 1500, true), larder::Removal::kEvicted);
  log.removed(info("c", 5, 0, false), larder::Removal::kExpired);
  CHECK(log.counters().get(2, ClassCounter::kEvicted) == 1);
  CHECK(log.counters().get(2, ClassCounter::kEvictedUnread) == 1);
  CHECK(log.counters().get(2, ClassCounter::kEvictedMortal) == 0);
  CHECK(log.counters().get(1, ClassCounter::kEvicted) == 1);
  CHECK(log.counters().get(1, ClassCounter::kEvictedActive) == 1);
  CHECK(log.counters().get(1, ClassCounter::kEvictedMortal) == 1);
  CHECK(log.counters().get(1, ClassCounter::kExpiredUnread) == 1);
  CHECK(log.evicted_idle_s(1) == 7);
  CHECK(log.evicted_idle_s(3) == 0);
  BufferPool pool([](int64_t) { return true; });
  Buffer out(pool);
  CHECK(watcher->take(out));
  CHECK(out.content() ==
        "ts=1700000000.000000 gid=1 type=eviction key=a%20b fetch=yes ttl=2 la=7 clsid=1 size=5\n");
}

}  // namespace
}  // namespace netd
