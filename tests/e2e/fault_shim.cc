// Loaded into a server by LD_PRELOAD, makes system calls fail as they seldom do by themselves, and notes what
// cannot be seen from outside. A test and this share the file that $FAULTS names; faults.py has the same fields.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr int64_t kNsPerS = 1'000'000'000;

struct Faults {
  std::atomic<int64_t> accept_failures;   // so many calls of accept4 fail …
  std::atomic<int64_t> accept_errno;      // … with this
  std::atomic<int64_t> send_bytes;        // above 0: sockets take no more at a time, and transfers are interrupted
  std::atomic<int64_t> transfers;         // tried while send_bytes was above 0
  std::atomic<int64_t> realtime_shift_s;  // added to the system's time
  std::atomic<int64_t> socket_mode;       // of a UNIX socket when `listen` was called for it
  std::atomic<int64_t> uid_at_recv;   // the lowest user id it could take when a socket was first read; -1: none yet
  std::atomic<int64_t> monotonic_ns;  // above 0: where the monotonic clocks stand still
  std::atomic<int64_t> ipv6_errno;    // above 0: why there are no sockets of IPv6
  std::atomic<int64_t>
      links_socket;  // above 0: as soon as it is bound, a UNIX socket gives way to a link to `linked`
};

// Until the file is mapped nothing fails. A sanitizer may ask a clock before, or while it is being mapped.
constinit Faults none{};
constinit std::atomic<Faults*> mapped{&none};

[[gnu::constructor]] void map_faults() {
  const int fd = open(std::getenv("FAULTS"), O_RDWR | O_CLOEXEC);
  mapped = static_cast<Faults*>(mmap(nullptr, sizeof(Faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
}

Faults& faults() { return *mapped; }

template <class Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool is_socket(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

// Sets errno and returns true if this transfer is to fail. Every third does.
bool transfer_fails(int error) {
  if (faults().send_bytes == 0 || faults().transfers++ % 3 != 2) return false;
  errno = error;
  return true;
}

// The same; shortens it otherwise. What is received is not: who reads less than he asked for may know from it that
// there is no more.
bool send_fails(size_t& bytes) {
  const int64_t bytes_max = faults().send_bytes;
  if (bytes_max > 0) bytes = std::min(bytes, static_cast<size_t>(bytes_max));
  return transfer_fails(faults().transfers % 2 == 0 ? EINTR : EAGAIN);
}

void note_users() {
  if (faults().uid_at_recv != -1) return;
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  getresuid(&real, &effective, &saved);
  faults().uid_at_recv = std::min({real, effective, saved});
}

}  // namespace

extern "C" {

int socket(int family, int type, int protocol) noexcept {
  static const auto real = next(&socket, "socket");
  if (family != AF_INET6 || faults().ipv6_errno == 0) return real(family, type, protocol);
  errno = static_cast<int>(faults().ipv6_errno);
  return -1;
}

int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  static const auto real = next(&accept4, "accept4");
  if (faults().accept_failures > 0) {
    --faults().accept_failures;
    errno = static_cast<int>(faults().accept_errno);
    return -1;
  }
  return real(fd, address, length, flags);
}

ssize_t recv(int fd, void* data, size_t bytes, int flags) {
  static const auto real = next(&recv, "recv");
  note_users();
  return transfer_fails(EINTR) ? -1 : real(fd, data, bytes, flags);
}

ssize_t read(int fd, void* data, size_t bytes) {
  static const auto real = next(&read, "read");
  if (!is_socket(fd)) return real(fd, data, bytes);
  note_users();
  return transfer_fails(EINTR) ? -1 : real(fd, data, bytes);
}

ssize_t send(int fd, const void* data, size_t bytes, int flags) {
  static const auto real = next(&send, "send");
  return send_fails(bytes) ? -1 : real(fd, data, bytes, flags);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real = next(&sendmsg, "sendmsg");
  if (faults().send_bytes == 0) return real(fd, message, flags);
  // Of several parts only the first that is not empty.
  iovec part{};
  for (size_t i = 0; i < message->msg_iovlen && part.iov_len == 0; ++i) part = message->msg_iov[i];
  if (send_fails(part.iov_len)) return -1;
  msghdr shortened = *message;
  shortened.msg_iov = &part;
  shortened.msg_iovlen = 1;
  return real(fd, &shortened, flags);
}

int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  static const auto real = next(&bind, "bind");
  const int result = real(fd, address, length);
  if (result == 0 && address->sa_family == AF_UNIX && faults().links_socket > 0) {
    const char* const path = reinterpret_cast<const sockaddr_un*>(address)->sun_path;
    unlink(path);
    // Where it leads to is up to the test.
    [[maybe_unused]] const int linked = symlink("linked", path);
  }
  return result;
}

int listen(int fd, int backlog) noexcept {
  static const auto real = next(&listen, "listen");
  sockaddr_un address{};
  socklen_t length = sizeof address;
  struct stat status {};
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 && address.sun_family == AF_UNIX &&
      stat(address.sun_path, &status) == 0) {
    faults().socket_mode = status.st_mode & 07777;
  }
  return real(fd, backlog);
}

int clock_gettime(clockid_t id, timespec* now) noexcept {
  static const auto real = next(&clock_gettime, "clock_gettime");
  const int result = real(id, now);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) now->tv_sec += faults().realtime_shift_s;
  const int64_t monotonic_ns = faults().monotonic_ns;
  if (monotonic_ns > 0 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
    *now = {.tv_sec = monotonic_ns / kNsPerS, .tv_nsec = monotonic_ns % kNsPerS};
  }
  return result;
}

// While the clocks stand still, timers and waits end soon. The server then asks a clock, and sets them again until
// it has moved.
int timerfd_settime(int fd, int flags, const itimerspec* timer, itimerspec* before) noexcept {
  static const auto real = next(&timerfd_settime, "timerfd_settime");
  constexpr timespec kSoon{.tv_sec = 0, .tv_nsec = 10'000'000};
  const timespec& wait = timer->it_value;
  const bool is_long = wait.tv_sec > 0 || wait.tv_nsec > kSoon.tv_nsec;
  if (faults().monotonic_ns == 0 || flags != 0 || !is_long) return real(fd, flags, timer, before);
  const itimerspec shortened{.it_interval = timer->it_interval, .it_value = kSoon};
  return real(fd, flags, &shortened, before);
}

int epoll_wait(int fd, epoll_event* events, int events_max, int timeout_ms) {
  static const auto real = next(&epoll_wait, "epoll_wait");
  constexpr int kSoonMs = 10;
  return real(fd, events, events_max, faults().monotonic_ns > 0 ? std::min(timeout_ms, kSoonMs) : timeout_ms);
}
}
