#include "netd/tokens.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

TEST_CASE("several spaces separate as one does, and those at the ends do not count") {
  const Tokens tokens("  set  a 1   ");
  REQUIRE(tokens.size() == 3);
  CHECK(tokens[0] == "set");
  CHECK(tokens[1] == "a");
  CHECK(tokens.last() == "1");
}

TEST_CASE("only the space separates") {
  const Tokens tokens(std::string_view("a\tb\0c\r d", 8));
  REQUIRE(tokens.size() == 2);
  CHECK(tokens[0] == std::string_view("a\tb\0c\r", 6));
}

TEST_CASE("what lies beyond the tokens is empty") {
  CHECK(Tokens("").size() == 0);
  CHECK(Tokens("").last().empty());
  CHECK(Tokens("a")[1].empty());
}

TEST_CASE("the 24th token is not looked at") {
  std::string line;
  for (int i = 1; i <= 30; ++i) line += std::to_string(i) + " ";
  CHECK(Tokens(line).size() == 23);
  CHECK(Tokens(line).last() == "23");
}

}  // namespace
}  // namespace netd
