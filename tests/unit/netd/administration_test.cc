#include "netd/administration.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "netd/commands.h"
#include "server_fixture.h"

namespace netd {
namespace {

const std::string kOk = "OK\r\n";
const std::string kError = "ERROR\r\n";

// Of a reply to `stats`.
uint64_t stat_of(const std::string& stats, const std::string& name) {
  const std::string before = "STAT " + name + " ";
  const size_t begin = stats.find(before);
  REQUIRE(begin != std::string::npos);
  return std::stoull(stats.substr(begin + before.size()));
}

size_t lines_of(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST_CASE("a metadump is one line for each item, ended by LF alone") {
  ServerFixture server;
  server.ask("set a:b 5 100 2\r\nhi\r\nset c 0 0 1\r\n1\r\nget c\r\n");
  const std::string dump = server.ask("lru_crawler metadump all\r\n");
  CHECK(dump.starts_with("OK\r\n"));
  CHECK(dump.ends_with(" \nEND\r\n"));
  CHECK(dump.find("key=a%3Ab exp=1700000100 la=1700000000 cas=") != std::string::npos);
  CHECK(dump.find(" fetch=yes cls=1 size=16 flags=0 \n") != std::string::npos);
  CHECK(dump.find(" fetch=no cls=1 ") != std::string::npos);
}

TEST_CASE("dumps and stats items tell how long ago an item was accessed") {
  ServerFixture server;
  server.ask("set a 0 0 1\r\n1\r\n");
  server.clock.advance_ms(7'000);
  CHECK(server.ask("lru_crawler metadump all\r\n").find(" la=1700000000 ") != std::string::npos);
  CHECK(server.ask("stats items\r\n").find("STAT items:1:age 7\r\n") != std::string::npos);
  server.ask("mg a l\r\n");
  server.clock.advance_ms(2'000);
  CHECK(server.ask("lru_crawler metadump all\r\n").find(" la=1700000007 ") != std::string::npos);
  CHECK(server.ask("stats items\r\n").find("STAT items:1:age 2\r\n") != std::string::npos);
}

TEST_CASE("a class without items is shown as long as it has counted something") {
  ServerFixture server;
  CHECK(server.ask("stats items\r\n") == "END\r\n");
  server.ask("set a 0 0 1\r\n1\r\ndelete a\r\n");
  CHECK(stat_of(server.ask("stats items\r\n"), "items:1:number") == 0);
  CHECK(stat_of(server.ask("stats slabs\r\n"), "1:used_chunks") == 0);
}

TEST_CASE("stats sizing has a line for each size, and a sentence") {
  ServerFixture server;
  const std::string text = server.ask("stats sizing\r\n");
  const size_t limit = server.cache->stats().memory_limit_bytes;
  for (const size_t bytes : {limit / 4, limit / 2, limit, 2 * limit, 4 * limit}) {
    CAPTURE(bytes);
    CHECK(text.find("STAT limit_" + std::to_string(bytes) + " - - ") != std::string::npos);
  }
  for (const char* const name : {"gets", "seconds", "turnovers", "miss_ratio", "first_ratio"}) {
    CHECK(stat_of(text, name) == 0);
  }
  CHECK(text.find("STAT summary ") != std::string::npos);
  CHECK(text.ends_with(".\r\nEND\r\n"));
  CHECK(lines_of(text) == 13);
}

TEST_CASE("stats why tells what has become of a key, in lines and in a sentence") {
  ServerFixture server;
  server.ask("set a 0 100 1\r\n1\r\nget a\r\n");
  server.clock.advance_ms(10'000);
  CHECK(server.ask("stats why a\r\n") ==
        "STAT why:state present\r\nSTAT why:stored_s 10\r\nSTAT why:read_s -\r\nSTAT why:frequency 1\r\n"
        "STAT why:ttl_s 90\r\nSTAT why:gone_s -\r\nSTAT why:lived_s -\r\nSTAT why:was_read -\r\n"
        "STAT why:chain small\r\nSTAT why:large no\r\nSTAT why:followed yes\r\n"
        "STAT why:share_followed 1.000000\r\nSTAT why:reach_s 10\r\nSTAT why:collision_chance 0.00000000\r\n"
        "STAT why:ghost no\r\nSTAT why:flushed_s -\r\n"
        "STAT why:summary Here, stored 10 s ago, read once, in the small chain; it expires in 90 s.\r\nEND\r\n");
  server.ask("delete a\r\n");
  server.clock.advance_ms(41'000);
  CHECK(server.ask("stats why a\r\n") ==
        "STAT why:state erased\r\nSTAT why:stored_s -\r\nSTAT why:read_s -\r\nSTAT why:frequency -\r\n"
        "STAT why:ttl_s -\r\nSTAT why:gone_s 41\r\nSTAT why:lived_s 10\r\nSTAT why:was_read yes\r\n"
        "STAT why:chain small\r\nSTAT why:large no\r\nSTAT why:followed yes\r\n"
        "STAT why:share_followed 1.000000\r\nSTAT why:reach_s 51\r\nSTAT why:collision_chance 0.00003052\r\n"
        "STAT why:ghost no\r\nSTAT why:flushed_s -\r\n"
        "STAT why:summary Erased 41 s ago from the small chain, 10 s after it was stored, having been read. With a "
        "chance of 1 in 32768 at most, this is about another key.\r\nEND\r\n");
  const std::string unknown = server.ask("stats why b\r\n");
  CHECK(unknown.find("STAT why:state unknown\r\n") != std::string::npos);
  CHECK(unknown.find("STAT why:chain -\r\nSTAT why:large -\r\n") != std::string::npos);
  server.ask("set c 0 0 1\r\n1\r\nflush_all\r\n");
  CHECK(server.ask("stats why c\r\n").find("STAT why:state flushed\r\n") != std::string::npos);
  CHECK(stat_of(server.ask("stats why c\r\n"), "why:flushed_s") == 0);
  CHECK(stat_of(server.ask("stats\r\n"), "get_misses") == 0);
}

TEST_CASE("stats why wants one key that a client could have stored, and is refused with -X") {
  ServerFixture server;
  const std::string bad_format = "CLIENT_ERROR bad command line format\r\n";
  CHECK(server.ask("stats why\r\n") == kError);
  CHECK(server.ask("stats why a b\r\n") == bad_format);
  const std::string longest(250, 'k');
  server.ask("set " + longest + " 0 0 1\r\n1\r\n");
  CHECK(server.ask("stats why " + longest + "\r\n").starts_with("STAT why:state present\r\n"));
  CHECK(server.ask("stats why k" + longest + "\r\n") == bad_format);
  // What get takes for a key is one here, too.
  server.ask("set a\tb 0 0 1\r\n1\r\n");
  CHECK(server.ask("stats why a\tb\r\n").starts_with("STAT why:state present\r\n"));
  Options options;
  options.dump_enabled = false;
  ServerFixture without_dumps(options);
  CHECK(without_dumps.ask("stats why a\r\n") == "CLIENT_ERROR stats why not allowed\r\n");
  CHECK(without_dumps.ask("stats why\r\n") == "CLIENT_ERROR stats why not allowed\r\n");
}

// 300,000 items, of which one in four is of class 2 and lives for 10 s, the others of class 1.
struct Crowd : ServerFixture {
  Crowd() {
    for (int i = 0; i < kItems; ++i) {
      const bool is_in_class_2 = i % 4 == 0;
      const larder::Expiry expiry = is_in_class_2 ? larder::Expiry(std::chrono::seconds(10)) : larder::Expiry();
      (void)cache->set("key" + std::to_string(i), std::string(is_in_class_2 ? 100 : 1, 'v'), {.expiry = expiry});
    }
    REQUIRE(cache->stats().items == kItems);
  }

  static constexpr int kItems = 300'000;
};

TEST_CASE("of very many items a sample stands for all in the statistics of classes") {
  Crowd server;
  const std::string items = server.ask("stats items\r\n");
  const uint64_t in_class_2 = stat_of(items, "items:2:number");
  CHECK(in_class_2 == doctest::Approx(Crowd::kItems / 4).epsilon(0.02));
  CHECK(in_class_2 != Crowd::kItems / 4);
  CHECK(stat_of(items, "items:1:number") == doctest::Approx(Crowd::kItems * 3 / 4).epsilon(0.02));
  CHECK(stat_of(items, "items:1:mem_requested") + stat_of(items, "items:2:mem_requested") ==
        doctest::Approx(server.cache->stats().item_bytes).epsilon(0.02));
  const std::string slabs = server.ask("stats slabs\r\n");
  CHECK(stat_of(slabs, "2:used_chunks") == in_class_2);
  CHECK(lines_of(server.ask("stats sizes\r\n")) == 3);
}

TEST_CASE("a sample leaves out what has expired, as a walk over all does") {
  Crowd server;
  server.clock.advance_ms(11'000);
  const std::string items = server.ask("stats items\r\n");
  CHECK(stat_of(items, "items:1:number") == doctest::Approx(Crowd::kItems * 3 / 4).epsilon(0.02));
  CHECK(stat_of(items, "items:2:number") == 0);
}

TEST_CASE("a long dump is made in parts, with little waiting to be sent at a time") {
  ServerFixture server;
  for (int i = 0; i < 20000; ++i) server.ask("set key" + std::to_string(i) + " 0 0 1 noreply\r\n1\r\n");
  server.reply_bytes_max = 0;
  CHECK(lines_of(server.ask("lru_crawler mgdump all\r\n")) == 20002);
  CHECK(server.reply_bytes_max < (64 << 10));
  CHECK(lines_of(server.ask("lru_crawler mgdump prefix:key1\r\n")) == 2 + 11111);
  CHECK(server.ask("stats\r\n").find("STAT lru_crawler_starts 2\r\n") != std::string::npos);
}

TEST_CASE("a dump in the middle of requests keeps the order of replies") {
  ServerFixture server;
  CHECK(server.ask("set a 0 0 1\r\n1\r\nlru_crawler mgdump 1,2\r\nget a\r\n") ==
        "STORED\r\nOK\r\nmg a\r\nEN\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
}

TEST_CASE("while a dump is under way another one is refused") {
  ServerFixture server;
  const uint64_t turn = server.state.crawler_turn().begin(0, CrawlerTurn::kNoLimit);
  CHECK(server.ask("lru_crawler metadump all\r\n") == "BUSY currently processing crawler request\r\n");
  server.state.crawler_turn().end(turn);
  CHECK(server.ask("lru_crawler metadump all\r\n") == "OK\r\nEND\r\n");
  CHECK_FALSE(server.state.crawler_turn().is_taken());
}

// A client that asks for a dump of some thousands of items, and reads the first part.
struct Reader {
  explicit Reader(ServerFixture& to) : server(to), out(to.pool) {
    for (int i = 0; i < 5000; ++i) (void)server.cache->set("key" + std::to_string(i), "1");
    request.command = find_command("lru_crawler");
    request.words = "metadump all";
    REQUIRE(read() == Dispatch::Outcome::kUnfinished);
  }

  // The next part, into `text`.
  Dispatch::Outcome read() {
    const Dispatch::Outcome outcome = server.dispatch.run(request, session, out);
    text = out.content();
    out.consume(out.size());
    return outcome;
  }

  ServerFixture& server;
  Session session;
  Request request;
  Buffer out;
  std::string text;
};

TEST_CASE("a dump of which nothing is read for a second gives way to another, and is cut short") {
  ServerFixture server;
  Reader reader(server);
  server.clock.advance_ms(999);
  CHECK(server.ask("lru_crawler metadump all\r\n").starts_with("BUSY "));
  server.clock.advance_ms(1);
  CHECK(lines_of(server.ask("lru_crawler metadump all\r\n")) == 5002);
  CHECK(reader.read() == Dispatch::Outcome::kClose);
  CHECK(reader.text == "SERVER_ERROR the dump was not read for a second, and another client asked for one\r\n");
}

TEST_CASE("a dump that is read slowly, or that nobody else waits for, is made to its end") {
  ServerFixture server;
  Reader reader(server);
  while (reader.read() == Dispatch::Outcome::kUnfinished) {
    server.clock.advance_ms(999);
    CHECK(server.ask("lru_crawler metadump all\r\n").starts_with("BUSY "));
  }
  CHECK(reader.text.ends_with("END\r\n"));
  Reader alone(server);
  server.clock.advance_ms(600'000);
  while (alone.read() == Dispatch::Outcome::kUnfinished) {
  }
  CHECK(alone.text.ends_with("END\r\n"));
}

TEST_CASE("a dump of which a little is taken now and then does not give way, until nothing is taken") {
  ServerFixture server;
  Reader reader(server);
  for (int i = 0; i < 5; ++i) {
    server.clock.advance_ms(999);
    reader.session.report->note_taking();
    CHECK(server.ask("lru_crawler metadump all\r\n").starts_with("BUSY "));
  }
  server.clock.advance_ms(1000);
  CHECK(lines_of(server.ask("lru_crawler metadump all\r\n")) == 5002);
  reader.session.report->note_taking();
  CHECK(reader.read() == Dispatch::Outcome::kClose);
}

TEST_CASE("a crawl gives way to nothing") {
  ServerFixture server;
  CHECK(server.ask("lru_crawler crawl all\r\n") == kOk);
  server.clock.advance_ms(600'000);
  CHECK(server.ask("lru_crawler metadump all\r\n").starts_with("BUSY "));
  CHECK(server.ask("lru_crawler crawl all\r\n").starts_with("BUSY "));
}

TEST_CASE("lru_crawler knows no noreply, as in memcached: a dump would not be silenced") {
  ServerFixture server;
  for (const char* const line : {"metadump all", "mgdump all", "enable", "sleep 5", "crawl all"}) {
    CAPTURE(line);
    CHECK(server.ask(std::string("lru_crawler ") + line + " noreply\r\n") == "ERROR\r\n");
  }
}

TEST_CASE("dumps and watching can be forbidden") {
  Options options;
  options.dump_enabled = false;
  options.watch_enabled = false;
  ServerFixture server(options);
  CHECK(server.ask("lru_crawler metadump all\r\n") == "ERROR metadump not allowed\r\n");
  CHECK(server.ask("lru_crawler mgdump all\r\n") == "ERROR key dump not allowed\r\n");
  CHECK(server.ask("stats cachedump 1 1\r\n") == "CLIENT_ERROR stats cachedump not allowed\r\n");
  CHECK(server.ask("stats detail dump\r\n") == "CLIENT_ERROR stats detail not allowed\r\n");
  CHECK(server.ask("watch\r\n") == "CLIENT_ERROR watch commands not allowed\r\n");
}

// The fields of the line about `key`; none if there is none.
std::vector<std::string> hot_key_line(const std::string& reply, const std::string& key) {
  std::istringstream lines(reply);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    if (fields.size() > 2 && fields[1] == key) return fields;
  }
  return {};
}

TEST_CASE("stats hotkeys shows the keys of most requests, their shares, and reads and writes apart") {
  ServerFixture server;
  CHECK(server.ask("stats hotkeys\r\n") == "END\r\n");
  for (int i = 0; i < 2000; ++i) {
    server.ask("get a/b\r\nmg a/b v\r\nset c 0 0 1\r\n1\r\ndelete c\r\n");
    server.ask("get " + std::to_string(i % 30) + "\r\n");
  }
  const std::string reply = server.ask("stats hotkeys 2\r\n");
  CHECK(lines_of(reply) == 3);
  const std::vector<std::string> read = hot_key_line(reply, "a%2Fb");
  REQUIRE(read.size() == 6);
  CHECK(std::stod(read[2]) == doctest::Approx(0.4).epsilon(0.15));
  CHECK(std::stod(read[3]) < 0.05);
  CHECK(read[4] == read[2]);
  CHECK(read[5] == "0.00000");
  const std::vector<std::string> written = hot_key_line(reply, "c");
  REQUIRE(written.size() == 6);
  CHECK(written[4] == "0.00000");
  CHECK(written[5] == written[2]);
  CHECK(lines_of(server.ask("stats hotkeys\r\n")) == 17);
  CHECK(lines_of(server.ask("stats hotkeys 100\r\n")) == 33);
}

TEST_CASE("stats hotkeys checks its number") {
  ServerFixture server;
  for (const char* const number : {"0", "101", "x", "-1", "1x", "99999999999"}) {
    CAPTURE(number);
    CHECK(server.ask(std::string("stats hotkeys ") + number + "\r\n") ==
          "CLIENT_ERROR bad command line format\r\n");
  }
  CHECK(server.ask("stats hotkeys 1\r\nstats hotkeys 100\r\n") == "END\r\nEND\r\n");
}

TEST_CASE("where dumps are forbidden, stats hotkeys shows no key") {
  Options options;
  options.dump_enabled = false;
  ServerFixture server(options);
  for (int i = 0; i < 1000; ++i) server.ask("get secret\r\n");
  const std::string reply = server.ask("stats hotkeys\r\n");
  CHECK(lines_of(reply) == 2);
  CHECK(reply.starts_with("STAT #"));
  CHECK(reply.find("secret") == std::string::npos);
}

TEST_CASE("cachedump shows items of one class, as many as asked for") {
  ServerFixture server;
  server.ask("set a 0 100 2\r\nhi\r\nset b 0 0 100\r\n" + std::string(100, 'x') + "\r\n");
  CHECK(server.ask("stats cachedump 1 0\r\n") == "ITEM a [2 b; 1700000100 s]\r\nEND\r\n");
  CHECK(server.ask("stats cachedump 2 10\r\n") == "ITEM b [100 b; 0 s]\r\nEND\r\n");
  CHECK(server.ask("stats cachedump 3 10\r\n") == "END\r\n");
}

TEST_CASE("cache_memlimit is checked, and holds for connections too") {
  ServerFixture server;
  CHECK(server.ask("cache_memlimit\r\ncache_memlimit x\r\n") == kError + kError);
  CHECK(server.ask("cache_memlimit 7\r\n") == "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n");
  CHECK(server.ask("cache_memlimit 1000000001\r\n") ==
        "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n");
  CHECK(server.ask("cache_memlimit 8\r\n") == kOk);
  CHECK(server.cache->stats().memory_limit_bytes == 8 << 20);
  CHECK_FALSE(server.state.connection_memory().take(5 << 20));
  CHECK(server.ask("cache_memlimit 128 noreply\r\n").empty());
  CHECK(server.cache->stats().memory_limit_bytes == 128 << 20);
}

TEST_CASE("statistics per prefix are kept between on and off") {
  ServerFixture server;
  server.ask("get a:b\r\n");
  CHECK(server.ask("stats detail\r\n") == "CLIENT_ERROR usage: stats detail on|off|dump\r\n");
  CHECK(server.ask(
            "stats detail on\r\nget a:b\r\nset a:b 0 0 1\r\n1\r\ndelete a:c\r\nstats detail off\r\nget a:b\r\n") ==
        "OK\r\nEND\r\nSTORED\r\nNOT_FOUND\r\nOK\r\nVALUE a:b 0 1\r\n1\r\nEND\r\n");
  CHECK(server.ask("stats detail dump\r\n") == "PREFIX a get 1 hit 0 set 1 del 1\r\nEND\r\n");
  server.ask("stats reset\r\n");
  CHECK(server.ask("stats detail dump\r\n") == "END\r\n");
}

TEST_CASE("debugtime needs to be enabled") {
  ServerFixture without;
  CHECK(without.ask("debugtime 5\r\n") == kError);
  Options options;
  options.debug_clock = true;
  ServerFixture with(options);
  CHECK(with.ask("debugtime x\r\ndebugtime -1\r\n") ==
        "CLIENT_ERROR bad command line format\r\nCLIENT_ERROR bad command line format\r\n");
  const int64_t before_ms = with.debug_clock.monotonic_ms();
  CHECK(with.ask("debugtime 5\r\n") == kOk);
  CHECK(with.debug_clock.monotonic_ms() >= before_ms + 5000);
}

TEST_CASE("watch takes a connection over, and tells it what it asked for") {
  ServerFixture server;
  CHECK(server.ask("watch fetchers nonsense\r\n") == kError);
  CHECK(server.ask("watch mutations\r\n") == kOk);
  REQUIRE(server.session.watcher != nullptr);
  const std::shared_ptr<Watcher> watcher = std::move(server.session.watcher);
  server.closed = false;
  server.ask("get a\r\nset a 0 5 2\r\nhi\r\n");
  Buffer out(server.pool);
  CHECK(watcher->take(out));
  CHECK(out.content() ==
        "ts=1700000000.000000 gid=1 type=item_store key=a status=stored cmd=set ttl=5 clsid=1 cfd=-1 size=2\n");
  CHECK_FALSE(watcher->take(out));
}

}  // namespace
}  // namespace netd
