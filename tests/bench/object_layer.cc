#include "object_layer.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "compare.h"
#include "fmt/core.h"
#include "larder/loading_object_cache.h"
#include "make_cache.h"

namespace larder::bench {
namespace {

struct Record {
  uint64_t id = 0;
  char name[96] = {};
};
using Pointer = std::shared_ptr<const Record>;

// As it is written by hand.
class ObjectLru {
 public:
  explicit ObjectLru(size_t count_max) : count_max_(count_max) {}

  Pointer get(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = map_.find(key);
    if (found == map_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }

  void set(const std::string& key, Pointer object) {
    const std::lock_guard lock(mutex_);
    const auto found = map_.find(key);
    if (found != map_.end()) {
      found->second->second = std::move(object);
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    order_.emplace_front(key, std::move(object));
    map_.emplace(key, order_.begin());
    if (map_.size() <= count_max_) return;
    map_.erase(order_.back().first);
    order_.pop_back();
  }

 private:
  using Order = std::list<std::pair<std::string, Pointer>>;

  const size_t count_max_;
  std::mutex mutex_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> map_;
};

// run(key) for each, by one thread or by two that share them.
template <class Run>
std::function<void()> for_all(const std::vector<std::string>& keys, size_t threads, Run run) {
  return [&keys, threads, run] {
    const auto part = [&](size_t number) {
      for (size_t i = number * keys.size() / threads; i < (number + 1) * keys.size() / threads; ++i) run(keys[i]);
    };
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; ++i) others.emplace_back(part, i);
    part(0);
    for (std::thread& other : others) other.join();
  };
}

}  // namespace

void compare_objects(const std::vector<std::string>& keys, size_t items, size_t rounds) {
  const std::unique_ptr<Cache> cache = make_cache({.memory_limit_bytes = items * 1000 + (8 << 20), .seed = 1});
  LoadingObjectCache<std::string, Record> objects(items);
  ObjectLru by_hand(items);
  const Record record{.id = 1};
  for (const std::string& key : keys) {
    (void)cache->set(key, {reinterpret_cast<const char*>(&record), sizeof record});
    objects.set(key, record);
    by_hand.set(key, std::make_shared<const Record>(record));
  }
  const auto check = [](uint64_t id) {
    if (id != 1) fmt::print("another object was read\n");
  };
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    compare(threads == 1 ? "get, an object" : "get, an object, two threads", rounds, keys.size(),
            {{"Cache::visit, copied", for_all(keys, threads,
                                              [&](const std::string& key) {
                                                Record copy;
                                                cache->visit(key, [&](const ItemView& item) {
                                                  std::memcpy(&copy, item.value.data(), sizeof copy);
                                                });
                                                check(copy.id);
                                              })},
             {"ObjectCache", for_all(keys, threads, [&](const std::string& key) { check(objects.get(key)->id); })},
             {"get_or_load, a hit",
              for_all(keys, threads,
                      [&](const std::string& key) {
                        check((*objects.get_or_load(key, {}, [&](auto&&) { return record; }))->id);
                      })},
             {"mutex, list and map",
              for_all(keys, threads, [&](const std::string& key) { check(by_hand.get(key)->id); })}});
  }

  // Half of them fit.
  ObjectCache<std::string, Record> half(items / 2);
  ObjectLru half_by_hand(items / 2);
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    compare(threads == 1 ? "set, an object, evicting" : "the same, two threads", rounds, keys.size(),
            {{"mutex, list and map", for_all(keys, threads,
                                             [&](const std::string& key) {
                                               half_by_hand.set(key, std::make_shared<const Record>(record));
                                             })},
             {"ObjectCache", for_all(keys, threads, [&](const std::string& key) { half.set(key, record); })},
             {"ObjectCache, a pointer", for_all(keys, threads, [&](const std::string& key) {
                half.set(key, std::make_shared<const Record>(record));
              })}});
  }
}

}  // namespace larder::bench
