#include "netd/server_state.h"

namespace netd {

ServerState::ServerState(const Options& options, larder::Cache& cache, const larder::Clock& clock)
    : verbosity(options.verbosity),
      options_(options),
      cache_(cache),
      clock_(clock),
      started_monotonic_ms_(clock.monotonic_ms()),
      connection_memory_(cache, options.memory_limit_bytes),
      counters_(options.threads + 1) {}

uint64_t ServerState::sum(Counter counter) const {
  uint64_t sum = 0;
  for (const Counters& counters : counters_) sum += counters.get(counter);
  return sum;
}

void ServerState::reset_counters() {
  for (Counters& counters : counters_) counters.reset();
}

}  // namespace netd
