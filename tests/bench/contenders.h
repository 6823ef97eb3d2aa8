// What cache_bench compares: each finds and stores strings, with the same calls.
#ifndef LARDER_TESTS_BENCH_CONTENDERS_H_
#define LARDER_TESTS_BENCH_CONTENDERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "larder/cache.h"
#include "make_cache.h"
#include "sharded_lru.h"

#ifdef LARDER_HAVE_TBB
#include "tbb/concurrent_hash_map.h"
#endif

namespace larder::bench {

inline constexpr uint64_t kSeed = 42;

// Without a lock and without a limit: what finding and copying costs at least. Threads may only get.
class UnlockedMap {
 public:
  static constexpr std::string_view kName = "flat_hash_map";

  explicit UnlockedMap(size_t /*limit_bytes*/) {}
  void get(const std::string& key, std::string& value) {
    const auto found = map_.find(key);
    if (found != map_.end()) value = found->second;
  }
  void set(const std::string& key, const std::string& value) { map_.insert_or_assign(key, value); }

 private:
  absl::flat_hash_map<std::string, std::string> map_;
};

#ifdef LARDER_HAVE_TBB
class ConcurrentMap {
 public:
  static constexpr std::string_view kName = "tbb::concurrent_hash_map";

  explicit ConcurrentMap(size_t /*limit_bytes*/) {}
  void get(const std::string& key, std::string& value) {
    Map::const_accessor found;
    if (map_.find(found, key)) value = found->second;
  }
  void set(const std::string& key, const std::string& value) {
    Map::accessor found;
    map_.insert(found, key);
    found->second = value;
  }

 private:
  using Map = tbb::concurrent_hash_map<std::string, std::string>;
  Map map_;
};
#endif

class MutexLru {
 public:
  static constexpr std::string_view kName = "sharded mutex LRU";

  explicit MutexLru(size_t limit_bytes) : lru_(limit_bytes) {}
  void get(const std::string& key, std::string& value) { (void)lru_.get(key, value); }
  void set(const std::string& key, const std::string& value) { lru_.set(key, value); }

 private:
  ShardedLru lru_;
};

class Larder {
 public:
  static constexpr std::string_view kName = "larder";

  explicit Larder(size_t limit_bytes)
      : cache_(make_cache({.memory_limit_bytes = std::max(limit_bytes, 4 * kMemoryLimitBytesMin), .seed = kSeed})) {
  }
  void get(const std::string& key, std::string& value) { (void)cache_->get(key, value); }
  void set(const std::string& key, const std::string& value) { (void)cache_->set(key, value); }
  void get_multi(std::span<const std::string> keys, std::string& value) {
    thread_local std::vector<std::string_view> batch;
    batch.assign(keys.begin(), keys.end());
    cache_->get_multi(batch, [&](size_t, const ItemView& item) { value.assign(item.value); });
  }
  void set_multi(std::span<const std::string> keys, const std::string& value) {
    thread_local std::vector<SetEntry> batch;
    batch.resize(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      batch[i].key = keys[i];
      batch[i].value = value;
    }
    (void)cache_->set_multi(batch);
  }

 private:
  std::unique_ptr<Cache> cache_;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_CONTENDERS_H_
