#include "netd/client_socket.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>

namespace netd {
namespace {

ssize_t send_all(int fd, const Buffer::Pieces& pieces) {
  std::array<iovec, std::tuple_size_v<Buffer::Pieces>> parts;
  std::ranges::transform(pieces, parts.begin(), [](std::string_view piece) {
    return iovec{.iov_base = const_cast<char*>(piece.data()), .iov_len = piece.size()};
  });
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

bool ClientSocket::receive(Buffer& in) {
  if (in.empty() && in.capacity() > BufferPool::kBlockBytes) in.release();
  // Behind the beginning of a request there is room already (see Connection::parse).
  if (in.room().empty()) in.reserve(kReadBytesMin);
  const std::span<char> room = in.room();
  const ssize_t count = ::recv(fd(), room.data(), room.size(), 0);
  if (count == 0) return false;
  if (count < 0) {
    is_drained_ = would_block();
    return is_drained_ || errno == EINTR;
  }
  in.commit(static_cast<size_t>(count));
  moved_bytes_ += static_cast<size_t>(count);
  is_drained_ = static_cast<size_t>(count) < room.size();
  counters_.add(Counter::kBytesRead, static_cast<uint64_t>(count));
  return true;
}

bool ClientSocket::send_content(Buffer& out) {
  while (!out.empty()) {
    const ssize_t count = transmit(out.pieces());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return would_block();
    out.consume(static_cast<size_t>(count));
  }
  return true;
}

ssize_t ClientSocket::transmit(const Buffer::Pieces& pieces) {
  const std::string_view first = pieces.front();
  const ssize_t count =
      pieces[1].empty() ? ::send(fd(), first.data(), first.size(), MSG_NOSIGNAL) : send_all(fd(), pieces);
  if (count > 0) {
    counters_.add(Counter::kBytesWritten, static_cast<uint64_t>(count));
    moved_bytes_ += static_cast<size_t>(count);
  }
  return count;
}

void ClientSocket::shut_down() { ::shutdown(fd(), SHUT_WR); }

int ClientSocket::unsent_bytes() {
  int bytes = 0;
  return ::ioctl(fd(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

bool ClientSocket::is_tcp() {
  int domain = AF_UNIX;
  socklen_t length = sizeof domain;
  return ::getsockopt(fd(), SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain != AF_UNIX;
}

}  // namespace netd
