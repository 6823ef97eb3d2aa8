#include "larder/sizing.h"

#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kOwn = 2;
constexpr size_t kTwice = 3;

std::unique_ptr<Cache> make(Options options, const Clock* clock) {
  options.seed = 1;
  options.clock = clock;
  if (options.curve_share_max < 0.01) options.curve_share_max = 1;
  absl::StatusOr<std::unique_ptr<Cache>> made = Cache::create(options);
  REQUIRE(made.ok());
  return *std::move(made);
}

// Requests as a cache gets them: some keys much more often than others, and each key's value of a size of its own.
class Requests {
 public:
  explicit Requests(size_t keys, double skew = 0.8) {
    std::vector<double> weights;
    for (size_t i = 1; i <= keys; ++i) weights.push_back(std::pow(static_cast<double>(i), -skew));
    numbers_ = std::discrete_distribution<size_t>(weights.begin(), weights.end());
  }

  [[nodiscard]] std::string next() { return "key " + std::to_string(numbers_(random_)); }
  static std::string_view value_of(std::string_view key) {
    static const std::string bytes(4096, 'v');
    const size_t n = std::hash<std::string_view>()(key);
    return std::string_view(bytes).substr(0, 100 + n % 400 + (n % 50 == 0 ? 3000 : 0));
  }

 private:
  std::mt19937_64 random_{7};
  std::discrete_distribution<size_t> numbers_;
};

// As a program uses a cache: what is missing is stored. The share of `count` gets that missed.
double use(Cache& cache, Requests& requests, size_t count, std::string_view prefix = "", Expiry expiry = {}) {
  size_t misses = 0;
  size_t stored = 0;
  for (size_t i = 0; i < count; ++i) {
    const std::string key = std::string(prefix) + requests.next();
    if (cache.visit(key, [](const ItemView&) {})) continue;
    ++misses;
    stored += cache.set(key, Requests::value_of(key), {.expiry = expiry}) == StoreResult::kStored ? 1 : 0;
  }
  CHECK(stored == misses);
  return static_cast<double>(misses) / static_cast<double>(count);
}

