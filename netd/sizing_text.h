// The text of `stats sizing`: what the cache would have missed with another memory limit (larder/sizing.h).
#ifndef NETD_SIZING_TEXT_H_
#define NETD_SIZING_TEXT_H_

#include "netd/buffer.h"
#include "netd/server_state.h"

namespace netd {

// Including END.
void append_sizing(const ServerState& server, Buffer& out);

}  // namespace netd

#endif  // NETD_SIZING_TEXT_H_
