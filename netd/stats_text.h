// The text of `stats`: every name memcached 1.6 prints, in its order, because monitors look
// for them; with the true value where netd has the notion, and memcached's default where it has not.
#ifndef NETD_STATS_TEXT_H_
#define NETD_STATS_TEXT_H_

#include "netd/buffer.h"
#include "netd/server_state.h"

namespace netd {

// END included.
void append_general_stats(const ServerState& server, Buffer& out);

}  // namespace netd

#endif  // NETD_STATS_TEXT_H_
