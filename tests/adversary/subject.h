// The cache that an adversary works on: its time stands still, its seed is known and printed, and every store must
// succeed.
#ifndef LARDER_TESTS_ADVERSARY_SUBJECT_H_
#define LARDER_TESTS_ADVERSARY_SUBJECT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"
#include "model/random.h"

namespace larder::adversary {

inline constexpr size_t kKiB = size_t{1} << 10;
inline constexpr size_t kMiB = size_t{1} << 20;

#ifdef LARDER_SANITIZED
inline constexpr bool kIsSanitized = true;  // ten times slower; most resident memory is the sanitizer's
#else
inline constexpr bool kIsSanitized = false;
#endif

// Of all caches of this program.
inline uint64_t seed() {
  static const uint64_t seed = model::seed_of_this_run();
  return seed;
}

class Subject {
 public:
  explicit Subject(size_t memory_limit_bytes) : Subject(memory_limit_bytes, memory_limit_bytes / 4) {}
  Subject(size_t memory_limit_bytes, size_t item_bytes_max) {
    Options options;
    options.memory_limit_bytes = memory_limit_bytes;
    options.item_bytes_max = item_bytes_max;
    options.clock = &clock_;
    options.seed = seed();
    auto cache = Cache::create(options);
    REQUIRE(cache.ok());
    cache_ = *std::move(cache);
  }

  Cache* operator->() { return cache_.get(); }
  [[nodiscard]] ManualClock& clock() { return clock_; }

  // A value of `value_bytes` that only this key has.
  [[nodiscard]] static std::string value_of(std::string_view key, size_t value_bytes) {
    std::string value(key.substr(0, value_bytes));
    value.resize(value_bytes, key.empty() ? 'v' : key.back());
    return value;
  }

  void set(const std::string& key, size_t value_bytes, const SetOptions& options = {}) {
    REQUIRE(cache_->set(key, value_of(key, value_bytes), options) == StoreResult::kStored);
  }

  // Whether the key is there; its value must then be its own.
  [[nodiscard]] bool get(const std::string& key) {
    if (!cache_->get(key, value_)) return false;
    REQUIRE(value_ == value_of(key, value_.size()));
    return true;
  }

  // What most programs do: get, and on a miss set.
  bool get_or_set(const std::string& key, size_t value_bytes, const SetOptions& options = {}) {
    if (get(key)) return true;
    set(key, value_bytes, options);
    return false;
  }

  // Only while no other thread uses the cache.
  void check() const {
    const Stats stats = cache_->stats();
    CHECK(stats.memory_used_bytes <= stats.memory_limit_bytes);
    const absl::Status valid = assert_valid(*cache_);
    CHECK_MESSAGE(valid.ok(), valid.ToString());
  }

 private:
  ManualClock clock_;
  std::unique_ptr<Cache> cache_;
  std::string value_;
};

// Names of keys, all 16 bytes long, so that items of one value size are of one size.
inline std::string key_of(char family, uint64_t number) {
  std::string key(16, '0');
  key[0] = family;
  for (size_t at = key.size(); number != 0; number /= 10) key[--at] = static_cast<char>('0' + number % 10);
  return key;
}

}  // namespace larder::adversary

#endif  // LARDER_TESTS_ADVERSARY_SUBJECT_H_
