#include "netd/commands.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "larder/renewal.h"
#include "larder/stats.h"
#include "netd/tokens.h"
#include "server_fixture.h"

namespace netd {
namespace {

const std::string kReadOnly = "CLIENT_ERROR this server is read-only\r\n";

// Whole requests, each of which would change something.
const std::string kChanges[] = {
    "set a 0 0 1\r\n2\r\n",
    "set a 0 0 99\r\n" + std::string(99, 'x') + "\r\n",
    "add c 0 0 1\r\n2\r\n",
    "replace a 0 0 1\r\n2\r\n",
    "append a 0 0 1\r\n2\r\n",
    "prepend a 0 0 1\r\n2\r\n",
    "cas a 0 0 1 1\r\n2\r\n",
    "delete a\r\n",
    "incr a 1\r\n",
    "decr a 1\r\n",
    "touch a 10\r\n",
    "gat 10 a b\r\n",
    "gats 10 a b\r\n",
    "flush_all\r\n",
    "flush_all 10\r\n",
    "verbosity 2\r\n",
    "shutdown\r\n",
    "stats reset\r\n",
    "stats detail on\r\n",
    "stats detail off\r\n",
    "stats detail\r\n",
    "cache_memlimit 64\r\n",
    "slabs reassign 1 2\r\n",
    "slabs automove 1\r\n",
    "lru mode flat\r\n",
    "lru_crawler crawl all\r\n",
    "lru_crawler disable\r\n",
    "debugtime 100\r\n",
    "mg a v T10\r\n",
    "mg c v N10\r\n",
    "mg a v R100000\r\n",
    "mg a v q R100000\r\n",
    "ms a 1\r\n2\r\n",
    "ms a 1 q\r\n2\r\n",
    "md a\r\n",
    "md a q\r\n",
    "md a I\r\n",
    "ma a\r\n",
    "ma c N10\r\n",
};

const std::string kLooks[] = {
    "get a b\r\n",
    "gets a b\r\n",
    "mg a v s t f c h l k\r\n",
    "mg a v u\r\n",
    "mn\r\n",
    "me a\r\n",
    "version\r\n",
    "stats\r\n",
    "stats settings\r\n",
    "stats items\r\n",
    "stats slabs\r\n",
    "stats sizes\r\n",
    "stats sizing\r\n",
    "stats hotkeys\r\n",
    "stats hotkeys 100\r\n",
    "stats why a\r\n",
    "stats conns\r\n",
    "stats detail dump\r\n",
    "stats cachedump 1 10\r\n",
    "lru_crawler metadump all\r\n",
    "lru_crawler mgdump all\r\n",
    "watch\r\n",
};

Options read_only_options() {
  Options options;
  options.read_only = true;
  options.shutdown_enabled = true;
  options.debug_clock = true;
  return options;
}

// A server that may only be looked at, for a cache that holds something.
class Exhibit : public ServerFixture {
 public:
  Exhibit() : ServerFixture(read_only_options()) {
    (void)cache->set("a", "1", {.flags = 7, .expiry = std::chrono::seconds(100)});
    (void)cache->set("b", "2");
    (void)larder::invalidate(*cache, "b");
  }

  // All that a client could have changed.
  std::string content() const {
    std::string text;
    cache->for_each([&](const larder::ItemView& item) {
      text += std::string(item.key) + ' ' + std::string(item.value) + ' ' + std::to_string(item.flags) + ' ' +
              std::to_string(item.ttl_ms) + ' ' + std::to_string(item.cas) + (item.is_stale ? " stale" : "") +
              (item.is_won ? " won" : "") + '\n';
      return true;
    });
    const larder::Stats stats = cache->stats();
    for (const uint64_t number : {stats.stores, stats.items_stored, stats.erase_misses, stats.incr_misses,
                                  stats.flushes, stats.touch_hits, stats.item_bytes, stats.memory_limit_bytes}) {
      text += std::to_string(number) + ' ';
    }
    return text + std::to_string(state.verbosity) + std::to_string(state.detail_enabled) +
           std::to_string(debug_clock.monotonic_ms() - larder::SystemClock().monotonic_ms() > 50'000);
  }
};

// What a line, and data if it wants any, is understood as.
class Parsed {
 public:
  explicit Parsed(std::string text) : input_(std::move(text)) { CHECK(Parser({}).next(input_, request_).complete); }

  const Command* command() const { return request_.command; }
  bool changes() const { return command()->effect.changes(request_); }
  bool needs_connection() const { return command()->effect.needs_connection(request_); }

