#include "netd/server.h"

#include <csignal>
#include <utility>

namespace netd {
namespace {

// How long clients that are in the middle of a request have to finish it.
constexpr std::chrono::milliseconds kGrace(2000);

}  // namespace

Server::Server(ServerState& state, std::vector<ListenSocket> sockets)
    : sockets_(std::move(sockets)),
      acceptor_(io_, state, sockets_, [this](UniqueFd client) { hand_over(std::move(client)); }) {
  // A terminal that goes away, or a client, ends no server.
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  for (size_t number = 0; number < state.options().threads; ++number) {
    workers_.emplace_back(state, number, [this] { asio::post(io_, [this] { stop(); }); });
  }
  signals_.async_wait([this](const std::error_code& error, int) {
    if (!error) stop();
  });
}

void Server::run() {
  for (Worker& worker : workers_) worker.start();
  acceptor_.start();
  io_.run();
  for (Worker& worker : workers_) worker.stop(kGrace);
  for (Worker& worker : workers_) worker.join();
}

void Server::hand_over(UniqueFd client) {
  workers_[next_worker_].adopt(std::move(client));
  next_worker_ = (next_worker_ + 1) % workers_.size();
}

void Server::stop() {
  acceptor_.stop();
  sockets_.clear();
  signals_.cancel();
}

}  // namespace netd
