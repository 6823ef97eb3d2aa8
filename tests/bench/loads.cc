#include "loads.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "contenders.h"
#include "fmt/core.h"
#include "program.h"

namespace larder::bench {
namespace {

constexpr std::string_view kMap = UnlockedMap::kName;
constexpr std::string_view kLarder = Larder::kName;
constexpr std::string_view kLru = MutexLru::kName;

// Made before the clock runs. Requests lie in memory one after the other, as requests do that a program was just
// sent: what is measured is finding the item, not the question.
struct Requests {
  explicit Requests(const Load& load) : value(load.value_bytes, 'v') {
    const size_t count = load.evicts ? 2 * load.items : load.items;
    keys.reserve(count);
    for (size_t i = 0; i < count; ++i) keys.push_back(fmt::format("{:0{}}", i * 7919, kKeyBytes));
    if (load.is_hot) return;
    std::mt19937_64 random(kSeed);
    uniform.reserve(kCount);
    while (uniform.size() < kCount) uniform.push_back(keys[random() % count]);
  }

  static constexpr size_t kCount = 2'000'000;
  std::vector<std::string> keys;
  std::vector<std::string> uniform;  // none for one hot key
  const std::string value;
};

template <class Contender>
class WorkOf : public Work {
 public:
  WorkOf(const Load& load, std::shared_ptr<const Requests> requests)
      : load_(load), requests_(std::move(requests)), contender_(load.limit_bytes) {
    // What does not evict overwrites as many as would fit.
    walked_ = evicts(Contender::kName) ? requests_->keys.size() : load.items;
    for (size_t i = 0; i < walked_; ++i) contender_.set(requests_->keys[i], requests_->value);
  }

  void run(size_t first, size_t last) override {
    // On cache lines of its own.
    alignas(64) thread_local std::string out;
    if (load_.is_batched) {
      if constexpr (requires { contender_.get_multi(std::span<const std::string>(), out); }) {
        return run_batches(first, last, out);
      }
    }
    for (size_t i = first; i < last; ++i) {
      if (load_.set_one_in != 0 && i % load_.set_one_in == 0) {
        contender_.set(load_.evicts ? requests_->keys[i / load_.set_one_in % walked_] : request(i),
                       requests_->value);
      } else {
        contender_.get(request(i), out);
      }
    }
  }

 private:
  void run_batches(size_t first, size_t last, std::string& out) {
    for (size_t i = first; i < last; i += kBatch) {
      const auto batch = std::span(requests_->uniform).subspan(i % Requests::kCount, kBatch);
      if (load_.set_one_in == 0) {
        contender_.get_multi(batch, out);
      } else {
        contender_.set_multi(batch, requests_->value);
      }
    }
  }
  const std::string& request(size_t i) const {
    return load_.is_hot ? requests_->keys.front() : requests_->uniform[i % Requests::kCount];
  }

  const Load& load_;
  const std::shared_ptr<const Requests> requests_;
  Contender contender_;
  size_t walked_;
};

std::unique_ptr<Work> fill_one(std::string_view name, const Load& load,
                               const std::shared_ptr<const Requests>& requests) {
  if (name == kMap) return std::make_unique<WorkOf<UnlockedMap>>(load, requests);
  if (name == kLarder) return std::make_unique<WorkOf<Larder>>(load, requests);
  if (name == kLru) return std::make_unique<WorkOf<MutexLru>>(load, requests);
#ifdef LARDER_HAVE_TBB
  if (name == ConcurrentMap::kName) return std::make_unique<WorkOf<ConcurrentMap>>(load, requests);
#endif
  fail(fmt::format("no contender is called {}", name));
}

}  // namespace

std::vector<std::unique_ptr<Work>> fill(const Load& load, const std::vector<std::string_view>& names) {
  const auto requests = std::make_shared<const Requests>(load);
  std::vector<std::unique_ptr<Work>> works;
  for (const std::string_view name : names) works.push_back(fill_one(name, load, requests));
  return works;
}

bool evicts(std::string_view contender) { return contender == kLarder || contender == kLru; }

std::vector<Load> all_loads(size_t items) {
  const std::vector<size_t> alone = {1};
  // Four only where they can run at a time.
  const std::vector<size_t> together =
      std::thread::hardware_concurrency() < 4 ? std::vector<size_t>{1, 2} : std::vector<size_t>{1, 2, 4};
  const std::vector<std::string_view> both = {kMap, kLarder};
  std::vector<std::string_view> locked = {kLarder, kLru};
#ifdef LARDER_HAVE_TBB
  locked.insert(locked.begin() + 1, ConcurrentMap::kName);
#endif
  std::vector<std::string_view> map_first = locked;
  map_first.insert(map_first.begin(), kMap);
  // Its threads share nothing that they write: what the machine has to give.
  std::vector<std::string_view> map_last = locked;
  map_last.push_back(kMap);

  Load gets;
  gets.items = items;
  gets.limit_bytes = 400 * items;
  gets.operations = std::clamp(2 * items, Requests::kCount / 8, Requests::kCount);
  const auto with = [](Load load, std::string title, const std::vector<size_t>& threads,
                       const std::vector<std::string_view>& contenders) {
    load.title = std::move(title);
    load.threads = threads;
    load.contenders = contenders;
    return load;
  };
  Load batches = gets;
  batches.is_batched = true;
  Load sets = gets;
  sets.set_one_in = 1;
  Load batches_of_sets = sets;
  batches_of_sets.is_batched = true;
  Load hot = gets;
  hot.is_hot = true;
  hot.operations *= 10;  // the key is in the processor's cache
  Load some_sets = gets;
  some_sets.set_one_in = 10;
  Load inserts = sets;
  inserts.evicts = true;
  inserts.limit_bytes = 100 * items;

  std::vector<Load> loads = {
      with(gets, "get", alone, map_first),
      with(batches, "get_multi of 32, a key", alone, both),
      with(sets, "set, overwriting", alone, map_first),
      with(batches_of_sets, "set_multi of 32, a key", alone, both),
      with(inserts, "set, inserting and evicting", alone, map_first),
      with(gets, "threads: get", together, map_last),
      with(hot, "threads: one hot key", together, map_last),
      with(some_sets, "threads: 10 % sets", together, locked),
  };
  // A million items stand for 256 MiB of short values, and for 1 GiB of longer ones.
  for (const auto& [value_bytes, limit_bytes] :
       {std::pair(size_t{100}, 268 * items), std::pair(size_t{1'000}, 1'074 * items)}) {
    Load evicting = inserts;
    evicting.operations /= 2;
    evicting.value_bytes = value_bytes;
    evicting.limit_bytes = limit_bytes;
    evicting.items = limit_bytes / (kKeyBytes + value_bytes);
    for (const auto& [set_one_in, gets_among] :
         {std::pair(1, ""), std::pair(2, ", 50 % gets"), std::pair(10, ", 90 % gets")}) {
      evicting.set_one_in = static_cast<size_t>(set_one_in);
      loads.push_back(
          with(evicting, fmt::format("threads: evict, {} bytes{}", value_bytes, gets_among), together, locked));
    }
  }
  return loads;
}

}  // namespace larder::bench
