// The memory limit holds for the whole process: its resident memory never passes the limit by more than 8 MiB.
//
// Values change their sizes over time, as they do in production: small ones first, then mixed, then large ones
// only, and back; the limit itself is moved meanwhile. Resident memory is sampled all the while.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"
#include "model/random.h"
#include "support/resident_bytes.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kAllowedBytes = 8 * kMiB;

#ifdef LARDER_SANITIZED
constexpr bool kIsSanitized = true;  // most of the resident memory is then the sanitizer's; large caches take long
#else
constexpr bool kIsSanitized = false;
#endif

class Load {
 public:
  explicit Load(size_t limit_bytes) : limit_bytes_(limit_bytes), filling_(kMiB, 'v') {
    Options options;
    options.memory_limit_bytes = limit_bytes;
    options.seed = 1;
    auto cache = Cache::create(options);
    REQUIRE(cache.ok());
    cache_ = *std::move(cache);
  }

  // Stores values of min..max bytes, `times` the limit's worth of them.
  void store(size_t value_bytes_min, size_t value_bytes_max, double times) {
    const auto enough = static_cast<size_t>(static_cast<double>(limit_bytes_) * times);
    for (size_t stored = 0; stored < enough;) {
      const size_t value_bytes = value_bytes_min + random_.below(value_bytes_max - value_bytes_min + 1);
      const std::string key = "key:" + std::to_string(random_.below(1 + 8 * limit_bytes_ / (value_bytes_max + 64)));
      REQUIRE(cache_->set(key, std::string_view(filling_).substr(0, value_bytes)) == StoreResult::kStored);
      stored += value_bytes + 64;
      if (++operations_ % 1024 == 0 || value_bytes > kMiB / 2) sample();
    }
  }

  void erase_everything() {
    std::vector<std::string> keys;
    cache_->for_each([&](const ItemView& item) { return keys.emplace_back(item.key), true; });
    for (const std::string& key : keys) (void)cache_->erase(key);
    CHECK(cache_->stats().items == 0);
  }

  void set_limit(size_t bytes) {
    limit_bytes_ = bytes;
    const absl::Status status = cache_->set_memory_limit(bytes);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    sample();
  }

  void sample() {
    CHECK(cache_->stats().memory_used_bytes <= limit_bytes_);
    if (kIsSanitized) return;
    const size_t resident = resident_bytes();
    worst_excess_ = std::max(worst_excess_, static_cast<int64_t>(resident) - static_cast<int64_t>(limit_bytes_));
    CHECK(resident <= limit_bytes_ + kAllowedBytes);
  }

  void report(const char* what) const {
    if (!kIsSanitized) {
      std::printf("%s, limit %zu MiB: resident memory at most limit %+.1f MiB\n", what, limit_bytes_ / kMiB,
                  static_cast<double>(worst_excess_) / static_cast<double>(kMiB));
    }
    const absl::Status valid = assert_valid(*cache_);
    CHECK_MESSAGE(valid.ok(), valid.ToString());
  }

  Cache& cache() { return *cache_; }

 private:
  size_t limit_bytes_;
  const std::string filling_;
  model::Random random_{7};
  std::unique_ptr<Cache> cache_;
  size_t operations_ = 0;
  int64_t worst_excess_ = INT64_MIN;
};

void load_with_changing_sizes(size_t limit_bytes) {
  Load load(limit_bytes);
  // A large cache is filled less often over, to keep the test short.
  const double times = limit_bytes > 100 * kMiB ? 1.2 : 4;
  load.store(1, 1, times / 8);
  load.store(1, 100, times / 4);
  load.store(1, 10'000, times);
  load.store(100 * 1024, 100 * 1024, times);
  load.store(1, kMiB, times);
  load.store(kMiB, kMiB, times);
  load.store(1, 300, times / 4);
  load.report("changing sizes");
}

TEST_CASE("resident memory stays within a limit of 4 MiB while sizes change") {
  load_with_changing_sizes(4 * kMiB);
}
TEST_CASE("resident memory stays within a limit of 64 MiB while sizes change" * doctest::skip(kIsSanitized)) {
  load_with_changing_sizes(64 * kMiB);
}
TEST_CASE("resident memory stays within a limit of 512 MiB while sizes change" * doctest::skip(kIsSanitized)) {
  load_with_changing_sizes(512 * kMiB);
}

TEST_CASE("resident memory follows the limit down to a tenth and up again") {
  const size_t limit = (kIsSanitized ? 40 : 128) * kMiB;
  Load load(limit);
  load.store(1, 200, 0.5);
  load.store(1, 5'000, 1.5);
  load.set_limit(limit / 10);
  load.store(1, 200'000, 2);
  load.store(1, 100, 2);
  load.set_limit(2 * limit);
  load.store(1, 1'000, 1);
  CHECK(load.cache().stats().memory_used_bytes > limit * 5 / 4);
  load.set_limit(limit / 6);
  load.report("moving limit");
}

TEST_CASE("what was in use comes back when everything is erased") {
  Load load(64 * kMiB);
  load.store(1, 100, 0.5);
  load.erase_everything();
  load.store(1, 300'000, 2);
  load.erase_everything();
  load.set_limit(8 * kMiB);
  load.report("everything erased");
}

TEST_CASE("an index in huge pages stays within the limit, and goes back with its items" *
          doctest::skip(kIsSanitized)) {
  constexpr size_t kLimit = 1024 * kMiB;
  Load load(kLimit);
  load.store(1, 1, 0.5);
  const uint64_t index_bytes = load.cache().stats().index_bytes;
  CHECK(index_bytes > 64 * kMiB);
  load.store(100 * 1024, 100 * 1024, 1.5);
  CHECK(load.cache().stats().index_bytes < index_bytes / 4);
  load.store(1, 100, 0.3);
  load.set_limit(kLimit / 10);
  load.store(1, 100, 0.05);
  CHECK(load.cache().stats().index_bytes < kLimit / 20);
  load.report("an index in huge pages");
}

}  // namespace
}  // namespace larder
