// Metrics of what memcached has no name for: netd_…, and process_… as Prometheus' client libraries name them.
#ifndef NETD_HTTP_OWN_METRICS_H_
#define NETD_HTTP_OWN_METRICS_H_

#include "netd/http/exposition.h"
#include "netd/http/monotonic_counters.h"
#include "netd/http/snapshot.h"

namespace netd::http {

void add_own_metrics(const Snapshot& snapshot, MonotonicCounters& counters, Exposition& out);

}  // namespace netd::http

#endif  // NETD_HTTP_OWN_METRICS_H_
