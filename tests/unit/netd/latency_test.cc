#include "netd/latency.h"

#include <doctest/doctest.h>

namespace netd {
namespace {

using std::chrono::nanoseconds;

// The bucket that a time is in.
size_t bucket_of(nanoseconds time) {
  LatencyHistogram histogram;
  histogram.add(time);
  for (size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) {
    if (histogram.count(bucket) > 0) return bucket;
  }
  return LatencyHistogram::kBuckets;
}

TEST_CASE("a time is in the first bucket whose bound it does not exceed") {
  CHECK(bucket_of(nanoseconds(0)) == 0);
  CHECK(bucket_of(nanoseconds(1)) == 0);
  for (size_t bucket = 0; bucket + 1 < LatencyHistogram::kBuckets; ++bucket) {
    CAPTURE(bucket);
    const auto bound = static_cast<int64_t>(1e9 * LatencyHistogram::bound_s(bucket));
    CHECK(bucket_of(nanoseconds(bound)) == bucket);
    CHECK(bucket_of(nanoseconds(bound + 2)) == bucket + 1);
  }
  CHECK(bucket_of(std::chrono::hours(1000)) == LatencyHistogram::kBuckets - 1);
}

TEST_CASE("the sum is that of all times, until it is reset") {
  LatencyHistogram histogram;
  histogram.add(nanoseconds(1500));
  histogram.add(nanoseconds(500));
  CHECK(histogram.sum_ns() == 2000);
  histogram.reset();
  CHECK(histogram.sum_ns() == 0);
  for (size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) CHECK(histogram.count(bucket) == 0);
}

}  // namespace
}  // namespace netd
