// Lines for the operator, on stderr.
#ifndef NETD_LOG_H_
#define NETD_LOG_H_

#include <string_view>

namespace netd {

// Writes one line with one system call, so that lines of several threads do not mix. Octets that are not printable
// are shown as '?'. A line that cannot be written at once is lost: whoever reads the log, or has ceased to, does
// not keep clients waiting.
void log_line(std::string_view line);

// Writes "netd: warning: " and `text`: something is not as it was asked for, and netd serves all the same.
void warn(std::string_view text);

}  // namespace netd

#endif  // NETD_LOG_H_
