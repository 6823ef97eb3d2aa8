#include "larder/hot_keys.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/renewal.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::unique_ptr<Cache> make(Options options, uint64_t seed = 1) {
  options.seed = seed;
  absl::StatusOr<std::unique_ptr<Cache>> made = Cache::create(options);
  REQUIRE(made.ok());
  return *std::move(made);
}

void get(Cache& cache, std::string_view key) {
  std::string value;
  (void)cache.get(key, value);
}

// Numbers from 1 on, as Zipf's law has them.
class Zipf {
 public:
  Zipf(size_t numbers, double skew) {
    double sum = 0;
    sums_.reserve(numbers);
    for (size_t i = 1; i <= numbers; ++i) sums_.push_back(sum += std::pow(static_cast<double>(i), -skew));
  }

  [[nodiscard]] uint64_t number(std::mt19937_64& random) const {
    const double at = static_cast<double>(random() >> 11) * 0x1p-53 * sums_.back();
    return static_cast<uint64_t>(std::ranges::upper_bound(sums_, at) - sums_.begin()) + 1;
  }
  [[nodiscard]] double share(uint64_t number) const {
    return (sums_[number - 1] - (number > 1 ? sums_[number - 2] : 0)) / sums_.back();
  }

 private:
  std::vector<double> sums_;
};

const Zipf& million() {
  static const Zipf zipf(1'000'000, 0.99);
  return zipf;
}

const HotKey* find(const std::vector<HotKey>& keys, std::string_view key) {
  const auto found = std::ranges::find(keys, key, &HotKey::key);
  return found == keys.end() ? nullptr : &*found;
}

TEST_CASE("of a million keys by Zipf's law the true top ten are in the top sixteen after 100,000 requests") {
  for (const size_t limit : {64 * kMiB, 8 * kMiB}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(seed);
      CAPTURE(limit);
      const auto cache = make({.memory_limit_bytes = limit}, seed);
      std::mt19937_64 random(seed);
      for (int i = 0; i < 100'000; ++i) get(*cache, "key " + std::to_string(million().number(random)));
      const std::vector<HotKey> keys = hot_keys(*cache, 16);
      REQUIRE(keys.size() == 16);
      CHECK(std::ranges::is_sorted(keys, std::ranges::greater(), &HotKey::share));
      int beyond = 0;
      for (uint64_t number = 1; number <= 10; ++number) {
        CAPTURE(number);
        const HotKey* const key = find(keys, "key " + std::to_string(number));
        REQUIRE(key != nullptr);
        CHECK(key->error < 0.01);
        if (std::abs(key->share - million().share(number)) > key->error) ++beyond;
      }
      CHECK(beyond <= 2);
    }
  }
}

TEST_CASE("a key with one request in a hundred is found within 20,000") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const auto cache = make({.memory_limit_bytes = 64 * kMiB}, seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20'000; ++i) {
      get(*cache, random() % 100 == 0 ? "hot" : "key " + std::to_string(random() % 1'000'000));
    }
    const std::vector<HotKey> keys = hot_keys(*cache, 16);
    REQUIRE_FALSE(keys.empty());
    CHECK(keys[0].key == "hot");
    CHECK(std::abs(keys[0].share - 0.01) <= 1.5 * keys[0].error);
    CHECK(keys[0].error < 0.006);
  }
}

