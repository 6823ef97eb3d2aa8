// What the HTTP port shows of a server, as of one moment.
#ifndef NETD_HTTP_SNAPSHOT_H_
#define NETD_HTTP_SNAPSHOT_H_

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "larder/hot_keys.h"
#include "larder/sizing.h"
#include "larder/stats.h"
#include "netd/counters.h"
#include "netd/latency.h"
#include "netd/server_state.h"
#include "netd/stat_lines.h"

namespace netd::http {

struct Snapshot {
  double started_s = 0;  // when the server was started, UNIX time
  StatLines general;
  StatLines settings;
  ClassStats classes;
  larder::Stats cache;
  std::vector<larder::NamespaceStats>
      namespaces;  // as larder::namespace_stats; without declared ones the total alone
  larder::MissRatioCurve curve;
  std::vector<larder::HotKey> hot_keys;              // the first kHotKeysInSnapshot
  std::map<std::string_view, uint64_t> connections;  // by state, in memcached's words
  std::array<uint64_t, static_cast<size_t>(Counter::kCount)> counters{};
  LatencyTotals latency = {};
  uint64_t connection_bytes = 0;
  uint64_t connection_bytes_max = 0;

  [[nodiscard]] uint64_t count(Counter counter) const { return counters[static_cast<size_t>(counter)]; }
};

inline constexpr size_t kHotKeysInSnapshot = 10;

// Without what has to be kept from one to the next: started_s, and the classes, which a ClassSurvey gives.
[[nodiscard]] Snapshot take_snapshot(const ServerState& server);

// What the memory is used for: names, and bytes that add up to Stats::memory_used_bytes.
[[nodiscard]] std::vector<std::pair<const char*, uint64_t>> memory_uses(const larder::Stats& cache);

}  // namespace netd::http

#endif  // NETD_HTTP_SNAPSHOT_H_
