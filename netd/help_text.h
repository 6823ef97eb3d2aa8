// What -h, -i and -V print.
#ifndef NETD_HELP_TEXT_H_
#define NETD_HELP_TEXT_H_

#include <string>

namespace netd {

[[nodiscard]] std::string help_text();
[[nodiscard]] std::string license_text();
[[nodiscard]] std::string version_line();

}  // namespace netd

#endif  // NETD_HELP_TEXT_H_
