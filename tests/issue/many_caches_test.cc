// Each cache reserved at least 160 GiB of address space, writable: the 980th had none left, nor had anything else
// in the program. Most of it was for limits and items that no small cache ever has.
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "support/resident_bytes.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

#ifdef LARDER_SANITIZED
constexpr int kCaches = 300;  // a sanitizer has memory of its own for each
#else
constexpr int kCaches = 10'000;
#endif

size_t mappings() {
  size_t count = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

TEST_CASE("a program may have ten thousand caches of 1 MiB") {
  const size_t mappings_before = mappings();
  const size_t resident_before = resident_bytes();
  std::vector<std::unique_ptr<Cache>> caches;
  for (int i = 0; i < kCaches; ++i) {
    absl::StatusOr<std::unique_ptr<Cache>> cache =
        Cache::create({.memory_limit_bytes = kMiB, .item_bytes_max = 1024, .seed = static_cast<uint64_t>(i)});
    REQUIRE_MESSAGE(cache.ok(), i << " caches: " << cache.status().ToString());
    caches.push_back(*std::move(cache));
    REQUIRE(caches.back()->set("key", "value " + std::to_string(i)) == StoreResult::kStored);
  }
  for (int i = 0; i < kCaches; ++i) REQUIRE(caches[i]->get("key")->value == "value " + std::to_string(i));
  // The system allows 65,530.
  CHECK(mappings() - mappings_before <= kCaches * size_t{6});
#ifndef LARDER_SANITIZED
  // Three pages of each are only read: of the ghost, of the index, of the segments' descriptors.
  const size_t read_bytes = is_read_memory_resident() ? size_t{12} << 10 : 0;
  CHECK(resident_bytes() - resident_before <= kCaches * ((size_t{40} << 10) + read_bytes));
#endif
  (void)resident_before;
  // There is room for others.
  std::thread([&] { caches.front()->flush_all(); }).join();
  CHECK_FALSE(caches.front()->get("key").has_value());
  CHECK(Cache::create({}).ok());
}

}  // namespace
}  // namespace larder