TEST_CASE("the curve says what real caches of the other sizes miss, and its sentence says the same") {
  ManualClock clock;
  constexpr size_t kWarming = 300'000;
  constexpr size_t kMeasured = 200'000;
  std::array<double, MissRatioCurve::kSizes> truth{};
  for (size_t size = 1; size < truth.size(); ++size) {
    const auto cache = make({.memory_limit_bytes = 8 * kMiB / 4 << size, .curve = false}, &clock);
    Requests requests(150'000);
    (void)use(*cache, requests, kWarming);
    truth[size] = use(*cache, requests, kMeasured);
  }
  const auto cache = make({.memory_limit_bytes = 8 * kMiB}, &clock);
  Requests requests(150'000);
  (void)use(*cache, requests, kWarming + kMeasured);
  clock.advance_ms(150'000);
  const MissRatioCurve curve = miss_ratio_curve(*cache);
  CHECK(curve.sampled_share < 0.2);
  CHECK(curve.miss_ratio == doctest::Approx(truth[kOwn]).epsilon(0.03));
  for (size_t size = 1; size < truth.size(); ++size) {
    CAPTURE(size);
    const MissRatio& of = curve.sizes[size];
    CHECK(of.memory_limit_bytes == 8 * kMiB / 4 << size);
    CHECK(of.factor == doctest::Approx(std::exp2(static_cast<double>(size) - 2)));
    CHECK(of.state == MissRatioState::kKnown);
    CHECK(of.miss_ratio == doctest::Approx(truth[size]).epsilon(0.05));
    CHECK(of.error < 0.05);
    if (size > 1) CHECK(of.miss_ratio < curve.sizes[size - 1].miss_ratio);
  }
  CHECK(curve.sizes[kOwn].miss_ratio == doctest::Approx(curve.miss_ratio));

  const std::string text = to_string(curve);
  INFO(text);
  CHECK(text.starts_with("Over the last "));
  const std::string_view twice = "one of 16 MiB ";
  REQUIRE(text.find(twice) != std::string::npos);
  const double said = std::stod(text.substr(text.find(twice) + twice.size())) / 100;
  CHECK(said == doctest::Approx(truth[kTwice]).epsilon(0.06));
}

TEST_CASE("a run with a seed and a manual clock repeats exactly") {
  std::array<std::string, 2> texts;
  for (std::string& text : texts) {
    ManualClock clock;
    const auto cache = make({.memory_limit_bytes = 8 * kMiB}, &clock);
    Requests requests(100'000);
    for (int i = 0; i < 10; ++i) {
      (void)use(*cache, requests, 10'000);
      clock.advance_ms(1000);
    }
    const MissRatioCurve curve = miss_ratio_curve(*cache);
    for (const MissRatio& size : curve.sizes) {
      text += std::to_string(size.miss_ratio) + " " + std::to_string(size.error) + "\n";
    }
  }
  CHECK(texts[0] == texts[1]);
}

TEST_CASE("nothing is said before a size has been full, or of too few misses") {
  ManualClock clock;
  const auto cache = make({.memory_limit_bytes = 8 * kMiB}, &clock);
  for (const MissRatio& size : miss_ratio_curve(*cache).sizes) CHECK(size.state == MissRatioState::kNeverFull);
  CHECK(to_string(miss_ratio_curve(*cache)).ends_with("Other sizes are not known yet."));
  Requests requests(150'000);
  (void)use(*cache, requests, 60'000);
  MissRatioCurve curve = miss_ratio_curve(*cache);
  CHECK(curve.sizes[0].has_value());
  CHECK(curve.sizes[4].state == MissRatioState::kNeverFull);

  const auto few = make({.memory_limit_bytes = 8 * kMiB, .curve_share_max = 0.01}, &clock);
  Requests others(150'000);
  (void)use(*few, others, 10'000);
  CHECK(miss_ratio_curve(*few).sizes[0].state == MissRatioState::kTooFew);
}

TEST_CASE(
    "there is no curve without eviction, below 8 MiB, or if it is not wanted, and no memory is taken for it") {
  ManualClock clock;
  for (const Options& options :
       {Options{.memory_limit_bytes = 8 * kMiB - 4096}, Options{.memory_limit_bytes = 8 * kMiB, .eviction = false},
        Options{.memory_limit_bytes = 8 * kMiB, .curve = false}}) {
    const auto cache = make(options, &clock);
    Requests requests(1000);
    (void)use(*cache, requests, 2000);
    const MissRatioCurve curve = miss_ratio_curve(*cache);
    for (const MissRatio& size : curve.sizes) CHECK(size.state == MissRatioState::kOff);
    CHECK(curve.sizes[kTwice].memory_limit_bytes == options.memory_limit_bytes / 4 * 8);
    CHECK(cache->stats().curve_bytes == 0);
    CHECK(to_string(curve) == "There is no miss-ratio curve.");
  }
}

TEST_CASE("a curve takes 1/128 of the limit and a KiB or two for each thread, and no more than 140 KiB besides") {
  ManualClock clock;
  for (const size_t limit_mib : {8, 16, 64, 1024}) {
    const auto cache = make({.memory_limit_bytes = limit_mib * kMiB}, &clock);
    CHECK(cache->set("key", "value") == StoreResult::kStored);
    CHECK(cache->stats().curve_bytes <= std::min(limit_mib * kMiB / 128, size_t{140} << 10) + 4096);
    CHECK(cache->stats().curve_bytes > size_t{40} << 10);
  }
}

TEST_CASE("curve_share_max is checked") {
  for (const double share : {-0.1, 1.1, std::nan("")}) {
    const absl::Status status = Cache::create({.curve_share_max = share}).status();
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(status.message().find("curve_share_max") != std::string_view::npos);
  }
  CHECK(Cache::create({.curve_share_max = 0}).ok());
}

TEST_CASE("what is erased or flushed is missing in every size") {
  ManualClock clock;
  const auto cache = make({.memory_limit_bytes = 8 * kMiB, .namespaces = {{.prefix = "n"}}}, &clock);
  Requests requests(3000, 0);
  const auto miss_again = [&](auto&& remove, std::string_view prefix) {
    (void)use(*cache, requests, 30'000, prefix);
    const double before = miss_ratio_curve(*cache).gets;
    for (int i = 0; i < 20; ++i) {
      remove();
      (void)use(*cache, requests, 3000, prefix);
    }
    const MissRatioCurve curve = miss_ratio_curve(*cache);
    CHECK(curve.gets > before);
    // 63 % of 3,000 keys are asked for in 3,000 gets, and the first time they are missing, whatever the size is.
    CHECK(curve.miss_ratio > 0.3);
    return curve;
  };
  (void)miss_again([&] { cache->flush_all(); }, "");
  (void)miss_again([&] { CHECK(cache->flush_namespace("n")); }, "n");
  (void)miss_again(
      [&] {
        for (int i = 0; i < 3000; ++i) (void)cache->erase("key " + std::to_string(i));
      },
      "");
}

TEST_CASE("first requests are told apart from those that a larger cache would answer") {
  ManualClock clock;
  const auto cache = make({.memory_limit_bytes = 8 * kMiB}, &clock);
  Requests requests(60'000, 0.3);
  for (int i = 0; i < 40; ++i) {
    (void)use(*cache, requests, 10'000);
    // 1,000 of 11,000 gets are for keys that are asked for once.
    for (int j = 0; j < 1000; ++j) {
      const std::string key = "once " + std::to_string(i) + " " + std::to_string(j);
      if (!cache->visit(key, [](const ItemView&) {})) (void)cache->set(key, Requests::value_of(key));
    }
  }
  const MissRatioCurve curve = miss_ratio_curve(*cache);
  CHECK(curve.miss_ratio > 0.4);
  CHECK(curve.first_ratio == doctest::Approx(1.0 / 11).epsilon(0.25));
}

TEST_CASE("each namespace has a curve of its own, and they add up") {
  ManualClock clock;
  const auto cache =
      make({.memory_limit_bytes = 8 * kMiB, .namespaces = {{.prefix = "a "}, {.prefix = "b "}}}, &clock);
  Requests often(2000);
  Requests seldom(150'000, 0.2);
  for (int i = 0; i < 30; ++i) {
    (void)use(*cache, often, 10'000, "a ");
    (void)use(*cache, seldom, 5000, "b ");
  }
  const std::vector<MissRatioCurve> curves = namespace_miss_ratio_curves(*cache);
  REQUIRE(curves.size() == 3);
  const MissRatioCurve all = miss_ratio_curve(*cache);
  CHECK(curves[0].gets + curves[1].gets + curves[2].gets == doctest::Approx(all.gets));
  CHECK(curves[2].gets == 0);
  CHECK(curves[0].miss_ratio < 0.3);
  CHECK(curves[1].miss_ratio > 0.7);
  REQUIRE(curves[1].sizes[kTwice].has_value());
  CHECK(curves[1].sizes[kTwice].miss_ratio < curves[1].miss_ratio);
  CHECK(curves[2].sizes[kTwice].state == MissRatioState::kTooFew);
  const auto off =
      make({.memory_limit_bytes = kMiB, .item_bytes_max = 1024, .namespaces = {{.prefix = "a "}}}, &clock);
  CHECK(namespace_miss_ratio_curves(*off).size() == 2);
}

TEST_CASE("while the limit is too low for a curve, it takes no memory; a raised limit brings it back") {
  ManualClock clock;
  const auto cache = make({.memory_limit_bytes = 8 * kMiB, .item_bytes_max = 8 << 10}, &clock);
  Requests requests(150'000);
  (void)use(*cache, requests, 20'000);
  const size_t bytes = cache->stats().curve_bytes;
  REQUIRE(cache->set_memory_limit(2 * kMiB).ok());
  CHECK(cache->stats().curve_bytes < 4096);
  (void)use(*cache, requests, 20'000);
  for (const MissRatio& size : miss_ratio_curve(*cache).sizes) CHECK(size.state == MissRatioState::kOff);
  REQUIRE(cache->set_memory_limit(8 * kMiB).ok());
  CHECK(cache->stats().curve_bytes == bytes);
  (void)use(*cache, requests, 60'000);
  CHECK(miss_ratio_curve(*cache).sizes[0].has_value());
}

TEST_CASE("a raised limit has to be filled before anything is said of it") {
  ManualClock clock;
  const auto cache = make({.memory_limit_bytes = 8 * kMiB}, &clock);
  Requests requests(300'000, 0.3);
  (void)use(*cache, requests, 150'000);
  CHECK(miss_ratio_curve(*cache).sizes[4].has_value());
  REQUIRE(cache->set_memory_limit(32 * kMiB).ok());
  MissRatioCurve curve = miss_ratio_curve(*cache);
  CHECK(curve.sizes[kOwn].memory_limit_bytes == 32 * kMiB);
  CHECK_FALSE(curve.sizes[4].has_value());
  CHECK(curve.gets == 0);
  (void)use(*cache, requests, 150'000);
  curve = miss_ratio_curve(*cache);
  CAPTURE(to_string(curve));
  CHECK(curve.sizes[1].has_value());
  REQUIRE(cache->set_memory_limit(8 * kMiB).ok());
  (void)use(*cache, requests, 300'000);
  CHECK(miss_ratio_curve(*cache).sizes[1].has_value());
}

MissRatioCurve curve_with(const std::array<double, MissRatioCurve::kSizes>& ratios) {
  MissRatioCurve curve{.sizes = {}, .miss_ratio = 0.213, .gets = 2.1e6, .seconds = 2460, .turnovers = 1};
  for (size_t size = 0; size < ratios.size(); ++size) {
    curve.sizes[size] = {.factor = std::exp2(static_cast<double>(size) - 2),
                         .memory_limit_bytes = size_t{256} * kMiB << size,
                         .state = ratios[size] > 0 ? MissRatioState::kKnown : MissRatioState::kNeverFull,
                         .miss_ratio = ratios[size],
                         .error = size == kOwn ? 0 : 0.008};
  }
  return curve;
}

TEST_CASE("a curve in plain English") {
  CHECK(to_string(curve_with({0, 0.27, 0.213, 0.164, 0})) ==
        "Over the last 41 minutes (2.1 million gets) 21.3 % missed. A cache of 512 MiB, already warm, would have "
        "missed "
        "27.0 % ± 0.8; one of 2 GiB 16.4 % ± 0.8.");
  MissRatioCurve uncertain = curve_with({0, 0, 0.213, 0.164, 0});
  uncertain.sizes[kTwice].state = MissRatioState::kUncertain;
  CHECK(to_string(uncertain).ends_with("would have missed 16.4 % ± 0.8 or more."));
}

TEST_CASE("advice says between which sizes a target lies, and no more than the curve knows") {
  const MissRatioCurve curve = curve_with({0.31, 0.27, 0.213, 0.164, 0.12});
  SizeAdvice advice = advise(curve, 0.2);
  CHECK(advice.more_than_bytes == 1024 * kMiB);
  CHECK(advice.at_most_bytes == 2048 * kMiB);
  CHECK(advice.text == "Between 1 GiB and 2 GiB.");
  advice = advise(curve, 0.05);
  CHECK(advice.more_than_bytes == 4096 * kMiB);
  CHECK_FALSE(advice.at_most_bytes.has_value());
  CHECK(advice.text.starts_with("More than 4 GiB, which would have missed 12.0 % ± 0.8"));
  MissRatioCurve first = curve;
  first.first_ratio = 0.098;
  CHECK(advise(first, 0.05).text == "No size reaches a miss ratio of 5.0 %: 9.8 % of the gets are first requests.");
  CHECK(advise(first, 0.1).text.starts_with("More than 4 GiB"));
  CHECK(advise(first, 0.13).text == "Between 2 GiB and 4 GiB.");
  advice = advise(curve, 0.5);
  CHECK_FALSE(advice.more_than_bytes.has_value());
  CHECK(advice.at_most_bytes == 256 * kMiB);
  advice = advise(curve_with({0, 0, 0, 0, 0}), 0.5);
  CHECK_FALSE(advice.more_than_bytes.has_value());
  CHECK_FALSE(advice.at_most_bytes.has_value());
  CHECK(advice.text == "It is not known yet what a miss ratio of 50.0 % takes.");
  for (const MissRatioState state : {MissRatioState::kKnown, MissRatioState::kUncertain, MissRatioState::kTooFew,
                                     MissRatioState::kNeverFull, MissRatioState::kOff}) {
    CHECK_FALSE(to_string(state).empty());
  }
}

}  // namespace
}  // namespace larder
