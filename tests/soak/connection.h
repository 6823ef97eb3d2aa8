// A client's connection, with a deadline on every wait.
#ifndef LARDER_TESTS_SOAK_CONNECTION_H_
#define LARDER_TESTS_SOAK_CONNECTION_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace larder::soak {

// The other side has closed, or does nothing any more.
class Gone : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The address 127.0.0.`host`.
inline sockaddr_in loopback(uint8_t host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((127u << 24) + host);
  return address;
}

class Connection {
 public:
  // To the port of 127.0.0.1, as the client 127.0.0.`host`.
  Connection(uint16_t port, uint8_t host) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // The port is chosen with the connection, so that there are enough of them.
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const sockaddr_in own = loopback(host, 0);
    const sockaddr_in server = loopback(1, port);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
      close(fd_);
      throw Gone("no connection can be made");
    }
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends all of it, and takes in replies meanwhile, lest both sides wait for each other to read.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const short ready = wait(POLLIN | POLLOUT);
      if (ready & POLLIN) receive();
      if (ready & POLLOUT) bytes.remove_prefix(send_some(bytes));
    }
  }

  // What the socket takes at once, which may be nothing.
  size_t send_some(std::string_view bytes) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EAGAIN && errno != EINTR) throw Gone("a connection was reset while sending");
    return 0;
  }

  // Drops what has arrived, or some of it, without waiting.
  void skip() {
    std::array<char, 16 << 10> buffer;
    (void)recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  }

  // The next line without its end, valid until the next call.
  std::string_view line() {
    while (true) {
      const size_t end = received_.find("\r\n", begin_);
      if (end != std::string::npos) return take(end - begin_, end + 2 - begin_);
      receive_more();
    }
  }

  // The next `bytes` bytes, and the line end behind them.
  std::string_view block(size_t bytes) {
    while (received_.size() - begin_ < bytes + 2) receive_more();
    return take(bytes, bytes + 2);
  }

  // Reads whatever there is, until the end.
  void drain() {
    try {
      while (true) receive_more(), begin_ = received_.size();
    } catch (const Gone&) {
    }
  }

  // Closing resets the connection.
  void reset_at_end() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  void end_sending() { shutdown(fd_, SHUT_WR); }

 private:
  static constexpr int kDeadlineMs = 60'000;

  short wait(short events) {
    pollfd waiting{.fd = fd_, .events = events, .revents = 0};
    if (poll(&waiting, 1, kDeadlineMs) <= 0) throw Gone("nothing has happened for a minute");
    return waiting.revents;
  }

  void receive_more() {
    (void)wait(POLLIN);
    receive();
  }

  void receive() {
    if (begin_ > 0) received_.erase(0, begin_);
    begin_ = 0;
    std::array<char, 64 << 10> buffer;
    const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) throw Gone(count == 0 ? "a connection was closed" : "a connection was reset");
    received_.append(buffer.data(), static_cast<size_t>(count));
  }

  std::string_view take(size_t bytes, size_t bytes_with_end) {
    const std::string_view taken = std::string_view(received_).substr(begin_, bytes);
    begin_ += bytes_with_end;
    return taken;
  }

  const int fd_;
  std::string received_;
  size_t begin_ = 0;  // what is in front of it has been taken
};

}  // namespace larder::soak

#endif  // LARDER_TESTS_SOAK_CONNECTION_H_
