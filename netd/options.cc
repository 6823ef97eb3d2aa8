#include "netd/options.h"

#include <fmt/format.h>
#include <getopt.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "larder/options.h"
#include "netd/extended_options.h"
#include "netd/help_text.h"
#include "netd/option_values.h"
#include "netd/start_error.h"

namespace netd {
namespace {

using Apply = void (*)(const FlagValue& value, Options& options);

// Flags without a letter of their own.
constexpr char kEnableDebugtime = 1;
constexpr char kHealth = 2;
constexpr char kHttpPort = 3;
constexpr char kHttpListen = 4;
constexpr char kHttpHost = 5;
constexpr char kTop = 6;
constexpr char kLetterMin = ' ';

struct Flag {
  char letter;
  const char* name;
  bool takes_value;
  Apply apply;
};

constexpr int kIntMax = std::numeric_limits<int>::max();

void set_port(const FlagValue& value, Options& options) {
  options.port = static_cast<int>(parse_number(value, kAnyPort, kPortMax, kExitUsage));
  options.port_given = true;
}

void set_udp_port(const FlagValue& value, Options& options) {
  options.udp_port = static_cast<int>(parse_number(value, kAnyPort, kPortMax, kExitUsage));
}

void set_http_port(const FlagValue& value, Options& options) {
  options.http_port = static_cast<int>(parse_number(value, kAnyPort, kPortMax, kExitUsage));
}

void add_http_hosts(const FlagValue& value, Options& options) {
  for (const absl::string_view name :
       absl::StrSplit(absl::string_view(value.text.data(), value.text.size()), ',')) {
    if (name.empty()) refuse(value, "has an empty name", kExitUsage);
    if (name.find_first_of(":[]/") != absl::string_view::npos) {
      refuse(value, "has what is no name: no port, and no address, which need not be named", kExitUsage);
    }
    options.http_hosts.emplace_back(absl::StripSuffix(name, "."));
  }
}

void set_prefix_delimiter(const FlagValue& value, Options& options) {
  if (value.text.empty()) refuse(value, "is no character");
  if (value.text.size() > 1) {
    options.warnings.push_back(fmt::format("{}: of '{}' the first character counts", value.flag, value.text));
  }
  options.prefix_delimiter = value.text.front();
  options.prefix_stats = true;
}

void set_growth_factor(const FlagValue& value, Options& options) {
  (void)parse_factor(value, 1);
  options.notes.push_back(fmt::format("{} has no effect here: there are no slabs", value.flag));
}

void set_slab_bytes_min(const FlagValue& value, Options& options) {
  (void)parse_number(value, 1, kIntMax);
  options.notes.push_back(fmt::format("{} has no effect here: there are no slabs", value.flag));
}

void set_item_bytes_max(const FlagValue& value, Options& options) {
  options.item_bytes_max = parse_bytes(value, 1);
  options.item_bytes_max_given = true;
}

void set_protocol(const FlagValue& value, Options& options) {
  if (value.text == "binary") refuse(value, "is refused: there is no binary protocol", kExitUsage);
  if (value.text != "ascii" && value.text != "auto") refuse(value, "is none of auto, ascii", kExitUsage);
  options.ascii_only = value.text == "ascii";
}

void set_threads(const FlagValue& value, Options& options) {
  const auto threads = static_cast<size_t>(parse_number(value, 1, kIntMax));
  options.threads = std::min(threads, kThreadsMax);
  if (threads > kThreadsMax) {
    options.warnings.push_back(fmt::format("{}: {} of {} threads", value.flag, kThreadsMax, threads));
  }
  if (options.threads > 64)
    options.notes.push_back(fmt::format("{}: more than 64 threads rarely help", value.flag));
}

void set_large_pages(const FlagValue& value, Options& options) {
  options.warnings.push_back(fmt::format("{}: large pages are not used", value.flag));
}

void set_napi_ids(const FlagValue& value, Options& options) {
  (void)parse_number(value, 0, kIntMax);
  options.notes.push_back(fmt::format("{} has no effect here", value.flag));
}

void set_auth_file(const FlagValue& value, Options& options) {
  if (value.text.empty()) refuse(value, "is no file");
  options.auth_file = value.text;
}

void refuse_unsupported(const FlagValue& value, Options&) {
  throw StartError(fmt::format("{}: not supported", value.flag));
}

// One line a flag. `v` is the value, `o` the options.
constexpr Flag kFlags[] = {
    {'p', "port", true, set_port},
    {'U', "udp-port", true, set_udp_port},
    {'s', "unix-socket", true, [](const FlagValue& v, Options& o) { o.unix_socket = v.text; }},
    {'a', "unix-mask", true, [](const FlagValue& v, Options& o) { o.unix_mask = parse_mode(v); }},
    {'A', "enable-shutdown", false, [](const FlagValue&, Options& o) { o.shutdown_enabled = true; }},
    {'l', "listen", true, [](const FlagValue& v, Options& o) { add_listen_addresses(v, o.listen_addresses); }},
    {'d', "daemon", false, [](const FlagValue&, Options& o) { o.daemon = true; }},
    {'r', "enable-coredumps", false, [](const FlagValue&, Options& o) { o.coredumps = true; }},
    {'u', "user", true, [](const FlagValue& v, Options& o) { o.user = v.text; }},
    {'m', "memory-limit", true, [](const FlagValue& v, Options& o) { o.memory_limit_bytes = parse_memory(v); }},
    {'M', "disable-evictions", false, [](const FlagValue&, Options& o) { o.eviction = false; }},
    {'c', "conn-limit", true,
     [](const FlagValue& v, Options& o) { o.connections_max = static_cast<size_t>(parse_number(v, 1, kIntMax)); }},
    {'k', "lock-memory", false, [](const FlagValue&, Options& o) { o.lock_memory = true; }},
    {'v', "verbose", false, [](const FlagValue&, Options& o) { ++o.verbosity; }},
    {'P', "pidfile", true, [](const FlagValue& v, Options& o) { o.pid_file = v.text; }},
    {'f', "slab-growth-factor", true, set_growth_factor},
    {'n', "slab-min-size", true, set_slab_bytes_min},
    {'L', "enable-largepages", false, set_large_pages},
    {'D', "stat-delimiter", true, set_prefix_delimiter},
    {'t', "threads", true, set_threads},
    {'R', "max-reqs-per-event", true,
     [](const FlagValue& v, Options& o) {
       o.requests_per_turn_max = static_cast<size_t>(parse_number(v, 1, kIntMax));
     }},
    {'C', "disable-cas", false, [](const FlagValue&, Options& o) { o.cas = false; }},
    {'b', "listen-backlog", true,
     [](const FlagValue& v, Options& o) { o.listen_backlog = static_cast<int>(parse_number(v, -1, kIntMax)); }},
    {'B', "protocol", true, set_protocol},
    {'I', "max-item-size", true, set_item_bytes_max},
    {'F', "disable-flush-all", false, [](const FlagValue&, Options& o) { o.flush_enabled = false; }},
    {'X', "disable-dumping", false, [](const FlagValue&, Options& o) { o.dump_enabled = false; }},
    {'W', "disable-watch", false, [](const FlagValue&, Options& o) { o.watch_enabled = false; }},
    {'N', "napi_ids", true, set_napi_ids},  // memcached's help and its parser spell it in different ways
    {'N', "napi-ids", true, set_napi_ids},
    {'o', "extended", true, apply_extended_options},
    {'Y', "auth-file", true, set_auth_file},
    {kEnableDebugtime, "enable-debugtime", false, [](const FlagValue&, Options& o) { o.debug_clock = true; }},
    {kHttpPort, "http-port", true, set_http_port},
    {kHttpListen, "http-listen", true,
     [](const FlagValue& v, Options& o) { add_listen_addresses(v, o.http_addresses); }},
    {kHttpHost, "http-host", true, add_http_hosts},
    {kTop, "top", false, [](const FlagValue&, Options& o) { o.top = true; }},
    {kHealth, "health", false, [](const FlagValue&, Options& o) { o.health = true; }},
    {'S', "enable-sasl", false, refuse_unsupported},
    {'e', "memory-file", true, refuse_unsupported},
    {'Z', "enable-ssl", false, refuse_unsupported},
};

// Flags that print something instead of serving.
struct Printer {
  char letter;
  const char* name;
  std::string (*text)();
};
constexpr Printer kPrinters[] = {
    {'h', "help", help_text}, {'i', "license", license_text}, {'V', "version", version_line}};

// The leading ':' makes getopt_long tell a missing value from an unknown flag.
std::string short_flags() {
  std::string letters = ":";
  for (const Flag& flag : kFlags) {
    if (flag.letter < kLetterMin) continue;
    letters += flag.letter;
    if (flag.takes_value) letters += ':';
  }
  for (const Printer& printer : kPrinters) letters += printer.letter;
  return letters;
}

std::vector<option> long_flags() {
  std::vector<option> flags;
  for (const Flag& flag : kFlags) {
    flags.push_back({flag.name, flag.takes_value ? required_argument : no_argument, nullptr, flag.letter});
  }
  for (const Printer& printer : kPrinters) flags.push_back({printer.name, no_argument, nullptr, printer.letter});
  flags.push_back({});
  return flags;
}

// The flag that getopt_long has just read or stumbled over, as it was given.
std::string name_as_given(char* const* argv, int letter, int long_index, const std::vector<option>& names) {
  if (long_index >= 0) return fmt::format("--{}", names[static_cast<size_t>(long_index)].name);
  const std::string_view argument = argv[optind - 1];
  if (argument.starts_with("--")) return std::string(argument.substr(0, argument.find('=')));
  return fmt::format("-{}", static_cast<char>(letter));
}

size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<size_t>(std::max(CPU_COUNT(&set), 1));
}

void apply(const Flag& flag, const std::string& name, std::string_view text, Options& options) {
  options.given[flag.letter] = name;
  flag.apply({name, text}, options);
}

// NETD_MEMORY_LIMIT=2g is --memory-limit=2g; NETD_DISABLE_CAS=1 is --disable-cas; NETD_VERBOSE=2 is -vv.
void apply_from_environment(const Flag& flag, Options& options) {
  std::string name = fmt::format("NETD_{}", flag.name);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  const char* const text = secure_getenv(name.c_str());
  if (text == nullptr) return;
  const FlagValue value{name, text};
  if (flag.takes_value) return apply(flag, name, text, options);
  if (flag.letter == 'v') {
    options.verbosity = static_cast<uint32_t>(parse_number(value, 0, 3));
  } else if (value.text == "1" || value.text == "yes") {
    apply(flag, name, {}, options);
  } else if (value.text != "0" && value.text != "no" && !value.text.empty()) {
    refuse(value, "is none of 1, yes, 0, no");
  }
}

void apply_environment(Options& options) {
  for (const Flag& flag : kFlags) apply_from_environment(flag, options);
}

// The server that --top is to show: a path, or an address with or without a port.
void set_server(const FlagValue& value, Options& options) {
  if (value.text.starts_with('/')) {
    options.unix_socket = value.text;
    return;
  }
  options.unix_socket.clear();
  options.listen_addresses.clear();
  add_listen_addresses(value, options.listen_addresses);
}

// What no single flag can check.
void check_memory(Options& options) {
  if (options.memory_limit_bytes < larder::kMemoryLimitBytesMin) {
    throw StartError(
        fmt::format("{}: {} bytes are less than 1 MiB", flag_name(options, 'm'), options.memory_limit_bytes));
  }
  if (options.memory_limit_bytes > larder::kMemoryLimitBytesMax) {
    options.warnings.push_back(
        fmt::format("{}: 1 TiB instead of {} bytes", flag_name(options, 'm'), options.memory_limit_bytes));
    options.memory_limit_bytes = larder::kMemoryLimitBytesMax;
  }
  const size_t quarter = options.memory_limit_bytes / 4;
  if (!options.item_bytes_max_given) {
    options.item_bytes_max = std::min(options.item_bytes_max, quarter);
  } else if (options.item_bytes_max < larder::kItemBytesMaxMin || options.item_bytes_max > 2 * quarter ||
             options.item_bytes_max > kItemBytesMaxMax) {
    throw StartError(fmt::format("{}: {} bytes are not from 1024 to half of -m ({}), 1 GiB at most",
                                 flag_name(options, 'I'), options.item_bytes_max, 2 * quarter));
  } else if (options.item_bytes_max > quarter) {
    options.warnings.push_back(fmt::format("{}: {} bytes, a quarter of -m, instead of {}", flag_name(options, 'I'),
                                           quarter, options.item_bytes_max));
    options.item_bytes_max = quarter;
  }
}

void check_http(const Options& options) {
  if (options.http_port != 0) return;
  for (const char letter : {kHttpListen, kHttpHost}) {
    if (options.given.contains(letter)) {
      throw StartError(fmt::format("{}: means nothing without --http-port", flag_name(options, letter)),
                       kExitUsage);
    }
  }
}

void check_serves(Options& options) {
  if (options.udp_port != 0 && !options.port_given) options.port = options.udp_port;
  if (options.udp_port != 0 && !options.auth_file.empty()) {
    throw StartError(
        fmt::format("{}: UDP cannot be had together with {}", flag_name(options, 'U'), flag_name(options, 'Y')),
        kExitUsage);
  }
  if (!serves_tcp(options) && options.udp_port == 0 && options.unix_socket.empty()) {
    throw StartError(fmt::format("{}: '0' leaves nothing to listen on; give -s or -U", flag_name(options, 'p')),
                     kExitUsage);
  }
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, char* const* argv) {
  const std::string letters = short_flags();
  const std::vector<option> names = long_flags();
  ParsedCommandLine parsed;
  parsed.options.threads = usable_cores();
  apply_environment(parsed.options);
  bool listen_given = false;
  optind = 0;  // makes getopt_long start afresh
  opterr = 0;
  while (true) {
    int long_index = -1;
    const int letter = getopt_long(argc, argv, letters.c_str(), names.data(), &long_index);
    if (letter == -1) break;
    if (letter == '?') throw StartError(fmt::format("unknown option '{}'", name_as_given(argv, optopt, -1, names)));
    if (letter == ':') throw StartError(fmt::format("{}: needs a value", name_as_given(argv, optopt, -1, names)));
    for (const Printer& printer : kPrinters) {
      if (printer.letter == letter) {
        parsed.text = printer.text();
        return parsed;
      }
    }
    const auto* const flag =
        std::find_if(std::begin(kFlags), std::end(kFlags), [letter](const Flag& f) { return f.letter == letter; });
    // Addresses add up, but not those of the command line to those of the environment.
    if (letter == 'l' && !std::exchange(listen_given, true)) parsed.options.listen_addresses.clear();
    apply(*flag, name_as_given(argv, letter, long_index, names), optarg == nullptr ? "" : optarg, parsed.options);
  }
  if (parsed.options.top && optind < argc) set_server({"--top", argv[optind++]}, parsed.options);
  if (optind < argc) {
    parsed.options.warnings.push_back(
        fmt::format("ignored, as no flag: {}", fmt::join(argv + optind, argv + argc, " ")));
  }
  check_memory(parsed.options);
  check_http(parsed.options);
  check_serves(parsed.options);
  return parsed;
}

}  // namespace netd
