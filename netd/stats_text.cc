#include "netd/stats_text.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

#include "larder/stats.h"
#include "netd/reply.h"
#include "netd/reply_words.h"
#include "netd/version.h"

namespace netd {
namespace {

// Descriptors besides the clients': standard streams, a listener each for IPv4 and IPv6, and per thread one to wait
// with and one to be woken through.
constexpr uint64_t kReservedFdsFixed = 3 + 2;
constexpr uint64_t kReservedFdsPerThread = 2;

// Tools divide by it, and memcached's starts there.
constexpr int64_t kUptimeSMin = 2;

void append_zeros(std::initializer_list<std::string_view> names, Buffer& out) {
  for (const std::string_view name : names) append_stat(name, 0, out);
}

std::string cpu_seconds(const timeval& time) { return fmt::format("{}.{:06}", time.tv_sec, time.tv_usec); }

uint64_t resident_bytes() {
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void append_process(const ServerState& server, Buffer& out) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const int64_t uptime_s = (server.clock().monotonic_ms() - server.started_monotonic_ms()) / 1000;
  append_stat("pid", static_cast<uint64_t>(getpid()), out);
  append_stat("uptime", static_cast<uint64_t>(std::max(uptime_s, kUptimeSMin)), out);
  append_stat("time", static_cast<uint64_t>(server.clock().unix_ms() / 1000), out);
  append_stat("version", version_text(), out);
  append_stat("libevent", "netd-epoll", out);
  append_stat("pointer_size", 8 * sizeof(void*), out);
  append_stat("rusage_user", cpu_seconds(usage.ru_utime), out);
  append_stat("rusage_system", cpu_seconds(usage.ru_stime), out);
}

void append_connections(const ServerState& server, Buffer& out) {
  const uint64_t connections = server.connections.load(std::memory_order_relaxed);
  const size_t buffer_bytes = server.connection_memory().used_bytes();
  append_stat("max_connections", server.options().connections_max, out);
  append_stat("curr_connections", connections, out);
  append_stat("total_connections", server.sum(Counter::kTotalConnections), out);
  append_stat("rejected_connections", server.sum(Counter::kRejectedConnections), out);
  append_stat("connection_structures", connections, out);
  append_zeros({"response_obj_oom", "response_obj_count", "response_obj_bytes"}, out);
  append_stat("read_buf_count", buffer_bytes / BufferPool::kBlockBytes, out);
  append_stat("read_buf_bytes", buffer_bytes, out);
  append_stat("read_buf_bytes_free", 0, out);
  append_stat("read_buf_oom", server.sum(Counter::kMallocFails), out);
  append_stat("reserved_fds", kReservedFdsFixed + kReservedFdsPerThread * (server.options().threads + 1), out);
}

void append_commands(const ServerState& server, const larder::Stats& cache, Buffer& out) {
  append_stat("cmd_get", cache.get_hits + cache.get_misses, out);
  append_stat("cmd_set", cache.stores, out);
  append_stat("cmd_flush", cache.flushes + server.sum(Counter::kFlushRefused), out);
  append_stat("cmd_touch", cache.touch_hits + cache.touch_misses, out);
  append_stat("cmd_meta", server.sum(Counter::kMetaDebugs), out);
  append_stat("get_hits", cache.get_hits, out);
  append_stat("get_misses", cache.get_misses, out);
  append_stat("get_expired", cache.get_expired, out);
  append_stat("get_flushed", cache.get_flushed, out);
  append_stat("delete_misses", cache.erase_misses, out);
  append_stat("delete_hits", cache.erase_hits, out);
  append_stat("incr_misses", cache.incr_misses, out);
  append_stat("incr_hits", cache.incr_hits, out);
  append_stat("decr_misses", cache.decr_misses, out);
  append_stat("decr_hits", cache.decr_hits, out);
  append_stat("cas_misses", cache.cas_misses, out);
  append_stat("cas_hits", cache.cas_hits, out);
  append_stat("cas_badval", cache.cas_badval, out);
  append_stat("touch_hits", cache.touch_hits, out);
  append_stat("touch_misses", cache.touch_misses, out);
  append_stat("store_too_large", cache.store_too_large, out);
  append_stat("store_no_memory", cache.store_no_memory, out);
  append_stat("auth_cmds", server.sum(Counter::kAuthentications), out);
  append_stat("auth_errors", server.sum(Counter::kAuthenticationErrors), out);
}

void append_network(const ServerState& server, const larder::Stats& cache, Buffer& out) {
  if (server.options().idle_timeout_s > 0) append_stat("idle_kicks", server.sum(Counter::kIdleKicks), out);
  append_stat("bytes_read", server.sum(Counter::kBytesRead), out);
  append_stat("bytes_written", server.sum(Counter::kBytesWritten), out);
  append_stat("limit_maxbytes", cache.memory_limit_bytes, out);
  append_stat("accepting_conns", server.accepting.load(std::memory_order_relaxed) ? 1 : 0, out);
  append_stat("listen_disabled_num", server.sum(Counter::kListenDisabled), out);
  append_stat("time_in_listen_disabled_us", server.sum(Counter::kListenDisabledUs), out);
  append_stat("threads", server.options().threads, out);
  append_stat("conn_yields", server.sum(Counter::kYields), out);
}

void append_engine(const ServerState& server, const larder::Stats& cache, Buffer& out) {
  const auto power = static_cast<uint64_t>(std::bit_width(cache.index_slots) - (cache.index_slots > 0 ? 1 : 0));
  append_stat("hash_power_level", power, out);
  append_stat("hash_bytes", cache.index_bytes, out);
  append_zeros({"hash_is_expanding", "slab_reassign_rescues", "slab_reassign_chunk_rescues",
                "slab_reassign_evictions_nomem", "slab_reassign_inline_reclaim", "slab_reassign_busy_items",
                "slab_reassign_busy_deletes", "slab_reassign_busy_nomem"},
               out);
  append_stat("slab_reassign_last_busy_status", "none", out);
  append_stat("slab_reassign_running", 0, out);
  append_stat("slabs_moved", cache.segments_cleaned, out);
  append_stat("lru_crawler_running", server.crawler_turn().is_taken() ? 1 : 0, out);
  append_stat("lru_crawler_starts", server.crawler_starts.load(std::memory_order_relaxed), out);
  append_zeros({"lru_maintainer_juggles"}, out);
  append_stat("malloc_fails", server.sum(Counter::kMallocFails), out);
  const WatchHub::Counts watch = server.watch_hub().counts();
  append_zeros({"log_worker_dropped"}, out);  // Nothing lies between those who make lines and the watchers.
  append_stat("log_worker_written", watch.written, out);
  append_stat("log_watcher_skipped", watch.skipped, out);
  append_stat("log_watcher_sent", watch.sent, out);
  append_stat("log_watchers", watch.watchers, out);
  append_zeros({"unexpected_napi_ids", "round_robin_fallback"}, out);
}

void append_items(const ServerState& server, const larder::Stats& cache, Buffer& out) {
  append_stat("bytes", cache.item_bytes, out);
  append_stat("curr_items", cache.items, out);
  append_stat("total_items", cache.items_stored, out);
  append_stat("slab_global_page_pool", cache.segments_free, out);
  append_stat("expired_unfetched", cache.expired_unfetched, out);
  append_stat("evicted_unfetched", cache.evicted_unfetched, out);
  append_stat("evicted_active", cache.evicted_active, out);
  append_stat("evictions", cache.evictions, out);
  append_stat("reclaimed", cache.expired, out);
  append_stat("crawler_reclaimed", cache.expired_in_upkeep, out);
  append_stat("crawler_items_checked", server.crawled_items.load(std::memory_order_relaxed), out);
  append_zeros({"lrutail_reflocked", "moves_to_cold"}, out);
  append_stat("moves_to_warm", cache.items_promoted, out);
  append_stat("moves_within_lru", cache.items_moved, out);
  append_zeros({"direct_reclaims", "lru_bumps_dropped"}, out);
}

// What memcached has no name for.
void append_own(const ServerState& server, const larder::Stats& cache, Buffer& out) {
  append_stat("rss_bytes", resident_bytes(), out);
  append_stat("mem_items_bytes", cache.live_bytes + cache.dead_bytes + cache.free_bytes + cache.large_bytes, out);
  append_stat("mem_index_bytes", cache.index_bytes, out);
  append_stat("mem_buffers_bytes", cache.external_bytes, out);
  append_stat("mem_other_bytes",
              cache.ghost_bytes + cache.curve_bytes + cache.hot_key_bytes + cache.removal_log_bytes +
                  cache.other_bytes + cache.handle_bytes,
              out);
  append_stat("segments_free", cache.segments_free, out);
  append_stat("segments_total", cache.segments + cache.segments_free, out);
  append_stat("cmd_mg", server.sum(Counter::kMetaGets), out);
  append_stat("cmd_ms", server.sum(Counter::kMetaStores), out);
  append_stat("cmd_md", server.sum(Counter::kMetaDeletes), out);
  append_stat("cmd_ma", server.sum(Counter::kMetaArithmetics), out);
  append_stat("cmd_mn", server.sum(Counter::kMetaNoops), out);
  append_stat("get_vivified", cache.vivified, out);
  append_stat("stale_served", server.sum(Counter::kStaleServed), out);
  append_stat("refresh_wins", server.sum(Counter::kRefreshWins), out);
  append_stat("ghost_hits", cache.ghost_hits, out);
  append_stat("send_timeouts", server.sum(Counter::kSendTimeouts), out);
  append_stat("request_timeouts", server.sum(Counter::kRequestTimeouts), out);
  append_stat("memory_kicks", server.sum(Counter::kMemoryKicks), out);
  append_stat("handles", cache.handles, out);
  append_stat("mem_pinned_bytes", cache.pinned_bytes, out);
}

}  // namespace

void append_general_stats(const ServerState& server, Buffer& out) {
  const larder::Stats cache = server.cache().stats();
  append_process(server, out);
  append_connections(server, out);
  append_commands(server, cache, out);
  append_network(server, cache, out);
  append_engine(server, cache, out);
  append_items(server, cache, out);
  append_own(server, cache, out);
  out.append(kReplyEnd);
}

}  // namespace netd
