#include "netd/stats_text.h"

#include <doctest/doctest.h>

#include <map>
#include <sstream>
#include <string>

#include "server_fixture.h"

namespace netd {
namespace {

std::map<std::string, std::string> statistics(ServerFixture& server, const std::string& request = "stats\r\n") {
  std::istringstream lines(server.ask(request));
  std::map<std::string, std::string> statistics;
  for (std::string line; std::getline(lines, line) && line != "END\r";) {
    std::istringstream words(line);
    std::string stat, name, value;
    REQUIRE(static_cast<bool>(words >> stat >> name >> value));
    CHECK(stat == "STAT");
    CHECK_MESSAGE(statistics.emplace(name, value).second, name);
  }
  return statistics;
}

TEST_CASE("each request moves its counters and no others") {
  ServerFixture server;
  server.ask(
      "set a 0 0 1\r\n1\r\nget a\r\nget a b\r\nadd a 0 0 1\r\n1\r\ncas a 0 0 1 0\r\n1\r\ncas x 0 0 1 1\r\n1\r\n");
  server.ask(
      "incr a 1\r\nincr x 1\r\ndecr a 1\r\ndecr x 1\r\ntouch a 0\r\ngat 0 a x\r\ndelete x\r\ndelete a\r\nmn\r\n");
  std::map<std::string, std::string> stats = statistics(server);
  const std::map<std::string, std::string> expected = {
      {"cmd_get", "3"},     {"get_hits", "2"},     {"get_misses", "1"},  {"cmd_set", "4"},
      {"cas_badval", "1"},  {"cas_misses", "1"},   {"cas_hits", "0"},    {"incr_hits", "1"},
      {"incr_misses", "1"}, {"decr_hits", "1"},    {"decr_misses", "1"}, {"cmd_touch", "3"},
      {"touch_hits", "2"},  {"touch_misses", "1"}, {"delete_hits", "1"}, {"delete_misses", "1"},
      {"curr_items", "0"},  {"cmd_mn", "1"},       {"cmd_meta", "0"},    {"store_too_large", "0"},
  };
  for (const auto& entry : expected) {
    CHECK_MESSAGE(stats[entry.first] == entry.second, entry.first << " is " << stats[entry.first]);
  }
}

TEST_CASE("stats reset clears counters and keeps gauges") {
  ServerFixture server;
  server.ask("set a 0 0 1\r\n1\r\nget a\r\nmn\r\n");
  server.state.acceptor_counters().add(Counter::kTotalConnections, 3);
  CHECK(server.ask("stats reset\r\n") == "RESET\r\n");
  std::map<std::string, std::string> stats = statistics(server);
  for (const char* const name : {"cmd_get", "cmd_set", "get_hits", "total_connections", "cmd_mn", "total_items"}) {
    CHECK_MESSAGE(stats[name] == "0", name);
  }
  CHECK(stats["curr_items"] == "1");
  CHECK(stats["limit_maxbytes"] == "67108864");
}

TEST_CASE("uptime and time come from the server's clock") {
  ServerFixture server;
  server.clock.advance_ms(12345);
  std::map<std::string, std::string> stats = statistics(server);
  CHECK(stats["uptime"] == "12");
  CHECK(stats["time"] == "1700000012");
}

TEST_CASE("uptime starts at 2") {
  ServerFixture server;
  CHECK(statistics(server)["uptime"] == "2");
  server.clock.advance_ms(2999);
  CHECK(statistics(server)["uptime"] == "2");
  server.clock.advance_ms(1);
  CHECK(statistics(server)["uptime"] == "3");
}

TEST_CASE("processor time has one point and six digits behind it") {
  ServerFixture server;
  const std::string user = statistics(server)["rusage_user"];
  CHECK(user.size() - user.find('.') == 7);
}

TEST_CASE("idle_kicks is shown only with a time-out") {
  ServerFixture without;
  CHECK(statistics(without).count("idle_kicks") == 0);
  Options options;
  options.idle_timeout_s = 5;
  ServerFixture with(options);
  CHECK(statistics(with).count("idle_kicks") == 1);
}

TEST_CASE("settings are those the server was started with") {
  Options options;
  options.memory_limit_bytes = 8 << 20;
  options.connections_max = 7;
  options.cas = false;
  options.eviction = false;
  options.unix_socket = "/tmp/socket";
  options.unix_mask = 0770;
  ServerFixture server(options);
  std::map<std::string, std::string> settings = statistics(server, "stats settings\r\n");
  CHECK(settings["maxbytes"] == "8388608");
  CHECK(settings["maxconns"] == "7");
  CHECK(settings["cas_enabled"] == "no");
  CHECK(settings["evictions"] == "off");
  CHECK(settings["domain_socket"] == "/tmp/socket");
  CHECK(settings["umask"] == "770");
  CHECK(settings["tcpport"] == "0");
  CHECK(settings["lru_crawler"] == "yes");
}

TEST_CASE("the setting lru_crawler is what it was told last") {
  ServerFixture server;
  CHECK(server.ask("lru_crawler disable\r\n") == "OK\r\n");
  CHECK(statistics(server, "stats settings\r\n")["lru_crawler"] == "no");
  CHECK(server.ask("lru_crawler enable\r\n") == "OK\r\n");
  CHECK(statistics(server, "stats settings\r\n")["lru_crawler"] == "yes");
}

TEST_CASE("what there are no statistics for is an error") {
  ServerFixture server;
  for (const char* const request : {"stats foo\r\n", "stats r\r\n", "stats noreply\r\n"}) {
    CHECK(server.ask(request) == "ERROR\r\n");
  }
}

}  // namespace
}  // namespace netd
