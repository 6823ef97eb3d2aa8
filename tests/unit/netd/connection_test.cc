#include "netd/connection.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "netd/reply_words.h"
#include "server_fixture.h"
#include "temporary_file.h"

namespace netd {
namespace {

// A connection, and its client, on a loop that runs when the test says so. Of its worker there are the buffers,
// which are charged, and nothing else: it takes memory from nobody.
struct ConnectionFixture : ServerFixture {
  explicit ConnectionFixture(const Options& given = {}) : ServerFixture(given) {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    client = UniqueFd(ends[0]);
    connection = std::make_unique<Connection>(context, UniqueFd(ends[1]), 0);
    connection->start();
  }

  // Does what there is to do.
  void serve() {
    while (loop.poll()) {
    }
  }

  // What the connection takes of `text`, as long as it waits for nothing but its client; returns the rest.
  std::string_view send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count < 0) break;
      text.remove_prefix(static_cast<size_t>(count));
      serve();
    }
    return text;
  }

  // What the client has been sent since the last call.
  [[nodiscard]] std::string receive() const {
    std::string text;
    std::array<char, 4096> buffer;
    while (true) {
      const ssize_t count = recv(client.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0) return text;
      text.append(buffer.data(), static_cast<size_t>(count));
    }
  }

  UniqueFd client;
  EventLoop loop;
  BufferPool buffers{[this](int64_t bytes) { return state.connection_memory().charge(bytes); }};
  ConnectionContext context{loop,    state,    state.worker_counters(0),                      state.latency(0),
                            buffers, dispatch, [this](Connection&) { connection.reset(); }, [] {},
                            [] {},   [](Connection&) {}};
  std::unique_ptr<Connection> connection;
};

TEST_CASE("little of a long request is progress for who holds little, and none for who holds much") {
  constexpr size_t kLittleBytes = 2 << 10;
  ConnectionFixture little;
  ConnectionFixture much;
  REQUIRE(little.send("set a 0 0 1000000\r\n" + std::string(2 * kLittleBytes, 'v')).empty());
  REQUIRE(much.send("set a 0 0 1000000\r\n" + std::string(500'000, 'v')).empty());
  CHECK(much.connection->held_bytes() >= 500'000);
  for (int seconds = 1; seconds <= 5; ++seconds) {
    for (ConnectionFixture* const server : {&little, &much}) {
      server->clock.advance_ms(1000);
      REQUIRE(server->send(std::string(kLittleBytes, 'v')).empty());
    }
    CHECK(little.connection->held_ms() == 0);
    CHECK(much.connection->held_ms() == 1000 * seconds);
  }
  REQUIRE(much.send(std::string(50'000, 'v')).empty());
  CHECK(much.connection->held_ms() == 0);
}

TEST_CASE("a value waits for memory for longer than others may stand still, and gets it when they are gone") {
  ConnectionFixture server;
  ConnectionMemory& memory = server.state.connection_memory();
  const size_t others_bytes = memory.large_bytes_max();
  REQUIRE(memory.take(others_bytes));
  const std::string value(200'000, 'v');
  const std::string request = "set a 0 0 200000\r\n" + value + "\r\n";
  const auto start = std::chrono::steady_clock::now();
  std::string_view rest = server.send(request);
  // Each wait takes a while at least, so that on a slow machine there are fewer of them, not more.
  while (std::chrono::steady_clock::now() - start < std::chrono::seconds(1)) {
    server.loop.run_round();
    REQUIRE(server.receive().empty());
  }
  memory.give(others_bytes);
  std::string reply;
  for (; reply.empty(); reply = server.receive()) {
    server.loop.run_round();
    rest = server.send(rest);
  }
  CHECK(reply == kReplyStored);
  CHECK(server.ask("get a\r\n") == "VALUE a 0 200000\r\n" + value + "\r\nEND\r\n");
}

TEST_CASE("who waits to log in holds what he holds, as any other who waits, and can lose it, and his turn") {
  constexpr int64_t kLongAfterMs = 1'000'000'000;
  const TemporaryFile users("alice:secret\n");
  Options options;
  options.auth_file = users.path;
  ConnectionFixture server(options);
  const std::string guess = "set auth 0 0 11\r\nalice wrong\r\n";
  std::string failures;
  for (int64_t ms = 0; ms < LoginPace::kFreeMs; ms += LoginPace::kWrongMs) {
    REQUIRE(server.send(guess).empty());
    failures += kErrorAuthFailed;
  }
  CHECK(server.receive() == failures);
  REQUIRE(server.send(guess + std::string(1900, 'q')).empty());
  CHECK(server.receive().empty());
  server.clock.advance_ms(LoginPace::kWrongMs - 1);
  CHECK(server.connection->is_holding(guess.size() + 1900 - 1));
  CHECK(server.connection->held_ms() == LoginPace::kWrongMs - 1);
  CHECK(server.state.connection_memory().used_bytes() >= server.connection->held_bytes());
  LoginPace& pace = server.state.login_pace();
  const auto other = pace.enter(login_source(server.client.get()), /*is_first=*/false, [] {});
  CHECK(pace.wait_ms(*other, kLongAfterMs) > 0);
  server.connection->revoke("memory", kErrorNoMemoryReading);
  CHECK(server.receive() == kErrorNoMemoryReading);
  CHECK(pace.wait_ms(*other, kLongAfterMs) == 0);
  CHECK(server.connection->held_bytes() == 0);
  server.buffers.trim(0);
  CHECK(server.state.connection_memory().used_bytes() == 0);
}

}  // namespace
}  // namespace netd
