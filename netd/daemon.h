// Runs in the background (-d) without losing the exit code.
#ifndef NETD_DAEMON_H_
#define NETD_DAEMON_H_

#include "netd/unique_fd.h"

namespace netd {

// The process forks before it makes anything that a fork would break. The parent waits until the child either
// serves (the parent exits with 0) or has failed (the parent exits with the child's code). The child keeps stderr
// until it serves, so its messages are seen.
class Daemon {
 public:
  // Forks if `enabled`; returns in the child only. Throws StartError.
  explicit Daemon(bool enabled);

  // Call when clients can connect: lets the parent exit and detaches from the terminal, except that stdout and
  // stderr stay with `keep_output`; the working directory becomes / unless `keep_directory`.
  void detach(bool keep_output, bool keep_directory);

 private:
  UniqueFd parent_;  // written when serving; closed at the latest when this process ends
};

}  // namespace netd

#endif  // NETD_DAEMON_H_
