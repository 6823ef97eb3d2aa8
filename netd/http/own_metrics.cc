#include "netd/http/own_metrics.h"

#include <fmt/format.h>

#include <string>

#include "absl/strings/escaping.h"
#include "netd/event_loop.h"

namespace netd::http {
namespace {

using enum MetricType;

// A metric that is one field of the cache's statistics.
struct CacheMetric {
  const char* name;
  MetricType type;
  uint64_t larder::Stats::*field;
  const char* help;
};

constexpr CacheMetric kCacheMetrics[] = {
    {"netd_memory_limit_bytes", kGauge, &larder::Stats::memory_limit_bytes, "The memory limit, of everything."},
    {"netd_memory_used_bytes", kGauge, &larder::Stats::memory_used_bytes, "What of the limit is in use."},
    {"netd_gets_vivified_total", kCounter, &larder::Stats::vivified,
     "Gets that created the item; they count as hits."},
    {"netd_ghost_hits_total", kCounter, &larder::Stats::ghost_hits,
     "Stores of keys that were recently evicted: they go to the main chain."},
    {"netd_items_promoted_total", kCounter, &larder::Stats::items_promoted, "Items moved to the main chain."},
    {"netd_items_kept_total", kCounter, &larder::Stats::items_moved, "Items kept when they were due for eviction."},
    {"netd_items_evicted_forced_total", kCounter, &larder::Stats::evicted_forced,
     "Items evicted though the policy would have kept them, had there been room."},
    {"netd_items_expired_unfetched_total", kCounter, &larder::Stats::expired_unfetched,
     "Items expired without ever having been read."},
    {"netd_segments_cleaned_total", kCounter, &larder::Stats::segments_cleaned,
     "Segments emptied to be used again."},
    {"netd_index_slots", kGauge, &larder::Stats::index_slots, "Slots of the index, used or not."}};

// A metric that the server counts.
struct ServerMetric {
  const char* name;
  Counter counter;
  const char* help;
};

constexpr ServerMetric kServerMetrics[] = {
    {"netd_stale_served_total", Counter::kStaleServed, "Gets that were answered with a stale value."},
    {"netd_refresh_wins_total", Counter::kRefreshWins, "Gets that were told to renew the item."},
    {"netd_authentications_total", Counter::kAuthentications, "Attempts to authenticate."},
    {"netd_authentication_errors_total", Counter::kAuthenticationErrors, "Attempts that failed."},
    {"netd_allocation_failures_total", Counter::kMallocFails, "How often a connection lacked memory."}};

void add_memory(const Snapshot& snapshot, Exposition& out) {
  out.family("netd_memory_bytes", kGauge, "What the memory is used for; adds up to netd_memory_used_bytes.");
  for (const auto& [use, bytes] : memory_uses(snapshot.cache)) {
    out.add(static_cast<double>(bytes), {{"use", use}});
  }
  out.family("netd_segments", kGauge, "Segments by what they hold.");
  out.add(static_cast<double>(snapshot.cache.segments), {{"state", "used"}});
  out.add(static_cast<double>(snapshot.cache.segments_free), {{"state", "free"}});
}

void add_misses(const larder::Stats& cache, MonotonicCounters& counters, Exposition& out) {
  const uint64_t known = cache.get_expired + cache.get_flushed + cache.get_evicted;
  out.family("netd_get_misses_total", kCounter,
             "Gets that found nothing, by cause as far as it is known: of the others the item was never there, was "
             "deleted, or went too long ago.");
  out.add(static_cast<double>(cache.get_expired), {{"cause", "expired"}});
  out.add(static_cast<double>(cache.get_flushed), {{"cause", "flushed"}});
  out.add(static_cast<double>(cache.get_evicted), {{"cause", "evicted"}});
  // Where a get creates what it misses, the cause is told of a hit.
  const auto all = static_cast<double>(cache.get_misses + cache.vivified);
  out.add(counters.at_least("misses", all - static_cast<double>(known), all), {{"cause", "other"}});
}

void add_removals(const larder::Stats& cache, MonotonicCounters& counters, Exposition& out) {
  out.family("netd_items_evicted_total", kCounter, "Items evicted, by whether they had been read.");
  out.add(static_cast<double>(cache.evicted_unfetched), {{"read", "no"}});
  out.add(static_cast<double>(cache.evicted_active), {{"read", "yes"}});
  out.family("netd_items_expired_total", kCounter,
             "Items whose room was reclaimed after their expiry, by what found them.");
  const auto expired = static_cast<double>(cache.expired);
  const auto in_upkeep = static_cast<double>(cache.expired_in_upkeep);
  out.add(counters.at_least("expired", expired - in_upkeep, expired), {{"by", "requests"}});
  out.add(static_cast<double>(cache.expired_in_upkeep), {{"by", "upkeep"}});
}

void add_connections(const Snapshot& snapshot, Exposition& out) {
  out.family("netd_connections", kGauge, "Sockets by state, as in stats conns.");
  for (const auto& [state, count] : snapshot.connections) {
    out.add(static_cast<double>(count), {{"state", state}});
  }
  out.family("netd_connection_memory_bytes", kGauge, "Memory of all connections.");
  out.add(static_cast<double>(snapshot.connection_bytes));
  out.family("netd_connection_memory_limit_bytes", kGauge, "What they may have.");
  out.add(static_cast<double>(snapshot.connection_bytes_max));
  out.family("netd_connections_closed_total", kCounter, "Connections that the server closed, by reason.");
  out.add(static_cast<double>(snapshot.count(Counter::kIdleKicks)), {{"reason", "idle"}});
  out.add(static_cast<double>(snapshot.count(Counter::kSendTimeouts)), {{"reason", "send_timeout"}});
  out.add(static_cast<double>(snapshot.count(Counter::kRequestTimeouts)), {{"reason", "request_timeout"}});
  out.add(static_cast<double>(snapshot.count(Counter::kMemoryKicks)), {{"reason", "memory"}});
  out.family("netd_meta_commands_total", kCounter, "Meta commands.");
  out.add(static_cast<double>(snapshot.count(Counter::kMetaGets)), {{"command", "mg"}});
  out.add(static_cast<double>(snapshot.count(Counter::kMetaStores)), {{"command", "ms"}});
  out.add(static_cast<double>(snapshot.count(Counter::kMetaDeletes)), {{"command", "md"}});
  out.add(static_cast<double>(snapshot.count(Counter::kMetaArithmetics)), {{"command", "ma"}});
  out.add(static_cast<double>(snapshot.count(Counter::kMetaNoops)), {{"command", "mn"}});
  out.add(static_cast<double>(snapshot.count(Counter::kMetaDebugs)), {{"command", "me"}});
}

void add_latency(const Snapshot& snapshot, Exposition& out) {
  out.family(
      "netd_request_duration_seconds", MetricType::kHistogram,
      fmt::format("From when a worker turns to ready connections until a reply is with the system: a sample of "
                  "one round in {}.",
                  EventLoop::kSampledRounds));
  uint64_t count = 0;
  for (size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) {
    count += snapshot.latency.counts[bucket];
    const std::string bound = bucket + 1 < LatencyHistogram::kBuckets
                                  ? number_text(LatencyHistogram::bound_s(bucket))
                                  : std::string("+Inf");
    out.add("_bucket", static_cast<double>(count), {{"le", bound}});
  }
  out.add("_sum", static_cast<double>(snapshot.latency.sum_ns) / 1e9, {});
  out.add("_count", static_cast<double>(count), {});
}

void add_curve(const larder::MissRatioCurve& curve, Exposition& out) {
  const auto add = [&](const char* name, const char* help, auto value) {
    out.family(name, kGauge, help);
    for (const larder::MissRatio& size : curve.sizes) {
      if (size.has_value()) out.add(value(size), {{"size", number_text(size.factor)}});
    }
  };
  add("netd_miss_ratio", "The share of gets that this multiple of the memory limit would have missed lately.",
      [](const larder::MissRatio& size) { return size.miss_ratio; });
  add("netd_miss_ratio_error", "What netd_miss_ratio may be off by, with 95 % confidence.",
      [](const larder::MissRatio& size) { return size.error; });
}

void add_hot_keys(const Snapshot& snapshot, Exposition& out) {
  // Names may be secrets, and would be as many series as there are keys.
  out.family("netd_hot_key_requests_ratio", kGauge, "The share of requests that the key of this rank gets.");
  for (size_t i = 0; i < snapshot.hot_keys.size(); ++i) {
    out.add(snapshot.hot_keys[i].share, {{"rank", fmt::format("{}", i + 1)}});
  }
}

void add_namespaces(const Snapshot& snapshot, Exposition& out) {
  if (snapshot.namespaces.size() < 2) return;
  const auto add = [&](const char* name, MetricType type, const char* help, uint64_t larder::Stats::*field) {
    out.family(name, type, help);
    for (const larder::NamespaceStats& space : snapshot.namespaces) {
      out.add(static_cast<double>(space.stats.*field), {{"namespace", absl::CHexEscape(space.prefix)}});
    }
  };
  add("netd_namespace_items", kGauge, "Items by namespace; the empty one is of all other keys.",
      &larder::Stats::items);
  add("netd_namespace_item_bytes", kGauge, "Bytes that they take.", &larder::Stats::item_bytes);
  add("netd_namespace_limit_bytes", kGauge, "What they may take; 0: no limit.", &larder::Stats::memory_limit_bytes);
  add("netd_namespace_get_hits_total", kCounter, "Gets that found something.", &larder::Stats::get_hits);
  add("netd_namespace_get_misses_total", kCounter, "Gets that found nothing.", &larder::Stats::get_misses);
  add("netd_namespace_stores_total", kCounter, "Stores.", &larder::Stats::stores);
  add("netd_namespace_items_evicted_total", kCounter, "Items evicted.", &larder::Stats::evictions);
}

void add_process(const Snapshot& snapshot, Exposition& out) {
  out.family("process_cpu_seconds_total", kCounter, "Processor time.");
  out.add(snapshot.general.number_or_0("rusage_user") + snapshot.general.number_or_0("rusage_system"));
  out.family("process_resident_memory_bytes", kGauge, "Resident memory.");
  out.add(snapshot.general.number_or_0("rss_bytes"));
  out.family("process_start_time_seconds", kGauge, "When the server was started, in UNIX time.");
  out.add(snapshot.started_s);
}

}  // namespace

void add_own_metrics(const Snapshot& snapshot, MonotonicCounters& counters, Exposition& out) {
  for (const CacheMetric& metric : kCacheMetrics) {
    out.family(metric.name, metric.type, metric.help);
    out.add(static_cast<double>(snapshot.cache.*metric.field));
  }
  add_memory(snapshot, out);
  add_misses(snapshot.cache, counters, out);
  add_removals(snapshot.cache, counters, out);
  for (const ServerMetric& metric : kServerMetrics) {
    out.family(metric.name, kCounter, metric.help);
    out.add(static_cast<double>(snapshot.count(metric.counter)));
  }
  add_connections(snapshot, out);
  add_latency(snapshot, out);
  add_curve(snapshot.curve, out);
  add_hot_keys(snapshot, out);
  add_namespaces(snapshot, out);
  add_process(snapshot, out);
}

}  // namespace netd::http
