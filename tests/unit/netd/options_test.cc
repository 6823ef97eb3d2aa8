#include "netd/options.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "netd/start_error.h"

namespace netd {
namespace {

ParsedCommandLine parse_all(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "netd");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  return parse_command_line(static_cast<int>(arguments.size()), argv.data());
}

Options parse(const std::vector<std::string>& arguments) { return parse_all(arguments).options; }

// The exit code and message that the arguments are refused with; 0 if they are not.
struct Refusal {
  int exit_code = 0;
  std::string message;
};
Refusal refusal(const std::vector<std::string>& arguments) {
  try {
    (void)parse_all(arguments);
  } catch (const StartError& error) {
    return {error.exit_code(), error.what()};
  }
  return {};
}

TEST_CASE("without flags the defaults are memcached's") {
  const Options options = parse({});
  CHECK(options.port == 11211);
  CHECK(options.memory_limit_bytes == 64 << 20);
  CHECK(options.item_bytes_max == 1 << 20);
  CHECK(options.connections_max == 1024);
  CHECK(options.requests_per_turn_max == 20);
  CHECK(options.listen_backlog == 1024);
  CHECK(options.threads >= 1);
  CHECK(options.eviction);
  CHECK(options.cas);
  CHECK(options.reject_connections);
  CHECK(serves_tcp(options));
}

TEST_CASE("the command line of the tutorial is understood") {
  const Options options =
      parse({"-d", "-m", "10", "-u", "root", "-l", "192.168.0.1", "-p", "12000", "-c", "256", "-P", "/tmp/x.pid"});
  CHECK(options.daemon);
  CHECK(options.memory_limit_bytes == 10 << 20);
  CHECK(options.user == "root");
  CHECK(options.listen_addresses == std::vector<ListenAddress>{{"192.168.0.1", {}}});
  CHECK(options.port == 12000);
  CHECK(options.connections_max == 256);
  CHECK(options.pid_file == "/tmp/x.pid");
}

TEST_CASE("there is an HTTP port if one is asked for") {
  CHECK(parse({}).http_port == 0);
  const Options options = parse({"--http-port", "8080", "--http-listen", "10.0.0.1,[::1]:8081", "--http-listen=*",
                                 "--http-host", "a.example,b.example", "--http-host", "c.example"});
  CHECK(options.http_port == 8080);
  CHECK(options.http_addresses == std::vector<ListenAddress>{{"10.0.0.1", {}}, {"::1", 8081}, {"*", {}}});
  CHECK(options.http_hosts == std::vector<std::string>{"a.example", "b.example", "c.example"});
  CHECK(parse({"--http-port=-1"}).http_port == kAnyPort);
  CHECK(parse({"--http-port=65535"}).http_port == 65535);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--http-port=65536"},
                                             {"--http-port=-2"},
                                             {"--http-port="},
                                             {"--http-host=a"},
                                             {"--http-listen=*"},
                                             {"--http-port=0", "--http-host=a"},
                                             {"--http-port=1", "--http-host=a,,b"},
                                             {"--http-port=1", "--http-host=a:8080"},
                                             {"--http-port=1", "--http-host=[::1]"}}) {
    CHECK(refusal(arguments).exit_code == kExitUsage);
  }
}

TEST_CASE("flags may be combined, have their values attached, or be long") {
  const Options options = parse({"-dvvMm32", "--port=5", "--threads", "3", "--disable-cas"});
  CHECK(options.daemon);
  CHECK(options.verbosity == 2);
  CHECK_FALSE(options.eviction);
  CHECK(options.memory_limit_bytes == 32 << 20);
  CHECK(options.port == 5);
  CHECK(options.threads == 3);
  CHECK_FALSE(options.cas);
}

TEST_CASE("the last of several wins, but -l accumulates") {
  const Options options = parse({"-p", "1", "-l", "a", "-p", "2", "-l", "b,a"});
  CHECK(options.port == 2);
  CHECK(options.listen_addresses.size() == 2);
}

