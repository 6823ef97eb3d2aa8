#include "netd/http/snapshot.h"

#include "larder/serving.h"
#include "netd/http/own_stats.h"

namespace netd::http {
namespace {

// So many at a time, so that clients can come and go meanwhile.
constexpr size_t kConnectionsPerStep = 1024;

}  // namespace

Snapshot take_snapshot(const ServerState& server) {
  const larder::Cache& cache = server.cache();
  Snapshot snapshot{.general = general_stats(server),
                    .settings = settings_stats(server),
                    .classes = {},
                    .cache = cache.stats(),
                    .namespaces = larder::namespace_stats(cache),
                    .curve = larder::miss_ratio_curve(cache),
                    .hot_keys = larder::hot_keys(cache, kHotKeysInSnapshot),
                    .connections = {},
                    .connection_bytes = server.connection_memory().used_bytes(),
                    .connection_bytes_max = server.connection_memory().bytes_max()};
  for (int fd = -1;;) {
    fd = server.connection_table().count_after(fd, kConnectionsPerStep, snapshot.connections);
    if (fd < 0) break;
  }
  for (size_t i = 0; i < snapshot.counters.size(); ++i) snapshot.counters[i] = server.sum(static_cast<Counter>(i));
  snapshot.latency = server.latency_totals();
  return snapshot;
}

std::vector<std::pair<const char*, uint64_t>> memory_uses(const larder::Stats& cache) {
  return {{"live_items", cache.live_bytes},
          {"large_items", cache.large_bytes},
          {"dead_items", cache.dead_bytes},
          {"free", cache.free_bytes},
          {"index", cache.index_bytes},
          {"ghost", cache.ghost_bytes},
          {"curve", cache.curve_bytes},
          {"hot_keys", cache.hot_key_bytes},
          {"removal_log", cache.removal_log_bytes},
          {"handles", cache.handle_bytes},
          {"connections", cache.external_bytes},
          {"other", cache.other_bytes}};
}

}  // namespace netd::http
