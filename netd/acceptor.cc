#include "netd/acceptor.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "netd/log.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kPause(10);

bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

Acceptor::Acceptor(asio::io_context& io, ServerState& server, std::span<const ListenSocket> sockets,
                   HandOver hand_over)
    : server_(server), counters_(server.acceptor_counters()), hand_over_(std::move(hand_over)), pause_timer_(io) {
  for (const ListenSocket& socket : sockets) {
    if (socket.transport() == Transport::kUdp) continue;
    listeners_.emplace_back(io, socket.fd(), server.clock().monotonic_ms());
    server.connection_table().add(listeners_.back().entry);
  }
}

Acceptor::~Acceptor() { stop(); }

void Acceptor::start() {
  for (Listener& listener : listeners_) wait(listener);
}

void Acceptor::stop() {
  if (std::exchange(stopped_, true)) return;
  pause_timer_.cancel();
  // The descriptors are the ListenSockets' to close.
  for (Listener& listener : listeners_) {
    server_.connection_table().remove(listener.entry);
    listener.descriptor.release();
  }
}

void Acceptor::wait(Listener& listener) {
  if (std::exchange(listener.waiting, true)) return;
  listener.descriptor.async_wait(Descriptor::wait_read, [this, &listener](const std::error_code& error) {
    if (error || stopped_) return;
    listener.waiting = false;
    accept_from(listener);
  });
}

void Acceptor::accept_from(Listener& listener) {
  for (int left = kAcceptsPerTurn; left > 0 && !paused_; --left) {
    if (!accept_one(listener)) break;
  }
  if (!paused_) wait(listener);
}

// False when there is no other client to accept, or none can be.
bool Acceptor::accept_one(Listener& listener) {
  if (full() && !server_.options().reject_connections) {
    pause();
    return false;
  }
  UniqueFd client(accept4(listener.descriptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client) {
    if (is_shortage(errno)) pause();
    return errno == ECONNABORTED || errno == EINTR;
  }
  full() ? reject(std::move(client)) : welcome(std::move(client));
  return true;
}

void Acceptor::welcome(UniqueFd client) {
  server_.connections.fetch_add(1, std::memory_order_relaxed);
  counters_.add(Counter::kTotalConnections);
  if (server_.verbosity.load(std::memory_order_relaxed) >= 2) {
    log_line(fmt::format("<{} new client connection", client.get()));
  }
  hand_over_(std::move(client));
}

void Acceptor::reject(UniqueFd client) {
  // The socket's buffer is empty: it takes the line, or the client has gone.
  (void)send(client.get(), kErrorTooManyConnections.data(), kErrorTooManyConnections.size(), MSG_NOSIGNAL);
  counters_.add(Counter::kRejectedConnections);
}

bool Acceptor::full() const {
  return server_.connections.load(std::memory_order_relaxed) >= server_.options().connections_max;
}

void Acceptor::pause() {
  if (server_.verbosity.load(std::memory_order_relaxed) >= 1) {
    log_line(full() ? "netd: too many open connections"
                    : fmt::format("netd: cannot accept: {}", std::strerror(errno)));
  }
  paused_ = true;
  paused_at_ = std::chrono::steady_clock::now();
  server_.accepting.store(false, std::memory_order_relaxed);
  counters_.add(Counter::kListenDisabled);
  try_resume();
}

void Acceptor::try_resume() {
  pause_timer_.expires_after(kPause);
  pause_timer_.async_wait([this](const std::error_code& error) {
    if (error || stopped_) return;
    if (full()) return try_resume();
    const auto paused = std::chrono::steady_clock::now() - paused_at_;
    const auto paused_us = std::chrono::duration_cast<std::chrono::microseconds>(paused).count();
    counters_.add(Counter::kListenDisabledUs, static_cast<uint64_t>(paused_us));
    server_.accepting.store(true, std::memory_order_relaxed);
    paused_ = false;
    start();
  });
}

}  // namespace netd
