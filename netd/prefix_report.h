// stats detail dump: the requests per key prefix.
#ifndef NETD_PREFIX_REPORT_H_
#define NETD_PREFIX_REPORT_H_

#include <memory>

#include "netd/report.h"
#include "netd/server_state.h"

namespace netd {

[[nodiscard]] std::unique_ptr<Report> make_prefix_report(ServerState& server);

}  // namespace netd

#endif  // NETD_PREFIX_REPORT_H_
