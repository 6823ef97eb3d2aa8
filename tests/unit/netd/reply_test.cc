#include "netd/reply.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

BufferPool& unlimited_pool() {
  static BufferPool pool([](int64_t) { return true; });
  return pool;
}

TEST_CASE("a value comes with its key, flags and size, and with its CAS number if asked for") {
  Buffer out(unlimited_pool());
  const larder::ItemView item{.key = "k", .value = "ab\r\ncd", .flags = 4294967295u, .cas = 18446744073709551615u};
  REQUIRE(append_value(item, false, out));
  CHECK(out.content() == "VALUE k 4294967295 6\r\nab\r\ncd\r\n");
  out.release();
  REQUIRE(append_value(item, true, out));
  CHECK(out.content() == "VALUE k 4294967295 6 18446744073709551615\r\nab\r\ncd\r\n");
}

TEST_CASE("an empty value is a line of its own") {
  Buffer out(unlimited_pool());
  REQUIRE(append_value({.key = "k", .value = ""}, false, out));
  CHECK(out.content() == "VALUE k 0 0\r\n\r\n");
}

TEST_CASE("a value that finds no memory leaves nothing behind") {
  BufferPool pool([](int64_t bytes) { return bytes <= int64_t{BufferPool::kBlockBytes}; });
  Buffer out(pool);
  out.append("before");
  CHECK_FALSE(append_value({.key = "k", .value = std::string(100000, 'x')}, false, out));
  CHECK(out.content() == "before");
}

TEST_CASE("numbers are printed without padding") {
  Buffer out(unlimited_pool());
  append_number(0, out);
  append_number(18446744073709551615u, out);
  CHECK(out.content() == "0\r\n18446744073709551615\r\n");
}

TEST_CASE("a statistic is a name and a text or number") {
  Buffer out(unlimited_pool());
  append_stat("pid", 12, out);
  append_stat("evictions", "on", out);
  CHECK(out.content() == "STAT pid 12\r\nSTAT evictions on\r\n");
}

TEST_CASE("the version begins with three numbers that clients can compare") {
  Buffer out(unlimited_pool());
  append_version(out);
  CHECK(out.content().starts_with("VERSION 1.6.45-netd-"));
  CHECK(out.content().ends_with("\r\n"));
}

}  // namespace
}  // namespace netd
