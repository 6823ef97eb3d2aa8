// The running server: listeners, workers, signals.
#ifndef NETD_SERVER_H_
#define NETD_SERVER_H_

#include <asio/signal_set.hpp>
#include <csignal>
#include <cstddef>
#include <deque>
#include <vector>

#include "netd/acceptor.h"
#include "netd/asio.h"
#include "netd/listen_socket.h"
#include "netd/server_state.h"
#include "netd/worker.h"

namespace netd {

class Server {
 public:
  // Nothing is accepted yet. Throws StartError.
  Server(ServerState& state, std::vector<ListenSocket> sockets);

  // Serves until SIGINT, SIGTERM, SIGUSR1 or a client's `shutdown`; then accepts nobody any more, answers what has
  // been received, and returns, within a few seconds. SIGHUP has the password file read again.
  void run();

 private:
  void hand_over(UniqueFd client);
  [[nodiscard]] Worker& next_worker();
  void stop();
  void wait_for_reload();

  ServerState& state_;
  std::vector<ListenSocket> sockets_;
  asio::io_context io_{1};  // run by the thread that calls run()
  asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGUSR1};
  asio::signal_set reload_signals_{io_, SIGHUP};
  std::deque<Worker> workers_;
  Acceptor acceptor_;
  size_t next_worker_ = 0;
};

}  // namespace netd

#endif  // NETD_SERVER_H_
