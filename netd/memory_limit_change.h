// cache_memlimit: another memory limit. Room for a lower one is made in steps, so that evicting what has to go
// keeps no other client waiting. The limit changes when that is done; if it cannot be, everything stays as it is.
#ifndef NETD_MEMORY_LIMIT_CHANGE_H_
#define NETD_MEMORY_LIMIT_CHANGE_H_

#include <cstddef>
#include <memory>

#include "netd/report.h"
#include "netd/server_state.h"

namespace netd {

// Answers OK, or that `bytes` is a limit that the cache cannot have; with `quiet`, nothing.
[[nodiscard]] std::unique_ptr<Report> make_memory_limit_change(ServerState& server, size_t bytes, bool quiet);

}  // namespace netd

#endif  // NETD_MEMORY_LIMIT_CHANGE_H_
