#include "larder/internal/curve/sample.h"

#include <cmath>
#include <random>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

constexpr int kHashes = 1'000'000;

double share_of(const Sample& sample, size_t bytes) {
  std::mt19937_64 random(1);
  int count = 0;
  for (int i = 0; i < kHashes; ++i) count += sample.has(random(), bytes) ? 1 : 0;
  return static_cast<double>(count) / kHashes;
}

TEST_CASE("items up to the mean size are in the sample with its share, longer ones more often, up to 64 times") {
  const Sample sample(0.004, 200);
  CHECK(sample.share() == doctest::Approx(0.004));
  CHECK(sample.mean_bytes() == 200);
  CHECK(share_of(sample, 16) == doctest::Approx(0.004).epsilon(0.05));
  CHECK(share_of(sample, 200) == doctest::Approx(0.004).epsilon(0.05));
  CHECK(share_of(sample, 800) == doctest::Approx(0.016).epsilon(0.03));
  CHECK(share_of(sample, 64 * 200) == doctest::Approx(0.256).epsilon(0.02));
  CHECK(share_of(sample, size_t{1} << 30) == doctest::Approx(0.256).epsilon(0.02));
}

TEST_CASE("what an item of some size is in the sample for, a longer one is in it for, too") {
  std::mt19937_64 random(2);
  const Sample sample(0.01, 100);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t hash = random();
    bool was_in = false;
    for (const size_t bytes : {1, 100, 101, 150, 1000, 6400, 6401, 1 << 30}) {
      const bool is_in = sample.has(hash, bytes);
      REQUIRE((is_in || !was_in));
      REQUIRE((!is_in || sample.may_have(hash)));
      if (bytes <= 100) REQUIRE(is_in == sample.has_short(hash));
      was_in = is_in;
    }
    REQUIRE(was_in == sample.may_have(hash));
  }
}

TEST_CASE("weights add up to the items that there are, and charges to their bytes") {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> sizes(5, 1);
  double bytes = 0;
  double weights = 0;
  double charges = 0;
  const Sample sample(0.02, 244);
  for (int i = 0; i < kHashes; ++i) {
    const auto size = static_cast<size_t>(sizes(random)) + 16;
    bytes += static_cast<double>(size);
    if (!sample.has(random(), size)) continue;
    weights += sample.weight(size);
    charges += sample.charge(size);
  }
  CHECK(weights == doctest::Approx(kHashes).epsilon(0.02));
  CHECK(charges / sample.share() == doctest::Approx(bytes).epsilon(0.02));
}

TEST_CASE("nothing is in a sample that nobody has made, and everything in a share of 1, whatever the sizes are") {
  std::mt19937_64 random(4);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t hash = random();
    CHECK_FALSE(Sample().has(hash, SIZE_MAX / 2));
    CHECK_FALSE(Sample().may_have(hash));
    for (const uint64_t mean : {uint64_t{1}, uint64_t{100}, Sample::kMeanBytesMax}) {
      for (const size_t bytes : {size_t{1}, size_t{1000}, size_t{1} << 32}) {
        CHECK(Sample(1, mean).has(hash, bytes));
        CHECK(Sample(1, mean).weight(bytes) <= 1.001);
        CHECK(Sample(Sample(1, mean).word()).has(hash, bytes));
      }
    }
  }
}

}  // namespace
}  // namespace larder::internal
