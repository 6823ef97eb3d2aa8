#include "netd/version.h"

namespace netd {

std::string_view version_text() { return "1.6.45-netd-" NETD_VERSION; }

}  // namespace netd
