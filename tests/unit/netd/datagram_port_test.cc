#include "netd/datagram_port.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "netd/datagram.h"
#include "server_fixture.h"

namespace netd {
namespace {

// A port and a client of it, on a loop of which the test runs one handler after the other.
struct PortFixture : ServerFixture {
  PortFixture() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    UniqueFd bound = make_socket();
    REQUIRE(bind(bound.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(getsockname(bound.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    REQUIRE(connect(client.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    port.emplace(context, std::move(bound));
    port->start();
  }

  static UniqueFd make_socket() {
    UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int bytes = 200'000;
    REQUIRE(setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
    return fd;
  }

  void send(std::string_view request) const {
    const std::string datagram = std::string("\0\7\0\0\0\1\0\0", kDatagramHeaderBytes) + std::string(request);
    REQUIRE(::send(client.get(), datagram.data(), datagram.size(), 0) == static_cast<ssize_t>(datagram.size()));
  }

  // How many replies have come since the last call, by their last parts.
  [[nodiscard]] int replies() const {
    int count = 0;
    std::array<char, 2000> datagram;
    while (true) {
      const ssize_t bytes = recv(client.get(), datagram.data(), datagram.size(), 0);
      if (bytes < static_cast<ssize_t>(kDatagramHeaderBytes)) return count;
      const std::string_view content(datagram.data(), static_cast<size_t>(bytes));
      if (content.ends_with("END\r\n") || content.ends_with("MN\r\n")) ++count;
    }
  }

  EventLoop loop;
  ConnectionContext context{loop,  state, state.worker_counters(0), state.latency(0), pool, dispatch, [](Connection&) {},
                            [] {}, [] {}, [](Connection&) {}};
  const UniqueFd client = make_socket();
  std::optional<DatagramPort> port;
};

TEST_CASE("a turn is no more requests than others have in theirs") {
  PortFixture server;
  for (int i = 0; i < 45; ++i) server.send("mn\r\n");
  for (const int replies : {20, 20, 5}) {
    server.loop.run_round();
    CHECK(server.replies() == replies);
  }
}

TEST_CASE("a turn of long replies ends sooner") {
  PortFixture server;
  server.ask("set a 0 0 30000\r\n" + std::string(30'000, 'x') + "\r\n");
  for (int i = 0; i < 7; ++i) server.send("get a\r\n");
  for (const int replies : {3, 3, 1}) {
    server.loop.run_round();
    CHECK(server.replies() == replies);
  }
}

TEST_CASE("a turn of long requests ends sooner") {
  PortFixture server;
  for (int i = 0; i < 3; ++i) server.send("set a 0 0 35000 noreply\r\n" + std::string(35'000, 'x') + "\r\n");
  for (int i = 0; i < 4; ++i) server.send("mn\r\n");
  for (const int replies : {0, 0, 0, 4}) {
    server.loop.run_round();
    CHECK(server.replies() == replies);
  }
}

TEST_CASE("of many keys some are looked up in each turn, and others have theirs in between") {
  PortFixture server;
  std::string request = "get";
  for (int i = 0; i < 3000; ++i) request += " key" + std::to_string(i);
  server.send(request + "\r\n");
  server.loop.run_round();
  bool had_a_turn = false;
  server.loop.post([&] { had_a_turn = true; });
  CHECK(server.replies() == 0);
  while (server.replies() == 0) server.loop.run_round();
  CHECK(had_a_turn);
  CHECK(server.cache->stats().get_misses == 3000);
}

}  // namespace
}  // namespace netd
