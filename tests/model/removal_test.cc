// Books are kept of every item: stored − told = still there.
//
// Random operations of one thread or several, on a cache that is always short of memory, while items expire, are
// flushed and the limit moves, and while the listener itself calls the cache. An item is known by its CAS number,
// which no two have. Then
//   each item is told at most once, and only if it was stored,
//   its value, and why it went, are those it could have had,
//   a walk shows none that was told, and
//   when the cache has been emptied all have been told.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/renewal.h"
#include "larder/serving.h"
#include "model/random.h"

namespace larder::model {
namespace {

using namespace std::chrono_literals;

constexpr size_t kLimitBytes = size_t{2} << 20;
constexpr uint64_t kKeys = 3000;

class Books : public RemovalListener {
 public:
  explicit Books(uint64_t seed) : random_(seed) {}

  void removed(const RemovedItem& item, Removal why) override {
    const bool is_past = item.ttl_ms == 0;
    const bool is_plausible = why == Removal::kFlushed || is_past == (why == Removal::kExpired);
    if (!is_plausible || item.value.size() != item.value_bytes || !is_value_of(item.key, item.value)) ++wrong;
    ++told[static_cast<size_t>(why)];
    uint64_t draw = 0;
    {
      const std::lock_guard lock(mutex_);
      if (!told_cas_.insert(item.cas).second) ++twice;
      draw = random_.below(40);
    }
    if (draw == 0 && cache->erase(key_of(item.cas)) == EraseResult::kErased) ++erased;
    if (draw == 1) store(key_of(item.cas), 100, {});
  }
  [[nodiscard]] bool wants_values() const override { return true; }

  void store(const std::string& key, size_t value_bytes, const StoreOptions& how) {
    const bool is_added = how.mode == StoreMode::kAppend;
    const std::string value = (is_added ? "" : key) + std::string(value_bytes, '=');
    const StoreOutcome outcome = cache->store(key, value, how);
    if (outcome.result == StoreResult::kStored) enter(outcome.cas);
  }
  // 0: nothing was stored, because its time was already past; what was there was removed.
  void enter(uint64_t cas) {
    if (cas == 0) ++past;
    if (cas == 0) return;
    const std::lock_guard lock(mutex_);
    stored_cas_.insert(cas);
  }

  [[nodiscard]] static std::string key_of(uint64_t number) { return "key" + std::to_string(number % kKeys); }
  [[nodiscard]] static bool is_value_of(std::string_view key, std::string_view value) {
    if (key.starts_with("count")) return value.find_first_not_of("0123456789 ") == std::string_view::npos;
    return value.starts_with(key) && value.substr(key.size()).find_first_not_of("=") == std::string_view::npos;
  }

  // By one thread, at the end.
  [[nodiscard]] bool has_stored(uint64_t cas) const { return stored_cas_.contains(cas); }
  [[nodiscard]] bool has_told(uint64_t cas) const { return told_cas_.contains(cas); }
  [[nodiscard]] uint64_t count(Removal why) const { return told[static_cast<size_t>(why)]; }
  [[nodiscard]] bool is_balanced() const { return told_cas_ == stored_cas_; }

  Cache* cache = nullptr;
  std::array<std::atomic<uint64_t>, kRemovalCount> told{};
  std::atomic<uint64_t> wrong{0}, twice{0};
  std::atomic<uint64_t> erased{0};  // by calls that said so
  std::atomic<uint64_t> past{0};    // calls that could remove an item without saying so

 private:
  std::mutex mutex_;
  Random random_;
  std::unordered_set<uint64_t> stored_cas_, told_cas_;
};

class Accounting {
 public:
  Accounting(bool eviction, uint64_t seed) : seed_(seed), books_(seed * 43) {
    Options options;
    options.memory_limit_bytes = kLimitBytes;
    options.item_bytes_max = kLimitBytes / 16;
    options.eviction = eviction;
    options.clock = &clock_;
    options.seed = seed;
    options.removal_listener = &books_;
    options.namespaces = {{.prefix = "key1", .item_bytes_limit = kLimitBytes / 4}, {.prefix = "key20"}};
    cache_ = *Cache::create(options);
    books_.cache = cache_.get();
  }

  void run(uint64_t threads, uint64_t operations) {
    std::vector<std::thread> others;
    for (uint64_t i = 1; i < threads; ++i) others.emplace_back([this, i, operations] { work(i, operations); });
    work(0, operations);
    for (std::thread& other : others) other.join();
    compare();
  }

