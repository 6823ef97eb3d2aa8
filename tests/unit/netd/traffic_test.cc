// What is told of requests where time matters, and how it is counted; the rest is in
// tests/e2e/administration_test.py, beside memcached.
#include "netd/traffic.h"

#include <doctest/doctest.h>

#include <string>

#include "server_fixture.h"

namespace netd {
namespace {

// What a client that watches for `events` is sent because of `requests`: the statuses, each with a space behind it.
std::string statuses(ServerFixture& server, uint32_t events, std::string_view requests) {
  const auto watcher = server.watch_hub.add(events);
  server.ask(requests);
  Buffer out(server.pool);
  while (watcher->take(out)) {
  }
  server.watch_hub.remove(watcher);
  constexpr std::string_view kStatus = "status=";
  std::string words;
  const std::string_view lines = out.content();
  for (size_t at = lines.find(kStatus); at != std::string_view::npos; at = lines.find(kStatus, at)) {
    at += kStatus.size();
    words += lines.substr(at, lines.find(' ', at) + 1 - at);
  }
  return words;
}

TEST_CASE("the first to look for an item that has expired or been flushed is told to have found that") {
  for (const bool is_flushed : {false, true}) {
    for (const std::string request :
         {"get k", "gat 5 k", "mg k v", "mg k T5", "touch k 5", "incr k 1", "ma k", "delete k", "md k"}) {
      CAPTURE(request);
      ServerFixture server;
      server.ask("set k 0 5 1\r\n1\r\n");
      CHECK(statuses(server, kWatchFetchers, "get k\r\n") == "found ");
      is_flushed ? server.cache->flush_all() : server.clock.advance_ms(5'000);
      const std::string first = is_flushed ? "flushed " : "expired ";
      CHECK(statuses(server, kWatchFetchers, request + "\r\n").starts_with(first));
    }
  }
}

TEST_CASE("a get of the same key twice is told as two lookups, the second of what the first has left") {
  ServerFixture server;
  server.ask("set k 0 5 1\r\n1\r\n");
  server.clock.advance_ms(5'000);
  CHECK(statuses(server, kWatchFetchers, "get k k\r\n") == "expired not_found ");
}

TEST_CASE("nothing is told of what was refused, and nothing to those who watch for something else") {
  ServerFixture server;
  CHECK(statuses(server, kWatchFetchers | kWatchMutations, "mg k v v\r\nset k 0 0 x\r\n").empty());
  CHECK(statuses(server, kWatchDeletions, "set k 0 0 1\r\n1\r\nget k\r\nma n N0\r\n").empty());
}

TEST_CASE("meta commands count for the class of the item, and for no prefix") {
  Options options;
  options.prefix_stats = true;
  ServerFixture server(options);
  server.ask("ms p:k 100\r\n" + std::string(100, '1') +
             "\r\nmg p:k\r\nmg p:k T5\r\nmg p:v N5\r\nma p:n N0\r\nma p:n\r\n" +
             "ma p:n MD\r\nms p:k 1 C1\r\n1\r\nmd p:k\r\nmd p:k\r\nmd p:n I\r\n");
  const auto count = [&](ItemClass item_class, ClassCounter counter) {
    return server.state.sum(item_class, counter);
  };
  CHECK(count(2, ClassCounter::kStores) == 1);
  CHECK(count(2, ClassCounter::kGetHits) == 1);
  CHECK(count(2, ClassCounter::kTouchHits) == 1);
  CHECK(count(1, ClassCounter::kGetHits) == 1);
  CHECK(count(1, ClassCounter::kIncrHits) == 1);
  CHECK(count(1, ClassCounter::kDecrHits) == 1);
  CHECK(count(1, ClassCounter::kCasBadval) == 1);
  CHECK(count(2, ClassCounter::kDeleteHits) == 1);
  CHECK(count(1, ClassCounter::kDeleteHits) == 0);
  CHECK(server.ask("stats detail dump\r\n") == "END\r\n");
  CHECK(server.ask("get p:k\r\nstats detail dump\r\n") == "END\r\nPREFIX p get 1 hit 0 set 0 del 0\r\nEND\r\n");
}

}  // namespace
}  // namespace netd
