#include "larder/internal/hot_keys/summary.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

constexpr size_t kBytes = size_t{64} << 10;

uint64_t hash_of(uint64_t number) {
  std::mt19937_64 random(number);
  return random();
}

// Counts the same stream exactly.
class Counted {
 public:
  explicit Counted(size_t bytes) : summary(bytes) {}

  void add(uint64_t number, RequestKind kind = RequestKind::kRead) {
    const std::string key = std::to_string(number);
    summary.add(
        {.hash = hash_of(number), .key = key, .key_bytes = static_cast<uint16_t>(key.size()), .kind = kind});
    exact[number] += 1;
  }
  void halve() {
    summary.halve();
    for (auto& [number, count] : exact) count /= 2;
  }
  void check_bounds() {
    int beyond = 0;
    for (const auto& [number, count] : exact) {
      const Summary::Count of = summary.count_of(hash_of(number));
      const double counted = of.reads + of.writes;
      if (count < counted - 1e-9 || count > counted + of.missing + 1e-9) ++beyond;
    }
    REQUIRE(beyond == 0);
  }

  Summary summary;
  std::map<uint64_t, double> exact;
};

TEST_CASE("what was counted, and what may be missing, encloses the truth, for streams of all kinds, faded or not") {
  for (const uint64_t seed : {1, 2, 3}) {
    for (const double skew : {0.0, 0.7, 1.2}) {
      for (const size_t bytes : {size_t{1} << 10, size_t{8} << 10, kBytes}) {
        CAPTURE(seed);
        CAPTURE(skew);
        CAPTURE(bytes);
        std::mt19937_64 random(seed);
        std::vector<double> weights;
        for (int i = 1; i <= 5000; ++i) weights.push_back(std::pow(i, -skew));
        std::discrete_distribution<uint64_t> numbers(weights.begin(), weights.end());
        Counted counted(bytes);
        for (int i = 0; i < 20'000; ++i) {
          // Every now and then others become hot.
          counted.add(numbers(random) + static_cast<uint64_t>(i / 7000) * 100'000,
                      random() % 3 == 0 ? RequestKind::kWrite : RequestKind::kRead);
          if (i % 4000 == 3999) counted.halve();
          if (i % 1500 == 0) counted.check_bounds();
        }
        counted.check_bounds();
      }
    }
  }
}

TEST_CASE("the bounds hold where every key is new, and after fading for ever") {
  Counted counted(size_t{1} << 10);
  for (uint64_t i = 0; i < 2000; ++i) counted.add(i);
  counted.check_bounds();
  CHECK(counted.summary.top(100).empty());
  for (int i = 0; i < 100; ++i) counted.halve();
  counted.check_bounds();
  for (uint64_t i = 0; i < 100; ++i) counted.add(i);
  counted.check_bounds();
}

TEST_CASE("frequent keys come first, with their bytes, and reads and writes apart") {
  Counted counted(kBytes);
  for (int i = 0; i < 1000; ++i) {
    counted.add(1);
    counted.add(2, i % 4 == 0 ? RequestKind::kWrite : RequestKind::kRead);
    if (i % 2 == 0) counted.add(3, RequestKind::kWrite);
    counted.add(static_cast<uint64_t>(1000 + i));
  }
  const std::vector<Summary::Count> top = counted.summary.top(100);
  REQUIRE(top.size() == 3);
  CHECK(counted.summary.top(2).size() == 2);
  CHECK(top[2].key == "3");
  CHECK(top[2].key_bytes == 1);
  CHECK(top[2].hash == hash_of(3));
  CHECK(top[2].reads == 0);
  CHECK(top[2].writes == 500);
  for (const Summary::Count& count : top) {
    CHECK(count.missing == 0);
    if (count.key != "2") continue;
    CHECK(count.reads == 750);
    CHECK(count.writes == 250);
  }
}

TEST_CASE("a key of which nothing is counted any more is forgotten") {
  Counted counted(kBytes);
  for (int i = 0; i < 8; ++i) counted.add(1);
  for (int i = 0; i < 3; ++i) {
    CHECK(counted.summary.top(1).size() == 1);
    counted.halve();
  }
  CHECK(counted.summary.top(1).at(0).reads == 1);
  counted.halve();
  CHECK(counted.summary.top(1).empty());
}

TEST_CASE("if there is no room for the bytes of all keys, those of the most frequent ones are kept") {
  Counted counted(size_t{4} << 10);
  const size_t keys_max = counted.summary.keys_max();
  REQUIRE(keys_max < 20);
  for (uint64_t number = 0; number < 4 * keys_max; ++number) {
    for (uint64_t i = 0; i < 10 + 3 * number; ++i) counted.add(number);
  }
  const std::vector<Summary::Count> top = counted.summary.top(100);
  CHECK(top.size() == keys_max);
  for (const Summary::Count& count : top) CHECK(std::stoul(count.key) >= 2 * keys_max);
  CHECK(top[0].key == std::to_string(4 * keys_max - 1));
}

TEST_CASE("a summary takes the bytes that it says, at most what it was given and no more than 64 KiB") {
  for (const size_t bytes : {size_t{1} << 10, size_t{16} << 10, size_t{63} << 10, kBytes, 4 * kBytes}) {
    CHECK(Summary::bytes_for(bytes) <= std::min(bytes, kBytes));
    CHECK(Summary::bytes_for(bytes) > std::min(bytes, kBytes) / 3);
  }
  CHECK(Summary(kBytes).keys_max() == 128);
  CHECK(Summary(size_t{16} << 10).keys_max() == 32);
}

TEST_CASE("requests that count less tell less") {
  Summary summary(kBytes);
  const SampledRequest request{.hash = 1, .key = "k", .key_bytes = 1};
  for (int i = 0; i < 1000; ++i) summary.add(request);
  CHECK(summary.total() == doctest::Approx(1000));
  CHECK(summary.independent_total() == doctest::Approx(1000));
  summary.halve();
  CHECK(summary.total() == doctest::Approx(500));
  CHECK(summary.independent_total() == doctest::Approx(1000));
  for (int i = 0; i < 500; ++i) summary.add(request);
  CHECK(summary.total() == doctest::Approx(1000));
  CHECK(summary.independent_total() == doctest::Approx(1'000'000 / 750.0));
}

}  // namespace
}  // namespace larder::internal
