// What a server that changes nothing leaves of the requests of its clients.
#ifndef NETD_READ_ONLY_H_
#define NETD_READ_ONLY_H_

#include "netd/request.h"

namespace netd {

// False: the request is to be refused, as it asks for a change of the cache, of its counters or of the server. What
// `mg` would change unasked is taken out of the request: it wins nothing, and has no time of access kept.
[[nodiscard]] bool make_read_only(Request& request);

}  // namespace netd

#endif  // NETD_READ_ONLY_H_
