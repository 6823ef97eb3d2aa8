#include "netd/prefix_stats.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "larder/cache.h"

namespace netd {
namespace {

struct Fixture {
  const std::unique_ptr<larder::Cache> cache = *larder::Cache::create();
  ConnectionMemory memory{*cache, size_t{64} << 20};
};

// Each prefix and its counts, added up in parts of `count`.
std::string text_of(const PrefixStats::Table& table) {
  std::string text;
  for (const auto& [prefix, counts] : table) {
    text += prefix + " " + std::to_string(counts.gets) + std::to_string(counts.hits) + std::to_string(counts.sets) +
            std::to_string(counts.deletes) + ",";
  }
  return text;
}

void add_all(const PrefixStats& stats, PrefixStats::Table& sum, size_t count = 1) {
  std::optional<std::string> last;
  do {
    last = stats.add_some_to(sum, last, count);
  } while (last);
}

std::string dump(const PrefixStats& stats) {
  PrefixStats::Table table;
  add_all(stats, table);
  return text_of(table);
}

TEST_CASE("a prefix ends before the first delimiter; keys without one are not counted") {
  Fixture fixture;
  PrefixStats stats('/', fixture.memory, SIZE_MAX / 2);
  stats.count_get("a/b/c", true);
  stats.count_get("a/", false);
  stats.count_get("a:b", true);
  stats.count_set("/x");
  stats.count_delete("b/x");
  CHECK(dump(stats) == " 0010,a 2100,b 0001,");
  stats.reset();
  CHECK(dump(stats).empty());
}

TEST_CASE("tables of several workers add up, in parts of any size") {
  Fixture fixture;
  PrefixStats one(':', fixture.memory, SIZE_MAX / 2);
  PrefixStats two(':', fixture.memory, SIZE_MAX / 2);
  for (const char prefix : {'a', 'b', 'c', 'd', 'e'}) one.count_get(std::string(1, prefix) + ":1", true);
  for (const char prefix : {'b', 'd', 'f'}) two.count_get(std::string(1, prefix) + ":2", false);
  for (const size_t count : {1, 2, 3, 5, 100}) {
    PrefixStats::Table table;
    add_all(one, table, count);
    add_all(two, table, count);
    CHECK(text_of(table) == "a 1100,b 2100,c 1100,d 2100,e 1100,f 1000,");
  }
}

TEST_CASE("a table holds so many prefixes, and goes on counting those") {
  Fixture fixture;
  PrefixStats stats(':', fixture.memory, SIZE_MAX / 2);
  for (size_t i = 0; i <= PrefixStats::kPrefixesMax; ++i) stats.count_set(std::to_string(i) + ":");
  stats.count_set("0:");
  PrefixStats::Table table;
  add_all(stats, table);
  CHECK(table.size() == PrefixStats::kPrefixesMax);
  CHECK(table["0"].sets == 2);
}

TEST_CASE("a table takes no more than its share of memory, and gives it back") {
  Fixture fixture;
  {
    PrefixStats stats(':', fixture.memory, 10'000);
    for (int i = 0; i < 1000; ++i) stats.count_set(std::to_string(i) + std::string(200, 'p') + ":");
    PrefixStats::Table table;
    add_all(stats, table);
    CHECK(table.size() > 20);
    CHECK(table.size() < 50);
    CHECK(fixture.memory.used_bytes() > table.size() * 200);
    CHECK(fixture.memory.used_bytes() <= 10'000);
    stats.reset();
    CHECK(fixture.memory.used_bytes() == 0);
    stats.count_set("a:");
  }
  CHECK(fixture.memory.used_bytes() == 0);
}

}  // namespace
}  // namespace netd
