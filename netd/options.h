// The options of netd. Names, defaults and checks are memcached's where it has the option; `netd --help` and
// netd/PROTOCOL.md list the differences.
#ifndef NETD_OPTIONS_H_
#define NETD_OPTIONS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "netd/listen_address.h"

namespace netd {

// The largest value limit that -I accepts, if -m permits it.
inline constexpr size_t kItemBytesMaxMax = size_t{1} << 30;
inline constexpr size_t kThreadsMax = 1024;

struct Options {
  // Where clients connect. port: 0: no TCP; kAnyPort: any free port.
  int port = 11211;
  bool port_given = false;
  int udp_port = 0;                             // 0: no UDP; kAnyPort as above
  std::vector<ListenAddress> listen_addresses;  // empty: the loopback interface only
  std::string unix_socket;                      // empty: none
  mode_t unix_mask = 0700;
  int listen_backlog = 1024;

  // The HTTP port: metrics and statistics, for those who run the server.
  int http_port = 0;                          // 0: none; kAnyPort as above
  std::vector<ListenAddress> http_addresses;  // empty: the loopback interface only
  std::vector<std::string> http_hosts;        // names that requests may give for this machine; "*": any

  // The cache.
  size_t memory_limit_bytes = size_t{64} << 20;
  size_t item_bytes_max = size_t{1} << 20;
  bool item_bytes_max_given = false;
  bool eviction = true;
  bool cas = true;
  bool hot_keys = true;

  // Serving.
  bool ascii_only = false;  // only shown in `stats settings`; there is no other protocol
  size_t threads = 1;
  size_t connections_max = 1024;
  size_t requests_per_turn_max = 20;
  bool reject_connections = true;  // over the limit: reply with an error and close, instead of waiting
  uint32_t idle_timeout_s = 0;     // 0: never
  uint32_t send_timeout_s = 600;   // 0: never
  uint32_t request_timeout_s = 60;  // 0: never
  bool read_only = false;           // refuses requests that would change anything; no flag of netd
  bool shutdown_enabled = false;
  bool flush_enabled = true;
  bool dump_enabled = true;
  bool watch_enabled = true;
  char prefix_delimiter = ':';
  bool prefix_stats = false;
  size_t watcher_queue_bytes = size_t{256} << 10;
  std::string auth_file;     // empty: no authentication
  bool debug_clock = false;  // `debugtime` moves the clock
  uint32_t verbosity = 0;
  bool verbosity_enabled = true;  // clients may change it; no flag of netd

  // Check whether the server that these options describe answers, instead of being it.
  bool health = false;

  // Show what the server does that these options describe, instead of being it.
  bool top = false;

  // The process.
  bool daemon = false;
  bool coredumps = false;
  bool lock_memory = false;
  std::string user;
  std::string pid_file;

  // Logged with -v: options that are accepted but have no effect here.
  std::vector<std::string> notes;
  // Logged: what differs from what was asked for.
  std::vector<std::string> warnings;

  // The flags that were given, by letter, as the user wrote them: "-m", "--memory-limit", "NETD_MEMORY_LIMIT".
  std::map<char, std::string> given;
};

// The name of the flag with this letter in messages: as the user wrote it, if at all.
[[nodiscard]] inline std::string flag_name(const Options& options, char letter) {
  const auto found = options.given.find(letter);
  return found == options.given.end() ? std::string{'-', letter} : found->second;
}

// TCP is served unless it is turned off: by port 0, or by giving only a UNIX socket.
[[nodiscard]] inline bool serves_tcp(const Options& options) {
  if (options.port == 0) return false;
  return options.unix_socket.empty() || options.port_given || !options.listen_addresses.empty();
}

struct ParsedCommandLine {
  Options options;
  std::optional<std::string> text;  // given: print this instead of serving
};

// Reads the environment, NETD_<LONG_OPTION> for each flag, and the command line, which comes second. Throws
// StartError, naming the flag and the value, for what it cannot accept. Not thread-safe, because it uses
// getopt_long.
[[nodiscard]] ParsedCommandLine parse_command_line(int argc, char* const* argv);

}  // namespace netd

#endif  // NETD_OPTIONS_H_
