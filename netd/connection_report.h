// stats conns: the open connections.
#ifndef NETD_CONNECTION_REPORT_H_
#define NETD_CONNECTION_REPORT_H_

#include <memory>

#include "netd/report.h"
#include "netd/server_state.h"

namespace netd {

[[nodiscard]] std::unique_ptr<Report> make_connection_report(ServerState& server);

}  // namespace netd

#endif  // NETD_CONNECTION_REPORT_H_
