#include "netd/parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "netd/commands.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

// A value of so many bytes fits under a key of one byte.
constexpr size_t kValueBytesMax = 1000;

// A request whose views own what they show.
struct Parsed {
  Request request;
  std::string key, keys, value, refusal, words;

  explicit Parsed(const Request& from)
      : request(from),
        key(from.key),
        keys(from.keys),
        value(from.value),
        refusal(from.refusal),
        words(from.words) {}

  bool operator==(const Parsed& other) const {
    return request.command == other.request.command && request.noreply == other.request.noreply &&
           request.too_large == other.request.too_large && request.client_flags == other.request.client_flags &&
           request.exptime == other.request.exptime && request.compare == other.request.compare &&
           request.number == other.request.number && key == other.key && keys == other.keys &&
           value == other.value && refusal == other.refusal && words == other.words;
  }
};

// Feeds the parser as a connection does.
class Feeder {
 public:
  void feed(std::string_view bytes) {
    input_ += bytes;
    while (true) {
      const size_t skipped = std::min(to_skip_, input_.size());
      input_.erase(0, skipped);
      to_skip_ -= skipped;
      Request request;
      const Parser::Result result = parser_.next(input_, request);
      if (!result.complete) return;
      requests.push_back(Parsed(request));
      REQUIRE(result.bytes_consumed > 0);
      REQUIRE(result.bytes_consumed <= input_.size());
      input_.erase(0, result.bytes_consumed);
      to_skip_ = result.bytes_to_skip;
    }
  }

  std::vector<Parsed> requests;

 private:
  Parser parser_{{.item_bytes_max = item_bytes(1, kValueBytesMax, 0, true)}};
  std::string input_;
  size_t to_skip_ = 0;
};

std::vector<Parsed> parse(std::string_view bytes) {
  Feeder feeder;
  feeder.feed(bytes);
  return feeder.requests;
}

Parsed parse_one(std::string_view bytes) {
  const std::vector<Parsed> requests = parse(bytes);
  REQUIRE(requests.size() == 1);
  return requests.front();
}

std::string refusal(std::string_view bytes) {
  const Parsed parsed = parse_one(bytes);
  CHECK(parsed.request.command == &kRefusal);
  return parsed.refusal;
}

TEST_CASE("a storage command carries key, flags, exptime and value") {
  const Parsed set = parse_one("set key 5 -60 2\r\nab\r\n");
  CHECK(set.request.command->word == "set");
  CHECK(set.key == "key");
  CHECK(set.request.client_flags == 5);
  CHECK(set.request.exptime == -60);
  CHECK(set.value == "ab");
  CHECK_FALSE(set.request.noreply);
  CHECK(parse_one("cas k 0 0 1 99 noreply\r\nx\r\n").request.compare == 99u);
  CHECK(parse_one("cas k 0 0 1 99 noreply\r\nx\r\n").request.noreply);
}

TEST_CASE("a value may hold line ends and NULs, or nothing") {
  CHECK(parse_one(std::string_view("set k 0 0 5\r\na\r\n\0b\r\n", 20)).value == std::string("a\r\n\0b", 5));
  CHECK(parse_one("set k 0 0 0\r\n\r\n").value.empty());
}

TEST_CASE("a command line may end in LF alone, a value may not") {
  CHECK(parse_one("get a\n").keys == " a");
  CHECK(parse_one("set a 0 0 2\nhi\r\n").value == "hi");
  CHECK(parse("set a 0 0 2\r\nhi\nversion\r\n").front().refusal == kErrorBadDataChunk);
}

TEST_CASE("behind a bad data chunk exactly the announced bytes are gone") {
  const std::vector<Parsed> requests = parse("set a 0 0 3\r\nabcdef\r\nmn\r\n");
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].refusal == kErrorBadDataChunk);
  CHECK(requests[1].refusal == kErrorBadFormat);  // "f"
  CHECK(requests[2].request.command->word == "mn");
}

TEST_CASE("lines of less than four bytes are refused, whatever they say") {
  for (const char* const line : {"\n", "\r\n", "x\r\n", "mn\n"}) CHECK(refusal(line) == kErrorBadFormat);
  CHECK(parse_one("mn\r\n").request.command->word == "mn");
}

TEST_CASE("the command word is lower case and stands at the beginning") {
  for (const char* const line : {"GET a\r\n", " get a\r\n", "foo\r\n", "get\ta\r\n", "getx a\r\n"}) {
    CHECK(refusal(line) == kErrorUnknown);
  }
}

TEST_CASE("spaces may be many, and stand at the end") {
  CHECK(parse_one("set  a  0  0  1  noreply  \r\nx\r\n").request.noreply);
  CHECK(parse_one("get  a   b  \r\n").keys == "  a   b  ");
}

