#include "netd/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "netd/start_error.h"

namespace netd {
namespace {

// Waits for the child's word; without one the child has ended, and its exit code is ours.
[[noreturn]] void wait_for(pid_t child, int fd) {
  char word = 0;
  ssize_t count = 0;
  do {
    count = read(fd, &word, 1);
  } while (count < 0 && errno == EINTR);
  if (count == 1) _exit(0);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : kExitFailure);
}

}  // namespace

Daemon::Daemon(bool enabled) {
  if (!enabled) return;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw StartError(fmt::format("-d: cannot make a pipe: {}", std::strerror(errno)), kExitOsError);
  }
  UniqueFd ours(ends[0]);
  parent_ = UniqueFd(ends[1]);
  // Who started this process may have it ignored, and then a child's exit code is lost.
  std::signal(SIGCHLD, SIG_DFL);
  const pid_t child = fork();
  if (child < 0) throw StartError(fmt::format("-d: cannot fork: {}", std::strerror(errno)), kExitOsError);
  if (child > 0) {
    parent_ = UniqueFd();
    wait_for(child, ours.get());
  }
  setsid();
}

void Daemon::detach(bool keep_output, bool keep_directory) {
  if (!parent_) return;
  // None of these matters to a server that works: what fails is left as it is.
  [[maybe_unused]] const bool moved = keep_directory || chdir("/") == 0;
  if (const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC)); null) {
    dup2(null.get(), STDIN_FILENO);
    if (!keep_output) {
      dup2(null.get(), STDOUT_FILENO);
      dup2(null.get(), STDERR_FILENO);
    }
  }
  [[maybe_unused]] const ssize_t told = write(parent_.get(), "r", 1);
  parent_ = UniqueFd();
}

}  // namespace netd
