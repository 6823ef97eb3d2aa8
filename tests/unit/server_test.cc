#include "larder/server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "larder/loading_cache.h"

namespace larder {
namespace {

std::unique_ptr<Cache> make_cache() { return *Cache::create({.memory_limit_bytes = size_t{8} << 20}); }

// A client that sends and receives bytes.
class Client {
 public:
  explicit Client(const Server& server) {
    if (server.port() == 0) {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      server.address().copy(address.sun_path, sizeof address.sun_path - 1);
      connect_to(address);
    } else {
      connect_to_port(server.port());
    }
  }
  explicit Client(int port) { connect_to_port(port); }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool is_connected() const { return connected_; }

  void send(const std::string& text) { CHECK(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) > 0); }

  // All that comes until `end` does; up to the end of the stream if it is empty.
  std::string receive(const std::string& end) {
    std::string text;
    char bytes[4096];
    while (end.empty() || !text.ends_with(end)) {
      const ssize_t count = recv(fd_, bytes, sizeof bytes, 0);
      CHECK((count >= 0 || errno == ECONNRESET));
      if (count <= 0) break;
      text.append(bytes, static_cast<size_t>(count));
    }
    return text;
  }

  std::string ask(const std::string& text, const std::string& end = "\r\n") {
    send(text);
    return receive(end);
  }

