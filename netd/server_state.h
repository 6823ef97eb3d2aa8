// What the threads of one server share: the cache, the options, and counters. Made before any thread of the
// server, and outlives them all.
#ifndef NETD_SERVER_STATE_H_
#define NETD_SERVER_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "larder/cache.h"
#include "larder/clock.h"
#include "netd/auth_file.h"
#include "netd/class_counters.h"
#include "netd/connection_memory.h"
#include "netd/connection_table.h"
#include "netd/counters.h"
#include "netd/crawler_turn.h"
#include "netd/debug_clock.h"
#include "netd/latency.h"
#include "netd/login_pace.h"
#include "netd/options.h"
#include "netd/prefix_stats.h"
#include "netd/removal_log.h"
#include "netd/shared_reports.h"
#include "netd/watch_hub.h"

namespace netd {

// The parts of a server.
struct ServerParts {
  const Options& options;
  larder::Cache& cache;
  const larder::Clock& clock;
  DebugClock* debug_clock;  // the same clock, if `debugtime` may move it, otherwise null
  WatchHub& watch_hub;
  RemovalLog& removal_log;
  AuthFile& auth_file;
};

class ServerState {
 public:
  // All parts must outlive it.
  explicit ServerState(const ServerParts& parts);

  const Options& options() const { return parts_.options; }
  larder::Cache& cache() const { return parts_.cache; }
  const larder::Clock& clock() const { return parts_.clock; }
  DebugClock* debug_clock() const { return parts_.debug_clock; }
  WatchHub& watch_hub() const { return parts_.watch_hub; }
  const RemovalLog& removal_log() const { return parts_.removal_log; }
  AuthFile& auth_file() const { return parts_.auth_file; }
  LoginPace& login_pace() { return login_pace_; }
  CrawlerTurn& crawler_turn() { return crawler_turn_; }
  const CrawlerTurn& crawler_turn() const { return crawler_turn_; }
  ConnectionTable& connection_table() { return connection_table_; }
  const ConnectionTable& connection_table() const { return connection_table_; }
  ConnectionMemory& connection_memory() { return connection_memory_; }
  const ConnectionMemory& connection_memory() const { return connection_memory_; }
  SharedReports& shared_reports() { return shared_reports_; }
  int64_t started_monotonic_ms() const { return started_monotonic_ms_; }

  // The counters of worker 0..options().threads - 1, and of the thread that accepts connections.
  Counters& worker_counters(size_t worker) { return counters_[worker]; }
  Counters& acceptor_counters() { return counters_.back(); }
  [[nodiscard]] uint64_t sum(Counter counter) const;
  ClassCounters& class_counters(size_t worker) { return class_counters_[worker]; }
  [[nodiscard]] uint64_t sum(ItemClass item_class, ClassCounter counter) const;
  PrefixStats& prefix_stats(size_t worker) { return prefix_stats_[worker]; }
  LatencyHistogram& latency(size_t worker) { return latencies_[worker]; }
  [[nodiscard]] LatencyTotals latency_totals() const;
  void reset_counters();

  // Gauges. Relaxed wherever they are used, because they are only for information. The exception is `connections`,
  // which is also compared with the connection limit: only the acceptor increments it, so the limit is never
  // exceeded.
  std::atomic<uint64_t> connections{0};
  std::atomic<bool> accepting{true};
  std::atomic<bool> draining{false};  // what has been received is answered, and then the server ends
  std::atomic<uint32_t> verbosity;
  std::atomic<bool> detail_enabled;  // statistics per key prefix are kept
  std::atomic<uint64_t> crawl{0};    // the current crawl's turn, if there is one
  std::atomic<uint64_t> crawler_starts{0};  // crawls and dumps started
  std::atomic<uint64_t> crawled_items{0};   // items that both have examined
  std::atomic<bool> crawler_enabled{true};  // what `lru_crawler` set last; crawls depend on it

  // The ports that clients connect to, even if the system chose them. Set before there are threads.
  int tcp_port;
  int udp_port;

 private:
  const ServerParts parts_;
  const int64_t started_monotonic_ms_;
  ConnectionMemory connection_memory_;
  ConnectionTable connection_table_;
  LoginPace login_pace_;
  CrawlerTurn crawler_turn_;
  std::vector<Counters> counters_;
  std::vector<ClassCounters> class_counters_;
  std::vector<LatencyHistogram> latencies_;
  std::deque<PrefixStats> prefix_stats_;
  SharedReports shared_reports_{*this};
};

}  // namespace netd

#endif  // NETD_SERVER_STATE_H_