TEST_CASE("memory is in MiB, or in units, or a share of what there is") {
  CHECK(parse({"-m", "2g"}).memory_limit_bytes == size_t{2} << 30);
  CHECK(parse({"-m", "2048k"}).memory_limit_bytes == 2 << 20);
  CHECK(parse({"-m", "50%"}).memory_limit_bytes > 1 << 20);
  CHECK(refusal({"-m", "101%"}).exit_code == 1);
  CHECK(refusal({"-m", "0%"}).exit_code == 1);
  CHECK(refusal({"-m", "0"}).exit_code == 1);
  CHECK(refusal({"-m", "99999999999999999999"}).exit_code == 1);
}

std::vector<std::string> warnings(const std::vector<std::string>& arguments) { return parse(arguments).warnings; }

TEST_CASE("what is larger than can be is lowered, with a warning") {
  using Warnings = std::vector<std::string>;
  CHECK(parse({"-m", "2t"}).memory_limit_bytes == size_t{1} << 40);
  CHECK(warnings({"-m", "2t"}) == Warnings{"-m: 1 TiB instead of 2199023255552 bytes"});
  CHECK(warnings({"-m", "1t"}).empty());
  CHECK(parse({"-t", "1025"}).threads == 1024);
  CHECK(warnings({"--threads=1025"}) == Warnings{"--threads: 1024 of 1025 threads"});
  CHECK(warnings({"-t", "1024"}).empty());
  CHECK(parse({"-o", "watcher_logbuf_size=1048577"}).watcher_queue_bytes == 1 << 30);
  CHECK(warnings({"-o", "watcher_logbuf_size=1048577"}).size() == 1);
  CHECK(warnings({"-o", "watcher_logbuf_size=1048576"}).empty());
}

TEST_CASE("values may be up to a quarter of the memory long; up to half of it can be asked for") {
  CHECK(parse({"-m", "64", "-I", "16m"}).item_bytes_max == 16 << 20);
  CHECK(warnings({"-m", "64", "-I", "16m"}).empty());
  CHECK(parse({"-m", "64", "-I", "16777217"}).item_bytes_max == 16 << 20);
  CHECK(warnings({"-m", "64", "-I", "16777217"}).size() == 1);
  CHECK(parse({"-m", "64", "-I", "32m"}).item_bytes_max == 16 << 20);
  CHECK(refusal({"-m", "64", "-I", "33554433"}).exit_code == 1);
  CHECK(parse({"-I", "1k"}).item_bytes_max == 1024);
  CHECK(refusal({"-I", "1023"}).exit_code == 1);
  CHECK(parse({"-m", "4g", "-I", "1g"}).item_bytes_max == 1 << 30);
  CHECK(refusal({"-m", "8g", "-I", "1025m"}).exit_code == 1);
}

TEST_CASE("in little memory the default for values shrinks with it") {
  CHECK(parse({"-m", "4"}).item_bytes_max == 1 << 20);
  CHECK(parse({"-m", "2"}).item_bytes_max == 512 << 10);
}

TEST_CASE("a UNIX socket turns TCP off unless -p or -l is given") {
  CHECK_FALSE(serves_tcp(parse({"-s", "/tmp/s"})));
  CHECK(serves_tcp(parse({"-s", "/tmp/s", "-p", "11211"})));
  CHECK(serves_tcp(parse({"-s", "/tmp/s", "-l", "localhost"})));
  CHECK_FALSE(serves_tcp(parse({"-s", "/tmp/s", "-p", "0"})));
  CHECK(refusal({"-p", "0"}).exit_code == kExitUsage);
}

TEST_CASE("the mask of the UNIX socket is octal") {
  CHECK(parse({"-a", "0770"}).unix_mask == 0770);
  CHECK(refusal({"-a", "789"}).exit_code == 1);
  CHECK(parse({"-a", "7770"}).unix_mask == 0770);
  CHECK(refusal({"-a", "10000"}).exit_code == 1);
}

TEST_CASE("the protocol is remembered for those who ask for it") {
  CHECK_FALSE(parse({}).ascii_only);
  CHECK_FALSE(parse({"-B", "auto"}).ascii_only);
  CHECK(parse({"-B", "ascii"}).ascii_only);
}

