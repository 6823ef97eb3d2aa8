#include "netd/connection_table.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string_view>

namespace netd {
namespace {

std::string_view name_of(ConnectionState state) {
  switch (state) {
    case ConnectionState::kListening:
      return "conn_listening";
    case ConnectionState::kReading:
      return "conn_read";
    case ConnectionState::kReadingValue:
      return "conn_nread";
    case ConnectionState::kRunning:
      return "conn_parse_cmd";
    case ConnectionState::kWriting:
      return "conn_mwrite";
    case ConnectionState::kWatching:
      return "conn_watch";
    case ConnectionState::kClosing:
      return "conn_closing";
  }
  return "conn_closed";
}

bool is_for_datagrams(int fd) {
  int type = SOCK_STREAM;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

std::string describe(const ConnectionEntry& entry, int64_t now_ms) {
  const ConnectionState state = entry.state.load(std::memory_order_relaxed);
  const bool is_udp = is_for_datagrams(entry.fd);
  const bool has_peer = state != ConnectionState::kListening && !is_udp;
  std::string text = is_udp ? fmt::format("STAT {}:UDP UDP\r\n", entry.fd) : std::string();
  text += fmt::format("STAT {}:addr {}\r\n", entry.fd, socket_address(entry.fd, !has_peer));
  if (has_peer) text += fmt::format("STAT {}:listen_addr {}\r\n", entry.fd, socket_address(entry.fd, true));
  text += fmt::format("STAT {}:state {}\r\n", entry.fd, name_of(state));
  const int64_t idle_ms = now_ms - entry.last_request_ms.load(std::memory_order_relaxed);
  text += fmt::format("STAT {}:secs_since_last_cmd {}\r\n", entry.fd, idle_ms / 1000);
  return text;
}

}  // namespace

std::string socket_address(int fd, bool own) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if ((own ? getsockname(fd, address, &length) : getpeername(fd, address, &length)) != 0) return "<unknown>";
  if (address->sa_family == AF_UNIX) {
    // A client's end has no name; both are shown as the server's.
    if (!own) return socket_address(fd, true);
    return fmt::format("unix:{}", reinterpret_cast<const sockaddr_un*>(address)->sun_path);
  }
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(address, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "<unknown>";
  }
  const std::string_view transport = is_for_datagrams(fd) ? "udp" : "tcp";
  return address->sa_family == AF_INET6 ? fmt::format("{}6:[{}]:{}", transport, host, port)
                                        : fmt::format("{}:{}:{}", transport, host, port);
}

std::string connection_event(int fd, std::string_view event, std::string_view reason) {
  const std::string address = socket_address(fd, false);
  const size_t transport_end = address.find(':');
  const size_t host_end = address.rfind(':');
  const bool is_unix = address.starts_with("unix:");
  std::string_view host = is_unix || host_end <= transport_end
                              ? std::string_view("unix")
                              : std::string_view(address).substr(transport_end + 1, host_end - transport_end - 1);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return fmt::format("{} rip={} rport={} transport={}{}{} cfd={}", event, host,
                     host == "unix" ? "0" : address.substr(host_end + 1), is_unix ? "unix" : "tcp",
                     reason.empty() ? "" : " reason=", reason, fd);
}

void ConnectionTable::add(const ConnectionEntry& entry) {
  const larder::internal::MutexLock lock(mutex_);
  const auto index = static_cast<size_t>(entry.fd);
  if (index >= entries_.size()) entries_.resize(index + 1);
  entries_[index] = &entry;
}

void ConnectionTable::remove(const ConnectionEntry& entry) {
  const larder::internal::MutexLock lock(mutex_);
  entries_[static_cast<size_t>(entry.fd)] = nullptr;
}

template <class Visit>
int ConnectionTable::visit_after(int fd, size_t entries_max, Visit&& visit) const {
  const larder::internal::MutexLock lock(mutex_);
  size_t visited = 0;
  for (auto i = static_cast<size_t>(fd + 1); i < entries_.size() && visited < entries_max; ++i) {
    if (entries_[i] == nullptr) continue;
    visit(*entries_[i]);
    fd = static_cast<int>(i);
    ++visited;
  }
  return visited > 0 ? fd : -1;
}

int ConnectionTable::count_after(int fd, size_t entries_max, std::map<std::string_view, uint64_t>& counts) const {
  return visit_after(fd, entries_max, [&](const ConnectionEntry& entry) {
    ++counts[name_of(entry.state.load(std::memory_order_relaxed))];
  });
}

int ConnectionTable::describe_after(int fd, size_t entries_max, int64_t now_ms, std::string& text) const {
  return visit_after(fd, entries_max, [&](const ConnectionEntry& entry) { text += describe(entry, now_ms); });
}

}  // namespace netd
