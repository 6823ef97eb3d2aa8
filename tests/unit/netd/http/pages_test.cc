#include "netd/http/pages.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "../server_fixture.h"

namespace netd::http {
namespace {

Request get(const std::string& target, const std::string& accept = {}) {
  return {.method = "GET", .target = target, .host = "localhost", .accept = accept};
}

void survey(Pages& pages) {
  pages.start_survey();
  while (!pages.step_survey()) {
  }
}

std::string body(ServerFixture& server, const std::string& target, const std::string& accept = {}) {
  Pages pages(server.state);
  survey(pages);
  const Reply reply = pages.answer(get(target, accept));
  CHECK(reply.status == 200);
  return *reply.body;
}

nlohmann::json stats(ServerFixture& server) { return nlohmann::json::parse(body(server, "/api/v1/stats")); }

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

void store_and_get(ServerFixture& server) {
  server.ask("set a 0 0 1\r\n1\r\nset b 0 0 100\r\n" + std::string(100, 'x') +
             "\r\nget a\r\nget b\r\nget nope\r\n");
}

TEST_CASE("metrics have the numbers that stats has, by the exporter's names") {
  ServerFixture server;
  store_and_get(server);
  const std::string text = body(server, "/metrics");
  CHECK(has_line(text, "memcached_up 1"));
  CHECK(has_line(text, "memcached_commands_total{command=\"get\",status=\"hit\"} 2"));
  CHECK(has_line(text, "memcached_commands_total{command=\"get\",status=\"miss\"} 1"));
  CHECK(has_line(text, "memcached_commands_total{command=\"set\",status=\"hit\"} 2"));
  CHECK(has_line(text, "memcached_current_items 2"));
  CHECK(has_line(text, "memcached_slab_current_items{slab=\"1\"} 1"));
  CHECK(has_line(text, "memcached_slab_commands_total{slab=\"2\",command=\"get\",status=\"hit\"} 1"));
  CHECK(has_line(text, "memcached_max_connections 1024"));
  CHECK(has_line(text, "netd_get_misses_total{cause=\"other\"} 1"));
  CHECK(has_line(text, "netd_request_duration_seconds_count 0"));
}

TEST_CASE("a compare-and-swap that stores is no set") {
  ServerFixture server;
  server.ask("set a 0 0 1 \r\n1\r\ncas a 0 0 1 999\r\n2\r\ncas nope 0 0 1 1\r\n2\r\n");
  const std::string text = body(server, "/metrics");
  CHECK(has_line(text, "memcached_commands_total{command=\"cas\",status=\"badval\"} 1"));
  CHECK(has_line(text, "memcached_commands_total{command=\"cas\",status=\"miss\"} 1"));
  CHECK(has_line(text, "memcached_commands_total{command=\"set\",status=\"hit\"} 1"));
}

TEST_CASE("every family is told once, with a type and a help, before its metrics") {
  ServerFixture server;
  store_and_get(server);
  for (const char* const accept : {"", "application/openmetrics-text;version=1.0.0"}) {
    std::string text = body(server, "/metrics", accept);
    std::set<std::string> families;
    std::string family;
    while (!text.empty()) {
      const std::string line = text.substr(0, text.find('\n'));
      text.erase(0, line.size() + 1);
      CAPTURE(line);
      if (line.starts_with("# HELP ")) {
        family = line.substr(7, line.find(' ', 7) - 7);
        CHECK(families.insert(family).second);
        CHECK(line.size() > 8 + family.size());
      } else if (line.starts_with("# TYPE ")) {
        CHECK(line.substr(7).starts_with(family + " "));
      } else if (line != "# EOF") {
        CHECK(line.starts_with(family));
      }
    }
    CHECK(families.size() > 90);
  }
}

TEST_CASE("memory by use adds up to what is used") {
  ServerFixture server;
  store_and_get(server);
  const nlohmann::json memory = stats(server)["memory"];
  uint64_t sum = 0;
  for (const auto& [use, bytes] : memory["uses"].items()) sum += bytes.get<uint64_t>();
  CHECK(sum == memory["used_bytes"].get<uint64_t>());
  CHECK(sum <= memory["limit_bytes"].get<uint64_t>());
}

TEST_CASE("statistics as JSON have numbers for numbers") {
  ServerFixture server;
  store_and_get(server);
  const nlohmann::json all = stats(server);
  CHECK(all["general"]["get_hits"] == 2);
  CHECK(all["general"]["version"].is_string());
  CHECK(all["general"]["rusage_user"].is_number());
  CHECK(all["classes"]["1"]["number"] == 1);
  CHECK(all["settings"]["maxconns"] == 1024);
  CHECK(all["sizing"]["sizes"].size() == 5);
  CHECK(all["sizing"]["summary"].is_string());
  CHECK(all["latency"]["bounds_s"].size() + 1 == all["latency"]["counts"].size());
}

TEST_CASE("hot keys are named unless dumps are off") {
  for (const bool dump_enabled : {true, false}) {
    Options options;
    options.dump_enabled = dump_enabled;
    ServerFixture server(options);
    server.ask("set secret 0 0 1\r\n1\r\n");
    for (int i = 0; i < 50'000; ++i) server.ask("get secret\r\n");
    const nlohmann::json all = stats(server);
    REQUIRE(all["hot_keys"].size() == 1);
    CHECK((all["hot_keys"][0]["key"] == "secret") == dump_enabled);
    CHECK((all.dump().find("secret") != std::string::npos) == dump_enabled);
    CHECK(body(server, "/metrics").find("secret") == std::string::npos);
  }
}

TEST_CASE("a server that drains is not ready, one that is full is") {
  Options options;
  options.connections_max = 1;
  ServerFixture server(options);
  Pages pages(server.state);
  server.state.connections = 1;
  Reply reply = pages.answer(get("/healthz"));
  CHECK(reply.status == 200);
  CHECK(nlohmann::json::parse(*reply.body)["status"] == "ready");
  server.state.draining = true;
  reply = pages.answer(get("/healthz?verbose"));
  CHECK(reply.status == 503);
  CHECK(nlohmann::json::parse(*reply.body)["status"] == "draining");
}

TEST_CASE("a server whose connections have no memory is not ready") {
  ServerFixture server;
  ConnectionMemory& memory = server.state.connection_memory();
  const size_t bytes = 2 * memory.bytes_max();
  size_t taken = 0;
  for (; taken < bytes; taken += ConnectionMemory::kOrdinaryBytesMax) {
    REQUIRE(memory.take(ConnectionMemory::kOrdinaryBytesMax));
  }
  Pages pages(server.state);
  CHECK(pages.answer(get("/healthz")).status == 503);
  memory.give(taken);
  CHECK(pages.answer(get("/healthz")).status == 200);
}

TEST_CASE("statistics are taken once for all who ask at the same time") {
  ServerFixture server;
  Pages pages(server.state);
  survey(pages);
  const Reply first = pages.answer(get("/metrics"));
  CHECK(pages.answer(get("/metrics")).body == first.body);
}

TEST_CASE("only statistics wait for a survey, and for a new one only when it is old") {
  ServerFixture server;
  Pages pages(server.state);
  for (const char* const target :
       {"/healthz", "/", "/page.js", "/api/v1/history", "/api/v1/explain?key=a", "/nothing"}) {
    CAPTURE(target);
    CHECK(pages.is_ready_for(get(target)));
  }
  CHECK_FALSE(pages.is_ready_for(get("/metrics")));
  CHECK_FALSE(pages.is_ready_for(get("/api/v1/stats?x")));
  survey(pages);
  CHECK(pages.is_ready_for(get("/metrics")));
  CHECK(pages.is_ready_for(get("/api/v1/stats")));
}

TEST_CASE("a survey that takes too long is not waited for, if there was one before") {
  ServerFixture server;
  Pages pages(server.state);
  survey(pages);
  server.clock.advance_ms(5'000);
  CHECK_FALSE(pages.is_ready_for(get("/metrics")));
  pages.start_survey();
  server.clock.advance_ms(999);
  CHECK_FALSE(pages.is_ready_for(get("/metrics")));
  server.clock.advance_ms(1);
  CHECK(pages.is_ready_for(get("/metrics")));
}

TEST_CASE("the memory of a reply is charged once, as long as anybody takes it") {
  ServerFixture server;
  ConnectionMemory& memory = server.state.connection_memory();
  const size_t bytes_before = memory.used_bytes();
  {
    Pages pages(server.state);
    survey(pages);
    const size_t bytes_of_pages = memory.used_bytes();
    std::optional<Reply> first = pages.answer(get("/metrics"));
    const Reply same = *first;
    const size_t body_bytes = first->body->size();
    CHECK(memory.used_bytes() == bytes_of_pages + body_bytes);
    CHECK(pages.held_bytes() == 0);
    server.clock.advance_ms(500);
    const Reply next = pages.answer(get("/metrics"));
    CHECK(next.body != first->body);
    CHECK(pages.held_bytes() == body_bytes);
    first.reset();
    CHECK(pages.held_bytes() == body_bytes);
  }
  CHECK(memory.used_bytes() == bytes_before);
}

TEST_CASE("the history has a point for each second, and says which spans there are") {
  ServerFixture server;
  Pages pages(server.state);
  const auto history = [&](const std::string& query) {
    return nlohmann::json::parse(*pages.answer(get("/api/v1/history" + query)).body);
  };
  CHECK(history("")["series"]["gets_per_s"].empty());
  server.ask("get a\r\nget b\r\n");
  server.clock.advance_ms(1000);
  pages.note_second();
  const nlohmann::json told = history("?span=10m");
  CHECK(told["period_s"] == 1);
  CHECK(told["series"]["gets_per_s"].dump() == "[2.0]");
  CHECK(told["series"]["p50_s"].dump() == "[null]");
  CHECK(history("?span=24h")["period_s"] == 120);
  CHECK(pages.answer(get("/api/v1/history?span=1h")).status == 400);
}

TEST_CASE("a key is explained as stats why does it, unless dumps are off") {
  ServerFixture server;
  server.ask("set a/b 0 0 1\r\n1\r\n");
  Pages pages(server.state);
  const nlohmann::json told = nlohmann::json::parse(*pages.answer(get("/api/v1/explain?key=a%2fb")).body);
  CHECK(told["state"] == "present");
  CHECK(told["gone_s"].is_null());
  CHECK(told["summary"].is_string());
  CHECK(pages.answer(get("/api/v1/explain?key=" + std::string(250, 'k'))).status == 200);
  for (const std::string& query : {std::string(), std::string("?"), std::string("?key"), std::string("?key="),
                                   std::string("?other=a"), "?key=" + std::string(251, 'k')}) {
    CAPTURE(query);
    CHECK(pages.answer(get("/api/v1/explain" + query)).status == 400);
  }
  Options options;
  options.dump_enabled = false;
  ServerFixture hidden(options);
  CHECK(Pages(hidden.state).answer(get("/api/v1/explain?key=a")).status == 403);
}

TEST_CASE("the page and all that it refers to are there, and small") {
  ServerFixture server;
  const std::string page = body(server, "/");
  size_t bytes = page.size();
  for (const char* const name : {"page.js", "page.css", "icon.svg"}) {
    CHECK(page.find("\"" + std::string(name) + "\"") != std::string::npos);
    bytes += body(server, std::string("/") + name).size();
  }
  CHECK(bytes <= size_t{300} << 10);
  CHECK(page.find("http:") == std::string::npos);
  CHECK(page.find("https:") == std::string::npos);
}

TEST_CASE("where there is nothing, a client is told what there is") {
  ServerFixture server;
  Pages pages(server.state);
  for (const char* const target : {"/nothing", "", "//metrics", "/metrics/", "http://localhost/metrics"}) {
    CAPTURE(target);
    CHECK(pages.answer(get(target)).status == 404);
  }
  CHECK(pages.answer(get("/nothing")).body->find("/metrics") != std::string::npos);
}

}  // namespace
}  // namespace netd::http
