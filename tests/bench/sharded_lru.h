// The usual way to bound a map, as a peer: a mutex, a hash map and a list in order of use, in 64 shards.
#ifndef LARDER_TESTS_BENCH_SHARDED_LRU_H_
#define LARDER_TESTS_BENCH_SHARDED_LRU_H_

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace larder::bench {

class ShardedLru {
 public:
  // Of keys and values; what the containers take is not counted.
  explicit ShardedLru(size_t bytes_max) : bytes_max_(bytes_max / kShards) {}

  bool get(std::string_view key, std::string& value) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found == shard.map.end()) return false;
    shard.order.splice(shard.order.begin(), shard.order, found->second);
    value = found->second->second;
    return true;
  }

  void set(std::string_view key, std::string_view value) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find(key);
    shard.bytes += value.size();
    if (found != shard.map.end()) {
      shard.bytes -= found->second->second.size();
      found->second->second = value;
      shard.order.splice(shard.order.begin(), shard.order, found->second);
    } else {
      shard.order.emplace_front(key, value);
      shard.map.emplace(shard.order.front().first, shard.order.begin());
      shard.bytes += key.size();
    }
    while (shard.bytes > bytes_max_) remove(shard, std::prev(shard.order.end()));
  }

  bool erase(std::string_view key) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.map.find(key);
    if (found == shard.map.end()) return false;
    remove(shard, found->second);
    return true;
  }

  // Whether a shard is as full as it gets. For one thread.
  [[nodiscard]] bool is_full() const { return shards_[0].bytes > bytes_max_ - bytes_max_ / 50; }

 private:
  using Order = std::list<std::pair<std::string, std::string>>;

  static constexpr size_t kShards = 64;
  struct alignas(64) Shard {
    std::mutex mutex;
    Order order;
    absl::flat_hash_map<std::string_view, Order::iterator> map;
    size_t bytes = 0;
  };
  Shard& shard_of(std::string_view key) { return shards_[std::hash<std::string_view>{}(key) % kShards]; }

  static void remove(Shard& shard, Order::iterator item) {
    shard.bytes -= item->first.size() + item->second.size();
    shard.map.erase(item->first);
    shard.order.erase(item);
  }

  const size_t bytes_max_;
  std::vector<Shard> shards_{kShards};
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_SHARDED_LRU_H_
