// Serves the cache of a program to others on the machine: memcached's clients, tools and exporters can look into a
// live process. It is in a library of its own, larder-netd.
//
//   absl::StatusOr<std::unique_ptr<larder::Server>> server = larder::Server::start(*cache, {.port = 11311});
//   if (!server.ok()) return server.status();
//
// The server is netd without process management; netd/PROTOCOL.md describes its protocol. It changes nothing in
// the process: no signal handler, no umask, no limit, and nothing is written to stderr. Its threads block all
// signals.
#ifndef LARDER_SERVER_H_
#define LARDER_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "larder/api.h"
#include "larder/cache.h"

namespace larder {

// Where and how a cache is served.
struct ServerOptions {
  // The TCP port at 127.0.0.1, 0..65535; 0: any free one, which Server::port returns.
  int port = 0;

  // Given: serves a UNIX socket at this path instead of TCP. Only the user that the process runs as can connect. A
  // socket left by a server that has ended is replaced; any other existing file is an error.
  std::string unix_socket = {};

  // The HTTP port at 127.0.0.1, 0..65535, with a page for a browser at /, metrics for Prometheus at /metrics, and
  // /healthz; 0: any free one, which Server::http_port returns. Not given: none. netd/PROTOCOL.md has the rest.
  std::optional<int> http_port = {};

  // true: requests that would change the cache, its counters or the server are refused; see netd/PROTOCOL.md.
  // false: clients may do what they may with netd, except `shutdown`: store, remove, flush, change the memory
  // limit.
  bool read_only = true;

  // Threads that answer requests, 1..kServerThreadsMax; one more accepts clients.
  size_t threads = 1;

  // How many clients may be connected, at least 1; more are turned away.
  size_t connections_max = 64;

  // A client that sends nothing for so many seconds is disconnected; 0: never.
  uint32_t idle_timeout_s = 0;
};

// The most for ServerOptions::threads.
inline constexpr size_t kServerThreadsMax = 1024;

// Serves a cache as long as it lives.
class LARDER_API Server {
 public:
  // Serves `cache`, which the program goes on using; clients can connect when this returns. The cache must outlive
  // the server, and so must the clock it was made with, which the server uses, too.
  //
  // The memory of clients' connections is charged to the cache's memory limit, and is at most half of the current
  // limit. The server's threads may call a RemovalListener of the cache.
  //
  // InvalidArgument names the option that is wrong, and its value; Unavailable says what the system refused: the
  // address, a descriptor, a thread.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Server>> start(Cache& cache,
                                                                     const ServerOptions& options = {});

  // Stops the server.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Stops accepting clients, answers what has been received, disconnects all clients and ends the threads. Clients
  // in the middle of a request or reply have `grace` to finish. Thread-safe; later calls wait until the first has
  // returned.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(500));

  // "127.0.0.1:11311", or the absolute path of the UNIX socket.
  [[nodiscard]] const std::string& address() const;

  // 0 if it is a UNIX socket.
  [[nodiscard]] int port() const;

  // 0 if there is none.
  [[nodiscard]] int http_port() const;

 private:
  class Running;
  explicit Server(std::unique_ptr<Running> running);

  const std::unique_ptr<Running> running_;
};

}  // namespace larder

#endif  // LARDER_SERVER_H_