TEST_CASE("reads and writes are told apart, whatever command it is") {
  const auto cache = make({.memory_limit_bytes = 64 * kMiB});
  REQUIRE(cache->set("number", "1") == StoreResult::kStored);
  std::mt19937_64 random(1);
  for (int i = 0; i < 40'000; ++i) {
    switch (random() % 16) {
      case 0:
        get(*cache, "read");
        break;
      case 1:
        (void)cache->visit("read", [](const ItemView&) {});
        break;
      case 2:
        (void)cache->hold("read");
        break;
      case 3: {
        const std::array<std::string_view, 1> keys = {"read"};
        (void)cache->get_multi(keys, [](size_t, const ItemView&) {});
        break;
      }
      case 4:
        (void)read(*cache, "read", {}, [](const Reading&) {});
        break;
      case 5:
        (void)cache->set("written", "1");
        break;
      case 6:
        (void)cache->append("written", "");
        break;
      case 7:
        (void)cache->incr("written", 1);
        break;
      case 8:
        (void)cache->touch("written", Expiry());
        break;
      case 9:
        (void)cache->erase("written");
        break;
      case 10:
        (void)cache->get_and_touch("written", Expiry());
        break;
      case 11:
        (void)cache->update("written", [](const ItemView*) { return Update::store("1"); });
        break;
      case 12:
        (void)read(*cache, "written", {.expiry = Expiry()}, [](const Reading&) {});
        break;
      case 13:
        get(*cache, "both");
        break;
      case 14:
        (void)cache->set("both", "1");
        break;
      // None of these is one.
      default:
        (void)cache->peek("looked at", [](const ItemView&) {});
    }
  }
  const std::vector<HotKey> keys = hot_keys(*cache, 16);
  REQUIRE(keys.size() == 3);
  for (const HotKey& key : keys) {
    CHECK(key.reads_share + key.writes_share == doctest::Approx(key.share));
    CHECK(key.key_bytes == key.key.size());
  }
  CHECK(keys[0].key == "written");
  CHECK(keys[0].reads_share == 0);
  CHECK(keys[0].share == doctest::Approx(8.0 / 15).epsilon(0.1));
  CHECK(keys[1].key == "read");
  CHECK(keys[1].writes_share == 0);
  CHECK(keys[1].share == doctest::Approx(5.0 / 15).epsilon(0.1));
  CHECK(keys[2].key == "both");
  CHECK(keys[2].reads_share == doctest::Approx(1.0 / 15).epsilon(0.2));
  CHECK(keys[2].writes_share == doctest::Approx(1.0 / 15).epsilon(0.2));
}

TEST_CASE("a loop of a program does not keep step with the sample") {
  const auto cache = make({.memory_limit_bytes = 64 * kMiB});
  std::vector<std::string> loop;
  for (int i = 0; i < 32; ++i) loop.push_back("key " + std::to_string(i));
  for (int i = 0; i < 10'000; ++i) {
    for (const std::string& key : loop) get(*cache, key);
  }
  const std::vector<HotKey> keys = hot_keys(*cache, 100);
  CHECK(keys.size() == loop.size());
  double squares = 0;
  for (const HotKey& key : keys) squares += std::pow((key.share - 1.0 / 32) / key.error, 2) / 32;
  CHECK(squares == doctest::Approx(1 / (1.96 * 1.96)).epsilon(0.5));
}

TEST_CASE("what is hot no longer fades") {
  const auto cache = make({.memory_limit_bytes = 64 * kMiB});
  std::mt19937_64 random(1);
  const auto use = [&](std::string_view hot, int requests) {
    for (int i = 0; i < requests; ++i) {
      get(*cache, random() % 10 == 0 ? hot : "key " + std::to_string(random() % 100'000));
    }
  };
  use("old", 2'000'000);
  CHECK(hot_keys(*cache, 1).at(0).share == doctest::Approx(0.1).epsilon(0.1));
  use("new", 4'000'000);
  CHECK(hot_keys(*cache, 1).at(0).key == "new");
  CHECK(hot_keys(*cache, 1).at(0).share == doctest::Approx(0.1).epsilon(0.1));
  const std::vector<HotKey> keys = hot_keys(*cache, 100);
  const HotKey* const old = find(keys, "old");
  if (old != nullptr) CHECK(old->share < 0.02);
}

TEST_CASE("long keys are cut, and binary ones are kept whole") {
  const auto cache = make({.memory_limit_bytes = 64 * kMiB});
  const std::string cut(1000, 'c');
  const std::string binary("\0 \n\xff", 4);
  for (int i = 0; i < 3000; ++i) {
    get(*cache, cut);
    get(*cache, binary);
    get(*cache, binary);
  }
  const std::vector<HotKey> keys = hot_keys(*cache, 16);
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].key == binary);
  CHECK(keys[1].key == cut.substr(0, 250));
  CHECK(keys[1].key_bytes == 1000);
  CHECK(keys[0].key_hash != keys[1].key_hash);
}

