#include "netd/auth_parser.h"

#include <doctest/doctest.h>

#include <string>

#include "netd/commands.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

struct Parsed {
  Parser::Result result;
  Request request;
};

Parsed parse(std::string_view input, bool at_start = false) {
  Parsed parsed;
  parsed.result = parse_unauthenticated(input, at_start, parsed.request);
  return parsed;
}

TEST_CASE("a set with user and password is understood, whatever else stands on its line") {
  for (const std::string line : {"set a 0 0 7\r\n", "set x y z 7 noreply\r\n", "set  k  k  k  7\n"}) {
    const std::string input = line + "bob pwd\r\n";
    const Parsed parsed = parse(input);
    CHECK(parsed.result.complete);
    CHECK(parsed.result.bytes_consumed == input.size());
    CHECK(parsed.request.command == &kAuthentication);
    CHECK(parsed.request.value == "bob pwd");
    for (size_t size = 0; size < input.size(); ++size) CHECK_FALSE(parse(input.substr(0, size)).result.complete);
  }
}

TEST_CASE("everything else is unauthenticated") {
  for (const std::string line : {"get a\r\n", "version\r\n", "set a 0 0\r\n", "set a 0 0 x\r\n", "set a 0 0 -1\r\n",
                                 "sets a 0 0 1\r\n", "add a 0 0 7\r\n"}) {
    CAPTURE(line);
    const Parsed parsed = parse(line);
    CHECK(parsed.request.refusal == kErrorUnauthenticated);
    CHECK(parsed.result.bytes_consumed == line.size());
    CHECK(parsed.result.bytes_to_skip == 0);
  }
}

TEST_CASE("a token of 16384 bytes is the longest") {
  CHECK(parse("set a 0 0 16384\r\n").result.bytes_wanted == 17 + 16384 + 2);
  for (const std::string line : {"set a 0 0 16385\r\n", "set a 0 0 2147483646\r\n", "set a 0 0 4294967295\r\n"}) {
    CAPTURE(line);
    const Parsed too_long = parse(line);
    CHECK(too_long.request.refusal == kErrorAuthTooLong);
    CHECK(too_long.result.bytes_consumed == line.size());
    CHECK(too_long.result.bytes_to_skip == 0);
  }
  CHECK(parse("set a 0 0 4294967296\r\n").request.refusal == kErrorUnauthenticated);
}

TEST_CASE("a token without its end, or without a space, is told so") {
  CHECK(parse("set a 0 0 2\r\nabcd").request.refusal == kErrorAuthBadEnd);
  CHECK(parse("set a 0 0 2\r\nab\r\n").request.refusal == kErrorAuthBadFormat);
}

TEST_CASE("a line shorter than six bytes, an endless one and the binary protocol close the connection") {
  CHECK(parse("abcd\n").request.command->action == Action::kClose);
  CHECK(parse("abcde\n").request.command == &kRefusal);
  CHECK_FALSE(parse(std::string(2048, 'x')).result.complete);
  CHECK(parse(std::string(2049, 'x')).request.command->action == Action::kClose);
  CHECK(parse("\x80", true).request.command->action == Action::kClose);
  CHECK_FALSE(parse("\x80", false).result.complete);
}

}  // namespace
}  // namespace netd
