#include "netd/top/view.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace netd::top {
namespace {

// A second apart.
struct Samples {
  Samples() { now.when = before.when + std::chrono::seconds(1); }

  void general(const std::string& name, int from, int to) {
    before.general.add(name, std::to_string(from));
    now.general.add(name, std::to_string(to));
  }
  void of_class(int item_class, const std::string& name, int from, int to) {
    before.classes.of_class[item_class].add(name, std::to_string(from));
    now.classes.of_class[item_class].add(name, std::to_string(to));
  }

  Sample before;
  Sample now;
};

bool has(const std::vector<std::string>& lines, std::string_view text) {
  return std::ranges::any_of(lines,
                             [text](const std::string& line) { return line.find(text) != std::string::npos; });
}

TEST_CASE("rates are of the time between two samples") {
  Samples samples;
  samples.general("cmd_get", 1000, 3000);
  samples.general("get_hits", 500, 2000);
  samples.general("evictions", 0, 70);
  samples.now.when += std::chrono::seconds(1);
  const std::vector<std::string> lines = screen(samples.before, samples.now, {.address = "somewhere"});
  CHECK(lines.front().starts_with("somewhere  "));
  CHECK(has(lines, "gets/s    1000  hit ratio  75.0%"));
  CHECK(has(lines, "evicted/s      35"));
  CHECK(line(samples.before, samples.now).starts_with("     1000    75.0%"));
}

TEST_CASE("a server that was restarted, or had its counters reset, has no negative rates") {
  Samples samples;
  samples.general("cmd_get", 100'000, 20);
  samples.general("get_hits", 100'000, 10);
  CHECK(has(screen(samples.before, samples.now, {}), "gets/s      20  hit ratio  50.0%"));
}

TEST_CASE("classes are sorted by what is asked for, the largest first, and by size from the smallest on") {
  Samples samples;
  for (const auto& [item_class, items, hits] : {std::tuple{1, 5, 9}, std::tuple{2, 7, 1}, std::tuple{3, 6, 4}}) {
    samples.of_class(item_class, "chunk_size", item_class, item_class);
    samples.of_class(item_class, "number", items, items);
    samples.of_class(item_class, "get_hits", 0, hits);
  }
  const auto sizes = [&](SortBy by) {
    std::string order;
    for (const std::string& line : screen(samples.before, samples.now, {.sort_by = by})) {
      if (line.starts_with("        ") && line[9] == 'B') order += line[8];
    }
    return order;
  };
  CHECK(sizes(SortBy::kSize) == "123");
  CHECK(sizes(SortBy::kItems) == "231");
  CHECK(sizes(SortBy::kHits) == "132");
  CHECK(sizes(SortBy::kStores) == "123");
}

TEST_CASE("the screen is never exceeded, and hot keys have their place below the classes") {
  Samples samples;
  for (int item_class = 1; item_class <= 40; ++item_class) samples.of_class(item_class, "number", 1, 1);
  for (int i = 0; i < 10; ++i) samples.now.hot_keys.push_back({.name = std::string(250, 'k'), .share = 0.01});
  for (const size_t rows : {0, 1, 5, 6, 7, 12, 24, 80}) {
    for (const size_t columns : {1, 20, 80, 300}) {
      const std::vector<std::string> lines =
          screen(samples.before, samples.now, {.columns = columns, .rows = rows});
      CHECK(lines.size() <= rows);
      for (const std::string& line : lines) CHECK(line.size() <= columns);
      CHECK(has(lines, "hot keys") == (rows >= 12 && columns >= 20));
    }
  }
}

TEST_CASE("a server that says nothing is shown all the same") {
  const Sample nothing;
  CHECK_FALSE(screen(nothing, nothing, {}).empty());
  CHECK(line(nothing, nothing).size() == line_headings().size());
}

TEST_CASE("numbers are short") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(9'999) == "9999");
  CHECK(short_number(10'000) == "10.0k");
  CHECK(short_number(123'456) == "123k");
  CHECK(short_number(1'500'000) == "1.5M");
  CHECK(short_number(2e9) == "2.0G");
  CHECK(short_bytes(0) == "0B");
  CHECK(short_bytes(1023) == "1023B");
  CHECK(short_bytes(1536) == "1.5K");
  CHECK(short_bytes(double{3u << 30}) == "3.0G");
}

}  // namespace
}  // namespace netd::top