TEST_CASE("a run with a seed repeats exactly") {
  std::array<std::string, 2> texts;
  for (std::string& text : texts) {
    const auto cache = make({.memory_limit_bytes = 16 * kMiB});
    std::mt19937_64 random(3);
    for (int i = 0; i < 300'000; ++i) get(*cache, "key " + std::to_string(million().number(random)));
    for (const HotKey& key : hot_keys(*cache, 100)) text += key.key + " " + std::to_string(key.share) + "\n";
  }
  CHECK_FALSE(texts[0].empty());
  CHECK(texts[0] == texts[1]);
}

TEST_CASE("the key may be overwritten by the function that is shown the item") {
  const auto cache = make({.memory_limit_bytes = 64 * kMiB});
  REQUIRE(cache->set("first", "other") == StoreResult::kStored);
  for (int i = 0; i < 3000; ++i) {
    auto key = std::make_unique<std::string>("first");
    (void)cache->visit(*key, [&](const ItemView&) { key.reset(); });
  }
  REQUIRE(hot_keys(*cache, 16).size() == 1);
  CHECK(hot_keys(*cache, 16)[0].key == "first");
}

TEST_CASE("nothing is counted below 8 MiB, or if it is not wanted, and no memory is taken for it") {
  for (const Options& options : {Options{.memory_limit_bytes = 8 * kMiB - 4096},
                                 Options{.memory_limit_bytes = 8 * kMiB, .hot_keys = false}}) {
    const auto cache = make(options);
    for (int i = 0; i < 10'000; ++i) get(*cache, "key");
    CHECK(hot_keys(*cache, 16).empty());
    CHECK(cache->stats().hot_key_bytes == 0);
  }
}

TEST_CASE("it takes 1/512 of the limit, at most 64 KiB, and a KiB for each thread") {
  for (const size_t limit_mib : {8, 16, 32, 64, 1024}) {
    const auto cache = make({.memory_limit_bytes = limit_mib * kMiB});
    const size_t bytes = std::min(limit_mib * kMiB / 512, size_t{64} << 10);
    CHECK(cache->stats().hot_key_bytes <= bytes + 1024);
    CHECK(cache->stats().hot_key_bytes > bytes / 2);
    const size_t before = cache->stats().hot_key_bytes;
    for (int i = 0; i < 100; ++i) get(*cache, "key");
    CHECK(cache->stats().hot_key_bytes <= before + 1024 * 64);
    CHECK(hot_keys(*cache, 0).empty());
  }
}

TEST_CASE("threads count together, and may ask at any time") {
  const auto cache = make({.memory_limit_bytes = 64 * kMiB});
  std::atomic<bool> is_over{false};
  std::thread asker([&] {
    while (!is_over.load()) {
      for (const HotKey& key : hot_keys(*cache, 16)) {
        CHECK(key.share >= 0);
        CHECK(key.share <= 1);
        CHECK(key.key.starts_with("key"));
      }
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> threads;
  for (uint64_t number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      std::mt19937_64 random(number);
      for (int i = 0; i < 30'000; ++i) {
        const std::string key = random() % 10 == 0 ? "key" : "key " + std::to_string(random() % 100'000);
        if (random() % 4 == 0) {
          (void)cache->set(key, "value");
        } else {
          get(*cache, key);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  is_over.store(true);
  asker.join();
  const std::vector<HotKey> keys = hot_keys(*cache, 16);
  REQUIRE_FALSE(keys.empty());
  CHECK(keys[0].key == "key");
  CHECK(keys[0].share == doctest::Approx(0.1).epsilon(0.2));
  CHECK(keys[0].writes_share == doctest::Approx(0.025).epsilon(0.4));
}

}  // namespace
}  // namespace larder
