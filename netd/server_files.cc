#include "netd/server_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "netd/log.h"
#include "netd/start_error.h"
#include "netd/unique_fd.h"

namespace netd {
namespace {

// Replaces `path` by a file with this text.
void write_file(const std::string& path, const std::string& temporary, std::string_view text) {
  unlink(temporary.c_str());
  const UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  const bool written = fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (written && rename(temporary.c_str(), path.c_str()) == 0) return;
  const int error = errno;
  if (fd) unlink(temporary.c_str());
  throw StartError(fmt::format("cannot write {}: {}", path, std::strerror(error)));
}

// The process that a file names, or 0. A file of another kind, which might keep us waiting, names none.
pid_t pid_in(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  char text[32] = {};
  if (!fd || read(fd.get(), text, sizeof text - 1) <= 0) return 0;
  return static_cast<pid_t>(std::strtol(text, nullptr, 10));
}

void warn_of_live_process(const std::string& path) {
  const pid_t pid = pid_in(path);
  if (pid <= 0) return;
  if (kill(pid, 0) == 0) log_line(fmt::format("netd: {} names process {}, which is running", path, pid));
}

std::string absolute_or_empty(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).string();
}

}  // namespace

PidFile::PidFile(const std::string& path) : path_(absolute_or_empty(path)) {
  if (path_.empty()) return;
  warn_of_live_process(path_);
  write_file(path_, path_ + ".tmp", fmt::format("{}\n", getpid()));
}

PidFile::~PidFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

void write_port_file(std::span<const ListenSocket> sockets) {
  const char* const path = std::getenv("MEMCACHED_PORT_FILENAME");
  if (path == nullptr) return;
  std::string text;
  for (const ListenSocket& socket : sockets) {
    if (socket.transport() == Transport::kUnix) continue;
    text += fmt::format("{} {}: {}\n", socket.transport() == Transport::kUdp ? "UDP" : "TCP",
                        socket.address().starts_with('[') ? "INET6" : "INET", socket.port());
  }
  write_file(path, std::string(path) + ".lck", text);
}

}  // namespace netd
