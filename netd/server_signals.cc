#include "netd/server_signals.h"

#include <fmt/format.h>

#include <string>

#include "netd/log.h"

namespace netd {

ServerSignals::ServerSignals(asio::io_context& io, Server& server, AuthFile& auth_file)
    : auth_file_(auth_file), stop_signals_(io, SIGINT, SIGTERM, SIGUSR1), reload_signals_(io, SIGHUP) {
  stop_signals_.async_wait([&server](const std::error_code& error, int) {
    if (!error) server.stop();
  });
  wait_for_reload();
}

// A terminal that goes away ends no server either.
void ServerSignals::wait_for_reload() {
  reload_signals_.async_wait([this](const std::error_code& error, int) {
    if (error) return;
    if (auth_file_.is_required()) {
      const std::string reason = auth_file_.reload();
      log_line(reason.empty() ? "netd: the users have been read again"
                              : fmt::format("netd: the users stay as they were: {}", reason));
    }
    wait_for_reload();
  });
}

}  // namespace netd
