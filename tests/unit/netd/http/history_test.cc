#include "netd/http/history.h"

#include <doctest/doctest.h>

#include <cmath>

namespace netd::http {
namespace {

float value(const History::Point& point, History::Series series) { return point[static_cast<size_t>(series)]; }

TEST_CASE("a second has the rates of that second, and what was there at its end") {
  Reading now;
  History history(now);
  CHECK(history.points(0).empty());
  now.monotonic_ms = 1000;
  now.gets = 50;
  now.hits = 40;
  now.cpu_s = 0.5;
  now.items = 7;
  history.add(now);
  now.monotonic_ms = 2000;
  now.gets = 150;
  now.items = 3;
  history.add(now);
  const std::vector<History::Point> points = history.points(0);
  REQUIRE(points.size() == 2);
  CHECK(value(points[0], History::Series::kGets) == 50);
  CHECK(value(points[0], History::Series::kHits) == 40);
  CHECK(value(points[0], History::Series::kCpu) == 0.5F);
  CHECK(value(points[0], History::Series::kItems) == 7);
  CHECK(value(points[1], History::Series::kGets) == 100);
  CHECK(value(points[1], History::Series::kHits) == 0);
  CHECK(value(points[1], History::Series::kItems) == 3);
  CHECK(std::isnan(value(points[1], History::Series::kP50)));
}

TEST_CASE("each span keeps as much as it has room for, the oldest first") {
  Reading now;
  History history(now);
  for (int second = 1; second <= 100'000; ++second) {
    now.monotonic_ms = second * 1000;
    now.gets += static_cast<uint64_t>(second);
    history.add(now);
  }
  for (size_t span = 0; span < History::kSpans.size(); ++span) {
    const std::vector<History::Point> points = history.points(span);
    CAPTURE(span);
    REQUIRE(points.size() == History::kSpans[span].points);
    for (size_t i = 1; i < points.size(); ++i) {
      REQUIRE(value(points[i], History::Series::kGets) > value(points[i - 1], History::Series::kGets));
    }
    const auto period_s = static_cast<float>(History::kSpans[span].period_s);
    CHECK(value(points.back(), History::Series::kGets) > 100'000 - 2 * period_s);
  }
}

TEST_CASE("what was slept through is not known, and what comes after is where it belongs") {
  Reading now;
  History history(now);
  now.monotonic_ms = 1000;
  history.add(now);
  now.monotonic_ms = 11'400;
  now.gets = 1040;
  history.add(now);
  const std::vector<History::Point> points = history.points(0);
  REQUIRE(points.size() == 11);
  for (size_t i = 1; i < 10; ++i) CHECK(std::isnan(value(points[i], History::Series::kGets)));
  CHECK(value(points[10], History::Series::kGets) == 100);
  // A week.
  now.monotonic_ms += int64_t{7} * 86'400'000;
  history.add(now);
  for (size_t span = 0; span < History::kSpans.size(); ++span) {
    CHECK(history.points(span).size() == History::kSpans[span].points);
  }
}

TEST_CASE("readings come a little early or late without a gap") {
  Reading now;
  History history(now);
  for (int second = 1; second <= 50; ++second) {
    now.monotonic_ms += second % 2 == 0 ? 1200 : 800;
    history.add(now);
  }
  const std::vector<History::Point> points = history.points(0);
  CHECK(points.size() == 50);
  for (const History::Point& point : points) CHECK_FALSE(std::isnan(value(point, History::Series::kGets)));
}

TEST_CASE("counters that are reset start from nothing, not from below it") {
  Reading now;
  now.gets = 1000;
  History history(now);
  now.monotonic_ms = 1000;
  now.gets = 30;
  history.add(now);
  CHECK(value(history.points(0)[0], History::Series::kGets) == 30);
}

TEST_CASE("counters are reset together, whether they are lower afterwards or not") {
  Reading now;
  now.gets = 1000;
  now.hits = 10;
  History history(now);
  now.monotonic_ms = 1000;
  now.gets = 900;
  now.hits = 800;
  history.add(now);
  CHECK(value(history.points(0)[0], History::Series::kHits) == 800);
}

TEST_CASE("a quantile is the bound of the bucket that it is in") {
  Reading from;
  Reading to;
  CHECK(std::isnan(latency_quantile(from, to, 0.5)));
  from.latency[3] = 1000;
  to.latency[3] = 1000;
  to.latency[10] = 98;
  to.latency[20] = 2;
  CHECK(latency_quantile(from, to, 0.5) == LatencyHistogram::bound_s(10));
  CHECK(latency_quantile(from, to, 0.98) == LatencyHistogram::bound_s(10));
  CHECK(latency_quantile(from, to, 0.99) == LatencyHistogram::bound_s(20));
  to.latency.back() = 1000;
  CHECK(latency_quantile(from, to, 0.99) == LatencyHistogram::bound_s(LatencyHistogram::kBuckets - 2));
}

}  // namespace
}  // namespace netd::http
