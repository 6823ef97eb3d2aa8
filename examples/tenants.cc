// One cache for several tenants of a program: each is a namespace, with its own statistics, its own flush and,
// here, a limit that keeps the loud one from the memory of the quiet one.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "larder/cache.h"
#include "larder/serving.h"

int main() {
  larder::Options options;
  options.memory_limit_bytes = size_t{8} << 20;
  options.namespaces = {{.prefix = "loud/", .item_bytes_limit = size_t{1} << 20}, {.prefix = "quiet/"}};
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create(options);
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::Cache& cache = **created;

  const std::string value(1000, 'v');
  for (int i = 0; i < 100; ++i) cache.set("quiet/" + std::to_string(i), value);
  for (int i = 0; i < 50'000; ++i) cache.set("loud/" + std::to_string(i), value);
  for (const larder::NamespaceStats& of : larder::namespace_stats(cache)) {
    std::cout << (of.prefix.empty() ? "(others)" : of.prefix) << ": " << of.stats.items << " items, "
              << of.stats.item_bytes << " bytes, " << of.stats.evictions << " evictions\n";
  }
  const larder::NamespaceStats quiet = larder::namespace_stats(cache)[1];
  if (quiet.stats.items != 100 || quiet.stats.evictions != 0) return EXIT_FAILURE;

  // Costs the same however many items there are, and nobody else's go.
  cache.flush_namespace("loud/");
  return cache.stats().items == 100 ? EXIT_SUCCESS : EXIT_FAILURE;
}
