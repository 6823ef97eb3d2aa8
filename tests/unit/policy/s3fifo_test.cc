#include "larder/internal/policy/s3fifo.h"

#include <initializer_list>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("the small chain is over its share from more than a seventh of all bytes on") {
  static_assert(!is_small_over_share(0, 0));
  static_assert(!is_small_over_share(0, 600));
  static_assert(!is_small_over_share(100, 600));
  static_assert(is_small_over_share(101, 600));
  static_assert(is_small_over_share(1, 0));
  CHECK(is_small_over_share(uint64_t{1} << 40, uint64_t{1} << 42));
}

TEST_CASE("main is filled as long as small keeps more than its share and two segments") {
  static_assert(!may_fill_main(0, 0, 10));
  static_assert(!may_fill_main(23, 0, 10));
  static_assert(may_fill_main(24, 0, 10));
  static_assert(!may_fill_main(120, 580, 10));
  static_assert(may_fill_main(121, 579, 10));
}

TEST_CASE("an item is oversized from more than a tenth of the limit on") {
  static_assert(!is_oversized(100, 1000));
  static_assert(is_oversized(101, 1000));
  CHECK(is_oversized(1, 0));
}

TEST_CASE("an item on probation that was read twice moves to main and starts again from no reads") {
  for (const uint32_t reads : {2u, 3u}) {
    const Verdict verdict = judge(Chain::kSmall, reads, EvictionPressure::kOrdinary);
    CHECK(verdict.is_kept);
    CHECK(verdict.chain == Chain::kMain);
    CHECK(verdict.frequency == 0);
  }
}

TEST_CASE("an item on probation that was read once or never is evicted") {
  CHECK_FALSE(judge(Chain::kSmall, 0, EvictionPressure::kOrdinary).is_kept);
  CHECK_FALSE(judge(Chain::kSmall, 1, EvictionPressure::kOrdinary).is_kept);
}

TEST_CASE("an item of main stays for each of its reads, and loses one") {
  for (uint32_t reads = 1; reads <= 3; ++reads) {
    const Verdict verdict = judge(Chain::kMain, reads, EvictionPressure::kOrdinary);
    CHECK(verdict.is_kept);
    CHECK(verdict.chain == Chain::kMain);
    CHECK(verdict.frequency == reads - 1);
  }
}

TEST_CASE("an item of main that nobody read is evicted") {
  CHECK_FALSE(judge(Chain::kMain, 0, EvictionPressure::kOrdinary).is_kept);
}

TEST_CASE("compaction keeps every item in its chain with all of its reads") {
  for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
    for (uint32_t reads = 0; reads <= 3; ++reads) {
      const Verdict verdict = judge(chain, reads, EvictionPressure::kNone);
      CHECK(verdict.is_kept);
      CHECK(verdict.chain == chain);
      CHECK(verdict.frequency == reads);
    }
  }
}

TEST_CASE("when there must be room now nothing is kept") {
  for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
    for (uint32_t reads = 0; reads <= 3; ++reads)
      CHECK_FALSE(judge(chain, reads, EvictionPressure::kForced).is_kept);
  }
}

}  // namespace
}  // namespace larder::internal
