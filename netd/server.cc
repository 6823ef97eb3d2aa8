#include "netd/server.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace netd {
namespace {

// The port asked for, or the first that the system chose.
int port_of(Transport transport, int asked, const std::vector<ListenSocket>& sockets) {
  const auto first = std::find_if(sockets.begin(), sockets.end(), [transport](const ListenSocket& socket) {
    return socket.transport() == transport;
  });
  return asked == kAnyPort && first != sockets.end() ? std::atoi(first->port().data()) : asked;
}

}  // namespace

Server::Server(asio::io_context& io, const ServerParts& parts, std::vector<ListenSocket> sockets)
    : io_(io),
      sockets_(std::move(sockets)),
      state_(parts),
      acceptor_(io_, state_, sockets_, [this](UniqueFd client) { hand_over(std::move(client)); }) {
  state_.tcp_port = port_of(Transport::kTcp, parts.options.port, sockets_);
  state_.udp_port = port_of(Transport::kUdp, parts.options.udp_port, sockets_);
  for (size_t number = 0; number < parts.options.threads; ++number) {
    workers_.emplace_back(state_, number, [this] { stop(); });
  }
  for (ListenSocket& socket : sockets_) {
    if (socket.transport() == Transport::kUdp) next_worker().serve_datagrams(socket.take_fd());
  }
}

Server::~Server() { finish(std::chrono::milliseconds(0)); }

void Server::start() {
  for (Worker& worker : workers_) worker.start();
  acceptor_.start();
}

void Server::run() { io_.run(); }

void Server::stop() {
  asio::post(io_, [this] {
    acceptor_.stop();
    sockets_.clear();
    io_.stop();
  });
}

void Server::finish(std::chrono::milliseconds grace) {
  for (Worker& worker : workers_) worker.stop(grace);
  for (Worker& worker : workers_) worker.join();
}

void Server::hand_over(UniqueFd client) { next_worker().adopt(std::move(client)); }

Worker& Server::next_worker() {
  Worker& worker = workers_[next_worker_];
  next_worker_ = (next_worker_ + 1) % workers_.size();
  return worker;
}

}  // namespace netd
