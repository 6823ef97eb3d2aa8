// /healthz: whether to send clients here.
#ifndef NETD_HTTP_HEALTH_H_
#define NETD_HTTP_HEALTH_H_

#include "netd/http/message.h"
#include "netd/server_state.h"

namespace netd::http {

// 200 when the server takes clients and answers them, 503 otherwise; why is in the body, as JSON. A server that is
// busy, or has as many clients as it may have, is healthy: to restart it would make that worse.
[[nodiscard]] Reply health(const ServerState& server);

}  // namespace netd::http

#endif  // NETD_HTTP_HEALTH_H_
