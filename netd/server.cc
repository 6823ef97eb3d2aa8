#include "netd/server.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "larder/serving.h"

namespace netd {
namespace {

// Of the cache's upkeep: how much is done at a time, how soon the rest follows, and how often there may be some.
constexpr int kMaintenanceSteps = 64;
constexpr size_t kMaintenanceStepBytes = size_t{128} << 10;
constexpr std::chrono::milliseconds kMaintenancePause(50);
constexpr std::chrono::milliseconds kMaintenanceInterval(1000);
constexpr size_t kCrawlStepItems = size_t{32} << 10;

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
    workers_.emplace_back(state_, number,
                          Worker::Requests{.shut_down = [this] { stop(); },
                                           .reclaim =
                                               [this](size_t used_bytes_max) {
                                                 for (Worker& worker : workers_) worker.reclaim(used_bytes_max);
                                               }});
  }
  for (ListenSocket& socket : sockets_) {
    if (socket.transport() == Transport::kUdp) next_worker().serve_datagrams(socket.take_fd());
  }
}

Server::~Server() { finish(std::chrono::milliseconds(0)); }

void Server::start() {
  for (Worker& worker : workers_) worker.start();
  acceptor_.start();
  maintain();
}

void Server::run() { io_.run(); }

void Server::stop() {
  state_.draining.store(true, std::memory_order_relaxed);
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

// It takes some tens of milliseconds of the thread that accepts clients, and of no worker.
void Server::maintain() {
  int steps = 0;
  while (steps < kMaintenanceSteps && state_.cache().maintain(kMaintenanceStepBytes)) ++steps;
  const bool crawls_on = crawl();
  maintenance_timer_.expires_after(crawls_on || steps == kMaintenanceSteps ? kMaintenancePause
                                                                           : kMaintenanceInterval);
  maintenance_timer_.async_wait([this](const std::error_code& error) {
    if (!error) maintain();
  });
}

bool Server::crawl() {
  // Acquire: after the crawl before it.
  const uint64_t turn = state_.crawl.load(std::memory_order_acquire);
  if (turn == 0) return false;
  uint64_t seen = 0;
  const bool goes_on =
      larder::scan(state_.cache(), crawled_, kCrawlStepItems, [&](const larder::ItemInfo&) { ++seen; });
  state_.crawled_items.fetch_add(seen, std::memory_order_relaxed);
  if (goes_on) return true;
  crawled_ = {};
  state_.crawl.store(0, std::memory_order_relaxed);
  state_.crawler_turn().end(turn);
  return false;
}

Worker& Server::next_worker() {
  Worker& worker = workers_[next_worker_];
  next_worker_ = (next_worker_ + 1) % workers_.size();
  return worker;
}

}  // namespace netd
