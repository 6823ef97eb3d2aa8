// Lines for the operator, on stderr.
#ifndef NETD_LOG_H_
#define NETD_LOG_H_

#include <string_view>

namespace netd {

// Writes one line with one system call, so that lines of several threads do not mix. Control characters and those
// above 127 are shown as '?', and what exceeds 4,095 bytes is left out. A line that cannot be written at once is
// dropped: a log that is not read must not make clients wait. Thread-safe.
void log_line(std::string_view line);

// Writes "netd: warning: " and `text`: something differs from what was asked for, but netd serves.
void warn(std::string_view text);

}  // namespace netd

#endif  // NETD_LOG_H_
