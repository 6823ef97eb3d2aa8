#include "larder/metrics.h"

#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Value by all that stands before it.
std::map<std::string, std::string> samples_of(const std::string& text) {
  std::map<std::string, std::string> samples;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with('#')) continue;
    const size_t space = line.rfind(' ');
    CHECK(samples.emplace(line.substr(0, space), line.substr(space + 1)).second);
  }
  return samples;
}

TEST_CASE("what a cache counts is written as Prometheus reads it") {
  const std::unique_ptr<Cache> cache = *Cache::create();
  cache->set("a", "1");
  (void)cache->get("a");
  (void)cache->get("b");
  (void)cache->get("b");
  std::ostringstream out;
  write_prometheus(out, *cache, "shop");
  const auto samples = samples_of(out.str());
  CHECK(samples.at(R"(larder_cache_operations_total{cache="shop",operation="get",outcome="hit"})") == "1");
  CHECK(samples.at(R"(larder_cache_operations_total{cache="shop",operation="get",outcome="miss"})") == "2");
  CHECK(samples.at(R"(larder_cache_operations_total{cache="shop",operation="flush"})") == "0");
  CHECK(samples.at(R"(larder_cache_items{cache="shop"})") == "1");
  CHECK(samples.at(R"(larder_cache_memory_limit_bytes{cache="shop"})") == std::to_string(64 << 20));

  std::ostringstream nameless;
  write_prometheus(nameless, *cache);
  CHECK(samples_of(nameless.str()).at("larder_cache_items") == "1");
  // However the stream writes numbers.
  std::ostringstream in_hexadecimal;
  in_hexadecimal << std::hex << std::showbase;
  write_prometheus(in_hexadecimal, *cache);
  CHECK(in_hexadecimal.str() == nameless.str());
}

TEST_CASE("each family stands there once, with what it is") {
  std::set<std::string> families;
  std::string family;
  const NamedStats caches[] = {{.cache_name = "one", .stats = {}}, {.cache_name = "t\"w\\o\n", .stats = {}}};
  std::ostringstream out;
  write_prometheus(out, caches);
  for (const std::string& line : lines_of(out.str())) {
    std::istringstream in(line);
    std::string first, what, name;
    in >> first >> what >> name;
    if (first != "#") {
      CHECK(first.substr(0, first.find('{')) == family);
    } else if (what == "HELP") {
      CHECK(families.insert(name).second);
      family = name;
    } else {
      CHECK(name == family);
      std::string type;
      in >> type;
      CHECK((type == "counter") == name.ends_with("_total"));
    }
  }
  const auto samples = samples_of(out.str());
  CHECK(samples.contains(R"(larder_cache_items{cache="one"})"));
  CHECK(samples.contains(R"(larder_cache_items{cache="t\"w\\o\n"})"));
}

TEST_CASE("one by one they are the same, and uses of memory add up") {
  const std::unique_ptr<Cache> cache = *Cache::create();
  for (int i = 0; i < 1'000; ++i) cache->set(std::to_string(i), std::string(1'000, 'x'));
  const Stats stats = cache->stats();
  uint64_t used = 0, stored = 0;
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for_each_metric(stats, [&](const Metric& metric) {
    CHECK(seen.emplace(metric.name, metric.attribute_value, metric.outcome).second);
    CHECK(metric.name.starts_with("larder.cache."));
    CHECK_FALSE(metric.unit.empty());
    CHECK(metric.description.ends_with('.'));
    CHECK(metric.attribute.empty() == metric.attribute_value.empty());
    if (metric.name == "larder.cache.memory.usage") used += metric.value;
    if (metric.attribute_value == "store" && metric.outcome == "accepted") stored = metric.value;
  });
  CHECK(used == stats.memory_used_bytes);
  CHECK(stored == 1'000);
}

}  // namespace
}  // namespace larder
