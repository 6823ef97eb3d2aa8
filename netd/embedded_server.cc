// larder::Server: what a program that serves its own cache has of netd.
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "larder/clock.h"
#include "larder/server.h"
#include "netd/auth_file.h"
#include "netd/held_signals.h"
#include "netd/http/port.h"
#include "netd/listen_socket.h"
#include "netd/removal_log.h"
#include "netd/server.h"
#include "netd/start_error.h"
#include "netd/watch_hub.h"

namespace larder {
namespace {

constexpr int kPortMax = 65535;

absl::Status check(const ServerOptions& options) {
  const auto refuse = [](const std::string& reason) { return absl::InvalidArgumentError(reason); };
  if (options.port < 0 || options.port > kPortMax) {
    return refuse(fmt::format("port: {} is not from 0 to {}", options.port, kPortMax));
  }
  if (options.port != 0 && !options.unix_socket.empty()) {
    return refuse(fmt::format("port: {} is given together with unix_socket", options.port));
  }
  if (options.http_port && (*options.http_port < 0 || *options.http_port > kPortMax)) {
    return refuse(fmt::format("http_port: {} is not from 0 to {}", *options.http_port, kPortMax));
  }
  if (options.threads < 1 || options.threads > kServerThreadsMax) {
    return refuse(fmt::format("threads: {} is not from 1 to {}", options.threads, kServerThreadsMax));
  }
  if (options.connections_max < 1) return refuse("connections_max: 0 is below 1");
  return absl::OkStatus();
}

netd::Options netd_options(const Cache& cache, const ServerOptions& options) {
  netd::Options netd;
  if (options.unix_socket.empty()) {
    netd.port = options.port == 0 ? netd::kAnyPort : options.port;
    netd.listen_addresses = {{"127.0.0.1", {}}};
  } else {
    netd.port = 0;
    netd.unix_socket = options.unix_socket;
  }
  if (options.http_port) netd.http_port = *options.http_port == 0 ? netd::kAnyPort : *options.http_port;
  if (options.http_port) netd.http_addresses = {{"127.0.0.1", {}}};
  netd.memory_limit_bytes = cache.stats().memory_limit_bytes;
  netd.item_bytes_max = cache.options().item_bytes_max;
  netd.eviction = cache.options().eviction;
  netd.cas = cache.options().cas;
  netd.hot_keys = cache.options().hot_keys;
  netd.threads = options.threads;
  netd.connections_max = options.connections_max;
  netd.idle_timeout_s = options.idle_timeout_s;
  netd.read_only = options.read_only;
  netd.verbosity_enabled = false;
  netd.given = {{'l', "port"}, {'s', "unix_socket"}};
  return netd;
}

}  // namespace

// All that a server consists of; netd's main makes the same of its own.
class Server::Running {
 public:
  // Throws StartError and std::exception.
  Running(Cache& cache, const ServerOptions& options)
      : options_(netd_options(cache, options)),
        clock_(cache.options().clock != nullptr ? *cache.options().clock : system_clock_) {
    std::vector<netd::ListenSocket> sockets = netd::listen_ip(options_);
    if (!options.unix_socket.empty()) sockets.push_back(netd::listen_unix(options_));
    std::vector<netd::ListenSocket> http_sockets = netd::listen_http(options_);
    const netd::ListenSocket& socket = sockets.front();
    address_ = socket.address();
    if (options.unix_socket.empty()) port_ = std::stoi(std::string(socket.port()));
    if (!http_sockets.empty()) http_port_ = std::stoi(std::string(http_sockets.front().port()));
    server_.emplace(io_,
                    netd::ServerParts{.options = options_,
                                      .cache = cache,
                                      .clock = clock_,
                                      .debug_clock = nullptr,
                                      .watch_hub = watch_hub_,
                                      .removal_log = removal_log_,
                                      .auth_file = no_auth_file_},
                    std::move(sockets));
    const netd::HeldSignals held_signals;
    server_->start();
    if (!http_sockets.empty()) http_.emplace(server_->state(), std::move(http_sockets));
    accepting_ = std::thread([this] { server_->run(); });
  }

  void stop(std::chrono::milliseconds grace) {
    const std::lock_guard<std::mutex> lock(stop_mutex_);
    if (!accepting_.joinable()) return;
    server_->stop();
    accepting_.join();
    server_->finish(grace);
    http_.reset();
    server_.reset();
  }

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int http_port() const { return http_port_; }

 private:
  const netd::Options options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  netd::WatchHub watch_hub_{options_.watcher_queue_bytes};
  netd::RemovalLog removal_log_{clock_, watch_hub_};  // hears nothing: the cache has its owner's listener
  netd::AuthFile no_auth_file_{std::string()};
  std::string address_;
  int port_ = 0;
  int http_port_ = 0;
  asio::io_context io_{1};
  std::optional<netd::Server> server_;
  std::optional<netd::http::Port> http_;
  std::thread accepting_;  // runs io_
  std::mutex stop_mutex_;
};

absl::StatusOr<std::unique_ptr<Server>> Server::start(Cache& cache, const ServerOptions& options) {
  if (absl::Status status = check(options); !status.ok()) return status;
  try {
    return std::unique_ptr<Server>(new Server(std::make_unique<Running>(cache, options)));
  } catch (const netd::StartError& error) {
    if (error.exit_code() != netd::kExitOsError) return absl::InvalidArgumentError(error.what());
    return absl::UnavailableError(error.what());
  } catch (const std::exception& error) {
    return absl::UnavailableError(fmt::format("cannot serve: {}", error.what()));
  }
}

Server::Server(std::unique_ptr<Running> running) : running_(std::move(running)) {}
Server::~Server() { stop(); }
void Server::stop(std::chrono::milliseconds grace) { running_->stop(grace); }
const std::string& Server::address() const { return running_->address(); }
int Server::port() const { return running_->port(); }
int Server::http_port() const { return running_->http_port(); }

}  // namespace larder
