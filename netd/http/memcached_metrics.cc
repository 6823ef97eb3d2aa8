#include "netd/http/memcached_metrics.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

namespace netd::http {
namespace {

using enum MetricType;

// A family with one metric, or with one for each class; `stat` is the statistic that it shows.
struct Family {
  const char* name;
  MetricType type;
  const char* stat;
  const char* help;
};

constexpr Family kGeneral[] = {
    {"memcached_uptime_seconds", kCounter, "uptime", "Seconds since the server was started."},
    {"memcached_time_seconds", kGauge, "time", "The server's UNIX time."},
    {"memcached_process_user_cpu_seconds_total", kCounter, "rusage_user", "Processor time in user mode."},
    {"memcached_process_system_cpu_seconds_total", kCounter, "rusage_system", "Processor time in the kernel."},
    {"memcached_read_bytes_total", kCounter, "bytes_read", "Bytes received from clients."},
    {"memcached_written_bytes_total", kCounter, "bytes_written", "Bytes sent to clients."},
    {"memcached_current_connections", kGauge, "curr_connections", "Clients that are connected."},
    {"memcached_connections_total", kCounter, "total_connections", "Connections accepted so far."},
    {"memcached_connections_rejected_total", kCounter, "rejected_connections",
     "Connections turned away because of the connection limit."},
    {"memcached_connections_yielded_total", kCounter, "conn_yields",
     "How often a connection gave way to others before all its requests were answered."},
    {"memcached_connections_listener_disabled_total", kCounter, "listen_disabled_num",
     "How often the connection limit was reached."},
    {"memcached_accepting_connections", kGauge, "accepting_conns", "1 unless the connection limit is reached."},
    {"memcached_current_bytes", kGauge, "bytes", "Bytes that the items take."},
    {"memcached_limit_bytes", kGauge, "limit_maxbytes", "The memory limit."},
    {"memcached_current_items", kGauge, "curr_items", "Items in the cache."},
    {"memcached_items_total", kCounter, "total_items", "Items ever stored."},
    {"memcached_items_evicted_total", kCounter, "evictions", "Live items removed to make room."},
    {"memcached_items_reclaimed_total", kCounter, "reclaimed", "Expired items whose room was used again."},
    {"memcached_item_too_large_total", kCounter, "store_too_large", "Stores refused because of the value's size."},
    {"memcached_item_no_memory_total", kCounter, "store_no_memory", "Stores refused for lack of memory."},
    {"memcached_direct_reclaims_total", kCounter, "direct_reclaims", "Always 0: memcached's queues are not used."},
    {"memcached_lru_crawler_starts_total", kCounter, "lru_crawler_starts", "Crawls and dumps started."},
    {"memcached_lru_crawler_reclaimed_total", kCounter, "crawler_reclaimed", "Expired items found in upkeep."},
    {"memcached_lru_crawler_items_checked_total", kCounter, "crawler_items_checked",
     "Items that crawls and dumps have examined."},
    {"memcached_lru_crawler_moves_to_cold_total", kCounter, "moves_to_cold", "Always 0: there is one queue."},
    {"memcached_lru_crawler_moves_to_warm_total", kCounter, "moves_to_warm",
     "Items moved from the small chain to the main chain."},
    {"memcached_lru_crawler_moves_within_lru_total", kCounter, "moves_within_lru",
     "Items kept when they were due."}};

constexpr Family kSettings[] = {
    {"memcached_max_connections", kGauge, "maxconns", "The connection limit."},
    {"memcached_lru_crawler_sleep", kGauge, "lru_crawler_sleep", "A setting of memcached, without effect."},
    {"memcached_lru_crawler_to_crawl", kGauge, "lru_crawler_tocrawl", "A setting of memcached, without effect."},
    {"memcached_lru_crawler_hot_percent", kGauge, "hot_lru_pct", "A setting of memcached, without effect."},
    {"memcached_lru_crawler_warm_percent", kGauge, "warm_lru_pct", "A setting of memcached, without effect."},
    {"memcached_lru_crawler_hot_max_factor", kGauge, "hot_max_factor", "A setting of memcached, without effect."},
    {"memcached_lru_crawler_warm_max_factor", kGauge, "warm_max_factor",
     "A setting of memcached, without effect."}};

constexpr Family kSwitches[] = {
    {"memcached_lru_crawler_enabled", kGauge, "lru_crawler", "Whether crawls may be asked for."},
    {"memcached_lru_crawler_maintainer_thread", kGauge, "lru_maintainer_thread",
     "A setting of memcached, without effect."}};

// The types are the exporter's, even where they are wrong.
constexpr Family kClasses[] = {
    {"memcached_slab_current_items", kGauge, "number", "Items of this size class."},
    {"memcached_slab_items_age_seconds", kGauge, "age", "The longest time that an item has not been accessed."},
    {"memcached_slab_items_crawler_reclaimed_total", kCounter, "crawler_reclaimed", "Always 0: not told by class."},
    {"memcached_slab_items_evicted_total", kCounter, "evicted", "Items evicted."},
    {"memcached_slab_items_evicted_nonzero_total", kCounter, "evicted_nonzero",
     "Items evicted that had an expiry."},
    {"memcached_slab_items_evicted_time_seconds", kCounter, "evicted_time",
     "How long the last item evicted had not been accessed."},
    {"memcached_slab_items_evicted_unfetched_total", kCounter, "evicted_unfetched",
     "Items evicted without ever having been read."},
    {"memcached_slab_items_expired_unfetched_total", kCounter, "expired_unfetched",
     "Items expired without ever having been read."},
    {"memcached_slab_items_outofmemory_total", kCounter, "outofmemory", "Stores refused for lack of memory."},
    {"memcached_slab_items_reclaimed_total", kCounter, "reclaimed", "Expired items whose room was used again."},
    {"memcached_slab_items_tailrepairs_total", kCounter, "tailrepairs", "Always 0: nothing needs repair."},
    {"memcached_slab_items_moves_to_cold", kCounter, "moves_to_cold", "Always 0: there is one queue."},
    {"memcached_slab_items_moves_to_warm", kCounter, "moves_to_warm", "Always 0: there is one queue."},
    {"memcached_slab_items_moves_within_lru", kCounter, "moves_within_lru", "Always 0: there is one queue."},
    {"memcached_slab_hot_items", kGauge, "number_hot", "Always 0: there is one queue."},
    {"memcached_slab_warm_items", kGauge, "number_warm", "Always 0: there is one queue."},
    {"memcached_slab_cold_items", kGauge, "number_cold", "Items of this size class."},
    {"memcached_slab_hot_age_seconds", kGauge, "age_hot", "Always 0: there is one queue."},
    {"memcached_slab_warm_age_seconds", kGauge, "age_warm", "Always 0: there is one queue."},
    {"memcached_slab_chunk_size_bytes", kGauge, "chunk_size", "The largest key and value of the class together."},
    {"memcached_slab_chunks_per_page", kGauge, "chunks_per_page", "How many of these fit into a segment."},
    {"memcached_slab_current_pages", kGauge, "total_pages", "Segments' worth of memory that the class takes."},
    {"memcached_slab_current_chunks", kGauge, "total_chunks", "Items, and how many more the free room is for."},
    {"memcached_slab_chunks_used", kGauge, "used_chunks", "Items of this size class."},
    {"memcached_slab_chunks_free", kGauge, "free_chunks", "For how many more items there is free room."},
    {"memcached_slab_chunks_free_end", kGauge, "free_chunks_end", "Always 0."},
    {"memcached_slab_mem_requested_bytes", kCounter, "mem_requested", "Bytes that the items of the class take."}};

constexpr std::array<const char*, 6> kCommands = {"get", "delete", "incr", "decr", "cas", "touch"};

void add_family(const Family& family, const StatLines& stats, Exposition& out) {
  out.family(family.name, family.type, family.help);
  if (const std::optional<double> value = stats.number(family.stat)) out.add(*value);
}

void add_commands(const StatLines& general, MonotonicCounters& counters, Exposition& out) {
  out.family("memcached_commands_total", kCounter, "Requests by command and outcome.");
  for (const char* const command : kCommands) {
    out.add(general.number_or_0(fmt::format("{}_hits", command)), {{"command", command}, {"status", "hit"}});
    out.add(general.number_or_0(fmt::format("{}_misses", command)), {{"command", command}, {"status", "miss"}});
  }
  out.add(general.number_or_0("cas_badval"), {{"command", "cas"}, {"status", "badval"}});
  out.add(general.number_or_0("cmd_flush"), {{"command", "flush"}, {"status", "hit"}});
  // cmd_set counts cas, too.
  const double cas =
      general.number_or_0("cas_hits") + general.number_or_0("cas_misses") + general.number_or_0("cas_badval");
  const double stores = general.number_or_0("cmd_set");
  out.add(counters.at_least("set", stores - cas, stores), {{"command", "set"}, {"status", "hit"}});
}

void add_class_commands(const ClassStats& classes, MonotonicCounters& counters, Exposition& out) {
  out.family("memcached_slab_commands_total", kCounter, "Requests by size class, command and outcome.");
  for (const auto& [item_class, stats] : classes.of_class) {
    const std::string slab = fmt::format("{}", item_class);
    for (const char* const command : kCommands) {
      out.add(stats.number_or_0(fmt::format("{}_hits", command)),
              {{"slab", slab}, {"command", command}, {"status", "hit"}});
    }
    out.add(stats.number_or_0("cas_badval"), {{"slab", slab}, {"command", "cas"}, {"status", "badval"}});
    const double cas = stats.number_or_0("cas_hits") + stats.number_or_0("cas_badval");
    const double stores = stats.number_or_0("cmd_set");
    out.add(counters.at_least("set " + slab, stores - cas, stores),
            {{"slab", slab}, {"command", "set"}, {"status", "hit"}});
  }
}

void add_class_hits(const ClassStats& classes, Exposition& out) {
  constexpr std::array<std::pair<const char*, const char*>, 4> kQueues = {
      {{"hits_to_hot", "hot"}, {"hits_to_warm", "warm"}, {"hits_to_cold", "cold"}, {"hits_to_temp", "temporary"}}};
  out.family("memcached_slab_lru_hits_total", kCounter,
             "Gets that found an item of the class: there is one queue, cold.");
  for (const auto& [item_class, stats] : classes.of_class) {
    for (const auto& [stat, queue] : kQueues) {
      out.add(stats.number_or_0(stat), {{"slab", fmt::format("{}", item_class)}, {"lru", queue}});
    }
  }
}

}  // namespace

void add_memcached_metrics(const StatLines& general, const StatLines& settings, const ClassStats& classes,
                           MonotonicCounters& counters, Exposition& out) {
  out.family("memcached_up", kGauge, "1: the server is there.");
  out.add(1);
  out.family("memcached_version", kGauge, "The version of memcached whose protocol netd speaks, and netd's own.");
  out.add(1, {{"version", general.text("version")}});
  for (const Family& family : kGeneral) add_family(family, general, out);
  for (const Family& family : kSettings) add_family(family, settings, out);
  for (const Family& family : kSwitches) {
    out.family(family.name, family.type, family.help);
    out.add(settings.text(family.stat) == "yes" ? 1 : 0);
  }
  add_commands(general, counters, out);
  add_family({"memcached_malloced_bytes", kGauge, "total_malloced", "Memory for items, used or not."},
             classes.totals, out);
  for (const Family& family : kClasses) {
    out.family(family.name, family.type, family.help);
    for (const auto& [item_class, stats] : classes.of_class) {
      const std::optional<double> value = stats.number(family.stat);
      if (value) out.add(*value, {{"slab", fmt::format("{}", item_class)}});
    }
  }
  add_class_commands(classes, counters, out);
  add_class_hits(classes, out);
}

}  // namespace netd::http
