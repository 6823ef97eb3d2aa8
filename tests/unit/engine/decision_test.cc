#include "larder/internal/engine/decision.h"

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("an item's content carries everything it shows, and nothing it does not") {
  const StoredItem item{{.key = "k",
                         .value = "v",
                         .flags = 7,
                         .cas = 9,
                         .ttl_ms = 50,
                         .is_stale = true,
                         .is_won = false,
                         .is_key_binary = true},
                        150};
  const Content content = content_of(item);
  CHECK(content.value == "v");
  CHECK(content.flags == 7);
  CHECK(content.deadline_ms == 150);
  CHECK(content.marks == (kMarkStale | kMarkBinaryKey));
  CHECK(content.cas == 0);
  CHECK(content_of(StoredItem()).deadline_ms == kNeverMs);
}

TEST_CASE("what would expire at once is removed instead") {
  Content content;
  content.deadline_ms = 100;
  CHECK(replacement(content, 99).kind == Decision::Kind::kStore);
  CHECK(replacement(content, 100).kind == Decision::Kind::kRemove);
}

TEST_CASE("a new deadline changes nothing but the deadline, and counts as a use") {
  const StoredItem item{{.key = "k", .value = "v", .flags = 7, .is_won = true}};
  const Decision decision = postponement(item, 300, 100);
  CHECK(decision.content.deadline_ms == 300);
  CHECK(decision.content.flags == 7);
  CHECK(decision.content.marks == kMarkWon);
  CHECK(decision.keeps_cas);
  CHECK(decision.is_used);
}

TEST_CASE("a mark is added to those that are there") {
  const StoredItem item{{.key = "k", .value = "v", .is_stale = true}};
  const Decision decision = marking(item, kMarkWon);
  CHECK(decision.content.marks == (kMarkStale | kMarkWon));
  CHECK(decision.keeps_cas);
  CHECK_FALSE(decision.is_used);
}

TEST_CASE("nobody has the CAS number 0") {
  ItemView item;
  CHECK_FALSE(has_cas(item, 0));
  item.cas = 5;
  CHECK(has_cas(item, 5));
  CHECK_FALSE(has_cas(item, 4));
}

}  // namespace
}  // namespace larder::internal
