// Sockets that clients can connect to.
#ifndef NETD_LISTEN_SOCKET_H_
#define NETD_LISTEN_SOCKET_H_

#include <string>
#include <vector>

#include "netd/options.h"
#include "netd/unique_fd.h"

namespace netd {

// Bound and listening, non-blocking. The file of a UNIX socket is removed with it.
class ListenSocket {
 public:
  // address: as shown to people, "127.0.0.1:11211". unix_path: absolute, or empty for TCP.
  ListenSocket(UniqueFd fd, std::string address, std::string unix_path);
  ListenSocket(ListenSocket&&) noexcept = default;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] bool is_tcp() const { return unix_path_.empty(); }

 private:
  UniqueFd fd_;
  const std::string address_;
  std::string unix_path_;
};

// The TCP sockets that `options` ask for: those of -l, or of the loopback interface. Throws StartError.
[[nodiscard]] std::vector<ListenSocket> listen_tcp(const Options& options);

// The UNIX socket. A file that an earlier server left behind is removed; any other is an error. Throws StartError.
// Changes the umask for a moment, so no other thread may be making files.
[[nodiscard]] ListenSocket listen_unix(const Options& options);

}  // namespace netd

#endif  // NETD_LISTEN_SOCKET_H_
