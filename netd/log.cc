#include "netd/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <string>

namespace netd {

void log_line(std::string_view line) {
  std::string text(line);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  text += '\n';
  pollfd output{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&output, 1, 0) != 1 || (output.revents & POLLOUT) == 0) return;
  // Nobody is left to tell when stderr does not take it.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

void warn(std::string_view text) { log_line(fmt::format("netd: warning: {}", text)); }

}  // namespace netd
