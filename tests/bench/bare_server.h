// The least that a server can do: it answers every line with a value that it has prepared, and looks at none. What
// that costs is the system's part of what a server costs.
#ifndef LARDER_TESTS_BENCH_BARE_SERVER_H_
#define LARDER_TESTS_BENCH_BARE_SERVER_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "program.h"

namespace larder::bench {

class BareServer {
 public:
  // Each reply is sent from where it lies, by turns, so that long ones do not stay in the processor's cache.
  explicit BareServer(std::vector<std::string> replies) : replies_(std::move(replies)) {}

  [[noreturn]] void serve(const sockaddr_in& address) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("cannot bind");
    if (listen(listener, SOMAXCONN) != 0) fail("cannot listen");
    watch(listener, EPOLLIN);
    while (true) {
      std::array<epoll_event, 64> events;
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        if (fd == listener) {
          accept_client(listener);
        } else if (!answer(fd)) {
          clients_.erase(fd);
          close(fd);
        }
      }
    }
  }

 private:
  // What a client is owed: whole replies, the first of which has been sent in part.
  struct Client {
    size_t replies = 0;
    size_t next = 0;
    size_t bytes_sent = 0;
  };

  void watch(int fd, uint32_t events) const {
    epoll_event event{.events = events, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_client(int listener) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    clients_[fd] = {.next = clients_.size() * kRepliesAtOnce};
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
  }

  // False: the client has gone.
  bool answer(int fd) {
    Client& client = clients_[fd];
    while (true) {
      const ssize_t got = recv(fd, input_.data(), input_.size(), 0);
      if (got == 0) return false;
      if (got < 0) break;
      client.replies += static_cast<size_t>(std::count(input_.begin(), input_.begin() + got, '\n'));
      if (static_cast<size_t>(got) < input_.size()) break;
    }
    while (client.replies > 0 && send_some(fd, client)) {
    }
    return true;
  }

  // False: nothing can be sent for now.
  bool send_some(int fd, Client& client) const {
    std::array<iovec, kRepliesAtOnce> parts;
    const size_t count = std::min(client.replies, parts.size());
    for (size_t i = 0; i < count; ++i) {
      const std::string& reply = replies_[(client.next + i) % replies_.size()];
      const size_t begin = i == 0 ? client.bytes_sent : 0;
      parts[i] = {.iov_base = const_cast<char*>(reply.data() + begin), .iov_len = reply.size() - begin};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    client.bytes_sent += static_cast<size_t>(sent);
    for (size_t bytes; client.bytes_sent >= (bytes = replies_[client.next % replies_.size()].size());) {
      client.bytes_sent -= bytes;
      ++client.next;
      if (--client.replies == 0) break;
    }
    return true;
  }

  static constexpr size_t kRepliesAtOnce = 16;

  const std::vector<std::string> replies_;
  const int epoll_ = epoll_create1(0);
  std::array<char, 1 << 16> input_;
  std::unordered_map<int, Client> clients_;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_BARE_SERVER_H_