 private:
  void work(uint64_t thread, uint64_t operations) {
    Random random(seed_ * 47 + thread);
    for (uint64_t i = 0; i < operations; ++i) step(random);
  }

  void step(Random& random) {
    const std::string key = Books::key_of(random.one_in(4) ? random.below(20) : random.below(kKeys));
    const std::string counter = "count" + std::to_string(random.below(20));
    const size_t value_bytes = random.one_in(60) ? random.below(kLimitBytes / 16 - 100) : random.below(600);
    StoreOptions how;
    if (random.one_in(4)) how.item.expiry = std::chrono::milliseconds(random.below(200));
    switch (random.below(18)) {
      case 0:
        if (cache_->erase(key) == EraseResult::kErased) ++books_.erased;
        break;
      case 1:
        how.mode = StoreMode::kAppend;
        return books_.store(key, value_bytes % 100, how);
      case 2:
        return books_.enter(cache_->incr(counter, random.below(1000), {.initial = 7}).cas);
      case 3:
        (void)cache_->touch(key, std::chrono::milliseconds(1 + random.below(300)));
        break;
      case 4:
        read(*cache_, key, {.wants_history = true}, [](const Reading&) {});
        break;
      case 5:
      case 6:
        (void)cache_->get(key);
        (void)cache_->get(key);
        break;
      case 7:
        return administrate(random);
      case 8:
        how.expected = cache_->get(key).value_or(Item()).cas;
        return books_.store(key, value_bytes, how);
      case 9: {
        const std::string value = key + std::string(value_bytes, '=');
        const UpdateOutcome outcome = cache_->update(key, [&](const ItemView* item) {
          return item != nullptr && value_bytes % 5 == 0 ? Update::erase() : Update::store(value);
        });
        if (outcome.status == UpdateStatus::kErased) ++books_.erased;
        if (outcome.status == UpdateStatus::kStored) books_.enter(outcome.cas);
        return;
      }
      default:
        return books_.store(key, value_bytes, how);
    }
  }

  void administrate(Random& random) {
    switch (random.below(250)) {
      case 0:
        return cache_->flush_all(std::chrono::milliseconds(random.below(20)));
      case 1:
        (void)cache_->set_memory_limit(kLimitBytes / (1 + random.below(3)));
        (void)cache_->set_memory_limit(kLimitBytes);
        return;
      case 2:
        (void)cache_->maintain();
        return;
      case 3:
        (void)cache_->flush_namespace(random.one_in(2) ? "key1" : "key20");
        return;
      case 4:
        books_.erased += cache_->erase_if([](const ItemView& item) { return item.value.size() % 7 == 0; });
        return;
      default:
        if (random.one_in(4)) clock_.advance_ms(1);
    }
  }

  void compare() {
    CHECK(assert_valid(*cache_).ToString() == "OK");
    cache_->for_each([&](const ItemView& item) {
      if (!books_.has_stored(item.cas) || books_.has_told(item.cas)) ++books_.wrong;
      return true;
    });
    const Stats stats = cache_->stats();
    CHECK(books_.count(Removal::kEvicted) == stats.evictions);
    CHECK(books_.count(Removal::kExpired) == stats.expired);
    CHECK(books_.count(Removal::kErased) >= books_.erased);
    CHECK(books_.count(Removal::kErased) <= books_.erased + books_.past + stats.store_no_memory);
    for (const std::atomic<uint64_t>& told : books_.told) CHECK((told > 0 || !cache_->options().eviction));

    // What the listener puts in while the cache is emptied goes with the next round.
    for (int round = 0; round < 100 && !books_.is_balanced(); ++round) {
      cache_->flush_all();
      while (cache_->maintain()) {
      }
    }
    CHECK(books_.is_balanced());
    CHECK(books_.wrong == 0);
    CHECK(books_.twice == 0);
    CHECK(cache_->stats().items == 0);
    CHECK(cache_->stats().removals_untold == 0);
  }

  const uint64_t seed_;
  ManualClock clock_;
  Books books_;
  std::unique_ptr<Cache> cache_;
};

TEST_CASE("one thread: stored − told = still there") {
  Accounting(true, seed_of_this_run()).run(1, 60'000 * rounds_of_this_run());
}

TEST_CASE("one thread, without eviction: stored − told = still there") {
  Accounting(false, seed_of_this_run()).run(1, 25'000 * rounds_of_this_run());
}

TEST_CASE("four threads: stored − told = still there") {
  Accounting(true, seed_of_this_run()).run(4, 25'000 * rounds_of_this_run());
}

}  // namespace
}  // namespace larder::model
