// What the threads of one server share: the cache, what it was started with, and what it counts. Made by main
// before any thread, and outlives them all.
#ifndef NETD_SERVER_STATE_H_
#define NETD_SERVER_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "larder/cache.h"
#include "larder/clock.h"
#include "netd/connection_memory.h"
#include "netd/counters.h"
#include "netd/options.h"

namespace netd {

class ServerState {
 public:
  // Keeps references: all three must outlive it.
  ServerState(const Options& options, larder::Cache& cache, const larder::Clock& clock);

  const Options& options() const { return options_; }
  larder::Cache& cache() const { return cache_; }
  const larder::Clock& clock() const { return clock_; }
  ConnectionMemory& connection_memory() { return connection_memory_; }
  const ConnectionMemory& connection_memory() const { return connection_memory_; }
  int64_t started_monotonic_ms() const { return started_monotonic_ms_; }

  // The counters of worker 0..options().threads - 1, and of the thread that accepts connections.
  Counters& worker_counters(size_t worker) { return counters_[worker]; }
  Counters& acceptor_counters() { return counters_.back(); }
  [[nodiscard]] uint64_t sum(Counter counter) const;
  void reset_counters();

  // Gauges. Relaxed wherever they are used, as they are numbers to look at, except that `connections` is also
  // what the connection limit is compared with: only the acceptor adds to it, so the limit is never exceeded.
  std::atomic<uint64_t> connections{0};
  std::atomic<bool> accepting{true};
  std::atomic<uint32_t> verbosity;

 private:
  const Options& options_;
  larder::Cache& cache_;
  const larder::Clock& clock_;
  const int64_t started_monotonic_ms_;
  ConnectionMemory connection_memory_;
  std::vector<Counters> counters_;
};

}  // namespace netd

#endif  // NETD_SERVER_STATE_H_
