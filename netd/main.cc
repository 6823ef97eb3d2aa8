// netd, a memory cache server that speaks memcached's text protocol: makes the parts, in the order that they need,
// and lets them run.
#include <fmt/format.h>
#include <malloc.h>

#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "larder/cache.h"
#include "larder/clock.h"
#include "netd/auth_file.h"
#include "netd/buffer.h"
#include "netd/daemon.h"
#include "netd/debug_clock.h"
#include "netd/health_check.h"
#include "netd/held_signals.h"
#include "netd/http/port.h"
#include "netd/listen_socket.h"
#include "netd/log.h"
#include "netd/options.h"
#include "netd/process.h"
#include "netd/removal_log.h"
#include "netd/server.h"
#include "netd/server_files.h"
#include "netd/server_signals.h"
#include "netd/server_state.h"
#include "netd/service_notice.h"
#include "netd/start_error.h"
#include "netd/top/top.h"
#include "netd/watch_hub.h"

namespace netd {
namespace {

std::unique_ptr<larder::Cache> make_cache(const Options& options, const larder::Clock& clock,
                                          larder::RemovalListener& removal_listener) {
  auto cache = larder::Cache::create({.memory_limit_bytes = options.memory_limit_bytes,
                                      .item_bytes_max = options.item_bytes_max,
                                      .eviction = options.eviction,
                                      .cas = options.cas,
                                      .clock = &clock,
                                      .seed = std::nullopt,
                                      .hot_keys = options.hot_keys,
                                      .removal_listener = &removal_listener});
  if (!cache.ok()) throw StartError(cache.status().ToString());
  return *std::move(cache);
}

void announce(const Options& options, const std::vector<ListenSocket>& sockets,
              const std::vector<ListenSocket>& http_sockets) {
  for (const std::string& note : options.notes) {
    if (options.verbosity > 0) log_line("netd: " + note);
  }
  for (const ListenSocket& socket : http_sockets) log_line("netd: HTTP at http://" + socket.address() + "/");
  if (!serves_tcp(options) || !options.listen_addresses.empty()) return;
  std::string addresses;
  for (const ListenSocket& socket : sockets) addresses += " " + socket.address();
  log_line(fmt::format("netd: listening on loopback only:{}; -l <addr> serves other hosts", addresses));
}

void serve(Options options) {
  for (const std::string& warning : options.warnings) warn(warning);
  const std::optional<User> user = find_user(options);
  Daemon daemon(options.daemon);
  std::optional<HeldSignals> held_signals(kServerSignals);
  set_limits(options);
  reserve_little();
  // Ports below 1024 are root's to open; the files are the user's, who has to remove them.
  std::vector<ListenSocket> sockets = listen_ip(options);
  std::vector<ListenSocket> http_sockets = listen_http(options);
  become(user, options);
  if (!options.unix_socket.empty()) sockets.push_back(listen_unix(options));

  AuthFile auth_file(options.auth_file, flag_name(options, 'Y'));
  const larder::SystemClock system_clock;
  DebugClock debug_clock;
  const larder::Clock& clock = options.debug_clock ? static_cast<const larder::Clock&>(debug_clock) : system_clock;
  WatchHub watch_hub(options.watcher_queue_bytes);
  RemovalLog removal_log(clock, watch_hub);
  const std::unique_ptr<larder::Cache> cache = make_cache(options, clock, removal_log);
  fit_threads(options);
  const ServerParts parts = {.options = options,
                             .cache = *cache,
                             .clock = clock,
                             .debug_clock = options.debug_clock ? &debug_clock : nullptr,
                             .watch_hub = watch_hub,
                             .removal_log = removal_log,
                             .auth_file = auth_file};
  const PidFile pid_file(options.pid_file);
  write_port_file(sockets, http_sockets);
  announce(options, sockets, http_sockets);
  asio::io_context io(1);
  Server server(io, parts, std::move(sockets));
  server.start();
  std::optional<http::Port> http_port;
  if (!http_sockets.empty()) http_port.emplace(server.state(), std::move(http_sockets));
  lock_memory(options);
  const ServerSignals signals(io, server, auth_file);
  held_signals.reset();
  daemon.detach(/*keep_output=*/options.verbosity > 0, /*keep_directory=*/options.coredumps);
  notify_service_manager("READY=1");
  server.run();
  notify_service_manager("STOPPING=1");
  server.finish(Server::kGrace);
  hold_for_good(kServerSignals);
}

int run(int argc, char** argv) {
  ParsedCommandLine command_line = parse_command_line(argc, argv);
  if (command_line.text) {
    fmt::print("{}", *command_line.text);
  } else if (command_line.options.health) {
    check_health(command_line.options);
  } else if (command_line.options.top) {
    top::run(command_line.options);
  } else {
    serve(std::move(command_line.options));
  }
  return 0;
}

}  // namespace
}  // namespace netd

int main(int argc, char** argv) {
  // A log that nobody reads any more, or that must not grow, ends no server.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  netd::occupy_standard_descriptors();
  // Buffers go back to the system when they are freed, or the memory limit would not hold.
  mallopt(M_MMAP_THRESHOLD, netd::BufferPool::kBlockBytes);
  try {
    return netd::run(argc, argv);
  } catch (const netd::StartError& error) {
    netd::log_line(fmt::format("netd: {}", error.what()));
    return error.exit_code();
  } catch (const std::exception& error) {
    netd::log_line(fmt::format("netd: cannot start: {}", error.what()));
    return netd::kExitFailure;
  }
}
