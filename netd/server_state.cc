#include "netd/server_state.h"

#include <random>

namespace netd {
namespace {

// What statistics of prefixes may take of the memory limit.
constexpr size_t kPrefixDivisor = 32;

}  // namespace

ServerState::ServerState(const ServerParts& parts)
    : verbosity(parts.options.verbosity),
      detail_enabled(parts.options.prefix_stats),
      tcp_port(parts.options.port),
      udp_port(parts.options.udp_port),
      parts_(parts),
      started_monotonic_ms_(parts.clock.monotonic_ms()),
      connection_memory_(parts.cache, parts.options.memory_limit_bytes, parts.options.eviction),
      login_pace_(std::random_device()()),
      counters_(parts.options.threads + 1),
      class_counters_(parts.options.threads),
      latencies_(parts.options.threads) {
  const size_t prefix_bytes_max = parts.options.memory_limit_bytes / kPrefixDivisor / parts.options.threads;
  for (size_t i = 0; i < parts.options.threads; ++i) {
    prefix_stats_.emplace_back(parts.options.prefix_delimiter, connection_memory_, prefix_bytes_max);
  }
}

uint64_t ServerState::sum(Counter counter) const {
  uint64_t sum = 0;
  for (const Counters& counters : counters_) sum += counters.get(counter);
  return sum;
}

uint64_t ServerState::sum(ItemClass item_class, ClassCounter counter) const {
  uint64_t sum = parts_.removal_log.counters().get(item_class, counter);
  for (const ClassCounters& counters : class_counters_) sum += counters.get(item_class, counter);
  return sum;
}

LatencyTotals ServerState::latency_totals() const {
  LatencyTotals totals;
  for (const LatencyHistogram& latency : latencies_) totals.add(latency);
  return totals;
}

void ServerState::reset_counters() {
  for (Counters& counters : counters_) counters.reset();
  for (ClassCounters& counters : class_counters_) counters.reset();
  for (PrefixStats& stats : prefix_stats_) stats.reset();
  for (LatencyHistogram& latency : latencies_) latency.reset();
  parts_.removal_log.counters().reset();
  parts_.watch_hub.reset_counts();
  crawler_starts.store(0, std::memory_order_relaxed);
  crawled_items.store(0, std::memory_order_relaxed);
}

}  // namespace netd