 private:
  const std::string input_;
  Request request_;  // looks at input_
};

// Those that `text` begins with; what `stats` and `lru_crawler` are followed by are words of theirs.
void add_words(std::string_view text, std::set<std::string>& words) {
  for (std::string_view word = take_token(text); !word.empty(); word = take_token(text)) {
    if (word.find_first_of("[<") != std::string_view::npos) return;
    words.emplace(word);
    if (word == "stats" || word == "lru_crawler") return;
  }
}

// The commands that netd/PROTOCOL.md lists: in each row of its table, the words that the first column begins with.
std::set<std::string> words_of_protocol() {
  const char* const path = std::getenv("PROTOCOL");
  REQUIRE(path != nullptr);  // netd/PROTOCOL.md
  std::ifstream file(path);
  std::set<std::string> words;
  bool is_in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) is_in_table = line == "## Commands";
    if (!is_in_table || !line.starts_with("| `")) continue;
    const std::string cell = line.substr(0, line.find(" | "));
    for (size_t begin = cell.find('`'); begin != std::string::npos;) {
      const size_t end = cell.find('`', begin + 1);
      add_words(std::string_view(cell).substr(begin + 1, end - begin - 1), words);
      begin = cell.find('`', end + 1);
    }
  }
  return words;
}

TEST_CASE("every command has a word of its own, and no other word is one") {
  for (const Command& command : all_commands()) CHECK(find_command(command.word) == &command);
  for (const std::string_view word : {"", "g", "getx", "GET", "get ", "bget"}) CHECK(find_command(word) == nullptr);
}

TEST_CASE("PROTOCOL.md names every command, and none that is not there") {
  std::set<std::string> words;
  for (const Command& command : all_commands()) words.emplace(command.word);
  CHECK(words_of_protocol() == words);
}

TEST_CASE("every command is read, and known either to change something or to only look") {
  std::set<const Command*> known = {find_command("quit")};
  for (const std::string& line : kChanges) {
    const Parsed parsed(line);
    CAPTURE(line);
    CHECK(parsed.changes());
    known.insert(parsed.command());
  }
  for (const std::string& line : kLooks) {
    const Parsed parsed(line);
    CAPTURE(line);
    CHECK_FALSE(parsed.changes());
    known.insert(parsed.command());
  }
  for (const Command& command : all_commands()) {
    CAPTURE(command.word);
    CHECK(known.contains(&command));
  }
  CHECK(Parsed("quit\r\n").command() == find_command("quit"));
}

TEST_CASE("no request that stores, removes, counts or touches is one that only looks") {
  for (const Command& command : all_commands()) {
    CAPTURE(command.word);
    const bool is_change = command.action == Action::kStore || command.action == Action::kErase ||
                           command.action == Action::kCount || command.action == Action::kTouch;
    if (is_change || command.form.length_token > 0) CHECK((command.effect.changes == Effect::always));
    CHECK((command.form.length_token > 0) == (command.action == Action::kStore));
  }
}

TEST_CASE("what needs a connection may be long, and what may be long is not done for keys") {
  for (const Command& command : all_commands()) {
    CAPTURE(command.word);
    if (command.effect.needs_connection != Effect::never) CHECK(command.effect.ends_turn);
    if (command.effect.ends_turn) CHECK(command.action >= Action::kStats);
  }
}

TEST_CASE("every meta command has a counter of its own, and no classic one has any") {
  std::set<Counter> counters;
  for (const Command& command : all_commands()) {
    CAPTURE(command.word);
    const bool is_meta = command.word.size() == 2;
    CHECK(command.counter.has_value() == is_meta);
    if (command.counter) CHECK(counters.insert(*command.counter).second);
  }
}

TEST_CASE("over UDP everything is answered but what looks at all there is, or does not end") {
  for (const std::string line :
       {"watch", "cache_memlimit 64", "stats items", "stats slabs", "stats sizes", "stats sizing",
        "stats conns", "stats hotkeys",
        "stats detail dump", "stats cachedump 1 1", "stats foo", "lru_crawler crawl all",
        "lru_crawler metadump all", "lru_crawler mgdump all"}) {
    CAPTURE(line);
    CHECK(Parsed(line + "\r\n").needs_connection());
  }
  for (const std::string line : {"get a", "mg a v", "delete a", "stats", "stats settings", "stats reset",
                                 "stats detail on", "slabs automove 1", "lru_crawler enable", "flush_all", "foo"}) {
    CAPTURE(line);
    CHECK_FALSE(Parsed(line + "\r\n").needs_connection());
  }
}

TEST_CASE("what would change anything is refused, and its data block with it") {
  Exhibit server;
  const std::string before = server.content();
  for (const std::string& change : kChanges) {
    CAPTURE(change);
    CHECK(server.ask(change + "mn\r\n") == kReadOnly + "MN\r\n");
    CHECK(server.content() == before);
  }
  CHECK(!server.shut_down);
}

TEST_CASE("noreply silences the refusal too") {
  Exhibit server;
  CHECK(server.ask(
            "set a 0 0 1 noreply\r\n2\r\ndelete a noreply\r\nincr a 1 noreply\r\nflush_all noreply\r\nmn\r\n") ==
        "MN\r\n");
  CHECK(server.ask("get a\r\n") == "VALUE a 7 1\r\n1\r\nEND\r\n");
}

TEST_CASE("what only looks is answered, and changes nothing") {
  for (const std::string& look : kLooks) {
    CAPTURE(look);
    Exhibit server;
    const std::string before = server.content();
    const std::string reply = server.ask(look);
    CHECK(reply.find("ERROR") == std::string::npos);
    CHECK(!reply.empty());
    CHECK(server.content() == before);
  }
}

TEST_CASE("mg shows a stale item, and leaves it to others to win") {
  Exhibit server;
  CHECK(server.ask("mg b v\r\n") == "VA 1 X\r\n2\r\n");
  CHECK(server.ask("mg b v\r\n") == "VA 1 X\r\n2\r\n");
  bool has_won = false;
  larder::read(*server.cache, "b", {}, [&](const larder::Reading& reading) { has_won = reading.has_won; });
  CHECK(has_won);
  CHECK(server.ask("mg b v\r\n") == "VA 1 Z X\r\n2\r\n");
}

TEST_CASE("mg with h or l has no time of access kept") {
  Exhibit server;
  server.clock.advance_ms(20'000);
  CHECK(server.ask("mg a h l\r\n") == server.ask("mg a h l\r\n"));
}

}  // namespace
}  // namespace netd
