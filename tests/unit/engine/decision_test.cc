#include "larder/internal/engine/decision.h"

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("what would expire at once is removed instead") {
  Content content;
  content.deadline_ms = 100;
  CHECK(replacement(content, 99).kind == Decision::Kind::kReplace);
  CHECK(replacement(content, 100).kind == Decision::Kind::kRemove);
}

TEST_CASE("a new deadline changes nothing but the deadline, and counts as a use") {
  const Content stored{.value = "v", .flags = 7, .deadline_ms = 200, .marks = kMarkWon | kMarkGrace};
  const StoredItem item{.key = "k", .content = stored, .cas = 9};
  constexpr int64_t kLatestMs = 1000;
  const Decision decision = postponement(item, 300, kLatestMs, 100);
  CHECK(decision.kind == Decision::Kind::kAmend);
  CHECK(decision.content.value == "v");
  CHECK(decision.content.deadline_ms == 300);
  CHECK(decision.content.flags == 7);
  CHECK(decision.content.marks == kMarkWon);
  CHECK(decision.keeps_cas);
  CHECK(decision.is_used);
  CHECK(postponement(item, 100, kLatestMs, 100).kind == Decision::Kind::kRemove);
}

TEST_CASE("a mark is added to those that are there") {
  const Content stored{.value = "v", .deadline_ms = 200, .marks = kMarkStale};
  const StoredItem item{.key = "k", .content = stored, .cas = 9};
  const Decision decision = marking(item, kMarkWon);
  CHECK(decision.kind == Decision::Kind::kAmend);
  CHECK(decision.content.deadline_ms == 200);
  CHECK(decision.content.marks == (kMarkStale | kMarkWon));
  CHECK(decision.keeps_cas);
  CHECK_FALSE(decision.is_used);
}

TEST_CASE("nobody has the CAS number 0") {
  const Content stored;
  CHECK_FALSE(has_cas({.key = "k", .content = stored, .cas = 0}, 0));
  const StoredItem item{.key = "k", .content = stored, .cas = 5};
  CHECK_FALSE(has_cas(item, 0));
  CHECK(has_cas(item, 5));
  CHECK_FALSE(has_cas(item, 4));
}

}  // namespace
}  // namespace larder::internal
