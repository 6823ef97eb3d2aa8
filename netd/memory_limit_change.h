// cache_memlimit: changes the memory limit. Room for a lower limit is made in steps, so that the evictions delay
// no other client. The limit changes when that is done; if it cannot be done, nothing changes.
#ifndef NETD_MEMORY_LIMIT_CHANGE_H_
#define NETD_MEMORY_LIMIT_CHANGE_H_

#include <cstddef>
#include <memory>

#include "netd/report.h"
#include "netd/server_state.h"

namespace netd {

// Replies OK, or that the cache cannot have `bytes` as its limit; with `quiet`, nothing.
[[nodiscard]] std::unique_ptr<Report> make_memory_limit_change(ServerState& server, size_t bytes, bool quiet);

}  // namespace netd

#endif  // NETD_MEMORY_LIMIT_CHANGE_H_
