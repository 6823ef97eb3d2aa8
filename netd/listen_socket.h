// Sockets at which clients reach the server.
#ifndef NETD_LISTEN_SOCKET_H_
#define NETD_LISTEN_SOCKET_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netd/options.h"
#include "netd/unique_fd.h"

namespace netd {

enum class Transport : uint8_t { kTcp, kUdp, kUnix };

// Bound, non-blocking and, except for UDP, listening. Its end removes the file of a UNIX socket.
class ListenSocket {
 public:
  // address: for display, "127.0.0.1:11211", or the absolute path of a UNIX socket.
  ListenSocket(UniqueFd fd, Transport transport, std::string address);
  ListenSocket(ListenSocket&&) noexcept = default;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] UniqueFd take_fd() { return std::move(fd_); }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] Transport transport() const { return transport_; }
  // For TCP and UDP.
  [[nodiscard]] std::string_view port() const { return std::string_view(address_).substr(address_.rfind(':') + 1); }

 private:
  UniqueFd fd_;
  const Transport transport_;
  const std::string address_;
};

// The TCP and UDP sockets for `options`, TCP first: at the addresses of -l, or the loopback interface. Throws
// StartError.
[[nodiscard]] std::vector<ListenSocket> listen_ip(const Options& options);

// The TCP sockets of the HTTP port, if there is one. Throws StartError.
[[nodiscard]] std::vector<ListenSocket> listen_http(const Options& options);

// The UNIX socket. The file of an earlier server is removed; any other existing file is an error. Throws
// StartError.
[[nodiscard]] ListenSocket listen_unix(const Options& options);

}  // namespace netd

#endif  // NETD_LISTEN_SOCKET_H_
