#include "larder/latency.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a time is in the first bucket whose bound it does not exceed") {
  CHECK(LatencyHistogram::bound(0) == 16ns);
  CHECK(LatencyHistogram::bound(1) == 24ns);
  CHECK(LatencyHistogram::bound(2) == 32ns);
  const auto bucket_of = [](std::chrono::nanoseconds time) -> std::optional<size_t> {
    LatencyHistogram histogram;
    histogram.add(time);
    for (size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) {
      if (histogram.count(bucket) == 1) return bucket;
    }
    return std::nullopt;
  };
  for (size_t bucket = 0; bucket < LatencyHistogram::kBuckets - 1; ++bucket) {
    CHECK(bucket_of(LatencyHistogram::bound(bucket)) == bucket);
    CHECK(bucket_of(LatencyHistogram::bound(bucket) + 1ns) == bucket + 1);
  }
  CHECK(bucket_of(std::chrono::nanoseconds::max()) == LatencyHistogram::kBuckets - 1);
  CHECK(bucket_of(-1s) == 0u);
}

TEST_CASE("quantiles are bounds that so many times do not exceed") {
  LatencyHistogram histogram;
  CHECK(histogram.quantile(0.5) == 0ns);
  for (int i = 0; i < 90; ++i) histogram.add(100ns);
  for (int i = 0; i < 10; ++i) histogram.add(1us);
  CHECK(histogram.count() == 100);
  CHECK(histogram.sum() == 90 * 100ns + 10 * 1us);
  CHECK(histogram.quantile(0) == 128ns);
  CHECK(histogram.quantile(0.9) == 128ns);
  CHECK(histogram.quantile(0.91) == 1024ns);
  CHECK(histogram.quantile(2) == 1024ns);
  histogram.add(std::chrono::hours(1));
  CHECK(histogram.quantile(1) == LatencyHistogram::bound(LatencyHistogram::kBuckets - 2));
  histogram.reset();
  CHECK(histogram.count() == 0);
  CHECK(histogram.sum() == 0ns);
}

TEST_CASE("what is timed returns what it returned, and is counted also if it throws") {
  LatencyHistogram histogram;
  int number = 7;
  int& same = timed(histogram, [&]() -> int& { return number; });
  CHECK(&same == &number);
  std::chrono::steady_clock::duration inside{};
  timed(histogram, [&] {
    const auto begin = std::chrono::steady_clock::now();
    while (inside <= 0ns) inside = std::chrono::steady_clock::now() - begin;
  });
  CHECK(histogram.sum() >= inside);
  CHECK_THROWS_AS(timed(histogram, [] { throw std::runtime_error("thrown"); }), std::runtime_error);
  CHECK(histogram.count() == 3);
  int told = 0;
  CHECK(timed([&](std::chrono::nanoseconds) { ++told; }, [] { return 8; }) == 8);
  CHECK(told == 1);
}

TEST_CASE("of many calls one in so many is timed, in every thread") {
  LatencyHistogram histogram(64);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 64'000; ++i) timed(histogram, [] {});
    });
  }
  threads.clear();
  // Of 2,000 that are expected; six times the standard deviation.
  CHECK(histogram.count() > 1'730);
  CHECK(histogram.count() < 2'270);
  LatencyHistogram all(0);
  timed(all, [] {});
  CHECK(all.count() == 1);
}

TEST_CASE("a histogram is written as Prometheus reads it") {
  LatencyHistogram histogram;
  histogram.add(20ns);
  histogram.add(30ns);
  histogram.add(std::chrono::hours(1));
  std::ostringstream out;
  out << std::hex;
  write_prometheus(out, "get_seconds", histogram, "sh\"op");
  const std::string text = out.str();
  CAPTURE(text);
  CHECK(
      text.starts_with("# TYPE get_seconds histogram\n"
                       "get_seconds_bucket{cache=\"sh\\\"op\",le=\"1.6e-08\"} 0\n"
                       "get_seconds_bucket{cache=\"sh\\\"op\",le=\"2.4e-08\"} 1\n"
                       "get_seconds_bucket{cache=\"sh\\\"op\",le=\"3.2e-08\"} 2\n"));
  CHECK(
      text.ends_with("get_seconds_bucket{cache=\"sh\\\"op\",le=\"+Inf\"} 3\n"
                     "get_seconds_sum{cache=\"sh\\\"op\"} 3600.00000005\n"
                     "get_seconds_count{cache=\"sh\\\"op\"} 3\n"));
  std::ostringstream nameless;
  write_prometheus(nameless, "get_seconds", histogram);
  CHECK(nameless.str().find("get_seconds_count 3\n") != std::string::npos);
}

}  // namespace
}  // namespace larder