TEST_CASE("too few tokens are refused") {
  for (const char* const line : {"get\r\n", "get \r\n", "gets\r\n", "set a 0 0\r\n", "incr a\r\n", "touch a\r\n",
                                 "gat 0\r\n", "delete\r\n", "verbosity\r\n"}) {
    CAPTURE(line);
    CHECK(refusal(line) == kErrorBadFormat);
  }
}

TEST_CASE("delete takes nothing behind the key but 0 and noreply") {
  for (const char* const line :
       {"delete a\r\n", "delete a 0\r\n", "delete a noreply\r\n", "delete a 0 noreply\r\n"}) {
    CAPTURE(line);
    CHECK(parse_one(line).request.command->word == "delete");
  }
  for (const char* const line : {"delete a b\r\n", "delete a 5\r\n", "delete a 0 0\r\n", "delete a noreply 0\r\n",
                                 "delete a b noreply\r\n", "delete a b c d e\r\n"}) {
    CAPTURE(line);
    CHECK(refusal(line) == kErrorDeleteUsage);
  }
}

TEST_CASE("when the length of a value is unknown, the next line is a command") {
  for (const char* const bytes : {"x", "-1", "2147483646", "+1", "1.0"}) {
    CAPTURE(bytes);
    const std::vector<Parsed> requests = parse("set a 0 0 " + std::string(bytes) + " noreply\r\nmn\r\n");
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].refusal == kErrorBadFormat);
    CHECK_FALSE(requests[0].request.noreply);
    CHECK(requests[1].request.command->word == "mn");
  }
}

TEST_CASE("when anything else of a storage command is wrong, the value is skipped") {
  const std::string long_key(251, 'k');
  for (const std::string line :
       {"set a x 0 1", "set a -1 0 1", "set a 4294967296 0 1", "set a 0 x 1", "cas a 0 0 1", "cas a 0 0 1 x"}) {
    CAPTURE(line);
    const std::vector<Parsed> requests = parse(line + "\r\n1\r\nmn\r\n");
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].refusal == kErrorBadFormat);
    CHECK(requests[1].request.command->word == "mn");
  }
  CHECK(parse("set " + long_key + " 0 0 1\r\n1\r\nmn\r\n").size() == 2);
}

TEST_CASE("keys have 1 to 250 bytes") {
  const std::string longest(250, 'k');
  CHECK(parse_one("get a " + longest + "\r\n").request.command->word == "get");
  CHECK(parse_one("set " + longest + " 0 0 1\r\n1\r\n").key == longest);
  for (const std::string& line :
       {"get a " + longest + "k b\r\n", "delete " + longest + "k\r\n", "incr " + longest + "k 1\r\n",
        "touch " + longest + "k 1\r\n", "gat 0 " + longest + "k\r\n"}) {
    CHECK(refusal(line) == kErrorBadFormat);
  }
}

TEST_CASE("a value over the limit is skipped, one at the limit is not") {
  const std::string line = "set a 0 0 ";
  const std::string value(kValueBytesMax, 'x');
  CHECK_FALSE(parse_one(line + "1000\r\n" + value + "\r\n").request.too_large);
  const std::vector<Parsed> requests = parse(line + "1001\r\n" + value + "x\r\nmn\r\n");
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].request.too_large);
  CHECK(requests[1].request.command->word == "mn");
}

TEST_CASE("an item is as long as memcached counts it") {
  CHECK(item_bytes(1, 1000, 0, true) == 1060);
  CHECK(item_bytes(6, 1000, 0, true) == 1065);
  CHECK(item_bytes(1, 1000, 7, true) == 1064);
  CHECK(item_bytes(1, 1000, 0, false) == 1052);
}

TEST_CASE("numbers of the other commands are checked, each with its own words") {
  CHECK(refusal("incr a -1\r\n") == kErrorBadDelta);
  CHECK(refusal("decr a x\r\n") == kErrorBadDelta);
  CHECK(refusal("touch a x\r\n") == kErrorBadExptime);
  CHECK(refusal("gat x a\r\n") == kErrorBadExptime);
  CHECK(refusal("flush_all x\r\n") == kErrorBadExptime);
  CHECK(refusal("verbosity x\r\n") == kErrorBadFormat);
  CHECK(parse_one("incr a 18446744073709551615\r\n").request.number == 18446744073709551615u);
  CHECK(parse_one("touch a -1\r\n").request.exptime == -1);
  CHECK(parse_one("flush_all 5 foo\r\n").request.exptime == 5);
}

