#include "netd/listen_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "netd/start_error.h"

namespace netd {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

[[noreturn]] void fail(const std::string& address, int error) {
  throw StartError(fmt::format("cannot listen on {}: {}", address, std::strerror(error)), kExitOsError);
}

std::string host_and_port(std::string_view host, std::string_view port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

AddressList resolve(const ListenAddress& address, int port, Transport transport, const Options& options) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = transport == Transport::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* list = nullptr;
  const char* const host = address.host == "*" ? nullptr : address.host.c_str();
  const std::string service = fmt::format("{}", port == kAnyPort ? 0 : port);
  const int error = getaddrinfo(host, service.c_str(), &hints, &list);
  if (error != 0) {
    throw StartError(fmt::format("{}: '{}': {}", flag_name(options, 'l'), address.host, gai_strerror(error)),
                     kExitOsError);
  }
  return {list, &freeaddrinfo};
}

std::string bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getsockname(fd, address, &length) != 0 ||
      getnameinfo(address, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  return host_and_port(host, port);
}

void set_option(int fd, int level, int name) {
  const int on = 1;
  // A socket without one of these still serves.
  (void)setsockopt(fd, level, name, &on, sizeof on);
}

// Accepted connections inherit the options. Of UDP, two servers with SO_REUSEADDR could share the port.
void prepare_for_connections(int fd) {
  set_option(fd, SOL_SOCKET, SO_REUSEADDR);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
}

// Nothing, and errno, when this process cannot have such an address.
UniqueFd listen_at(const addrinfo& info, const std::string& shown, int backlog) {
  const bool is_tcp = info.ai_socktype == SOCK_STREAM;
  UniqueFd fd(socket(info.ai_family, info.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info.ai_protocol));
  if (!fd) {
    if (errno != EMFILE && errno != ENFILE) return {};
    fail(shown, errno);
  }
  if (is_tcp) prepare_for_connections(fd.get());
  if (info.ai_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(fd.get(), info.ai_addr, info.ai_addrlen) != 0) {
    if (errno == EADDRNOTAVAIL) return {};
    fail(shown, errno);
  }
  if (is_tcp && listen(fd.get(), backlog) != 0) fail(shown, errno);
  return fd;
}

// Listens on every address that `address` stands for and this process can have; returns how many. `error`: why
// there is one that it cannot have.
size_t listen_on(const ListenAddress& address, Transport transport, const Options& options,
                 std::vector<ListenSocket>& sockets, int& error) {
  const int port = transport == Transport::kUdp ? options.udp_port : address.port.value_or(options.port);
  const std::string shown = host_and_port(address.host, fmt::format("{}", port));
  const AddressList list = resolve(address, port, transport, options);
  size_t count = 0;
  for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
    UniqueFd fd = listen_at(*info, shown, options.listen_backlog);
    if (!fd) {
      error = errno;
      continue;
    }
    std::string bound = bound_address(fd.get());
    sockets.emplace_back(std::move(fd), transport, std::move(bound));
    ++count;
  }
  return count;
}

void listen_everywhere(Transport transport, const Options& options, std::vector<ListenSocket>& sockets) {
  const bool loopback = options.listen_addresses.empty();
  const std::vector<ListenAddress> addresses =
      loopback ? std::vector<ListenAddress>{{"127.0.0.1", {}}, {"::1", {}}} : options.listen_addresses;
  size_t all = 0;
  int error = 0;
  for (const ListenAddress& address : addresses) {
    const size_t count = listen_on(address, transport, options, sockets, error);
    if (count == 0 && !loopback) fail(address.host, error);
    all += count;
  }
  if (all == 0) fail("the loopback interface", error);
}

// Removes a socket that nobody listens on any more. Does not wait for a server that accepts nobody just now.
void remove_stale_socket(const std::string& path, const sockaddr_un& address, const Options& options) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) {
    throw StartError(fmt::format("{}: '{}' is there and is not a socket", flag_name(options, 's'), path));
  }
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) fail(path, errno);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
    fail(path, EADDRINUSE);
  }
  if (errno != ECONNREFUSED) fail(path, errno);
  unlink(path.c_str());
}

sockaddr_un unix_address(const std::string& path, const Options& options) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw StartError(fmt::format("{}: '{}' is longer than {} bytes", flag_name(options, 's'), path,
                                 sizeof address.sun_path - 1));
  }
  path.copy(address.sun_path, path.size());
  return address;
}

// Gives the socket's file what the process's umask has taken away, and nothing to what a link in its place leads
// to.
void restore_mode(const std::string& path, mode_t mode) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && status.st_mode == (S_IFSOCK | mode)) return;
  if (fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0) fail(path, errno);
}

}  // namespace

ListenSocket::ListenSocket(UniqueFd fd, Transport transport, std::string address)
    : fd_(std::move(fd)), transport_(transport), address_(std::move(address)) {}

ListenSocket::~ListenSocket() {
  if (fd_ && transport_ == Transport::kUnix) unlink(address_.c_str());
}

std::vector<ListenSocket> listen_ip(const Options& options) {
  std::vector<ListenSocket> sockets;
  if (serves_tcp(options)) listen_everywhere(Transport::kTcp, options, sockets);
  if (options.udp_port != 0) listen_everywhere(Transport::kUdp, options, sockets);
  return sockets;
}

std::vector<ListenSocket> listen_http(const Options& options) {
  if (options.http_port == 0) return {};
  Options http;
  http.port = options.http_port;
  http.listen_addresses = options.http_addresses;
  http.given['l'] = "--http-listen";
  return listen_ip(http);
}

ListenSocket listen_unix(const Options& options) {
  // Absolute, so that a daemon, which changes its directory, finds it again at exit.
  const std::string path = std::filesystem::absolute(options.unix_socket);
  const sockaddr_un address = unix_address(path, options);
  remove_stale_socket(path, address, options);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) fail(path, errno);
  // The file is made with the socket's mode, less the process's umask, which others may be making files with.
  const mode_t mode = options.unix_mask & 0777;
  if (fchmod(fd.get(), mode) != 0) fail(path, errno);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail(path, errno);
  ListenSocket socket(std::move(fd), Transport::kUnix, path);
  restore_mode(path, mode);
  if (listen(socket.fd(), options.listen_backlog) != 0) fail(path, errno);
  return socket;
}

}  // namespace netd
