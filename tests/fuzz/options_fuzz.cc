// The options of the command line and of the environment: either an error that says something, or options within
// the ranges that are documented. Each line of the input is an argument; those that begin with NETD_ and have a '='
// are put into the environment instead.
#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "larder/options.h"
#include "netd/options.h"
#include "netd/start_error.h"
#include "require.h"

namespace netd::fuzz {
namespace {

constexpr size_t kIntMax = std::numeric_limits<int>::max();

struct Given {
  std::vector<std::string> arguments{"netd"};
  std::vector<std::string> variables;
};

Given split(std::string_view input) {
  Given given;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    // An argument ends at its first NUL.
    const std::string text(line.substr(0, line.find('\0')));
    const size_t equals = text.find('=');
    if (text.starts_with("NETD_") && equals != std::string::npos) {
      const std::string name = text.substr(0, equals);
      setenv(name.c_str(), text.c_str() + equals + 1, /*overwrite=*/1);
      given.variables.push_back(name);
    } else {
      given.arguments.push_back(text);
    }
  }
  return given;
}

void require_ranges(const Options& options) {
  const auto require_in = [](auto value, auto min, auto max, std::string_view name) {
    require(value >= min && value <= max, fmt::format("{} is in its range: {}", name, value));
  };
  require_in(options.port, kAnyPort, kPortMax, "port");
  require_in(options.udp_port, kAnyPort, kPortMax, "UDP port");
  require_in(options.unix_mask, 0u, 0777u, "mask");
  require_in(options.listen_backlog, -1, std::numeric_limits<int>::max(), "backlog");
  require_in(options.memory_limit_bytes, larder::kMemoryLimitBytesMin, larder::kMemoryLimitBytesMax,
             "memory limit");
  require_in(options.item_bytes_max, larder::kItemBytesMaxMin,
             std::min(options.memory_limit_bytes / 4, kItemBytesMaxMax), "item limit");
  require_in(options.threads, size_t{1}, kThreadsMax, "threads");
  require_in(options.connections_max, size_t{1}, kIntMax, "connection limit");
  require_in(options.requests_per_turn_max, size_t{1}, kIntMax, "requests per turn");
  require_in(options.idle_timeout_s, 0u, static_cast<uint32_t>(kIntMax), "idle timeout");
  require_in(options.watcher_queue_bytes, size_t{0}, size_t{1} << 30, "watcher queue");
  for (const ListenAddress& address : options.listen_addresses) {
    require(!address.port || *address.port == kAnyPort || (*address.port >= 1 && *address.port <= kPortMax),
            "the port of an address is in its range");
  }
  require(serves_tcp(options) || options.udp_port != 0 || !options.unix_socket.empty(), "something is served");
  require(options.udp_port == 0 || options.auth_file.empty(), "datagrams need no authentication");
}

void parse(std::string_view input) {
  Given given = split(input);
  std::vector<char*> argv;
  for (std::string& argument : given.arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  try {
    const ParsedCommandLine parsed = parse_command_line(static_cast<int>(given.arguments.size()), argv.data());
    parsed.text ? require(!parsed.text->empty(), "what is printed is a text") : require_ranges(parsed.options);
  } catch (const StartError& error) {
    require(std::string_view(error.what()).size() > 2, "an error says what is wrong");
    require(error.exit_code() != 0, "an error is not taken for success");
  }
  for (const std::string& name : given.variables) unsetenv(name.c_str());
}

}  // namespace
}  // namespace netd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netd::fuzz::parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
