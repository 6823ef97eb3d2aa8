// netd next to memcached: the server's CPU time per request, requests per second and latency, under the same load.
//
//   net_bench NETD MEMCACHED[,MEMCACHED…] [rounds] [part of the title of the loads wanted] [both] [--json=FILE]
//
// Of several memcached, which show as their versions, the first is what the others are compared to. FILE gets the
// figures as they are printed, each load an object.
//
// For each load, starts all servers on free loopback ports with one worker each, pinned to core 0; the load runs
// on core 1, on connections that each send a batch of requests and wait for all its replies. With `both`, servers
// have two workers, and all share both cores. Rounds are interleaved; the figures are medians. CPU time is the
// scheduler's own account of the server process; latency is from before a batch is sent until its last byte has
// come, with the batches of all other connections under way. Gets are also asked of a server that does nothing but
// send (bare_server.h).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bare_server.h"
#include "fmt/core.h"
#include "program.h"

namespace larder::bench {
namespace {

constexpr int kServerCore = 0;
constexpr int kLoadCore = 1;

// Where servers and load run.
enum class Cores { kApart, kShared };

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(probe, reinterpret_cast<sockaddr*>(&address), length) != 0) fail("no free port");
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length);
  close(probe);
  return ntohs(address.sin_port);
}

// A connection that sends a batch and reads until as many reply lines of a kind have come.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const sockaddr_in address = loopback(port);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    is_connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool is_connected() const { return is_connected_; }

  void send(std::string_view batch) {
    while (!batch.empty()) {
      const ssize_t sent = write(socket_, batch.data(), batch.size());
      if (sent <= 0) fail("a server closed the connection");
      batch.remove_prefix(static_cast<size_t>(sent));
    }
  }

  // Until `bytes` have come.
  void receive(size_t bytes) {
    while (bytes > 0) bytes -= receive_some(bytes);
  }
  // Until what has come ends so.
  void receive_until(std::string_view end) {
    std::string last;
    while (!last.ends_with(end)) {
      const size_t got = receive_some(sizeof buffer_);
      last.append(buffer_, got);
      last.erase(0, last.size() - std::min(last.size(), end.size()));
    }
  }

 private:
  size_t receive_some(size_t bytes_max) {
    const ssize_t got = read(socket_, buffer_, std::min(sizeof buffer_, bytes_max));
    if (got <= 0) fail("a server closed the connection");
    return static_cast<size_t>(got);
  }

  static inline char buffer_[1 << 16];
  const int socket_;
  bool is_connected_ = false;
};

class Server {
 public:
  // `serve(port)` does not return.
  Server(std::string name, Cores cores, const std::function<void(uint16_t port)>& serve)
      : name_(std::move(name)), port_(free_port()) {
    pid_ = fork();
    if (pid_ == 0) {
      end_with_bench();
      if (cores == Cores::kApart) pin_to(kServerCore);
      serve(port_);
      _exit(127);
    }
    for (int i = 0; i < 200 && !Client(port_).is_connected(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    if (!Client(port_).is_connected()) fail(name_ + " does not start");
  }
  ~Server() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] uint16_t port() const { return port_; }

  // Nanoseconds on a CPU, of all its threads.
  [[nodiscard]] uint64_t cpu_ns() const {
    uint64_t total = 0;
    for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_))) {
      uint64_t ns = 0;
      std::ifstream(task.path() / "schedstat") >> ns;
      total += ns;
    }
    return total;
  }

 private:
  const std::string name_;
  const uint16_t port_;
  pid_t pid_;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

// What the program says of itself.
std::string version_of(const std::string& program) {
  FILE* const pipe = popen(fmt::format("'{}' -V", program).c_str(), "r");
  char line[64] = "";
  if (pipe == nullptr || std::fgets(line, sizeof line, pipe) == nullptr) fail(program + " does not start");
  pclose(pipe);
  const std::string_view version(line);
  return std::string(version.substr(0, version.find_last_not_of("\r\n") + 1));
}

// Becomes a server that has memcached's flags.
auto executed(const std::string& program, Cores cores) {
  return [program, workers = cores == Cores::kApart ? "1" : "2"](uint16_t port) {
    execlp(program.c_str(), program.c_str(), "-u", "root", "-l", "127.0.0.1", "-p", std::to_string(port).c_str(),
           "-m", "1024", "-t", workers, "-c", "4096", nullptr);
  };
}

enum class Requests { kGets, kSets, kGetsAndSets, kMultiGets, kMetaGets, kNoreplySets };

constexpr size_t kKeysOfMultiGet = 32;
constexpr size_t kSetOneIn = 10;  // of kGetsAndSets

struct Load {
  std::string title;
  Requests requests;
  size_t keys;
  size_t value_bytes;
  size_t connections;
  size_t depth;  // requests in a batch
  size_t count;
};

class Generator {
 public:
  explicit Generator(const Load& load) : load_(load), value_(load.value_bytes, 'v') {}

