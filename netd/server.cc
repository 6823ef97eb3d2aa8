#include "netd/server.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "netd/log.h"
#include "netd/service_notice.h"

namespace netd {
namespace {

// How long clients that are in the middle of a request have to finish it.
constexpr std::chrono::milliseconds kGrace(2000);

}  // namespace

Server::Server(ServerState& state, std::vector<ListenSocket> sockets)
    : state_(state),
      sockets_(std::move(sockets)),
      acceptor_(io_, state, sockets_, [this](UniqueFd client) { hand_over(std::move(client)); }) {
  for (size_t number = 0; number < state.options().threads; ++number) {
    workers_.emplace_back(state, number, [this] { asio::post(io_, [this] { stop(); }); });
  }
  for (ListenSocket& socket : sockets_) {
    if (socket.transport() == Transport::kUdp) next_worker().serve_datagrams(socket.take_fd());
  }
  signals_.async_wait([this](const std::error_code& error, int) {
    if (!error) stop();
  });
  wait_for_reload();
}

void Server::run() {
  for (Worker& worker : workers_) worker.start();
  acceptor_.start();
  io_.run();
  for (Worker& worker : workers_) worker.stop(kGrace);
  for (Worker& worker : workers_) worker.join();
}

void Server::hand_over(UniqueFd client) { next_worker().adopt(std::move(client)); }

Worker& Server::next_worker() {
  Worker& worker = workers_[next_worker_];
  next_worker_ = (next_worker_ + 1) % workers_.size();
  return worker;
}

void Server::stop() {
  notify_service_manager("STOPPING=1");
  acceptor_.stop();
  sockets_.clear();
  // Signals that come from now on are still caught, and change nothing.
  signals_.cancel();
  reload_signals_.cancel();
}

// A terminal that goes away ends no server either.
void Server::wait_for_reload() {
  reload_signals_.async_wait([this](const std::error_code& error, int) {
    if (error) return;
    if (state_.auth_file().is_required()) {
      const std::string reason = state_.auth_file().reload();
      log_line(reason.empty() ? "netd: the users have been read again"
                              : fmt::format("netd: the users stay as they were: {}", reason));
    }
    wait_for_reload();
  });
}

}  // namespace netd
