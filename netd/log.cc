#include "netd/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <string>

#include "larder/internal/base/mutex.h"

namespace netd {
namespace {

// A pipe that has any room has room for so much.
constexpr size_t kLogLineBytesMax = PIPE_BUF;

// The ASCII ones, and those that some terminals also take for the beginning of a command.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || (byte >= 0x7f && byte < 0xa0);
}

}  // namespace

void log_line(std::string_view line) {
  std::string text(line.substr(0, kLogLineBytesMax - 1));
  std::ranges::replace_if(text, is_control, '?');
  text += '\n';
  // Another thread's line must not take the room that this one has just seen.
  static constinit larder::internal::Mutex mutex;
  const larder::internal::MutexLock lock(mutex);
  pollfd output{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&output, 1, 0) != 1 || (output.revents & POLLOUT) == 0) return;
  // Nobody is left to tell when stderr does not take it.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

void warn(std::string_view text) { log_line(fmt::format("netd: warning: {}", text)); }

}  // namespace netd
