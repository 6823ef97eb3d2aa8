#include "netd/worker.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "netd/log.h"

namespace netd {
namespace {

constexpr std::chrono::milliseconds kWatchInterval(500);
constexpr int64_t kLingerMsMax = 2000;

// What a connection takes besides its buffers, Asio's part of it included.
constexpr int64_t kConnectionBytes = sizeof(Connection) + 512;

}  // namespace

Worker::Worker(ServerState& server, size_t number, std::function<void()> shut_down)
    : server_(server),
      counters_(server.worker_counters(number)),
      pool_([this](int64_t bytes) { return charge(bytes); }),
      dispatch_(server, number, std::move(shut_down)),
      context_{io_,
               server_,
               counters_,
               pool_,
               dispatch_,
               [this](Connection& connection) { destroy(connection); },
               [this] { watch(); }} {}

Worker::~Worker() { join(); }

void Worker::serve_datagrams(UniqueFd fd) {
  datagram_ports_.emplace_back(context_, std::move(fd));
  datagram_ports_.back().start();
}

void Worker::start() {
  if (server_.options().idle_timeout_s > 0) watch();
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
  if (!charge(kConnectionBytes)) return turn_away("too little memory");
  try {
    connections_.push_back(std::make_unique<Connection>(context_, std::move(fd), connections_.size()));
    connections_.back()->start();
  } catch (const std::exception& error) {  // no memory, or none of what the system sets aside for epoll
    (void)charge(-kConnectionBytes);
    turn_away(error.what());
  }
}

void Worker::turn_away(std::string_view reason) {
  if (server_.verbosity.load(std::memory_order_relaxed) > 0) {
    log_line(fmt::format("netd: cannot serve a connection: {}", reason));
  }
  counters_.add(Counter::kMallocFails);
  server_.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Worker::destroy(Connection& connection) {
  const size_t index = connection.index;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index = index;
  connections_.pop_back();
  (void)charge(-kConnectionBytes);
  server_.connections.fetch_sub(1, std::memory_order_relaxed);
  if (stopping_ && connections_.empty()) io_.stop();
}

void Worker::finish_all(std::chrono::milliseconds grace) {
  stopping_ = true;
  for (DatagramPort& port : datagram_ports_) port.stop();
  if (connections_.empty()) return io_.stop();
  for (const std::unique_ptr<Connection>& connection : connections_) connection->finish();
  grace_timer_.expires_after(grace);
  grace_timer_.async_wait([this](const std::error_code&) { io_.stop(); });
}

// Looks after connections that may have to be abandoned, as long as there can be any.
void Worker::watch() {
  if (std::exchange(watching_, true)) return;
  watch_timer_.expires_after(kWatchInterval);
  watch_timer_.async_wait([this](const std::error_code&) {
    watching_ = false;
    if (abandon_overdue() || server_.options().idle_timeout_s > 0) watch();
  });
}

// True when others may follow soon.
bool Worker::abandon_overdue() {
  const int64_t now_ms = server_.clock().monotonic_ms();
  const int64_t idle_ms_max = int64_t{server_.options().idle_timeout_s} * 1000;
  const int64_t stalled_ms_max = int64_t{server_.options().send_timeout_s} * 1000;
  bool any_waited_for = false;
  for (const std::unique_ptr<Connection>& connection : connections_) {
    const int64_t idle_ms = now_ms - connection->idle_since_ms();
    if (connection->is_lingering()) {
      any_waited_for = true;
      if (idle_ms > kLingerMsMax) connection->abandon("normal");
    } else if (connection->is_sending()) {
      any_waited_for = true;
      if (stalled_ms_max > 0 && connection->stalled_ms() > stalled_ms_max) {
        connection->abandon("send_timeout");
        counters_.add(Counter::kSendTimeouts);
      }
    } else if (idle_ms_max > 0 && idle_ms > idle_ms_max && !connection->is_watching()) {
      connection->abandon("idle_timeout");
      counters_.add(Counter::kIdleKicks);
    }
  }
  return any_waited_for;
}

bool Worker::charge(int64_t bytes) {
  if (bytes >= 0) return server_.connection_memory().take(static_cast<size_t>(bytes));
  server_.connection_memory().give(static_cast<size_t>(-bytes));
  return true;
}

}  // namespace netd
