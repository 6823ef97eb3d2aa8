// The text of `stats settings`: every name memcached 1.6 prints, in its order, with the true value where netd has
// the setting, and memcached's default where it does not.
#ifndef NETD_SETTINGS_TEXT_H_
#define NETD_SETTINGS_TEXT_H_

#include "netd/buffer.h"
#include "netd/server_state.h"

namespace netd {

// Including END.
void append_settings(const ServerState& server, Buffer& out);

}  // namespace netd

#endif  // NETD_SETTINGS_TEXT_H_