TEST_CASE("noreply counts as the last token only, and never as a key") {
  CHECK(parse_one("delete a noreply\r\n").request.noreply);
  CHECK_FALSE(parse_one("delete noreply\r\n").request.noreply);
  CHECK_FALSE(parse_one("set a 0 0 1 noreply foo\r\n1\r\n").request.noreply);
  CHECK(parse_one("set a 0 0 1 foo noreply\r\n1\r\n").request.noreply);
  CHECK(parse_one("flush_all noreply\r\n").request.noreply);
  CHECK(parse_one("touch a x noreply\r\n").request.noreply);
  CHECK_FALSE(parse_one("get a noreply\r\n").request.noreply);
}

TEST_CASE("a browser is shown the door without a word") {
  const Parsed parsed = parse_one("GET / HTTP/1.1\r\n");
  CHECK(parsed.request.command->action == Action::kClose);
  CHECK(parsed.refusal.empty());
  CHECK(parse_one("get HTTP/1.1\r\n").request.command->word == "get");
}

TEST_CASE("the binary protocol is recognised by the first byte of the connection, and by no later one") {
  CHECK(parse_one("\x80\x01").request.command->action == Action::kClose);
  CHECK(parse("mn\r\n\x80zzz\r\n").back().refusal == kErrorUnknown);
}

TEST_CASE("an unfinished line may have 2048 bytes") {
  Feeder feeder;
  feeder.feed(std::string(kUnfinishedLineBytesMax, 'x'));
  CHECK(feeder.requests.empty());
  feeder.feed("x");
  REQUIRE(feeder.requests.size() == 1);
  CHECK(feeder.requests[0].request.command->action == Action::kClose);
  CHECK(feeder.requests[0].refusal.empty());
}

TEST_CASE("an unfinished retrieval may have 8 MiB") {
  Feeder feeder;
  const std::string begin = "gets ";
  feeder.feed(begin + std::string(kUnfinishedRetrievalBytesMax - begin.size(), ' '));
  CHECK(feeder.requests.empty());
  feeder.feed("x");
  REQUIRE(feeder.requests.size() == 1);
  CHECK(feeder.requests[0].request.command->action == Action::kClose);
  CHECK(feeder.requests[0].refusal.empty());
}

TEST_CASE("a value that there is no memory for is given up, and skipped") {
  Parser parser({.item_bytes_max = item_bytes(1, kValueBytesMax, 0, true)});
  Request request;
  const std::string_view input = "set a 1 2 100 noreply\r\nbegin";
  const Parser::Result wanted = parser.next(input, request);
  CHECK_FALSE(wanted.complete);
  CHECK(wanted.bytes_wanted == 23 + 100 + 2);
  const Parser::Result result = parser.give_up(input, request);
  CHECK(result.complete);
  CHECK(request.no_memory);
  CHECK(request.key == "a");
  CHECK(result.bytes_consumed == 23);
  CHECK(result.bytes_to_skip == 102);
}

TEST_CASE("an unfinished line that there is no memory for ends the connection") {
  Parser parser({});
  Request request;
  CHECK_FALSE(parser.next("get a", request).complete);
  CHECK(parser.give_up("get a", request).complete);
  CHECK(request.command->action == Action::kClose);
  CHECK(request.refusal == kErrorNoMemoryReading);
}

// Everything there is, one behind the other.
std::string long_stream() {
  return "set a 1 2 3\r\nabc\r\nget a b c\r\n\r\ncas a 0 0 0 7\r\n\r\nset b x 0 4\r\nskip\r\nset c 0 0 2000\r\n" +
         std::string(2000, '\n') + "\r\nincr a 1 noreply\r\nset d 0 0 2\r\nlong\r\nverbosity 1\nGET\r\n" +
         "gat 5 a\r\ntouch a 9\r\nflush_all\r\nstats settings\r\nprepend e 0 0 4\r\n\r\n\r\n\r\nquit\r\n";
}

TEST_CASE("it makes no difference where bytes are split") {
  const std::string stream = long_stream();
  const std::vector<Parsed> expected = parse(stream);
  REQUIRE(expected.size() == 17);
  for (size_t split = 1; split < stream.size(); ++split) {
    Feeder feeder;
    feeder.feed(std::string_view(stream).substr(0, split));
    feeder.feed(std::string_view(stream).substr(split));
    CAPTURE(split);
    REQUIRE(feeder.requests == expected);
  }
}

TEST_CASE("bytes may come one by one") {
  const std::string stream = long_stream();
  Feeder feeder;
  for (const char byte : stream) feeder.feed({&byte, 1});
  CHECK(feeder.requests == parse(stream));
}

}  // namespace
}  // namespace netd
