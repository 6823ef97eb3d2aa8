// A second level behind a cache: what memory has no room for moves to a slower store, and back when it is asked
// for.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "larder/cache.h"

namespace {

// Stands for files or a database: whatever is larger and slower than memory.
class SecondLevel : public larder::RemovalListener {
 public:
  void removed(const larder::RemovedItem& item, larder::Removal) override {
    const std::lock_guard lock(mutex_);
    values_.insert_or_assign(std::string(item.key), std::string(item.value));
  }
  [[nodiscard]] bool wants(larder::Removal why) const override { return why == larder::Removal::kEvicted; }
  [[nodiscard]] bool wants_values() const override { return true; }

  // Empty when there is none; an item is in one level at a time.
  std::string take(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto node = values_.extract(key);
    return node.empty() ? std::string() : std::move(node.mapped());
  }

 private:
  std::mutex mutex_;  // the cache calls with no lock of its own held, from any thread
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace

int main() {
  SecondLevel second_level;  // outlives the cache
  larder::Options options;
  options.memory_limit_bytes = size_t{4} << 20;
  options.removal_listener = &second_level;
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create(options);
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::Cache& cache = **created;

  constexpr int kItems = 10'000;
  const std::string filling(1000, '.');
  for (int i = 0; i < kItems; ++i) {
    if (cache.set(std::to_string(i), std::to_string(i) + filling) != larder::StoreResult::kStored)
      return EXIT_FAILURE;
  }

  int from_memory = 0, from_below = 0;
  std::string value;
  for (int i = kItems - 1; i >= 0; --i) {
    const std::string key = std::to_string(i);
    if (cache.get(key, value)) {
      ++from_memory;
    } else {
      value = second_level.take(key);
      if (cache.set(key, value) != larder::StoreResult::kStored) return EXIT_FAILURE;
      ++from_below;
    }
    if (value != key + filling) return EXIT_FAILURE;
  }
  std::cout << from_memory << " items were in memory, " << from_below << " on the second level, none is lost\n";
  return from_memory > 0 && from_below > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
