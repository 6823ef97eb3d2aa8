// The running server: listeners and workers, for a cache that its owner provides.
#ifndef NETD_SERVER_H_
#define NETD_SERVER_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <vector>

#include "larder/scan.h"
#include "netd/acceptor.h"
#include "netd/asio.h"
#include "netd/listen_socket.h"
#include "netd/server_state.h"
#include "netd/unique_fd.h"
#include "netd/worker.h"

namespace netd {

class Server {
 public:
  // How long clients in the middle of a request have to finish it.
  static constexpr std::chrono::milliseconds kGrace{2000};

  // The thread that runs `io` accepts clients; `io` must outlive the server, and so must the parts. Nothing is
  // accepted yet. Throws StartError, or what Asio throws when the system is short of something.
  Server(asio::io_context& io, const ServerParts& parts, std::vector<ListenSocket> sockets);

  // Finishes without a grace period. `io` must not be running.
  ~Server();

  // Starts the workers' threads. Throws std::system_error.
  void start();

  // Runs `io`: accepts clients until `stop`, then returns.
  void run();

  // Stops accepting clients: closes the sockets. From any thread; a client's `shutdown` does the same.
  void stop();

  // What its threads share; lives as long as the server.
  [[nodiscard]] ServerState& state() { return state_; }

  // After `run`: has the workers answer what has been received, within `grace`, and waits for them.
  void finish(std::chrono::milliseconds grace);

 private:
  void hand_over(UniqueFd client);
  // Runs every second, and again soon while there is work.
  void maintain();
  // One step of a crawl. True if there are more.
  bool crawl();
  [[nodiscard]] Worker& next_worker();

  asio::io_context& io_;
  std::vector<ListenSocket> sockets_;
  ServerState state_;
  std::deque<Worker> workers_;
  Acceptor acceptor_;
  Timer maintenance_timer_{io_};
  larder::ScanCursor crawled_;
  size_t next_worker_ = 0;
};

}  // namespace netd

#endif  // NETD_SERVER_H_
