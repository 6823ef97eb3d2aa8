// netd --top: a live view of a running netd or memcached.
#ifndef NETD_TOP_TOP_H_
#define NETD_TOP_TOP_H_

#include "netd/options.h"

namespace netd::top {

// Shows the server that these options describe, once a second: on a terminal a screen of its own, until q is
// pressed; otherwise a line each, until the output is closed. Throws StartError if the server does not answer.
void run(const Options& options);

}  // namespace netd::top

#endif  // NETD_TOP_TOP_H_
