// The text of `stats why`: what has become of a key (larder/explain.h).
#ifndef NETD_WHY_TEXT_H_
#define NETD_WHY_TEXT_H_

#include <string_view>

#include "netd/buffer.h"
#include "netd/server_state.h"

namespace netd {

// Including END. Does not show the key.
void append_why(const ServerState& server, std::string_view key, Buffer& out);

}  // namespace netd

#endif  // NETD_WHY_TEXT_H_
