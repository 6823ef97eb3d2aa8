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
#include <system_error>

#include "netd/log.h"
#include "netd/unique_fd.h"

namespace netd {
namespace {

// Replaces `path` by a file with this text. Warns and returns false if that fails.
bool write_file(const std::string& path, const std::string& temporary, std::string_view text) {
  unlink(temporary.c_str());
  const UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  const bool written = fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (written && rename(temporary.c_str(), path.c_str()) == 0) return true;
  const int error = errno;
  if (fd) unlink(temporary.c_str());
  warn(fmt::format("cannot write {}: {}", path, std::strerror(error)));
  return false;
}

std::string port_line(std::string_view protocol, const ListenSocket& socket) {
  return fmt::format("{} {}: {}\n", protocol, socket.address().starts_with('[') ? "INET6" : "INET", socket.port());
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
  if (kill(pid, 0) == 0) warn(fmt::format("{} names process {}, which is running", path, pid));
}

}  // namespace

PidFile::PidFile(const std::string& path) {
  if (path.empty()) return;
  warn_of_live_process(path);
  // Absolute, so that a daemon, which changes its directory, finds it again at exit.
  std::error_code no_directory;
  const std::string absolute = std::filesystem::absolute(path, no_directory);
  if (write_file(path, path + ".tmp", fmt::format("{}\n", getpid()))) path_ = absolute;
}

PidFile::~PidFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

void write_port_file(std::span<const ListenSocket> sockets, std::span<const ListenSocket> http_sockets) {
  const char* const path = secure_getenv("MEMCACHED_PORT_FILENAME");
  if (path == nullptr) return;
  std::string text;
  for (const ListenSocket& socket : sockets) {
    if (socket.transport() == Transport::kUnix) continue;
    text += port_line(socket.transport() == Transport::kUdp ? "UDP" : "TCP", socket);
  }
  for (const ListenSocket& socket : http_sockets) text += port_line("HTTP", socket);
  write_file(path, std::string(path) + ".lck", text);
}

}  // namespace netd