  // What a server that is asked for one key replies, for many keys.
  [[nodiscard]] std::vector<std::string> replies() const {
    constexpr size_t kBytesMax = size_t{64} << 20;
    std::vector<std::string> replies;
    for (size_t i = 0; i < std::min(load_.keys, kBytesMax / load_.value_bytes); ++i) {
      replies.push_back(fmt::format("VALUE {} 0 {}\r\n{}\r\nEND\r\n", key(i), value_.size(), value_));
    }
    return replies;
  }

  void fill(uint16_t port) const {
    Client client(port);
    constexpr size_t kBatch = 100;
    for (size_t first = 0; first < load_.keys; first += kBatch) {
      std::string batch;
      size_t reply_bytes = 0;
      for (size_t i = first; i < std::min(load_.keys, first + kBatch); ++i) reply_bytes += add_set(batch, i, "");
      client.send(batch);
      client.receive(reply_bytes);
    }
  }

  // Returns how long each batch took, in microseconds.
  std::vector<double> run(uint16_t port) {
    using Clock = std::chrono::steady_clock;
    std::vector<std::unique_ptr<Client>> clients;
    for (size_t i = 0; i < load_.connections; ++i) clients.push_back(std::make_unique<Client>(port));
    std::vector<size_t> reply_bytes(clients.size());
    std::vector<Clock::time_point> begins(clients.size());
    std::vector<double> took_us;
    std::string batch;
    for (size_t done = 0; done < load_.count;) {
      for (size_t c = 0; c < clients.size(); ++c) {
        batch.clear();
        reply_bytes[c] = add_batch(batch);
        begins[c] = Clock::now();
        clients[c]->send(batch);
      }
      for (size_t c = 0; c < clients.size(); ++c) {
        reply_bytes[c] > 0 ? clients[c]->receive(reply_bytes[c]) : clients[c]->receive_until("MN\r\n");
        took_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begins[c]).count());
      }
      done += load_.depth * clients.size();
    }
    return took_us;
  }

 private:
  static std::string key(size_t number) { return fmt::format("key:{:020}", number); }

  // Each returns how long the replies to what it adds will be; 0 if that cannot be told, and mn stands at the end.
  size_t add_batch(std::string& batch) {
    size_t reply_bytes = 0;
    for (size_t i = 0; i < load_.depth; ++i) reply_bytes += add_request(batch);
    if (reply_bytes == 0) batch += "mn\r\n";
    return reply_bytes;
  }
  size_t add_request(std::string& batch) {
    const size_t number = random_() % load_.keys;
    switch (load_.requests) {
      case Requests::kGets:
        return add_get(batch, 1);
      case Requests::kMultiGets:
        return add_get(batch, kKeysOfMultiGet);
      case Requests::kMetaGets:
        batch += fmt::format("mg {} k v f c\r\n", key(number));
        return 0;
      case Requests::kNoreplySets:
        (void)add_set(batch, number, " noreply");
        return 0;
      case Requests::kGetsAndSets:
        if (random_() % kSetOneIn != 0) return add_get(batch, 1);
        break;
      case Requests::kSets:
        break;
    }
    return add_set(batch, number, "");
  }
  size_t add_set(std::string& batch, size_t number, std::string_view noreply) const {
    batch += fmt::format("set {} 0 0 {}{}\r\n{}\r\n", key(number), value_.size(), noreply, value_);
    return std::string_view("STORED\r\n").size();
  }
  size_t add_get(std::string& batch, size_t keys) {
    batch += "get";
    for (size_t i = 0; i < keys; ++i) batch.append(1, ' ').append(key(random_() % load_.keys));
    batch += "\r\n";
    const size_t header = fmt::format("VALUE {} 0 {}\r\n", key(0), value_.size()).size();
    return keys * (header + value_.size() + 2) + std::string_view("END\r\n").size();
  }

  const Load load_;
  const std::string value_;
  std::mt19937_64 random_{42};
};

struct Figures {
  std::vector<double> cpu_us, requests_per_s, p99_us;
};

// What is compared, and how.
struct Setting {
  std::string netd;
  std::vector<std::string> memcached;  // programs
  Cores cores;
  size_t rounds;
};

// Prints the figures of a load, and returns them as JSON.
std::string report(const Load& load, const std::vector<std::unique_ptr<Server>>& servers,
                   const std::vector<Figures>& figures) {
  std::string json;
  for (size_t s = 0; s < servers.size(); ++s) {
    const auto figure = [&](std::vector<double> Figures::*which) {
      const double value = median(figures[s].*which);
      return fmt::format("{:10.2f} {:.2f} x", value, value / median(figures[0].*which));
    };
    fmt::print("{:<36} {:<16} CPU us a request {}  requests/s {}  p99 us of a batch {}\n", load.title,
               servers[s]->name(), figure(&Figures::cpu_us), figure(&Figures::requests_per_s),
               figure(&Figures::p99_us));
    json += fmt::format(R"({}"{}": {{"cpu_us": {:.3f}, "requests_per_s": {:.0f}, "p99_us": {:.1f}}})",
                        s > 0 ? ", " : "", servers[s]->name(), median(figures[s].cpu_us),
                        median(figures[s].requests_per_s), median(figures[s].p99_us));
  }
  return fmt::format(R"(  "{}": {{{}}})", load.title, json);
}

