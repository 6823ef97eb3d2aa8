// What each layer on top of the cache costs over the plain call, beside what programs write by hand; and what it
// costs to count, and to tell a listener.
//
//   layer_bench [items] [rounds]
//
// Few items, so that the memory they lie in is near, and what is measured is instructions; requests are uniform and
// made before the clock runs. By hand: one mutex, an std::unordered_map with expiry, a condition variable for those
// who wait for a load; nothing is ever evicted. Rounds, medians and ratios as in cache_bench.
//
// In a storm, many threads ask for one missing key after the other, all for the same key, and a load takes a
// millisecond. Storms are measured in processor time, and in how often threads were switched, per key.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "compare.h"
#include "fmt/core.h"
#include "larder/loading_cache.h"
#include "make_cache.h"
#include "object_layer.h"
#include "program.h"
#include "tag_layer.h"

namespace larder::bench {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kValueBytes = 104;
constexpr size_t kOperations = 1'000'000;
constexpr uint64_t kSeed = 42;
constexpr std::string_view kPrefix = "user:";

// Trivially copyable, and the same with a codec that it does not need.
struct Record {
  uint64_t id = 0;
  char name[kValueBytes - sizeof(uint64_t)] = {};
};
static_assert(sizeof(Record) == kValueBytes);
struct WritingCodec {
  static size_t size(const Record&) { return sizeof(Record); }
  static size_t encode(const Record& record, std::span<char> room) {
    std::memcpy(room.data(), &record, sizeof record);
    return sizeof record;
  }
  static std::optional<Record> decode(std::string_view bytes) { return Codec<Record>::decode(bytes); }
};

// As it is written by hand.
class HandWritten {
 public:
  template <class Load>
  std::string get_or_load(const std::string& key, std::chrono::seconds ttl, Load&& load) {
    std::unique_lock lock(mutex_);
    for (;;) {
      Entry& entry = map_[key];
      if (entry.has_value && SteadyClock::now() < entry.expires_at) return entry.value;
      if (!entry.is_loading) break;
      loaded_.wait(lock);
    }
    map_[key].is_loading = true;
    lock.unlock();
    std::string value = load(key);
    lock.lock();
    map_[key] = {.value = value, .expires_at = SteadyClock::now() + ttl, .has_value = true};
    loaded_.notify_all();
    return value;
  }

 private:
  struct Entry {
    std::string value;
    SteadyClock::time_point expires_at;
    bool has_value = false;
    bool is_loading = false;
  };

  std::mutex mutex_;
  std::condition_variable loaded_;
  std::unordered_map<std::string, Entry> map_;
};

// What a program has that only wants to load once: a mutex, and a future for each key.
class Futures {
 public:
  template <class Load>
  std::string get_or_load(const std::string& key, Load&& load) {
    std::unique_lock lock(mutex_);
    const auto [place, is_new] = map_.try_emplace(key);
    if (!is_new) {
      const std::shared_future<std::string> value = place->second;
      lock.unlock();
      return value.get();
    }
    std::promise<std::string> promise;
    place->second = promise.get_future().share();
    lock.unlock();
    std::string value = load(key);
    promise.set_value(value);
    return value;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_future<std::string>> map_;
};

// Told of everything, and does next to nothing.
class Tally : public RemovalListener {
 public:
  explicit Tally(bool wants_values) : wants_values_(wants_values) {}
  void removed(const RemovedItem& item, Removal) override { bytes += item.value.size() + item.value_bytes; }
  [[nodiscard]] bool wants_values() const override { return wants_values_; }

  uint64_t bytes = 0;

 private:
  const bool wants_values_;
};

// Two threads that share the operations, each with a seat of its own to put results in.
template <class Run>
void by_two_threads(Run&& run) {
  std::thread other([&] { run(kOperations / 2, kOperations); });
  run(0, kOperations / 2);
  other.join();
}

// What this process has used so far.
struct Used {
  double cpu_us = 0;
  double switches = 0;

