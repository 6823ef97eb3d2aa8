// The open connections, for `stats conns`. Workers keep their connections to themselves, and enter here what other
// threads may know about them.
#ifndef NETD_CONNECTION_TABLE_H_
#define NETD_CONNECTION_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"

namespace netd {

// States by memcached's names: conn_listening, conn_read …
enum class ConnectionState : uint8_t {
  kListening,
  kReading,
  kReadingValue,
  kRunning,
  kWriting,
  kWatching,
  kClosing
};

// The address of a socket's other end or, with `own`, of its own: "tcp:127.0.0.1:11211", "tcp6:[::1]:11211",
// "unix:/path".
[[nodiscard]] std::string socket_address(int fd, bool own);

// <event> rip=… rport=… transport=…, reason=… if there is one, cfd=…: what those who watch connections are told.
[[nodiscard]] std::string connection_event(int fd, std::string_view event, std::string_view reason);

struct ConnectionEntry {
  explicit ConnectionEntry(int socket_fd, ConnectionState first_state, int64_t now_ms)
      : fd(socket_fd), state(first_state), last_request_ms(now_ms) {}

  const int fd;
  // Relaxed: for information; no other data depends on them.
  std::atomic<ConnectionState> state;
  std::atomic<int64_t> last_request_ms;  // by the server's monotonic clock
};

// Thread-safe.
class ConnectionTable {
 public:
  // The entry must not move, and its descriptor must stay open, until it is removed.
  void add(const ConnectionEntry& entry);
  void remove(const ConnectionEntry& entry);

  // Adds to `counts` how many of the next `entries_max` connections whose descriptors are above `fd` are in which
  // state. Returns the last of those descriptors, or -1 if there are no more.
  [[nodiscard]] int count_after(int fd, size_t entries_max, std::map<std::string_view, uint64_t>& counts) const;

  // Appends the lines for the first `entries_max` connections whose descriptors are above `fd`. Returns the last
  // of those descriptors, or -1 if there are no more.
  [[nodiscard]] int describe_after(int fd, size_t entries_max, int64_t now_ms, std::string& text) const;

 private:
  // Calls visit(entry) for those; returns what these return.
  template <class Visit>
  int visit_after(int fd, size_t entries_max, Visit&& visit) const;

  mutable larder::internal::Mutex mutex_;
  std::vector<const ConnectionEntry*> entries_ ABSL_GUARDED_BY(mutex_);  // by descriptor; null: no connection
};

}  // namespace netd

#endif  // NETD_CONNECTION_TABLE_H_
