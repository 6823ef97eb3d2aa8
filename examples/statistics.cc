// Fills a small cache with more than fits, and prints what it counted and where its memory is.
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "larder/cache.h"

int main() {
  larder::Options options;
  options.memory_limit_bytes = size_t{4} << 20;
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create(options);
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::Cache& cache = **created;

  constexpr uint64_t kItems = 100'000;
  const std::string payload(200, 'v');
  for (uint64_t i = 0; i < kItems; ++i) {
    if (cache.set("item:" + std::to_string(i), payload) != larder::StoreResult::kStored) return EXIT_FAILURE;
  }
  std::string copy;
  uint64_t found_count = 0;
  for (uint64_t i = 0; i < kItems; ++i) {
    if (cache.get("item:" + std::to_string(i), copy)) ++found_count;
  }

  const larder::Stats stats = cache.stats();
  const std::pair<std::string_view, uint64_t> lines[] = {
      {"get_hits", stats.get_hits},
      {"get_misses", stats.get_misses},
      {"stores", stats.stores},
      {"evictions", stats.evictions},
      {"items", stats.items},
      {"memory_limit_bytes", stats.memory_limit_bytes},
      {"memory_used_bytes", stats.memory_used_bytes},
      {"  live_bytes", stats.live_bytes},
      {"  dead_bytes", stats.dead_bytes},
      {"  free_bytes", stats.free_bytes},
      {"  large_bytes", stats.large_bytes},
      {"  index_bytes", stats.index_bytes},
      {"  ghost_bytes", stats.ghost_bytes},
      {"  curve_bytes", stats.curve_bytes},
      {"  hot_key_bytes", stats.hot_key_bytes},
      {"  removal_log_bytes", stats.removal_log_bytes},
      {"  other_bytes", stats.other_bytes},
      {"  handle_bytes", stats.handle_bytes},
      {"  external_bytes", stats.external_bytes},
  };
  for (const auto& [name, value] : lines) std::cout << std::setw(10) << value << ' ' << name << '\n';

  // Nothing is lost between the numbers: each read hit or missed, and every byte in use has a place.
  const uint64_t parts_bytes = stats.live_bytes + stats.dead_bytes + stats.free_bytes + stats.large_bytes +
                               stats.index_bytes + stats.ghost_bytes + stats.curve_bytes + stats.hot_key_bytes +
                               stats.removal_log_bytes + stats.other_bytes + stats.handle_bytes +
                               stats.external_bytes;
  const bool as_expected = stats.stores == kItems && stats.evictions > 0 && stats.get_hits == found_count &&
                           stats.get_hits + stats.get_misses == kItems && stats.items == found_count &&
                           stats.memory_used_bytes <= stats.memory_limit_bytes &&
                           parts_bytes == stats.memory_used_bytes;
  return as_expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
