// Going into the background (-d) without losing the exit code.
#ifndef NETD_DAEMON_H_
#define NETD_DAEMON_H_

#include "netd/unique_fd.h"

namespace netd {

// The process forks at once, before anything is made that a fork would break, and the parent waits until the child
// either serves (the parent exits with 0) or has failed (the parent exits with the child's code). The child keeps
// stderr until it serves, so that its messages are seen.
class Daemon {
 public:
  // Forks if `enabled`; returns in the child only. Throws StartError.
  explicit Daemon(bool enabled);

  // To be called when clients can connect: lets the parent go, and with it the terminal, except that stdout and
  // stderr stay with `keep_output`, and the working directory becomes / unless `keep_directory`.
  void detach(bool keep_output, bool keep_directory);

 private:
  UniqueFd parent_;  // written to when serving; closed by the end of this process at the latest
};

}  // namespace netd

#endif  // NETD_DAEMON_H_
