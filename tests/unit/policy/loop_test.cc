#include "larder/internal/policy/loop.h"

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

Flow operator+(const Flow& a, const Flow& b) {
  return {a.left + b.left, a.wanted + b.wanted, a.sampled + b.sampled, a.again + b.again,
          a.asked_for + b.asked_for};
}

// Looks again and again while so much happens between two looks.
LoopState state_after(int looks, const Flow& between) {
  LoopWatch watch;
  Flow now;
  for (int i = 0; i < looks; ++i) {
    now = now + between;
    watch.look(now);
  }
  return watch.state();
}

bool is_loop_after(int looks, const Flow& between) { return state_after(looks, between) == LoopState::kLoop; }

constexpr Flow kLoop{.left = 1000, .wanted = 0, .sampled = 16, .again = 16, .asked_for = 16};

TEST_CASE("a loop is known after as much as the limit has left") {
  CHECK_FALSE(is_loop_after(LoopWatch::kLooksPerLimit, kLoop));
  CHECK(is_loop_after(LoopWatch::kLooksPerLimit + 1, kLoop));
  CHECK(is_loop_after(100, kLoop));
}

TEST_CASE("where three in a hundred are wanted there is none") {
  CHECK(is_loop_after(10, {.left = 1000, .wanted = 30, .sampled = 16, .again = 16, .asked_for = 16}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .wanted = 31, .sampled = 16, .again = 16, .asked_for = 16}));
  CHECK_FALSE(is_loop_after(10, {}));
}

TEST_CASE("where keys do not come back, are not asked for, or nobody knows, there is none") {
  CHECK(is_loop_after(10, {.left = 1000, .sampled = 16, .again = 9, .asked_for = 16}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .sampled = 16, .again = 8, .asked_for = 16}));
  CHECK(is_loop_after(10, {.left = 1000, .sampled = 16, .again = 16, .asked_for = 9}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .sampled = 16, .again = 16, .asked_for = 8}));
  CHECK(is_loop_after(10, {.left = 1000, .sampled = 4, .again = 4, .asked_for = 4}));
  CHECK_FALSE(is_loop_after(10, {.left = 1000, .sampled = 3, .again = 3, .asked_for = 3}));
}

TEST_CASE("a loop that ends is none any more within the limit's worth, and over after one more") {
  LoopWatch watch;
  Flow now;
  const auto go_on = [&](const Flow& by) {
    now = now + by;
    watch.look(now);
    return watch.state();
  };
  for (int i = 0; i < 10; ++i) (void)go_on(kLoop);
  Flow other = kLoop;
  other.wanted = 100;
  CHECK(go_on(other) == LoopState::kLoop);
  for (int i = 0; i < 3; ++i) CHECK(go_on(other) == LoopState::kNone);
  CHECK(go_on(other) == LoopState::kOver);
  CHECK(go_on(other) == LoopState::kOver);
  for (int i = 0; i < 2; ++i) CHECK(go_on(kLoop) != LoopState::kLoop);
  CHECK(go_on(kLoop) == LoopState::kLoop);
}

}  // namespace
}  // namespace larder::internal