TEST_CASE("what is refused is named, flag and value, as it was given") {
  CHECK(refusal({"-p", "70000"}).exit_code == kExitUsage);
  CHECK(refusal({"-p", "70000"}).message == "-p: '70000' is not a number from -1 to 65535");
  CHECK(refusal({"--port", "x"}).message.starts_with("--port: 'x'"));
  CHECK(refusal({"-c", "0"}).message.starts_with("-c: '0'"));
  CHECK(refusal({"-t", "4x"}).message.starts_with("-t: '4x'"));
  CHECK(refusal({"-R", ""}).message.starts_with("-R: ''"));
  CHECK(refusal({"-B", "binary"}).exit_code == kExitUsage);
  CHECK(refusal({"-U", "x"}).exit_code == kExitUsage);
  CHECK(refusal({"-U", "11211", "-Y", "users"}).exit_code == kExitUsage);
  CHECK(refusal({"-f", "1"}).exit_code == 1);
  CHECK(refusal({"-n", "0"}).exit_code == 1);
}

TEST_CASE("the port of UDP is that of TCP too, unless there is another") {
  CHECK(parse({}).udp_port == 0);
  CHECK(parse({"-U", "0"}).port == 11211);
  CHECK(parse({"-U", "5000"}).udp_port == 5000);
  CHECK(parse({"-U", "5000"}).port == 5000);
  CHECK(parse({"-p", "6000", "-U", "5000"}).port == 6000);
  CHECK_FALSE(serves_tcp(parse({"-p", "0", "-U", "5000"})));
  CHECK_FALSE(serves_tcp(parse({"-s", "/tmp/socket", "-U", "5000"})));
}

TEST_CASE("unknown flags and missing values exit with 1") {
  CHECK(refusal({"-q"}).message == "unknown option '-q'");
  CHECK(refusal({"--quux=1"}).message == "unknown option '--quux'");
  CHECK(refusal({"-m"}).message == "-m: needs a value");
  CHECK(refusal({"--memory-limit"}).message == "--memory-limit: needs a value");
}

TEST_CASE("words that are no flags are ignored, with a warning") {
  CHECK(parse({"stray", "-m", "32", "--", "-m", "16"}).memory_limit_bytes == 32 << 20);
  CHECK(warnings({"stray", "-m", "32", "--", "-m", "16"}) ==
        std::vector<std::string>{"ignored, as no flag: stray -m 16"});
}

TEST_CASE("a backlog may be none, or what the system allows") {
  CHECK(parse({"-b", "0"}).listen_backlog == 0);
  CHECK(parse({"-b", "-1"}).listen_backlog == -1);
  CHECK(refusal({"-b", "-2"}).exit_code == 1);
}

TEST_CASE("what would break a promise is refused") {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"-S"}, {"-Z"}, {"-e", "file"}, {"-o", "ext_path=/x:1G"}, {"-o", "ssl_key=x"}}) {
    CAPTURE(arguments.front());
    CHECK(refusal(arguments).exit_code == 1);
    CHECK(refusal(arguments).message.find("not supported") != std::string::npos);
  }
}

TEST_CASE("what only tunes memcached is accepted and noted") {
  CHECK(parse({"-f", "1.25", "-n", "48", "-N", "2", "-U", "0", "-L"}).notes.size() == 3);
  CHECK(parse({"-o", "slab_reassign,lru_crawler,hash_algorithm=xxh3,hot_lru_pct=20"}).notes.size() == 4);
}

TEST_CASE("-o is a list of which each member is checked") {
  const Options options =
      parse({"-o", "idle_timeout=30,send_timeout=40,request_timeout=50,no_maxconns_fast", "-o", "modern"});
  CHECK(options.idle_timeout_s == 30);
  CHECK(options.send_timeout_s == 40);
  CHECK(options.request_timeout_s == 50);
  CHECK_FALSE(options.reject_connections);
  CHECK(refusal({"-o", "nonsense"}).message == "-o: illegal suboption 'nonsense'");
  CHECK(refusal({"-o", "idle_timeout"}).message.starts_with("-o idle_timeout: ''"));
  CHECK(refusal({"-o", "hash_algorithm=md5"}).exit_code == 1);
}

TEST_CASE("-D turns statistics per prefix on, with a delimiter of one character") {
  CHECK_FALSE(parse({}).prefix_stats);
  CHECK(parse({"-D", "/"}).prefix_stats);
  CHECK(parse({"--stat-delimiter=/"}).prefix_delimiter == '/');
  CHECK(parse({"-D", "/:"}).prefix_delimiter == '/');
  CHECK(warnings({"-D", "/:"}).size() == 1);
  CHECK(refusal({"-D", ""}).message == "-D: '' is no character");
}

