#include "larder/internal/policy/loop.h"

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

Flow operator+(const Flow& a, const Flow& b) {
  return {a.left + b.left, a.wanted + b.wanted, a.misses + b.misses, a.sampled + b.sampled, a.again + b.again};
}

// Looks again and again while so much happens between two looks.
bool is_loop_after(int looks, const Flow& between) {
  LoopWatch watch;
  Flow now;
  for (int i = 0; i < looks; ++i) {
    now = now + between;
    watch.look(now);
  }
  return watch.is_loop();
}

TEST_CASE("a loop is known after as much as the limit has left") {
  const Flow loop{.left = 1000, .wanted = 0, .misses = 1000, .sampled = 16, .again = 16};
  CHECK_FALSE(is_loop_after(LoopWatch::kLooksPerLimit, loop));
  CHECK(is_loop_after(LoopWatch::kLooksPerLimit + 1, loop));
  CHECK(is_loop_after(100, loop));
}

TEST_CASE("where three in a hundred are wanted, or few gets miss, there is none") {
  CHECK(is_loop_after(10, {.left = 1000, .wanted = 30, .misses = 1000, .sampled = 16, .again = 16}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .wanted = 31, .misses = 1000, .sampled = 16, .again = 16}));
  CHECK(is_loop_after(10, {.left = 1000, .wanted = 0, .misses = 501, .sampled = 16, .again = 16}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .wanted = 0, .misses = 500, .sampled = 16, .again = 16}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .wanted = 0, .misses = 0, .sampled = 16, .again = 16}));
  CHECK_FALSE(is_loop_after(10, {}));
}

TEST_CASE("where keys do not come back, or nobody knows, there is none") {
  CHECK(is_loop_after(10, {.left = 1000, .misses = 1000, .sampled = 16, .again = 9}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .misses = 1000, .sampled = 16, .again = 8}));
  CHECK(is_loop_after(10, {.left = 1000, .misses = 1000, .sampled = 4, .again = 4}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .misses = 1000, .sampled = 3, .again = 3}));
}

TEST_CASE("when a loop ends that is seen within the limit's worth") {
  LoopWatch watch;
  Flow now;
  const auto go_on = [&](const Flow& by) {
    now = now + by;
    watch.look(now);
    return watch.is_loop();
  };
  for (int i = 0; i < 10; ++i) (void)go_on({.left = 1000, .wanted = 0, .misses = 1000, .sampled = 16, .again = 16});
  CHECK(go_on({.left = 1000, .wanted = 100, .misses = 1000, .sampled = 16, .again = 16}));
  CHECK_FALSE(go_on({.left = 1000, .wanted = 100, .misses = 1000, .sampled = 16, .again = 16}));
}

}  // namespace
}  // namespace larder::internal
