#include "hostile_client.h"

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

namespace larder::soak {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongest(2'000);

}  // namespace

void HostileClient::run() {
  while (load_.goes_on()) {
    try {
      act();
    } catch (const Gone&) {
      // To be closed is what it asks for.
    }
    add(load_.hostile_acts);
  }
}

void HostileClient::act() {
  constexpr auto kActs = std::to_array<void (HostileClient::*)()>(
      {&HostileClient::send_garbage, &HostileClient::send_half_a_request, &HostileClient::leave_before_the_reply,
       &HostileClient::send_endless_line, &HostileClient::read_nothing, &HostileClient::trickle,
       &HostileClient::come_and_go, &HostileClient::guess_passwords, &HostileClient::watch_and_read_nothing,
       &HostileClient::ask_for_reports, &HostileClient::tune, &HostileClient::send_what_is_too_large,
       &HostileClient::hold_unfinished_requests, &HostileClient::flood_with_reports,
       &HostileClient::lengthen_long_values, &HostileClient::leave_a_dump_unread,
       &HostileClient::guess_on_many_connections, &HostileClient::ask_for_scans_over_udp});
  (this->*kActs[below(kActs.size())])();
}

void HostileClient::send_garbage() {
  const auto connection = connect();
  if (one_in(2)) connection->reset_at_end();
  for (uint64_t left = 1 + below(20); left > 0; --left) connection->send(garbage(1 + below(4096)));
  if (one_in(2)) connection->end_sending(), connection->drain();
}

void HostileClient::send_half_a_request() {
  const auto connection = connect();
  const std::string request = fmt::format("set h:{} 0 0 900000\r\n{}", below(100), std::string(800'000, 'h'));
  fill(*connection, request.substr(0, below(request.size())), kLongest);
  pause(kLongest);
  if (one_in(2)) connection->reset_at_end();
}

void HostileClient::leave_before_the_reply() {
  const auto connection = connect();
  std::string requests;
  for (uint64_t left = 200; left > 0; --left)
    requests += fmt::format("get p:0:{} h:1\r\nmg p:1:{} v\r\n", left, left);
  fill(*connection, requests, milliseconds(200));
  pause(milliseconds(50));
  connection->reset_at_end();
}

void HostileClient::send_endless_line() {
  const auto connection = connect();
  const std::string key = " " + std::string(200, 'h');
  std::string line = one_in(2) ? "get" : "x";
  while (line.size() < size_t{1} << 20) line += key;
  for (int i = 0; i < 9; ++i) fill(*connection, line, milliseconds(300));
  connection->send("\r\n");
  connection->end_sending();
  connection->drain();
}

void HostileClient::read_nothing() {
  const auto connection = connect();
  std::string requests = fmt::format("set h:{0} 0 0 500000\r\n{1}\r\n", below(10), std::string(500'000, 'h'));
  for (uint64_t left = 100; left > 0; --left) requests += fmt::format("get h:{}\r\nstats\r\n", below(10));
  fill(*connection, requests, milliseconds(500));
  const auto end = Clock::now() + kLongest;
  while (load_.goes_on() && Clock::now() < end) pause(milliseconds(100));
  if (one_in(2)) connection->reset_at_end();
}

void HostileClient::trickle() {
  const auto connection = connect();
  const std::string requests =
      "set h:trickle 0 0 20\r\n01234567890123456789\r\nget h:trickle\r\nmg h:trickle v\r\n";
  for (const char& byte : requests) {
    if (!load_.goes_on()) return;
    connection->send({&byte, 1});
    pause(milliseconds(20));
  }
}

void HostileClient::come_and_go() {
  Connections connections;
  for (int i = 0; i < 50; ++i) {
    connections.push_back(std::make_unique<Connection>(load_.port, kHostileHost));
    if (one_in(2)) connections.back()->send("get h:1\r\n");
    if (one_in(2)) connections.back()->reset_at_end();
    if (one_in(3)) connections.pop_back();
  }
}

void HostileClient::guess_passwords() {
  if (load_.user.empty()) return;
  Connection connection(load_.port, kGuessingHost);
  for (uint64_t left = 20; left > 0; --left) {
    const std::string guess = one_in(4) ? garbage(1 + below(300)) : fmt::format("user guess{}", below(1'000'000));
    connection.send(fmt::format("set auth 0 0 {}\r\n{}\r\n", guess.size(), guess));
  }
  connection.send("get p:0:1\r\nflush_all\r\nset auth 0 0 16385\r\n");
  connection.end_sending();
  connection.drain();
}

void HostileClient::watch_and_read_nothing() {
  const auto connection = connect();
  connection->send("watch fetchers mutations evictions deletions connevents\r\n");
  pause(kLongest);
  if (one_in(2)) connection->reset_at_end();
}

void HostileClient::ask_for_reports() {
  constexpr auto kReports = std::to_array<std::string_view>(
      {"stats", "stats items", "stats slabs", "stats sizes", "stats conns", "stats settings", "stats detail on",
       "stats detail dump", "stats detail off", "stats cachedump 1 0", "lru_crawler metadump all",
       "lru_crawler mgdump hash", "me p:0:1", "verbosity 0", "version"});
  const auto connection = connect();
  for (uint64_t left = 1 + below(3); left > 0; --left) {
    connection->send(fmt::format("{}\r\n", kReports[below(kReports.size())]));
  }
  if (one_in(3)) return connection->reset_at_end();
  connection->end_sending();
  connection->drain();
}

// All of it may cost good clients items, and nothing else. Rare, as the cache is to be full.
void HostileClient::tune() {
  if (!one_in(100)) return pause(milliseconds(100));
  const auto connection = connect();
  // While the limit is high, the cache has room below 64 MB.
  connection->send(one_in(2) ? "flush_all\r\n"
                             : "cache_memlimit 32\r\ncache_memlimit 16000\r\n"
                               "cache_memlimit 32\r\ncache_memlimit 64\r\n");
  connection->end_sending();
  connection->drain();
}

void HostileClient::send_what_is_too_large() {
  const auto connection = connect();
  const std::string value(size_t{3} << 20, 'h');
  connection->send(fmt::format("set h:large 0 0 {}\r\n{}\r\nms h:large 2147483645\r\n", value.size(), value));
  fill(*connection, value, milliseconds(300));
}

void HostileClient::hold_unfinished_requests() {
  Connections silent = connect(100);
  Connections dripping = connect(100);
  for (const Connections* const connections : {&silent, &dripping}) {
    for (const auto& connection : *connections) {
      const std::string part(2'000 + below(10'000), 'h');
      connection->send_some(fmt::format("set h:unfinished 0 0 {}\r\n{}", one_in(2) ? 16'000 : 1'000'000, part));
    }
  }
  offer(dripping, "h", 2 * kLongest);
}

void HostileClient::flood_with_reports() {
  constexpr auto kReports =
      std::to_array<std::string_view>({"detail dump", "conns", "sizes", "items", "slabs", "detail on"});
  std::string requests = "stats detail on\r\n";
  for (int i = 0; i < 100; ++i) requests += fmt::format("get h{}{}:1\r\n", std::string(100, 'h'), below(10'000));
  const std::string_view report = kReports[below(kReports.size())];
  for (int i = 0; i < 100; ++i) requests += fmt::format("stats {}\r\n", report);
  Connections connections = connect(10 + below(50));
  offer(connections, requests, kLongest);
}

void HostileClient::lengthen_long_values() {
  Connections connections = connect(20);
  const std::string key = fmt::format("h:lengthened:{}", below(4));
  connections.front()->send(fmt::format("set {} 0 0 500000\r\n{}\r\n", key, std::string(500'000, 'h')));
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += fmt::format("append {0} 0 0 2\r\nhh\r\nprepend {0} 0 0 2\r\nhh\r\n", key);
  offer(connections, requests, kLongest);
}

void HostileClient::leave_a_dump_unread() {
  const auto connection = connect();
  connection->send(one_in(2) ? "lru_crawler metadump all\r\n" : "lru_crawler mgdump all\r\n");
  pause(2 * kLongest);
}

void HostileClient::guess_on_many_connections() {
  if (load_.user.empty()) return;
  Connections connections;
  for (int i = 0; i < 200; ++i) connections.push_back(std::make_unique<Connection>(load_.port, kGuessingHost));
  offer(connections, "set auth 0 0 10\r\nuser guess\r\n", kLongest);
}

// If the server has UDP, then at the port of TCP.
void HostileClient::ask_for_scans_over_udp() {
  constexpr auto kScans = std::to_array<std::string_view>(
      {"lru_crawler metadump all", "lru_crawler crawl all", "stats cachedump 63 0", "stats sizes", "stats items",
       "stats conns", "stats detail dump", "watch fetchers", "get h:0 h:1 h:2 h:3", "mn"});
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in server = loopback(1, load_.port);
  for (int i = 0; i < 200; ++i) {
    const std::string request =
        fmt::format("{}{}\r\n", std::string("\0\1\0\0\0\1\0\0", 8), kScans[below(kScans.size())]);
    sendto(fd, request.data(), request.size(), 0, reinterpret_cast<const sockaddr*>(&server), sizeof server);
  }
  close(fd);
}

// As a known user or, now and then, as nobody.
std::unique_ptr<Connection> HostileClient::connect() {
  auto connection = std::make_unique<Connection>(load_.port, kHostileHost);
  if (load_.user.empty() || one_in(5)) return connection;
  connection->send(fmt::format("set user 0 0 {}\r\n{}\r\n", load_.user.size(), load_.user));
  return connection;
}

HostileClient::Connections HostileClient::connect(size_t count) {
  Connections connections;
  while (connections.size() < count && load_.goes_on()) connections.push_back(connect());
  return connections;
}

// Sends without reading anything, as far as the server takes it.
void HostileClient::fill(Connection& connection, std::string_view bytes, milliseconds longest) {
  const auto end = Clock::now() + longest;
  while (!bytes.empty() && load_.goes_on() && Clock::now() < end) {
    const size_t sent = connection.send_some(bytes);
    bytes.remove_prefix(sent);
    if (sent == 0) std::this_thread::sleep_for(milliseconds(1));
  }
}

// Sends again and again on one connection or another, as far as the server takes it, and reads little. Those that
// the server closes are given up.
void HostileClient::offer(Connections& connections, std::string_view bytes, milliseconds longest) {
  const auto end = Clock::now() + longest;
  while (!connections.empty() && load_.goes_on() && Clock::now() < end) {
    std::erase_if(connections, [&](const std::unique_ptr<Connection>& connection) {
      if (!one_in(10)) return false;
      try {
        connection->skip();
        connection->send_some(bytes);
        return false;
      } catch (const Gone&) {
        return true;
      }
    });
    std::this_thread::sleep_for(milliseconds(10));
  }
}

void HostileClient::pause(milliseconds longest) {
  std::this_thread::sleep_for(milliseconds(below(static_cast<uint64_t>(longest.count()))));
}

std::string HostileClient::garbage(size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += static_cast<char>(random_());
  return text;
}

}  // namespace larder::soak
