#include "netd/stat_lines.h"

#include <doctest/doctest.h>

namespace netd {
namespace {

TEST_CASE("lines are in their order, and values may have spaces") {
  const StatLines lines("STAT b 2\r\nSTAT a one two\r\nnothing\r\nSTAT c\r\nEND\r\nSTAT d 4");
  REQUIRE(lines.all().size() == 4);
  CHECK(lines.all()[0].first == "b");
  CHECK(lines.text("a") == "one two");
  CHECK(lines.text("c").empty());
  CHECK(lines.text("nothing").empty());
  CHECK(lines.number("d") == 4);
  CHECK_FALSE(lines.number("a"));
  CHECK_FALSE(lines.number("nothing"));
  CHECK(lines.number_or_0("b") == 2);
  CHECK(lines.number_or_0("a") == 0);
}

TEST_CASE("a class has what items and slabs say of it") {
  ClassStats stats;
  stats.add("STAT items:1:number 5\r\nSTAT items:12:number 6\r\nEND\r\n");
  stats.add("STAT 1:chunk_size 64\r\nSTAT active_slabs 2\r\nEND\r\n");
  REQUIRE(stats.of_class.size() == 2);
  CHECK(stats.of_class[1].number("number") == 5);
  CHECK(stats.of_class[1].number("chunk_size") == 64);
  CHECK(stats.of_class[12].number("number") == 6);
  CHECK(stats.totals.number("active_slabs") == 2);
}

}  // namespace
}  // namespace netd
