#include "netd/worker.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "netd/log.h"

namespace netd {
namespace {

constexpr std::chrono::seconds kIdleCheckInterval(1);

// What a connection takes besides its buffers, Asio's part of it included.
constexpr int64_t kConnectionBytes = sizeof(Connection) + 512;

}  // namespace

Worker::Worker(ServerState& server, size_t number, std::function<void()> shut_down)
    : server_(server),
      counters_(server.worker_counters(number)),
      pool_([this](int64_t bytes) { charge_buffers(bytes); }),
      dispatch_(server, counters_, std::move(shut_down)),
      context_{io_, server_, counters_, pool_, dispatch_, [this](Connection& connection) { destroy(connection); }} {}

Worker::~Worker() { join(); }

void Worker::start() {
  if (server_.options().idle_timeout_s > 0) watch_idle();
  thread_ = std::thread([this] { io_.run(); });
}

void Worker::adopt(UniqueFd fd) {
  asio::post(io_, [this, client = std::move(fd)]() mutable { add(std::move(client)); });
}

void Worker::stop(std::chrono::milliseconds grace) {
  asio::post(io_, [this, grace] { finish_all(grace); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::add(UniqueFd fd) {
  try {
    connections_.push_back(std::make_unique<Connection>(context_, std::move(fd), connections_.size()));
  } catch (const std::exception& error) {  // out of memory, or of what the system sets aside for epoll
    log_line(fmt::format("netd: cannot serve a connection: {}", error.what()));
    counters_.add(Counter::kMallocFails);
    server_.connections.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  server_.cache().add_external_bytes(kConnectionBytes);
  connections_.back()->start();
}

void Worker::destroy(Connection& connection) {
  const size_t index = connection.index;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index = index;
  connections_.pop_back();
  server_.cache().add_external_bytes(-kConnectionBytes);
  server_.connections.fetch_sub(1, std::memory_order_relaxed);
  if (stopping_ && connections_.empty()) io_.stop();
}

void Worker::finish_all(std::chrono::milliseconds grace) {
  stopping_ = true;
  if (connections_.empty()) return io_.stop();
  for (const std::unique_ptr<Connection>& connection : connections_) connection->finish();
  grace_timer_.expires_after(grace);
  grace_timer_.async_wait([this](const std::error_code&) { io_.stop(); });
}

void Worker::watch_idle() {
  idle_timer_.expires_after(kIdleCheckInterval);
  idle_timer_.async_wait([this](const std::error_code&) {
    abandon_idle();
    watch_idle();
  });
}

void Worker::abandon_idle() {
  const int64_t idle_since_ms =
      server_.clock().monotonic_ms() - int64_t{server_.options().idle_timeout_s} * 1000;
  for (const std::unique_ptr<Connection>& connection : connections_) {
    if (connection->last_request_ms() >= idle_since_ms) continue;
    connection->abandon();
    counters_.add(Counter::kIdleKicks);
  }
}

void Worker::charge_buffers(int64_t bytes) {
  server_.buffer_bytes.fetch_add(bytes, std::memory_order_relaxed);
  server_.cache().add_external_bytes(bytes);
}

}  // namespace netd
