// The text of `stats`: every name memcached 1.6 prints, in its order, because monitors look for them; with the
// true value where netd has the counter, and memcached's default where it does not.
#ifndef NETD_STATS_TEXT_H_
#define NETD_STATS_TEXT_H_

#include "netd/buffer.h"
#include "netd/server_state.h"

namespace netd {

// Including END.
void append_general_stats(const ServerState& server, Buffer& out);

}  // namespace netd

#endif  // NETD_STATS_TEXT_H_
