#include "larder/internal/base/buddy_allocator.h"

#include <algorithm>
#include <random>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("unit 0 is never given, all others are, from the lowest") {
  BuddyAllocator allocator(16);
  for (uint32_t expected = 1; expected < 16; ++expected) CHECK(allocator.allocate(0) == expected);
  CHECK_FALSE(allocator.allocate(0).has_value());
}

TEST_CASE("a run begins at a multiple of its length") {
  BuddyAllocator allocator(64);
  CHECK(allocator.allocate(0) == 1u);
  CHECK(allocator.allocate(2) == 4u);
  CHECK(allocator.allocate(1) == 2u);
  CHECK(allocator.allocate(3) == 8u);
  CHECK(allocator.allocate(4) == 16u);
  CHECK(allocator.allocate(5) == 32u);
}

TEST_CASE("the run with unit 0 in it is never whole again") {
  BuddyAllocator allocator(16);
  CHECK_FALSE(allocator.allocate(4).has_value());
  CHECK(allocator.allocate(3) == 8u);
  CHECK_FALSE(allocator.allocate(3).has_value());
}

TEST_CASE("a run longer than all the space is refused") {
  BuddyAllocator allocator(16);
  CHECK_FALSE(allocator.allocate(5).has_value());
  CHECK_FALSE(allocator.allocate(31).has_value());
}

TEST_CASE("of a number of units that is no power of two, the largest power of two is used") {
  BuddyAllocator allocator(15);
  for (uint32_t expected = 1; expected < 8; ++expected) CHECK(allocator.allocate(0) == expected);
  CHECK_FALSE(allocator.allocate(0).has_value());
}

TEST_CASE("the only unit is the one that is never given") {
  BuddyAllocator allocator(1);
  CHECK_FALSE(allocator.allocate(0).has_value());
}

TEST_CASE("a short run is cut from the shortest that will do, so that long ones stay whole") {
  BuddyAllocator allocator(32);
  std::vector<uint32_t> ones;
  for (int i = 0; i < 15; ++i) ones.push_back(allocator.allocate(0).value());
  allocator.free(13, 0);
  CHECK(allocator.allocate(0) == 13u);
  CHECK(allocator.allocate(4) == 16u);
}

TEST_CASE("if the shortest run is of no use, the lowest is taken, or none") {
  BuddyAllocator allocator(32);
  for (int i = 1; i < 16; ++i) REQUIRE(allocator.allocate(0).has_value());
  CHECK(allocator.allocate(0) == 16u);
  for (uint32_t unit = 8; unit < 16; ++unit) allocator.free(unit, 0);
  const auto is_below = [](uint32_t end) { return [end](uint32_t unit) { return unit < end; }; };
  CHECK(allocator.allocate_usable(0, is_below(32)) == 17u);
  allocator.free(17, 0);
  CHECK(allocator.allocate_usable(0, is_below(16)) == 8u);
  CHECK_FALSE(allocator.allocate_usable(0, is_below(9)).has_value());
  allocator.free(8, 0);
  CHECK(allocator.allocate(3) == 8u);
  CHECK(allocator.allocate(3) == 24u);
}

TEST_CASE("runs that are given back join again with their neighbours") {
  BuddyAllocator allocator(16);
  for (int i = 1; i < 16; ++i) REQUIRE(allocator.allocate(0).has_value());
  CHECK_FALSE(allocator.allocate(1).has_value());
  for (uint32_t unit = 15; unit >= 8; --unit) allocator.free(unit, 0);
  CHECK(allocator.allocate(3) == 8u);
  allocator.free(8, 3);
  CHECK(allocator.allocate(2) == 8u);
  CHECK(allocator.allocate(2) == 12u);
}

TEST_CASE("neighbours that are not of the same pair do not join") {
  BuddyAllocator allocator(8);
  for (int i = 1; i < 8; ++i) REQUIRE(allocator.allocate(0).has_value());
  allocator.free(3, 0);
  allocator.free(4, 0);
  CHECK_FALSE(allocator.allocate(1).has_value());
  allocator.free(5, 0);
  CHECK(allocator.allocate(1) == 4u);
}

TEST_CASE("runs given and taken back at random never overlap, and all comes together in the end") {
  constexpr uint32_t kFrames = 256;
  BuddyAllocator allocator(kFrames);
  std::mt19937 random(7);  // the same each time
  struct Run {
    uint32_t first;
    int order;
  };
  std::vector<Run> runs;
  std::vector<bool> is_used(kFrames, false);
  is_used[0] = true;
  for (int step = 0; step < 5000; ++step) {
    const int order = static_cast<int>(random() % 4);
    if (random() % 2 == 0) {
      const std::optional<uint32_t> first = allocator.allocate(order);
      if (!first) continue;
      REQUIRE(*first % (1u << order) == 0);
      REQUIRE(*first + (1u << order) <= kFrames);
      for (uint32_t f = *first; f < *first + (1u << order); ++f) {
        REQUIRE_FALSE(is_used[f]);
        is_used[f] = true;
      }
      runs.push_back({*first, order});
    } else if (!runs.empty()) {
      std::swap(runs[random() % runs.size()], runs.back());
      const Run run = runs.back();
      runs.pop_back();
      for (uint32_t f = run.first; f < run.first + (1u << run.order); ++f) is_used[f] = false;
      allocator.free(run.first, run.order);
    }
  }
  for (const Run& run : runs) allocator.free(run.first, run.order);
  CHECK(allocator.allocate(7) == 128u);
  for (int order = 0; order < 7; ++order) CHECK(allocator.allocate(order) == 1u << order);
}

}  // namespace
}  // namespace larder::internal
