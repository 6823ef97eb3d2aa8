#include "larder/internal/curve/misses.h"

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

// Of each group, so much by the miniatures of one size after the other.
Misses misses_of(double gets, double counted, const std::array<float, kCurveSizes>& in_each_group) {
  Misses misses{.gets = gets, .misses = counted};
  for (Misses::Group& group : misses.groups) {
    group.missed = in_each_group;
    group.own_missed.fill(in_each_group[kOwnSize]);
  }
  return misses;
}

TEST_CASE("an estimate is what was counted, times the ratio of what the miniatures missed") {
  const Misses misses = misses_of(1000, 200, {20, 15, 10, 8, 4});
  CHECK(estimate(misses, 0).miss_ratio == doctest::Approx(0.4));
  CHECK(estimate(misses, 1).miss_ratio == doctest::Approx(0.3));
  CHECK(estimate(misses, kOwnSize).miss_ratio == doctest::Approx(0.2));
  CHECK(estimate(misses, 3).miss_ratio == doctest::Approx(0.16));
  CHECK(estimate(misses, 4).miss_ratio == doctest::Approx(0.08));
}

TEST_CASE("a size is compared with the own one in the time since it was full") {
  Misses misses = misses_of(1000, 200, {20, 15, 10, 8, 4});
  for (Misses::Group& group : misses.groups) group.own_missed[4] = 5;
  CHECK(estimate(misses, 4).miss_ratio == doctest::Approx(0.16));
}

TEST_CASE("no more than all gets miss") {
  CHECK(estimate(misses_of(1000, 600, {30, 15, 10, 8, 4}), 0).miss_ratio == 1);
}

TEST_CASE("where all groups agree the error is the least there is; what was counted has none") {
  const Misses misses = misses_of(1000, 200, {20, 15, 10, 8, 4});
  CHECK(estimate(misses, 0).error == doctest::Approx(0.003));
  CHECK(estimate(misses, kOwnSize).error == 0);
}

TEST_CASE("groups that do not agree make the error larger; what differs in all sizes alike does not") {
  Misses misses = misses_of(1000, 200, {20, 15, 10, 8, 4});
  // A hot key, missed as often by each.
  for (float& each : misses.groups[3].missed) each *= 5;
  for (float& each : misses.groups[3].own_missed) each *= 5;
  CHECK(estimate(misses, 3).error == doctest::Approx(0.003).epsilon(0.01));
  misses.groups[3].missed[3] *= 2;
  // Sixteen groups: one is 80 of 200, twice as much; 15 others 8 of 10 each.
  CHECK(estimate(misses, 3).error > 0.05);
  CHECK(estimate(misses, 1).error < 0.004);
}

TEST_CASE("a sample that misses something quite different from what was counted is not like it") {
  CHECK(is_like_counted(misses_of(1000, 160, {20, 15, 10, 8, 4})));
  CHECK(is_like_counted(misses_of(1000, 145, {20, 15, 10, 8, 4})));
  CHECK_FALSE(is_like_counted(misses_of(1000, 100, {20, 15, 10, 8, 4})));
  CHECK_FALSE(is_like_counted(misses_of(1000, 300, {20, 15, 10, 8, 4})));
  // Unless its own error is as large.
  Misses uneven = misses_of(1000, 160, {20, 15, 10, 8, 4});
  uneven.groups[0].missed[kOwnSize] = 120;
  CHECK(is_like_counted(uneven));
}

TEST_CASE("sums fade, and are added") {
  Misses misses = misses_of(1000, 200, {16, 8, 4, 2, 1});
  misses.counted = {5, 4, 3, 2, 1};
  misses.fade(0.5);
  CHECK(misses.gets == 500);
  CHECK(misses.misses == 100);
  CHECK(misses.counted[0] == 2.5f);
  CHECK(misses.missed(0) == 128);
  misses.add(misses_of(10, 1, {1, 1, 1, 1, 1}), 2);
  CHECK(misses.gets == 520);
  CHECK(misses.missed(4) == 40);
}

}  // namespace
}  // namespace larder::internal
