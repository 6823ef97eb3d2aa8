#include "netd/dispatch.h"

#include <doctest/doctest.h>

#include <string>

#include "server_fixture.h"

namespace netd {
namespace {

std::string store(const std::string& line, const std::string& value) { return line + "\r\n" + value + "\r\n"; }

TEST_CASE("what is set can be got") {
  ServerFixture server;
  CHECK(server.ask("set a 5 0 2\r\nhi\r\n") == "STORED\r\n");
  CHECK(server.ask("get a\r\n") == "VALUE a 5 2\r\nhi\r\nEND\r\n");
  CHECK(server.ask("get b\r\n") == "END\r\n");
}

TEST_CASE("several keys are answered in the order asked, repetitions repeated") {
  ServerFixture server;
  server.ask("set a 0 0 1\r\n1\r\nset b 0 0 1\r\n2\r\n");
  CHECK(server.ask("get b x a b\r\n") == "VALUE b 0 1\r\n2\r\nVALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\n");
}

TEST_CASE("add and replace look whether the key is there") {
  ServerFixture server;
  CHECK(server.ask("replace a 0 0 1\r\n1\r\n") == "NOT_STORED\r\n");
  CHECK(server.ask("add a 0 0 1\r\n1\r\n") == "STORED\r\n");
  CHECK(server.ask("add a 0 0 1\r\n2\r\n") == "NOT_STORED\r\n");
  CHECK(server.ask("replace a 0 0 1\r\n3\r\n") == "STORED\r\n");
}

TEST_CASE("append and prepend keep flags and expiry") {
  ServerFixture server;
  CHECK(server.ask("append a 0 0 1\r\nX\r\n") == "NOT_STORED\r\n");
  server.ask("set a 5 0 3\r\n100\r\n");
  CHECK(server.ask("append a 7 0 1\r\nX\r\nprepend a 9 9 1\r\nY\r\n") == "STORED\r\nSTORED\r\n");
  CHECK(server.ask("get a\r\n") == "VALUE a 5 5\r\nY100X\r\nEND\r\n");
}

TEST_CASE("cas stores only over the number that gets showed") {
  ServerFixture server;
  CHECK(server.ask("cas a 0 0 1 5\r\n1\r\n") == "NOT_FOUND\r\n");
  server.ask("set a 0 0 1\r\n1\r\n");
  const std::string line = server.ask("gets a\r\n");
  const std::string number = line.substr(12, line.find("\r\n") - 12);
  CHECK(server.ask("cas a 0 0 1 0\r\n2\r\n") == "EXISTS\r\n");
  CHECK(server.ask("cas a 0 0 1 " + number + "\r\n2\r\n") == "STORED\r\n");
  CHECK(server.ask("cas a 0 0 1 " + number + "\r\n3\r\n") == "EXISTS\r\n");
}

TEST_CASE("incr wraps around, decr stops at zero") {
  ServerFixture server;
  server.ask("set a 0 0 20\r\n18446744073709551615\r\nset b 0 0 1\r\n9\r\nset c 0 0 3\r\nabc\r\n");
  CHECK(server.ask("incr a 1\r\n") == "0\r\n");
  CHECK(server.ask("decr b 100\r\n") == "0\r\n");
  CHECK(server.ask("incr c 1\r\n") == "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  CHECK(server.ask("incr d 1\r\n") == "NOT_FOUND\r\n");
}

TEST_CASE("delete and touch say whether there was anything") {
  ServerFixture server;
  server.ask("set a 0 0 1\r\n1\r\n");
  CHECK(server.ask("touch a 10\r\ntouch b 10\r\n") == "TOUCHED\r\nNOT_FOUND\r\n");
  CHECK(server.ask("delete a 0\r\ndelete a\r\n") == "DELETED\r\nNOT_FOUND\r\n");
}

TEST_CASE("an item lives for just as many seconds as it was given") {
  ServerFixture server;
  server.ask("set a 0 2 1\r\n1\r\n");
  server.clock.advance_ms(1999);
  CHECK(server.ask("get a\r\n") == "VALUE a 0 1\r\n1\r\nEND\r\n");
  server.clock.advance_ms(1);
  CHECK(server.ask("get a\r\n") == "END\r\n");
}

TEST_CASE("gat gives what is there, and a new expiry") {
  ServerFixture server;
  server.ask("set a 3 1 1\r\n1\r\n");
  CHECK(server.ask("gat 10 a b\r\n") == "VALUE a 3 1\r\n1\r\nEND\r\n");
  server.clock.advance_ms(9999);
  CHECK(server.ask("get a\r\n") == "VALUE a 3 1\r\n1\r\nEND\r\n");
  CHECK(server.ask("gat -1 a\r\nget a\r\n") == "VALUE a 3 1\r\n1\r\nEND\r\nEND\r\n");
}

TEST_CASE("flush_all removes at once or after a delay") {
  ServerFixture server;
  server.ask("set a 0 0 1\r\n1\r\n");
  CHECK(server.ask("flush_all\r\nget a\r\n") == "OK\r\nEND\r\n");
  server.ask("set a 0 0 1\r\n1\r\n");
  CHECK(server.ask("flush_all 10\r\nget a\r\n") == "OK\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
  server.clock.advance_ms(10000);
  CHECK(server.ask("get a\r\n") == "END\r\n");
}

TEST_CASE("noreply silences everything but what retrievals find") {
  ServerFixture server;
  CHECK(server.ask("set a 0 0 1 noreply\r\n1\r\nadd a 0 0 1 noreply\r\n1\r\nincr a 1 noreply\r\n"
                   "touch a x noreply\r\ndelete b noreply\r\nflush_all 100 noreply\r\nverbosity 1 noreply\r\n"
                   "set a 0 0 1 noreply\r\n123\r\nget noreply\r\n") ==
        "CLIENT_ERROR bad command line format\r\nEND\r\n");  // the "3" left over from the last value
}

TEST_CASE("an item of just the limit is stored; a byte more is refused and removes the old item") {
  ServerFixture server;
  const size_t limit = server.options.item_bytes_max - item_bytes(1, 0, 0, true);
  const std::string at_limit = "set a 0 0 " + std::to_string(limit);
  const std::string over_limit = " a 0 0 " + std::to_string(limit + 1);
  CHECK(server.ask(store(at_limit, std::string(limit, 'x'))) == "STORED\r\n");
  for (const std::string command : {"add", "replace", "append", "prepend"}) {
    CHECK(server.ask(store(command + over_limit, std::string(limit + 1, 'x'))) ==
          "SERVER_ERROR object too large for cache\r\n");
    CHECK(server.cache->contains("a"));
  }
  CHECK(server.ask(store("set" + over_limit, std::string(limit + 1, 'x'))) ==
        "SERVER_ERROR object too large for cache\r\n");
  CHECK_FALSE(server.cache->contains("a"));
  CHECK(server.ask("stats\r\n").find("STAT store_too_large 5\r\n") != std::string::npos);
}

TEST_CASE("a set that found no memory to be received in removes the old item, other commands do not") {
  ServerFixture server;
  server.ask("set a 0 0 1\r\n1\r\n");
  Buffer out(server.pool);
  Request request;
  REQUIRE(server.parser.give_up("replace a 0 0 1\r\n", request).complete);
  CHECK(server.dispatch.run(request, server.session, out) == Dispatch::Outcome::kDone);
  CHECK(server.cache->contains("a"));
  REQUIRE(server.parser.give_up("set a 0 0 1\r\n", request).complete);
  CHECK(server.dispatch.run(request, server.session, out) == Dispatch::Outcome::kDone);
  CHECK_FALSE(server.cache->contains("a"));
  CHECK(out.content() ==
        "SERVER_ERROR out of memory storing object\r\nSERVER_ERROR out of memory storing object\r\n");
}

TEST_CASE("a long reply is made piece by piece, and every hit is counted once") {
  ServerFixture server;
  std::string keys;
  for (int i = 0; i < 100; ++i) {
    const std::string key = "key" + std::to_string(i);
    server.ask(store("set " + key + " 0 0 50000", std::string(50000, 'v')));
    keys += " " + key;
  }
  const std::string reply = server.ask("get" + keys + "\r\n");
  CHECK(reply.size() > 100 * 50000);
  CHECK(reply.ends_with("v\r\nEND\r\n"));
  CHECK(server.reply_bytes_max < (64 << 10) + 51000);
  CHECK(server.cache->stats().get_hits == 100);
}

TEST_CASE("a line of very many keys is answered in several turns") {
  ServerFixture server;
  std::string line = "get";
  for (int i = 0; i < 5000; ++i) line += " k";
  line += "\r\n";
  Request request;
  Buffer out(server.pool);
  REQUIRE(server.parser.next(line, request).complete);
  int turns = 1;
  while (server.dispatch.run(request, server.session, out) == Dispatch::Outcome::kUnfinished) ++turns;
  CHECK(turns > 1);
  CHECK(server.cache->stats().get_misses == 5000);
}

TEST_CASE("a value that finds no memory to be sent from ends the reply with an error") {
  ServerFixture server;
  server.ask(store("set a 0 0 100000", std::string(100000, 'x')));
  BufferPool small_pool([](int64_t bytes) { return bytes <= int64_t{BufferPool::kBlockBytes}; });
  Buffer out(small_pool);
  Request request;
  REQUIRE(server.parser.next("get a b\r\n", request).complete);
  CHECK(server.dispatch.run(request, server.session, out) == Dispatch::Outcome::kDone);
  CHECK(out.content() == "SERVER_ERROR out of memory writing get response\r\n");
}

TEST_CASE("shutdown needs to be enabled") {
  ServerFixture closed;
  CHECK(closed.ask("shutdown\r\n") == "SERVER_ERROR: shutdown not enabled\r\n");
  CHECK_FALSE(closed.shut_down);
  Options options;
  options.shutdown_enabled = true;
  ServerFixture open(options);
  CHECK(open.ask("shutdown now\r\n") == "CLIENT_ERROR invalid shutdown mode\r\n");
  CHECK_FALSE(open.shut_down);
  CHECK(open.ask("shutdown graceful\r\n").empty());
  CHECK(open.shut_down);
  CHECK(open.closed);
}

TEST_CASE("flush_all can be forbidden, and is counted all the same") {
  Options options;
  options.flush_enabled = false;
  ServerFixture server(options);
  CHECK(server.ask("flush_all\r\n") == "CLIENT_ERROR flush_all not allowed\r\n");
  CHECK(server.ask("stats\r\n").find("STAT cmd_flush 1\r\n") != std::string::npos);
}

TEST_CASE("nothing behind quit is executed") {
  ServerFixture server;
  CHECK(server.ask("version\r\nquit\r\nversion\r\n").find("VERSION", 1) == std::string::npos);
  CHECK(server.closed);
}

TEST_CASE("verbosity above 2 is 2") {
  ServerFixture server;
  CHECK(server.ask("verbosity 9\r\n") == "OK\r\n");
  CHECK(server.state.verbosity.load() == 2);
}

}  // namespace
}  // namespace netd
