#include "netd/listen_address.h"

#include <doctest/doctest.h>

#include "netd/start_error.h"

namespace netd {
namespace {

std::vector<ListenAddress> parse(std::string_view list) {
  std::vector<ListenAddress> addresses;
  add_listen_addresses({"-l", list}, addresses);
  return addresses;
}

TEST_CASE("an address is a host, with or without a port") {
  CHECK(parse("127.0.0.1") == std::vector<ListenAddress>{{"127.0.0.1", {}}});
  CHECK(parse("localhost:11212") == std::vector<ListenAddress>{{"localhost", 11212}});
  CHECK(parse("*:1") == std::vector<ListenAddress>{{"*", 1}});
}

TEST_CASE("an IPv6 address needs brackets only to have a port") {
  CHECK(parse("::1") == std::vector<ListenAddress>{{"::1", {}}});
  CHECK(parse("[::1]") == std::vector<ListenAddress>{{"::1", {}}});
  CHECK(parse("[fe80::1]:65535") == std::vector<ListenAddress>{{"fe80::1", 65535}});
}

TEST_CASE("commas and semicolons separate, and repetitions are left out") {
  CHECK(parse("a,b;a:1,a,b") == std::vector<ListenAddress>{{"a", {}}, {"b", {}}, {"a", 1}});
}

TEST_CASE("empty elements of a list are left out") {
  CHECK(parse("a,,b;") == std::vector<ListenAddress>{{"a", {}}, {"b", {}}});
  CHECK(parse(",a") == std::vector<ListenAddress>{{"a", {}}});
}

TEST_CASE("tags and notls: change nothing") {
  CHECK(parse("tag[web]:notls:a:5") == std::vector<ListenAddress>{{"a", 5}});
  CHECK(parse("tag_web_:a") == std::vector<ListenAddress>{{"a", {}}});
}

TEST_CASE("what is no address, or asks for what netd has not, is refused by name") {
  for (const char* const list : {"", ",", ":1", "a:", "a:x", "a:0", "a:65536", "a:1x", "[::1", "[::1]1", "[]:1",
                                 "tag[x", "mtls:a", "btls:a", "proto[binary]:a"}) {
    CAPTURE(list);
    CHECK_THROWS_AS((void)parse(list), StartError);
  }
}

}  // namespace
}  // namespace netd
