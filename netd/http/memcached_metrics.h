// The metrics of Prometheus' memcached_exporter, by its names, types and labels, so that dashboards and alerts made
// for it need no change; made of the same statistics.
#ifndef NETD_HTTP_MEMCACHED_METRICS_H_
#define NETD_HTTP_MEMCACHED_METRICS_H_

#include "netd/http/exposition.h"
#include "netd/http/monotonic_counters.h"
#include "netd/stat_lines.h"

namespace netd::http {

void add_memcached_metrics(const StatLines& general, const StatLines& settings, const ClassStats& classes,
                           MonotonicCounters& counters, Exposition& out);

}  // namespace netd::http

#endif  // NETD_HTTP_MEMCACHED_METRICS_H_
