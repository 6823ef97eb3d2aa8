#include "netd/prefix_stats.h"

#include <doctest/doctest.h>

#include <string>

namespace netd {
namespace {

std::string dump(const PrefixStats& stats) {
  PrefixStats::Table table;
  stats.add_to(table);
  return prefix_text(table);
}

TEST_CASE("a prefix ends before the first delimiter; keys without one are not counted") {
  PrefixStats stats('/');
  stats.count_get("a/b/c", true);
  stats.count_get("a/", false);
  stats.count_get("a:b", true);
  stats.count_set("/x");
  stats.count_delete("b/x");
  CHECK(dump(stats) ==
        "PREFIX  get 0 hit 0 set 1 del 0\r\nPREFIX a get 2 hit 1 set 0 del 0\r\n"
        "PREFIX b get 0 hit 0 set 0 del 1\r\nEND\r\n");
  stats.reset();
  CHECK(dump(stats) == "END\r\n");
}

TEST_CASE("tables of several workers add up") {
  PrefixStats one(':');
  PrefixStats two(':');
  one.count_get("a:1", true);
  two.count_get("a:2", false);
  PrefixStats::Table table;
  one.add_to(table);
  two.add_to(table);
  CHECK(prefix_text(table) == "PREFIX a get 2 hit 1 set 0 del 0\r\nEND\r\n");
}

TEST_CASE("a table holds so many prefixes, and goes on counting those") {
  PrefixStats stats(':');
  for (size_t i = 0; i <= PrefixStats::kPrefixesMax; ++i) stats.count_set(std::to_string(i) + ":");
  stats.count_set("0:");
  PrefixStats::Table table;
  stats.add_to(table);
  CHECK(table.size() == PrefixStats::kPrefixesMax);
  CHECK(table["0"].sets == 2);
}

}  // namespace
}  // namespace netd
