// The signals that netd handles.
#ifndef NETD_SERVER_SIGNALS_H_
#define NETD_SERVER_SIGNALS_H_

#include <asio/signal_set.hpp>
#include <csignal>
#include <initializer_list>

#include "netd/auth_file.h"
#include "netd/server.h"

namespace netd {

inline constexpr std::initializer_list<int> kServerSignals = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};

// SIGINT, SIGTERM and SIGUSR1 stop the server; SIGHUP makes it read the password file again. All are caught from
// the moment this is made, and take effect while `io` runs.
class ServerSignals {
 public:
  // Keeps references.
  ServerSignals(asio::io_context& io, Server& server, AuthFile& auth_file);

 private:
  void wait_for_reload();

  AuthFile& auth_file_;
  asio::signal_set stop_signals_;
  asio::signal_set reload_signals_;
};

}  // namespace netd

#endif  // NETD_SERVER_SIGNALS_H_
