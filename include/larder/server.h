// Serves a cache that a program has embedded to others on the machine: memcached's clients, its tools and exporters
// can look into a live process. In a library of its own, larder-netd.
//
//   absl::StatusOr<std::unique_ptr<larder::Server>> server = larder::Server::start(*cache, {.port = 11311});
//   if (!server.ok()) return server.status();
//
// What is spoken is told in netd/PROTOCOL.md: the server is netd, without what concerns the process. It changes
// nothing of the process: no signal handler, no umask, no limit, nothing on stderr. Its threads take no signals.
#ifndef LARDER_SERVER_H_
#define LARDER_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "larder/api.h"
#include "larder/cache.h"

namespace larder {

// Where a cache is served, and how.
struct ServerOptions {
  // The TCP port at 127.0.0.1, 0..65535; 0: one that is free, which Server::port tells.
  int port = 0;

  // Given: a UNIX socket at this path is served instead of TCP. Only the user that the process runs as can connect.
  // What a server that is no more has left there is replaced; any other file is an error.
  std::string unix_socket = {};

  // false: clients may do what they may with a netd, but for `shutdown`: store, remove, flush, change the memory
  // limit. true: what would change the cache, its counters or the server is refused; see netd/PROTOCOL.md.
  bool read_only = true;

  // Threads that answer requests, 1..kServerThreadsMax; one more accepts clients.
  size_t threads = 1;

  // Clients at a time, at least 1; further ones are sent away.
  size_t connections_max = 64;

  // A client that asks nothing for so long is disconnected; 0: never.
  uint32_t idle_timeout_s = 0;
};

// The most for ServerOptions::threads.
inline constexpr size_t kServerThreadsMax = 1024;

// Serves a cache as long as it lives.
class LARDER_API Server {
 public:
  // Serves `cache`, which others go on using; clients can connect when this returns. The cache must outlive the
  // server, and so must the clock it was made with, by which the server goes too.
  //
  // What clients' connections take is charged to the cache's memory limit, and is at most half of what that is now.
  // A RemovalListener of the cache may be called from the server's threads.
  //
  // InvalidArgument names the option that is wrong, and its value; Unavailable says what the system refuses: the
  // address, a descriptor, a thread.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Server>> start(Cache& cache,
                                                                     const ServerOptions& options = {});

  // Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Accepts no further client, answers what has been received, disconnects all clients and ends the threads. Who is
  // in the middle of sending a request or of reading a reply has `grace` to finish. Thread-safe; after the first
  // call it waits until that has returned.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(500));

  // "127.0.0.1:11311", or the absolute path of the UNIX socket.
  [[nodiscard]] const std::string& address() const;

  // 0 if it is a UNIX socket.
  [[nodiscard]] int port() const;

 private:
  class Running;
  explicit Server(std::unique_ptr<Running> running);

  const std::unique_ptr<Running> running_;
};

}  // namespace larder

#endif  // LARDER_SERVER_H_
