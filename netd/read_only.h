// Which requests a read-only server accepts.
#ifndef NETD_READ_ONLY_H_
#define NETD_READ_ONLY_H_

#include "netd/request.h"

namespace netd {

// False: refuse the request, because it would change the cache, its counters or the server. Side effects of `mg`
// are removed from the request: it wins nothing, and starts no access record.
[[nodiscard]] bool make_read_only(Request& request);

}  // namespace netd

#endif  // NETD_READ_ONLY_H_
