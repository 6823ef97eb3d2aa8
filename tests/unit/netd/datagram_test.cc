#include "netd/datagram.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace netd {
namespace {

using std::string_literals::operator""s;

std::vector<std::string> split(uint16_t request_id, const std::string& reply) {
  std::vector<std::string> datagrams;
  split_reply(request_id, reply, [&](const DatagramHeader& header, std::string_view part) {
    datagrams.push_back(std::string(header.data(), header.size()) + std::string(part));
    return true;
  });
  return datagrams;
}

TEST_CASE("a request is one datagram, whatever its sequence number, with a byte at least") {
  CHECK(request_id_of("\x12\xfe\0\0\0\1\0\0x"s) == 0x12fe);
  CHECK(request_id_of("\0\0\0\7\0\1\xff\xffx"s) == 0);
  CHECK_FALSE(request_id_of("\x12\xfe\0\0\0\1\0\0"s));
  CHECK_FALSE(request_id_of("\x12\xfe\0\0\0\2\0\0x"s));
  CHECK_FALSE(request_id_of("\x12\xfe\0\0\1\1\0\0x"s));
  CHECK_FALSE(request_id_of("\x12\xfe\0\0\0\0\0\0x"s));
  CHECK_FALSE(request_id_of(""));
}

TEST_CASE("a reply is as many datagrams as it takes, numbered") {
  CHECK(split(0x12fe, "OK\r\n") == std::vector{"\x12\xfe\0\0\0\1\0\0OK\r\n"s});
  CHECK(split(1, "").empty());
  const std::string part(1392, 'x');
  CHECK(split(1, part) == std::vector{"\0\1\0\0\0\1\0\0"s + part});
  CHECK(split(1, part + "y") == std::vector{"\0\1\0\0\0\2\0\0"s + part, "\0\1\0\1\0\2\0\0y"s});
}

TEST_CASE("a reply of as many datagrams as can be numbered is sent, a longer one is not") {
  const std::string longest(size_t{1392} * 65535, 'x');
  size_t count = 0;
  const auto count_one = [&](const DatagramHeader&, std::string_view) { return ++count > 0; };
  split_reply(1, longest, count_one);
  CHECK(count == 65535);
  split_reply(1, longest + "x", count_one);
  CHECK(count == 65535);
}

TEST_CASE("when one cannot be sent the rest is not tried") {
  int count = 0;
  split_reply(1, std::string(5000, 'x'), [&](const DatagramHeader&, std::string_view) { return ++count < 2; });
  CHECK(count == 2);
}

}  // namespace
}  // namespace netd