std::string measure(const Load& load, const Setting& setting) {
  const Cores cores = setting.cores;
  std::vector<std::unique_ptr<Server>> servers;
  for (const std::string& program : setting.memcached) {
    const std::string name = setting.memcached.size() > 1 ? version_of(program) : "memcached";
    servers.push_back(std::make_unique<Server>(name, cores, executed(program, cores)));
  }
  servers.push_back(std::make_unique<Server>("netd", cores, executed(setting.netd, cores)));
  for (const auto& server : servers) Generator(load).fill(server->port());
  if (load.requests == Requests::kGets && cores == Cores::kApart) {
    servers.push_back(std::make_unique<Server>(
        "bare", cores, [&](uint16_t port) { BareServer(Generator(load).replies()).serve(loopback(port)); }));
  }
  std::vector<Figures> figures(servers.size());
  for (size_t round = 0; round < setting.rounds; ++round) {
    for (size_t s = 0; s < servers.size(); ++s) {
      Generator generator(load);
      const uint64_t cpu_before = servers[s]->cpu_ns();
      const auto begin = std::chrono::steady_clock::now();
      const std::vector<double> took_us = generator.run(servers[s]->port());
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      const auto requests = static_cast<double>(load.count);
      figures[s].cpu_us.push_back(static_cast<double>(servers[s]->cpu_ns() - cpu_before) / 1000 / requests);
      figures[s].requests_per_s.push_back(requests / took.count());
      figures[s].p99_us.push_back(quantile(took_us, 0.99));
    }
  }
  return report(load, servers, figures);
}

void run(const Setting& setting, std::string_view wanted, const std::string& json_file) {
  const Cores cores = setting.cores;
  if (cores == Cores::kApart) pin_to(kLoadCore);
  fmt::print(
      "24-byte keys, uniform, 100-byte values, 50 connections unless said otherwise; {}; median of {} rounds\n",
      cores == Cores::kApart ? "servers on core 0, load on core 1" : "two workers, both cores for all",
      setting.rounds);
  const std::vector<Load> loads = {
      {"get, 1 deep, 100 k keys", Requests::kGets, 100'000, 100, 50, 1, 300'000},
      {"get, 1 deep, 1,000 connections", Requests::kGets, 100'000, 100, 1'000, 1, 300'000},
      {"get, 16 deep, 100 k keys", Requests::kGets, 100'000, 100, 50, 16, 1'000'000},
      {"get, 16 deep, 1 M keys", Requests::kGets, 1'000'000, 100, 50, 16, 1'000'000},
      {"9 gets to 1 set, 16 deep", Requests::kGetsAndSets, 100'000, 100, 50, 16, 1'000'000},
      {"set, 16 deep", Requests::kSets, 100'000, 100, 50, 16, 1'000'000},
      {"set, 16 deep, 1 M keys", Requests::kSets, 1'000'000, 100, 50, 16, 1'000'000},
      {"set noreply, 16 deep", Requests::kNoreplySets, 100'000, 100, 50, 16, 1'000'000},
      {"mg with k v f c, 16 deep", Requests::kMetaGets, 100'000, 100, 50, 16, 1'000'000},
      {"get of 32 keys", Requests::kMultiGets, 100'000, 100, 20, 1, 50'000},
      {"get, 4 KiB values, 4 deep", Requests::kGets, 10'000, 4096, 20, 4, 200'000},
      {"get, 512 KiB values", Requests::kGets, 100, 512 * 1024, 2, 1, 4'000},
      {"set, 40 KiB values, 16 deep", Requests::kSets, 20'000, 40 << 10, 20, 16, 40'000},
      {"set, 512 KiB values", Requests::kSets, 1'000, 512 << 10, 2, 1, 4'000},
  };
  std::string json;
  for (const Load& load : loads) {
    if (load.title.find(wanted) == std::string::npos) continue;
    json += (json.empty() ? "" : ",\n") + measure(load, setting);
  }
  if (!json_file.empty()) std::ofstream(json_file) << "{\n" << json << "\n}\n";
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  constexpr std::string_view kJson = "--json=";
  std::string json_file;
  if (argc > 3 && std::string_view(argv[argc - 1]).starts_with(kJson)) json_file = argv[--argc] + kJson.size();
  if (argc < 3 || (argc > 5 && std::string_view(argv[5]) != "both")) {
    larder::bench::fail(
        "usage: net_bench NETD MEMCACHED[,MEMCACHED...] [rounds] [part of the title of the loads wanted] [both] "
        "[--json=FILE]");
  }
  larder::bench::print_by_lines();
  larder::bench::run({.netd = argv[1],
                      .memcached = larder::bench::split(argv[2]),
                      .cores = argc > 5 ? larder::bench::Cores::kShared : larder::bench::Cores::kApart,
                      .rounds = larder::bench::number_argument(argc, argv, 3, 5)},
                     argc > 4 ? argv[4] : "", json_file);
}
