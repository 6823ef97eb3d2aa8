// Embeds a cache in a program: what is slow to look up is looked up once and then served from memory.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "larder/cache.h"

namespace {

// Stands for a database: slow, and so worth caching.
class Countries {
 public:
  std::string capital(const std::string& country) {
    ++query_count_;
    return country == "Norway" ? "Oslo" : "unknown";
  }
  int query_count() const { return query_count_; }

 private:
  int query_count_ = 0;
};

std::string cached_capital(larder::Cache& cache, Countries& countries, const std::string& country) {
  const std::string key = "capital:" + country;
  if (std::optional<larder::Item> item = cache.get(key)) return item->value;
  std::string capital = countries.capital(country);
  // A store that finds no room costs the next caller a query, and nothing else.
  cache.set(key, capital);
  return capital;
}

}  // namespace

int main() {
  larder::Options options;
  options.memory_limit_bytes = size_t{16} << 20;
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create(options);
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::Cache& cache = **created;

  Countries countries;
  for (int i = 0; i < 3; ++i) {
    if (cached_capital(cache, countries, "Norway") != "Oslo") return EXIT_FAILURE;
  }
  // visit shows the item where it lies in the cache, without a copy.
  cache.visit("capital:Norway",
              [](const larder::ItemView& item) { std::cout << item.key << " is " << item.value << '\n'; });
  std::cout << "asked 3 times, queries: " << countries.query_count() << '\n';
  return countries.query_count() == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
