// The name and version of netd.
#ifndef NETD_VERSION_H_
#define NETD_VERSION_H_

#include <string_view>

namespace netd {

// Starts with the version of the memcached whose protocol netd speaks: clients compare it to decide what they may
// send, and some parse it as three integers.
[[nodiscard]] std::string_view version_text();

}  // namespace netd

#endif  // NETD_VERSION_H_
