// The meta commands where time or memory matters; the rest is in tests/e2e/meta_vectors.py, rule by rule.
#include "netd/executor.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "larder/loading_cache.h"
#include "server_fixture.h"

namespace netd {
namespace {

TEST_CASE("an item is won from the second on in which t shows less than R") {
  ServerFixture server;
  server.ask("ms r 1 T20\r\nx\r\n");
  CHECK(server.ask("mg r R20 t\r\n") == "HD t20\r\n");
  server.clock.advance_ms(999);
  CHECK(server.ask("mg r R20 t\r\n") == "HD t20\r\n");
  server.clock.advance_ms(1);
  CHECK(server.ask("mg r R20 t\r\n") == "HD t19 W\r\n");
  CHECK(server.ask("mg r R20 t\r\n") == "HD t19 Z\r\n");
}

TEST_CASE("a created item that nobody stores has another winner when it has expired") {
  ServerFixture server;
  CHECK(server.ask("mg a N5\r\nmg a N5\r\n") == "HD W\r\nHD Z\r\n");
  server.clock.advance_ms(5'000);
  CHECK(server.ask("mg a N5\r\n") == "HD W\r\n");
}

TEST_CASE("a key that a client is to renew is not loaded by the program, nor the other way round") {
  ServerFixture server;
  larder::LoadingCache<> program(*server.cache);
  // Won by the client: the program waits for its value.
  CHECK(server.ask("mg a N30 v\r\n") == "VA 0 W\r\n\r\n");
  std::jthread waiting([&] {
    const auto load = [](std::string_view) { return "loaded twice"; };
    CHECK(program.get_or_load("a", {.load_timeout = std::chrono::hours(24)}, load).value_or("none") ==
          "from the client");
  });
  while (program.load_stats().waits == 0) std::this_thread::yield();
  CHECK(server.ask("ms a 15 T0\r\nfrom the client\r\n") == "HD\r\n");
  waiting.join();
  // Won by the program: the client is told that somebody renews it.
  const auto load = [&](std::string_view) {
    CHECK(server.ask("mg b N30 v\r\n") == "VA 0 Z\r\n\r\n");
    return "from the program";
  };
  CHECK(program.get_or_load("b", {}, load).value_or("none") == "from the program");
  CHECK(server.ask("mg b N30 v\r\n") == "VA 16\r\nfrom the program\r\n");
  // Made stale by the client.
  CHECK(server.ask("md b I\r\n") == "HD\r\n");
  const auto renew = [&](std::string_view) {
    CHECK(server.ask("mg b v\r\n") == "VA 16 Z X\r\nfrom the program\r\n");
    return "renewed";
  };
  CHECK(program.get_or_load("b", {}, renew).value_or("none") == "renewed");
  CHECK(server.ask("mg b v\r\n") == "VA 7\r\nrenewed\r\n");
}

TEST_CASE("l tells the seconds since the last access, the value's last change as long as nobody asked") {
  ServerFixture server;
  server.ask("set a 0 0 1\r\n1\r\n");
  server.clock.advance_ms(7'000);
  CHECK(server.ask("mg a u l h\r\n") == "HD l7 h0\r\n");
  CHECK(server.ask("mg a l h\r\n") == "HD l7 h0\r\n");
  CHECK(server.ask("mg a l h\r\n") == "HD l0 h1\r\n");
  server.clock.advance_ms(3'000);
  CHECK(server.ask("get a\r\n") == "VALUE a 0 1\r\n1\r\nEND\r\n");
  server.clock.advance_ms(2'000);
  CHECK(server.ask("me a\r\n").find(" la=2 ") != std::string::npos);
  CHECK(server.ask("mg a l\r\n") == "HD l2\r\n");
}

TEST_CASE("a store of every mode that is too large leaves the item, but for a plain one") {
  ServerFixture server;
  const size_t bytes = server.options.item_bytes_max + 1;
  const std::string data = "\r\n" + std::string(bytes, 'x') + "\r\n";
  server.ask("ms a 1\r\n1\r\n");
  for (const std::string flags : {" ME", " MR", " MA", " MP", " C5"}) {
    CHECK(server.ask("ms a " + std::to_string(bytes) + flags + data) ==
          "SERVER_ERROR object too large for cache\r\n");
    CHECK(server.cache->contains("a"));
  }
  CHECK(server.ask("ms a " + std::to_string(bytes) + " q" + data) == "SERVER_ERROR object too large for cache\r\n");
  CHECK_FALSE(server.cache->contains("a"));
}

TEST_CASE("an append whose result is too long is not stored") {
  ServerFixture server;
  const std::string half(server.options.item_bytes_max / 2 + 1, 'x');
  const std::string request = "ms a " + std::to_string(half.size()) + " MA N0 q\r\n" + half + "\r\n";
  CHECK(server.ask(request).empty());
  CHECK(server.ask(request) == "NS\r\n");
}

TEST_CASE("a value for which there was no memory is refused, and the item it was to replace removed") {
  ServerFixture server;
  server.ask("ms a 1\r\n1\r\n");
  Buffer out(server.pool);
  Request request;
  REQUIRE(server.parser.give_up("ms a 1 MR\r\n", request).complete);
  CHECK(server.dispatch.run(request, server.session, out) == Dispatch::Outcome::kDone);
  CHECK(server.cache->contains("a"));
  REQUIRE(server.parser.give_up("ms a 1\r\n", request).complete);
  CHECK(server.dispatch.run(request, server.session, out) == Dispatch::Outcome::kDone);
  CHECK_FALSE(server.cache->contains("a"));
  CHECK(out.content() ==
        "SERVER_ERROR out of memory storing object\r\nSERVER_ERROR out of memory storing object\r\n");
}

}  // namespace
}  // namespace netd