 private:
  template <typename Address>
  void connect_to(const Address& address) {
    fd_ = socket(address_family(address), SOCK_STREAM | SOCK_CLOEXEC, 0);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval deadline = {.tv_sec = 60, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  }
  void connect_to_port(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect_to(address);
  }
  static int address_family(const sockaddr_un&) { return AF_UNIX; }
  static int address_family(const sockaddr_in&) { return AF_INET; }

  int fd_ = -1;
  bool connected_ = false;
};

std::unique_ptr<Server> start(Cache& cache, const ServerOptions& options = {}) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::start(cache, options);
  REQUIRE_MESSAGE(server.ok(), server.status());
  return *std::move(server);
}

// Threads that store, read and erase until they are told to stop.
class Load {
 public:
  explicit Load(Cache& cache) {
    for (int thread = 0; thread < 3; ++thread) {
      threads_.emplace_back([&cache, this, thread] {
        for (uint64_t i = 0; !is_over_.load(); ++i) {
          const std::string key = "key" + std::to_string((i * 7 + static_cast<uint64_t>(thread)) % 1000);
          if (i % 3 == 0) (void)cache.set(key, std::string(i % 2000, 'v'));
          if (i % 3 == 1) (void)cache.get(key);
          if (i % 100 == 2) (void)cache.erase(key);
        }
      });
    }
  }
  ~Load() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> is_over_{false};
  std::vector<std::thread> threads_;
};

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "larder-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

TEST_CASE("a client looks into a cache that the program goes on using") {
  const auto cache = make_cache();
  (void)cache->set("greeting", "hello", {.flags = 5});
  const auto server = start(*cache);
  CHECK(server->address() == "127.0.0.1:" + std::to_string(server->port()));
  Client client(*server);
  CHECK(client.ask("get greeting\r\n", "END\r\n") == "VALUE greeting 5 5\r\nhello\r\nEND\r\n");
  (void)cache->set("greeting", "bye");
  CHECK(client.ask("mg greeting v\r\n", "bye\r\n") == "VA 3\r\nbye\r\n");
  const std::string stats = client.ask("stats\r\n", "END\r\n");
  CHECK(stats.find("STAT curr_items 1\r\n") != std::string::npos);
  CHECK(stats.find("STAT limit_maxbytes 8388608\r\n") != std::string::npos);
}

TEST_CASE("clients may only look, unless they are told otherwise") {
  const auto cache = make_cache();
  const auto read_only = start(*cache);
  CHECK(Client(*read_only).ask("set a 0 0 1\r\n1\r\n") == "CLIENT_ERROR this server is read-only\r\n");
  CHECK(!cache->contains("a"));

  const auto open = start(*cache, {.read_only = false});
  Client client(*open);
  CHECK(client.ask("set a 0 0 1\r\n1\r\n") == "STORED\r\n");
  CHECK(cache->get("a")->value == "1");
  CHECK(client.ask("incr a 4\r\n") == "5\r\n");
  CHECK(client.ask("shutdown\r\n") == "SERVER_ERROR: shutdown not enabled\r\n");
  CHECK(client.ask("debugtime 100\r\n") == "ERROR\r\n");
  CHECK(client.ask("verbosity 2\r\n") == "OK\r\n");
  CHECK(client.ask("stats settings\r\n", "END\r\n").find("STAT verbosity 0\r\n") != std::string::npos);
}

TEST_CASE("a value that would not be stored is skipped, however long it is") {
  const auto cache = make_cache();
  const auto server = start(*cache);
  const std::string value(4 << 20, 'x');
  Client client(*server);
  CHECK(client.ask("set a 0 0 " + std::to_string(value.size()) + "\r\n") ==
        "CLIENT_ERROR this server is read-only\r\n");
  client.send(value + "\r\nmn\r\n");
  CHECK(client.receive("\r\n") == "MN\r\n");
}

TEST_CASE("a server is started, asked and stopped again and again while threads use the cache") {
  const auto cache = make_cache();
  const Load load(*cache);
  for (int round = 0; round < 20; ++round) {
    const auto server = start(*cache, {.threads = size_t{1} + static_cast<size_t>(round % 3)});
    std::vector<std::thread> clients;
    for (int i = 0; i < 3; ++i) {
      clients.emplace_back([&server] {
        Client client(*server);
        CHECK(client.ask("get key1 key2 key3 key4\r\nmn\r\n", "MN\r\n").find("END\r\nMN\r\n") != std::string::npos);
        CHECK(client.ask("stats\r\n", "END\r\n").starts_with("STAT pid "));
        CHECK(client.ask("lru_crawler metadump all\r\n", "\r\n") != "");
      });
    }
    for (std::thread& client : clients) client.join();
    Client idle(*server);
    CHECK(idle.ask("mn\r\n") == "MN\r\n");
    server->stop();
    CHECK(idle.receive("") == "");
    CHECK(!Client(*server).is_connected());
    CHECK(cache->stats().external_bytes == 0);
  }
}

TEST_CASE("stopping does not wait for clients that are stuck longer than the grace") {
  const auto cache = make_cache();
  (void)cache->set("long", std::string(1 << 20, 'x'));
  const auto server = start(*cache, {.read_only = false});
  Client silent(*server);
  Client writer(*server);
  CHECK(writer.ask("mn\r\nset a 0 0 100\r\nhalf") == "MN\r\n");
  Client reader(*server);
  std::string many = "mn\r\n";
  for (int i = 0; i < 64; ++i) many += "get long\r\n";
  reader.send(many);
  CHECK(Client(*server).ask("mn\r\n") == "MN\r\n");

  server->stop(std::chrono::milliseconds(50));  // It returns, though they stay stuck for ever.
  CHECK(silent.receive("") == "");
  CHECK(writer.receive("") == "");
  CHECK(!cache->contains("a"));
  server->stop();  // has nothing left to do
}

TEST_CASE("several threads may stop a server") {
  const auto cache = make_cache();
  const auto server = start(*cache);
  const Client client(*server);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      server->stop();
      CHECK(!Client(*server).is_connected());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a port that is in use is told, and can be had when it is free again") {
  const auto cache = make_cache();
  auto first = start(*cache);
  const int port = first->port();
  const absl::Status status = Server::start(*cache, {.port = port}).status();
  CHECK(status.code() == absl::StatusCode::kUnavailable);
  CHECK(status.message() == "cannot listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
  const Client lingering(*first);
  first.reset();
  CHECK(start(*cache, {.port = port})->port() == port);
}

TEST_CASE("a program's cache has metrics, too, until its server stops") {
  const auto cache = make_cache();
  CHECK(cache->set("a", "1") == StoreResult::kStored);
  const auto server = start(*cache, {.http_port = 0});
  REQUIRE(server->http_port() > 0);
  CHECK(server->http_port() != server->port());
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  {
    Client client(server->http_port());
    client.send(request);
    const std::string reply = client.receive({});
    CHECK(reply.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(reply.find("\nmemcached_current_items 1\n") != std::string::npos);
  }
  Client idle(server->http_port());
  Client sends(server->http_port());
  sends.send(request.substr(0, 10));
  server->stop();
  CHECK(idle.receive({}).empty());
  CHECK_FALSE(Client(server->http_port()).is_connected());
}

TEST_CASE("a server has no HTTP port unless it is asked for") {
  const auto cache = make_cache();
  CHECK(start(*cache)->http_port() == 0);
}

TEST_CASE("an option that is out of range is named") {
  const auto cache = make_cache();
  const auto message = [&](const ServerOptions& options) {
    const absl::Status status = Server::start(*cache, options).status();
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  CHECK(message({.port = -1}) == "port: -1 is not from 0 to 65535");
  CHECK(message({.port = 65536}) == "port: 65536 is not from 0 to 65535");
  CHECK(message({.port = 1, .unix_socket = "/tmp/x"}) == "port: 1 is given together with unix_socket");
  CHECK(message({.http_port = -1}) == "http_port: -1 is not from 0 to 65535");
  CHECK(message({.http_port = 65536}) == "http_port: 65536 is not from 0 to 65535");
  CHECK(message({.threads = 0}) == "threads: 0 is not from 1 to 1024");
  CHECK(message({.threads = 1025}) == "threads: 1025 is not from 1 to 1024");
  CHECK(message({.connections_max = 0}) == "connections_max: 0 is below 1");
  CHECK(message({.unix_socket = "/" + std::string(200, 'x')}).starts_with("unix_socket: "));
}

TEST_CASE("two caches are served by two servers of one process") {
  const auto one = make_cache();
  const auto two = make_cache();
  (void)one->set("name", "one");
  (void)two->set("name", "two");
  const auto first = start(*one);
  const auto second = start(*two);
  CHECK(Client(*first).ask("mg name v\r\n", "one\r\n") == "VA 3\r\none\r\n");
  CHECK(Client(*second).ask("mg name v\r\n", "two\r\n") == "VA 3\r\ntwo\r\n");
  first->stop();
  CHECK(Client(*second).ask("mn\r\n") == "MN\r\n");
}

TEST_CASE("what the cache evicts is counted as a whole, not by size class") {
  const auto cache = make_cache();
  for (int i = 0; cache->stats().evictions == 0; ++i) (void)cache->set(std::to_string(i), std::string(1000, 'x'));
  const auto server = start(*cache);
  Client client(*server);
  CHECK(client.ask("stats\r\n", "END\r\n").find("STAT evictions 0\r\n") == std::string::npos);
  CHECK(client.ask("stats items\r\n", "END\r\n").find(":evicted 0\r\n") != std::string::npos);
}

TEST_CASE("a client beyond connections_max is sent away") {
  const auto cache = make_cache();
  const auto server = start(*cache, {.connections_max = 1});
  Client first(*server);
  CHECK(first.ask("mn\r\n") == "MN\r\n");
  CHECK(Client(*server).receive("") == "ERROR Too many open connections\r\n");
}

TEST_CASE("a UNIX socket is its owner's alone, whatever the umask, and goes with the server") {
  const Directory directory;
  const std::string path = directory.file("cache");
  const auto cache = make_cache();
  for (const mode_t mask : {mode_t{0}, mode_t{077}, mode_t{0777}}) {
    const mode_t before = umask(mask);
    auto server = start(*cache, {.unix_socket = path});
    CHECK(umask(before) == mask);
    struct stat status {};
    CHECK(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    CHECK(server->address() == path);
    CHECK(server->port() == 0);
    CHECK(Client(*server).ask("mn\r\n") == "MN\r\n");
    server.reset();
    CHECK(!std::filesystem::exists(path));
  }
  std::ofstream(path) << "precious";
  const absl::Status status = Server::start(*cache, {.unix_socket = path}).status();
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(status.message() == "unix_socket: '" + path + "' is there and is not a socket");
  CHECK(std::filesystem::file_size(path) == 8);
}

// The lines of /proc/self/status about signals that are caught or ignored.
std::string signal_handlers() {
  std::ifstream status("/proc/self/status");
  std::string text;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt") || line.starts_with("SigIgn")) text += line;
  }
  return text;
}

TEST_CASE("the signals of the process stay its own") {
  const auto cache = make_cache();
  const std::string before = signal_handlers();
  const auto server = start(*cache);
  CHECK(signal_handlers() == before);

  // Blocked by all threads, the signal waits for the one that asks for it; otherwise it would end the process.
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
  kill(getpid(), SIGUSR1);
  CHECK(Client(*server).ask("mn\r\n") == "MN\r\n");
  const timespec deadline = {.tv_sec = 60, .tv_nsec = 0};
  CHECK(sigtimedwait(&usr1, nullptr, &deadline) == SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &usr1, nullptr);
}

TEST_CASE(
    "clients see a load of the program's as a key that somebody is renewing, and as missing if they do not ask") {
  ManualClock clock;
  const std::unique_ptr<Cache> cache = *Cache::create({.memory_limit_bytes = size_t{8} << 20, .clock = &clock});
  const std::unique_ptr<Server> server = start(*cache, {.read_only = false});
  Client client(*server);
  LoadingCache<> loading(*cache);
  const std::string end = "END\r\n";
  CHECK(*loading.get_or_load("k", {}, [&](std::string_view) {
    CHECK(client.ask("get k\r\n", end) == end);
    CHECK(client.ask("mg k v\r\n") == "EN\r\n");
    CHECK(client.ask("append k 0 0 1\r\nx\r\n") == "NOT_STORED\r\n");
    CHECK(client.ask("touch k 1\r\n") == "NOT_FOUND\r\n");
    CHECK(client.ask("me k\r\n") == "EN\r\n");
    CHECK(client.ask("mg k N60 T60 v f t\r\n", "\r\n\r\n") == "VA 0 f0 t30 Z\r\n\r\n");
    return "loaded";
  }) == "loaded");
  CHECK(client.ask("get k\r\n", end) == "VALUE k 0 6\r\nloaded\r\n" + end);
  // What the program knows to be absent is the client's to bring, and from then on an item, as with memcached.
  const auto find_nothing = [](std::string_view) { return std::optional<std::string>(); };
  CHECK_FALSE(loading.get_or_load("l", {.absent_ttl = std::chrono::hours(1)}, find_nothing).ok());
  CHECK(client.ask("get l\r\n", end) == end);
  CHECK(client.ask("mg l N60 v t\r\n", "\r\n\r\n") == "VA 0 t60 W\r\n\r\n");
  CHECK(client.ask("get l\r\n", end) == "VALUE l 0 0\r\n\r\n" + end);
}

}  // namespace
}  // namespace larder