TEST_CASE("messages call a flag what the user called it") {
  CHECK(refusal({"--memory-limit=1k"}).message.starts_with("--memory-limit: "));
  CHECK(refusal({"-m", "1k"}).message.starts_with("-m: "));
  CHECK(refusal({"--max-item-size=1"}).message.starts_with("--max-item-size: 1 bytes"));
  CHECK(refusal({"--listen=a:x"}).message == "--listen: 'a:x' has no port from 1 to 65535");
  CHECK(refusal({"--extended=nonsense"}).message == "--extended: illegal suboption 'nonsense'");
  CHECK(refusal({"--extended", "idle_timeout=x"}).message.starts_with("--extended idle_timeout: 'x'"));
  CHECK(refusal({"--port=0"}).message.starts_with("--port: '0'"));
}

TEST_CASE("-o numbers without effect are checked all the same") {
  CHECK(parse({"-o", "hashpower=12,lru_crawler_sleep=1000000,hot_lru_pct=1"}).notes.size() == 3);
  CHECK(parse({"-o", "slab_automove,slab_automove=2,slab_automove_ratio=1,hot_max_factor=9.5"}).notes.size() == 4);
  for (const char* const list :
       {"hashpower=11", "hashpower=33", "lru_crawler_sleep=1000001", "hot_lru_pct=80", "slab_automove=3",
        "slab_automove_ratio=0", "slab_automove_ratio=1.1", "slab_automove_ratio", "hot_max_factor=0",
        "warm_max_factor=x", "tail_repair_time=9", "temporary_ttl", "worker_logbuf_size", "read_buf_mem_limit=x"}) {
    CAPTURE(list);
    CHECK(refusal({"-o", list}).exit_code == 1);
  }
  CHECK(parse({"-o", "watcher_logbuf_size=64"}).watcher_queue_bytes == 64 << 10);
  CHECK(parse({}).hot_keys);
  CHECK_FALSE(parse({"-o", "hotkeys=off"}).hot_keys);
  CHECK(parse({"-o", "hotkeys=off,hotkeys=on"}).hot_keys);
  CHECK(parse({"-o", "watcher_logbuf_size=0,worker_logbuf_size=0"}).watcher_queue_bytes == 0);
}

// A variable of the environment, for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* const name_;
};

TEST_CASE("the environment has every long flag, and the command line comes second") {
  const Variable memory("NETD_MEMORY_LIMIT", "32");
  const Variable cas("NETD_DISABLE_CAS", "1");
  const Variable flush("NETD_DISABLE_FLUSH_ALL", "0");
  const Variable verbose("NETD_VERBOSE", "2");
  const Variable listen("NETD_LISTEN", "a,b");
  CHECK(parse({}).memory_limit_bytes == 32 << 20);
  CHECK(parse({"-m", "16"}).memory_limit_bytes == 16 << 20);
  CHECK_FALSE(parse({}).cas);
  CHECK(parse({}).flush_enabled);
  CHECK(parse({}).verbosity == 2);
  CHECK(parse({}).listen_addresses.size() == 2);
  CHECK(parse({"-l", "c", "-l", "d,e"}).listen_addresses.size() == 3);
}

TEST_CASE("what is wrong in the environment is named") {
  const Variable threads("NETD_THREADS", "x");
  CHECK(refusal({}).message.starts_with("NETD_THREADS: 'x'"));
}

TEST_CASE("a flag of the environment is on or off") {
  const Variable cas("NETD_DISABLE_CAS", "maybe");
  CHECK(refusal({}).message == "NETD_DISABLE_CAS: 'maybe' is none of 1, yes, 0, no");
}

TEST_CASE("help, licences and version are texts to be printed") {
  CHECK(parse_all({"-h"}).text->find("--memory-limit=<num>") != std::string::npos);
  CHECK(parse_all({"--license"}).text->find("Asio") != std::string::npos);
  CHECK(parse_all({"-V"}).text->starts_with("netd 1.6."));
  CHECK_FALSE(parse_all({}).text);
}

}  // namespace
}  // namespace netd