  static Used so_far() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return {.cpu_us = us(usage.ru_utime) + us(usage.ru_stime),
            .switches = static_cast<double>(usage.ru_nvcsw + usage.ru_nivcsw)};
  }
};

// get(key) is called for every key by every thread.
template <class Get>
Used storm(size_t thread_count, const std::vector<std::string>& keys, Get&& get) {
  const Used before = Used::so_far();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < thread_count; ++i) {
    threads.emplace_back([&] {
      for (const std::string& key : keys) get(key);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Used after = Used::so_far();
  const auto count = static_cast<double>(keys.size());
  return {.cpu_us = (after.cpu_us - before.cpu_us) / count, .switches = (after.switches - before.switches) / count};
}

void compare_storms(size_t thread_count, size_t rounds) {
  const std::unique_ptr<Cache> cache = make_cache({.memory_limit_bytes = 64 << 20, .seed = kSeed});
  LoadingCache<> strings(*cache);
  Futures futures;
  const auto load = [](auto&&) {
    std::this_thread::sleep_for(1ms);
    return std::string(kValueBytes, 'v');
  };
  struct Row {
    std::string_view name;
    std::vector<double> cpu_us = {}, switches = {};
    void add(const Used& used) {
      cpu_us.push_back(used.cpu_us);
      switches.push_back(used.switches);
    }
  };
  Row by_hand{"mutex, shared_future"}, loader{"get_or_load"};
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < 200; ++i) keys.push_back(fmt::format("{}-{}", round, i));
    by_hand.add(storm(thread_count, keys, [&](const std::string& key) { (void)futures.get_or_load(key, load); }));
    loader.add(storm(thread_count, keys,
                     [&](const std::string& key) { (void)strings.get_or_load(key, {.ttl = 1h}, load); }));
  }
  for (const Row& row : {by_hand, loader}) {
    fmt::print("{:<28} {:<26} {:7.1f} us of processor time a key, {:.1f} switches  {:.2f} x, {:.2f} x\n",
               fmt::format("storm of {} threads", thread_count), row.name, median(row.cpu_us), median(row.switches),
               median(row.cpu_us) / median(by_hand.cpu_us), median(row.switches) / median(by_hand.switches));
  }
}

// What a value costs where it lies, held and copied. `bytes`: of each value.
void compare_handles(size_t bytes, size_t items, const std::vector<uint64_t>& ids, size_t rounds) {
  const std::unique_ptr<Cache> cache =
      make_cache({.memory_limit_bytes = 2 * items * (bytes + 100) + (8 << 20), .seed = kSeed});
  std::vector<std::string> keys;
  for (size_t id = 0; id < items; ++id) {
    keys.push_back(fmt::format("{}{}", kPrefix, id));
    (void)cache->set(keys.back(), std::string(bytes, 'v'));
  }
  uint64_t sum = 0;
  std::string copy;
  const auto for_each = [&](auto&& read) {
    return [&, read] {
      for (const uint64_t id : ids) sum += static_cast<uint8_t>(read(keys[id % items]));
    };
  };
  compare(fmt::format("{} bytes", bytes), rounds, ids.size(),
          {{"Cache::visit", for_each([&](const std::string& key) {
              char last = 0;
              cache->visit(key, [&](const ItemView& item) { last = item.value.back(); });
              return last;
            })},
           {"hold", for_each([&](const std::string& key) { return cache->hold(key)->value.back(); })},
           {"get, into a string", for_each([&](const std::string& key) {
              (void)cache->get(key, copy);
              return copy.back();
            })},
           {"get", for_each([&](const std::string& key) { return cache->get(key)->value.back(); })}});
  if (sum == 0) fmt::print("nothing was read\n");
}

void run(size_t items, size_t rounds) {
  fmt::print("{} items, values of {} bytes, uniform, {} operations a round, {} rounds, seed {}\n", items,
             kValueBytes, kOperations, rounds, kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<uint64_t> ids(kOperations);
  std::vector<std::string> keys(kOperations);
  for (size_t i = 0; i < kOperations; ++i) {
    ids[i] = random() % items;
    keys[i] = fmt::format("{}{}", kPrefix, ids[i]);
  }

  const std::unique_ptr<Cache> cache = make_cache({.memory_limit_bytes = items * 1000 + (8 << 20), .seed = kSeed});
  LoadingCache<> strings(*cache);
  TypedCache<uint64_t, Record> records(*cache, std::string(kPrefix));
  TypedCache<std::string, Record> records_by_text(*cache);
  TypedCache<std::string, Record, WritingCodec> written(*cache);
  LoadingCache<std::string, Record> loading_records(*cache);
  HandWritten by_hand;
  const std::string value(kValueBytes, 'v');
  const auto make_value = [&](auto&&) { return value; };
  const LoadOptions options{.ttl = 1h, .ttl_jitter = 0.1, .refresh_ahead = 1min, .stale_grace = 1h};
  Record record;
  for (size_t id = 0; id < items; ++id) {
    const std::string key = fmt::format("{}{}", kPrefix, id);
    (void)by_hand.get_or_load(key, 3600s, make_value);
    (void)strings.get_or_load(key, options, make_value);
  }

  uint64_t sum = 0;
  compare("get, trivially copyable", rounds, kOperations,
          {{"Cache::visit",
            [&] {
              for (const std::string& key : keys) {
                cache->visit(key, [&](const ItemView& item) {
                  if (item.value.size() == sizeof record) std::memcpy(&record, item.value.data(), sizeof record);
                });
                sum += record.id;
              }
            }},
           {"typed",
            [&] {
              for (const std::string& key : keys) sum += records_by_text.get(key)->id;
            }},
           {"typed, by number and prefix",
            [&] {
              for (const uint64_t id : ids) sum += records.get(id)->id;
            }},
           {"get_or_load, a hit", [&] {
              const auto load = [&](auto&&) { return record; };
              for (const std::string& key : keys) sum += loading_records.get_or_load(key, options, load)->id;
            }}});
  compare("get, a string", rounds, kOperations,
          {{"Cache::get",
            [&] {
              for (const std::string& key : keys) sum += cache->get(key)->value.size();
            }},
           {"typed",
            [&] {
              for (const std::string& key : keys) sum += strings.get(key)->size();
            }},
           {"get_or_load, a hit",
            [&] {
              for (const std::string& key : keys) sum += strings.get_or_load(key, options, make_value)->size();
            }},
           {"by hand, a hit", [&] {
              for (const std::string& key : keys) sum += by_hand.get_or_load(key, 3600s, make_value).size();
            }}});
  compare("get_or_load by two threads", rounds, kOperations,
          {{"get_or_load, a hit",
            [&] {
              by_two_threads([&](size_t first, size_t last) {
                for (size_t i = first; i < last; ++i) (void)strings.get_or_load(keys[i], options, make_value);
              });
            }},
           {"by hand, a hit", [&] {
              by_two_threads([&](size_t first, size_t last) {
                for (size_t i = first; i < last; ++i) (void)by_hand.get_or_load(keys[i], 3600s, make_value);
              });
            }}});
  compare("get_or_load, a miss", rounds, kOperations,
          {{"visit, then set",
            [&] {
              cache->flush_all();
              for (const std::string& key : keys) {
                if (!cache->visit(key, [](const ItemView&) {})) (void)cache->set(key, value, {.expiry = 1h});
                (void)cache->erase(key);
              }
            }},
           {"get_or_load", [&] {
              for (const std::string& key : keys) {
                (void)strings.get_or_load(key, options, make_value);
                (void)strings.erase(key);
              }
            }}});
  compare("set", rounds, kOperations,
          {{"Cache::set",
            [&] {
              for (const std::string& key : keys) (void)cache->set(key, value);
            }},
           {"typed, as it lies",
            [&] {
              for (const std::string& key : keys) (void)records_by_text.set(key, record);
            }},
           {"typed, encoded", [&] {
              for (const std::string& key : keys) (void)written.set(key, record);
            }}});
  const std::unique_ptr<Cache> divided =
      make_cache({.memory_limit_bytes = items * 1000 + (8 << 20),
                  .seed = kSeed,
                  .namespaces = {{.prefix = "page:"}, {.prefix = std::string(kPrefix)}}});
  const std::unique_ptr<Cache> limited =
      make_cache({.memory_limit_bytes = items * 1000 + (8 << 20),
                  .seed = kSeed,
                  .namespaces = {{.prefix = std::string(kPrefix), .item_bytes_limit = items * 1000}}});
  for (const std::string& key : keys) {
    (void)divided->set(key, value);
    (void)limited->set(key, value);
  }
  std::string text;
  const auto get_all = [&](Cache& from) {
    for (const std::string& key : keys) sum += from.get(key, text) ? text.size() : 0;
  };
  const auto set_all = [&](Cache& to) {
    for (const std::string& key : keys) (void)to.set(key, value);
  };
  compare("get, namespaces", rounds, kOperations,
          {{"none declared", [&] { get_all(*cache); }}, {"of two", [&] { get_all(*divided); }}});
  compare("set, namespaces", rounds, kOperations,
          {{"none declared", [&] { set_all(*cache); }},
           {"of two", [&] { set_all(*divided); }},
           {"with a limit", [&] { set_all(*limited); }}});
  compare("read and write", rounds, kOperations,
          {{"get, then cas",
            [&] {
              for (const std::string& key : keys) {
                const std::optional<Item> item = cache->get(key);
                (void)cache->cas(key, item->value, item->cas);
              }
            }},
           {"update", [&] {
              for (const std::string& key : keys) {
                (void)cache->update(key, [&](const ItemView* item) { return Update::store(item->value); });
              }
            }}});

  // contains and visit differ in this alone.
  const std::vector<std::string> missing(kOperations, "missing");
  for (const bool is_hit : {true, false}) {
    const std::vector<std::string>& wanted = is_hit ? keys : missing;
    compare(is_hit ? "counting, a hit" : "counting, a miss", rounds, kOperations,
            {{"Cache::contains, uncounted",
              [&] {
                for (const std::string& key : wanted) sum += cache->contains(key) ? 1 : 0;
              }},
             {"Cache::visit, counted", [&] {
                for (const std::string& key : wanted) sum += cache->visit(key, [](const ItemView&) {}) ? 1 : 0;
              }}});
  }

  Tally without_values(false), with_values(true);
  const auto set_all_told = [&](RemovalListener* listener) {
    return
        [&, own_cache = std::shared_ptr<Cache>(make_cache(
                {.memory_limit_bytes = items * 1000 + (8 << 20), .seed = kSeed, .removal_listener = listener}))] {
          for (const std::string& key : keys) (void)own_cache->set(key, value);
        };
  };
  compare("set, told as it replaces", rounds, kOperations,
          {{"no listener", set_all_told(nullptr)},
           {"listener", set_all_told(&without_values)},
           {"listener, with values", set_all_told(&with_values)}});
  if (sum == 0 || without_values.bytes == 0 || with_values.bytes == 0) fmt::print("nothing was read\n");

  compare_tags(keys, items, rounds);
  compare_objects(keys, items, rounds);
  for (const size_t threads : {8, 64}) compare_storms(threads, rounds);
  compare_handles(100, items, ids, rounds);
  ids.resize(ids.size() / 10);
  compare_handles(size_t{64} << 10, std::min<size_t>(items, 100), ids, rounds);
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::print_by_lines();
  const size_t items = larder::bench::number_argument(argc, argv, 1, 10'000);
  const size_t rounds = larder::bench::number_argument(argc, argv, 2, 5);
  larder::bench::run(items, rounds);
}
