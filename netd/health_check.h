// netd --health, for containers: checks whether the server answers.
#ifndef NETD_HEALTH_CHECK_H_
#define NETD_HEALTH_CHECK_H_

#include "netd/options.h"

namespace netd {

// Asks a server with these options for its version, at its UNIX socket if it has one, and otherwise at its TCP
// addresses, one after the other, until one answers. Waits at most a second in all. Throws StartError, which says
// where and why, if none answers.
void check_health(const Options& options);

}  // namespace netd

#endif  // NETD_HEALTH_CHECK_H_
