#include "larder/internal/base/buddy_allocator.h"

#include <algorithm>
#include <random>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("frame 0 is never given, all others are, from the lowest") {
  BuddyAllocator frames(16);
  for (uint32_t expected = 1; expected < 16; ++expected) CHECK(frames.allocate(0) == expected);
  CHECK_FALSE(frames.allocate(0).has_value());
}

TEST_CASE("a run begins at a multiple of its length") {
  BuddyAllocator frames(64);
  CHECK(frames.allocate(0) == 1u);
  CHECK(frames.allocate(2) == 4u);
  CHECK(frames.allocate(1) == 2u);
  CHECK(frames.allocate(3) == 8u);
  CHECK(frames.allocate(4) == 16u);
  CHECK(frames.allocate(5) == 32u);
}

TEST_CASE("the run with frame 0 in it is never whole again") {
  BuddyAllocator frames(16);
  CHECK_FALSE(frames.allocate(4).has_value());
  CHECK(frames.allocate(3) == 8u);
  CHECK_FALSE(frames.allocate(3).has_value());
}

TEST_CASE("a run longer than all the space is refused") {
  BuddyAllocator frames(16);
  CHECK_FALSE(frames.allocate(5).has_value());
  CHECK_FALSE(frames.allocate(31).has_value());
}

TEST_CASE("of frames that are no power of two the largest power of two is used") {
  BuddyAllocator frames(15);
  for (uint32_t expected = 1; expected < 8; ++expected) CHECK(frames.allocate(0) == expected);
  CHECK_FALSE(frames.allocate(0).has_value());
}

TEST_CASE("a single frame is the one that is never given") {
  BuddyAllocator frames(1);
  CHECK_FALSE(frames.allocate(0).has_value());
}

TEST_CASE("a short run is cut from the shortest that will do, so that long ones stay whole") {
  BuddyAllocator frames(32);
  std::vector<uint32_t> ones;
  for (int i = 0; i < 15; ++i) ones.push_back(frames.allocate(0).value());
  frames.free(13, 0);
  CHECK(frames.allocate(0) == 13u);
  CHECK(frames.allocate(4) == 16u);
}

TEST_CASE("runs that are given back join again with their neighbours") {
  BuddyAllocator frames(16);
  for (int i = 1; i < 16; ++i) REQUIRE(frames.allocate(0).has_value());
  CHECK_FALSE(frames.allocate(1).has_value());
  for (uint32_t frame = 15; frame >= 8; --frame) frames.free(frame, 0);
  CHECK(frames.allocate(3) == 8u);
  frames.free(8, 3);
  CHECK(frames.allocate(2) == 8u);
  CHECK(frames.allocate(2) == 12u);
}

TEST_CASE("frames that are no neighbours of the same pair do not join") {
  BuddyAllocator frames(8);
  for (int i = 1; i < 8; ++i) REQUIRE(frames.allocate(0).has_value());
  frames.free(3, 0);
  frames.free(4, 0);
  CHECK_FALSE(frames.allocate(1).has_value());
  frames.free(5, 0);
  CHECK(frames.allocate(1) == 4u);
}

TEST_CASE("runs given and taken back at random never overlap, and all comes together in the end") {
  constexpr uint32_t kFrames = 256;
  BuddyAllocator frames(kFrames);
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
      const std::optional<uint32_t> first = frames.allocate(order);
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
      frames.free(run.first, run.order);
    }
  }
  for (const Run& run : runs) frames.free(run.first, run.order);
  CHECK(frames.allocate(7) == 128u);
  for (int order = 0; order < 7; ++order) CHECK(frames.allocate(order) == 1u << order);
}

}  // namespace
}  // namespace larder::internal
