// netd --health, for containers: does the server answer?
#ifndef NETD_HEALTH_CHECK_H_
#define NETD_HEALTH_CHECK_H_

#include "netd/options.h"

namespace netd {

// Asks the server that was started with these options for its version, at its UNIX socket if it has one and
// otherwise at its TCP addresses, one after the other, until one answers. Waits a second in all. Throws StartError,
// which says where and why, if none does.
void check_health(const Options& options);

}  // namespace netd

#endif  // NETD_HEALTH_CHECK_H_
