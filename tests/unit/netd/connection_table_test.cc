#include "netd/connection_table.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace netd {
namespace {

TEST_CASE("connections are described in parts, in the order of their numbers") {
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  ConnectionEntry listener(fds[0], ConnectionState::kListening, 0);
  ConnectionEntry client(fds[1], ConnectionState::kReading, 4000);
  ConnectionTable table;
  table.add(client);
  table.add(listener);
  std::string text;
  CHECK(table.describe_after(-1, 1, 9999, text) == fds[0]);
  const std::string first = std::to_string(fds[0]);
  CHECK(text == "STAT " + first + ":addr unix:\r\nSTAT " + first + ":state conn_listening\r\nSTAT " + first +
                    ":secs_since_last_cmd 9\r\n");
  text.clear();
  CHECK(table.describe_after(fds[0], 10, 9999, text) == fds[1]);
  CHECK(text.find(":listen_addr unix:\r\n") != std::string::npos);
  CHECK(text.find(":state conn_read\r\n") != std::string::npos);
  CHECK(text.find(":secs_since_last_cmd 5\r\n") != std::string::npos);
  CHECK(table.describe_after(fds[1], 10, 9999, text) == -1);
  table.remove(client);
  table.remove(listener);
  CHECK(table.describe_after(-1, 10, 9999, text) == -1);
  close(fds[0]);
  close(fds[1]);
}

TEST_CASE("connections are counted in parts, by state") {
  ConnectionEntry reading(0, ConnectionState::kReading, 0);
  ConnectionEntry other(1, ConnectionState::kReading, 0);
  ConnectionEntry writing(2, ConnectionState::kWriting, 0);
  ConnectionTable table;
  std::map<std::string_view, uint64_t> counts;
  CHECK(table.count_after(-1, 10, counts) == -1);
  for (const ConnectionEntry* const entry : {&reading, &other, &writing}) table.add(*entry);
  CHECK(table.count_after(-1, 2, counts) == 1);
  CHECK(table.count_after(1, 2, counts) == 2);
  CHECK(table.count_after(2, 2, counts) == -1);
  CHECK(counts == std::map<std::string_view, uint64_t>{{"conn_read", 2}, {"conn_mwrite", 1}});
}

}  // namespace
}  // namespace netd
