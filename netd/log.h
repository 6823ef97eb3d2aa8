// Lines for the operator, on stderr.
#ifndef NETD_LOG_H_
#define NETD_LOG_H_

#include <string_view>

namespace netd {

// Writes one line with one system call, so that lines of several threads do not mix. Control characters are shown
// as
// '?', those above 127 too, and what is beyond 4,095 bytes is left out. A line that cannot be written at once is
// lost: whoever reads the log, or has ceased to, does not keep clients waiting. Thread-safe.
void log_line(std::string_view line);

// Writes "netd: warning: " and `text`: something is not as it was asked for, and netd serves all the same.
void warn(std::string_view text);

}  // namespace netd

#endif  // NETD_LOG_H_
