// The statistics that memcached's clients get of this server: what other programs make of them, HTTP makes of the
// same.
#ifndef NETD_HTTP_OWN_STATS_H_
#define NETD_HTTP_OWN_STATS_H_

#include <string_view>

#include "netd/server_state.h"
#include "netd/stat_lines.h"

namespace netd::http {

// `stats` and `stats settings`. All of these throw std::bad_alloc.
[[nodiscard]] StatLines general_stats(const ServerState& server);
[[nodiscard]] StatLines settings_stats(const ServerState& server);

// `stats why`.
[[nodiscard]] StatLines why_stats(const ServerState& server, std::string_view key);

// Takes up to some tenths of a second, and less than half of it works, so that clients are not delayed. Empty if
// there is no memory for it.
[[nodiscard]] ClassStats class_stats(ServerState& server);

}  // namespace netd::http

#endif  // NETD_HTTP_OWN_STATS_H_
