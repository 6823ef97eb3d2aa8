#include "larder/internal/policy/victims.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "../segments/one_log.h"
#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("an empty log has no victim") {
  OneLog log;
  CHECK_FALSE(log.take_victim(true).has_value());
  CHECK_FALSE(log.is_busy());
  CHECK_FALSE(log.take_victim(false).has_value());
}

TEST_CASE("victims come oldest first, and the newest, though it is open, last") {
  OneLog log;
  std::vector<SegmentId> opened;
  for (int i = 0; i < 4; ++i) opened.push_back(log.segment_of(log.put_segment()[0]));
  for (const SegmentId expected : opened) {
    const std::optional<Victim> victim = log.take_victim(true);
    REQUIRE(victim.has_value());
    CHECK(victim->segment == expected);
    CHECK(victim->chain == Chain::kSmall);
    CHECK_FALSE(victim->is_sparse);
    CHECK(log.problem() == "");
  }
  CHECK_FALSE(log.take_victim(true).has_value());
}

TEST_CASE("a second victim is taken when there is room for what is live in both, which is then kept free") {
  OneLog log;
  while (log.try_put(kLargestSmall)) {
  }
  const std::optional<Victim> first = log.take_victim(true);
  REQUIRE(first.has_value());
  CHECK_FALSE(log.take_victim(true).has_value());
  CHECK(log.is_busy());
  // Since then one segment more is kept: what the first victim leaves is not for stores.
  log->finish(first->segment);
  CHECK(log->usage().segments_free == 2);
  CHECK_FALSE(log->has_free_segment());
  CHECK_FALSE(log.try_put(kLargestSmall).has_value());
  const std::optional<Victim> second = log.take_victim(true);
  const std::optional<Victim> third = log.take_victim(true);
  REQUIRE(second.has_value());
  REQUIRE(third.has_value());
  CHECK(log.problem() == "");
  CHECK_FALSE(log.take_victim(true).has_value());
  log->put_back(second->segment);
  log->finish(third->segment);
  // There are two lanes, so no more than two are kept.
  CHECK(log->has_free_segment());
  CHECK(log.problem() == "");
}

TEST_CASE("what is kept free for a second victim is for stores again when victims come one at a time") {
  OneLog log;
  while (log.try_put(kLargestSmall)) {
  }
  const SegmentId first = log.take_victim(true).value().segment;
  CHECK_FALSE(log.take_victim(true).has_value());
  log->finish(first);
  int alone = 0;
  for (; !log->has_free_segment(); ++alone) log->put_back(log.take_victim(true).value().segment);
  CHECK(alone == 127);
  CHECK(log->usage().segments_free == 2);
}

// In whole pages, on either side of a tenth of the limit.
const size_t kOversized = kLimitBytes / 10 / kOsPageBytes * kOsPageBytes + kOsPageBytes;
const size_t kNotOversized = kOversized - kOsPageBytes;

TEST_CASE("oversized items of the small chain are the first victims, the oldest of them first") {
  OneLog log;
  const SegmentId before = log.segment_of(log.put_segment()[0]);
  const Stored first = log.put(kOversized);
  const Stored second = log.put(kOversized);
  const Stored third = log.put(kOversized);
  const Stored other = log.put(kNotOversized);
  const SegmentId after = log.segment_of(log.put_segment()[0]);
  CHECK(log.problem() == "");
  log.remove(second);
  for (const SegmentId expected :
       {log.segment_of(first), log.segment_of(third), before, log.segment_of(other), after}) {
    CHECK(log.problem() == "");
    CHECK(log.take_victim(true).value().segment == expected);
  }
}

TEST_CASE("an oversized item is passed over while it is pinned, and waits its turn in main") {
  OneLog log;
  const SegmentId item = log.segment_of(log.put(kOversized));
  const SegmentId small = log.segment_of(log.put_segment()[0]);
  log->pin(item);
  CHECK(log.take_victim(true).value().segment == small);
  log->unpin(item);
  CHECK(log.take_victim(true).value().segment == item);
  log->put_back(item, Chain::kMain);
  CHECK(log.problem() == "");
  const SegmentId next = log.segment_of(log.put_segment()[0]);
  for (int i = 0; i < 2; ++i) (void)log.put_segment();
  CHECK(log.take_victim(true).value().segment == next);
}

TEST_CASE("the small chain gives its oldest while it holds more than a seventh, then main does") {
  OneLog log;
  std::vector<SegmentId> small, main;
  for (int i = 0; i < 18; ++i) main.push_back(log.segment_of(log.put_segment(Chain::kMain)[0]));
  for (int i = 0; i < 4; ++i) small.push_back(log.segment_of(log.put_segment(Chain::kSmall)[0]));
  const auto next = [&] { return log.take_victim(true).value().segment; };
  CHECK(next() == small[0]);  // 4 of 22
  CHECK(next() == main[0]);   // 3 of 21
  CHECK(next() == small[1]);  // 3 of 20
  CHECK(next() == main[1]);   // 2 of 19
  CHECK(next() == main[2]);   // 2 of 18
  CHECK(log.problem() == "");
}

TEST_CASE("a segment of which two fifths are dead goes before older ones") {
  OneLog log;
  log.put_segment();
  const std::vector<Stored> full = log.put_segment();
  log.put(8);
  log.remove(full[0]);
  log.remove(full[1]);
  const std::optional<Victim> victim = log.take_victim(true);
  REQUIRE(victim.has_value());
  CHECK(victim->segment == log.segment_of(full[0]));
  CHECK(victim->is_sparse);
}

TEST_CASE("the emptiest segment is found among any number of full ones, and no full one goes before it") {
  OneLog log;
  std::vector<std::vector<Stored>> segments;
  for (int i = 0; i < 100; ++i) segments.push_back(log.put_segment());
  log.put(8);
  // Sparse ones, from 1 to 3 of 4 records dead.
  for (const auto& [number, dead] : {std::pair{99, 1}, {40, 3}, {70, 2}, {41, 2}, {5, 1}}) {
    for (int i = 0; i < dead; ++i) log.remove(segments[static_cast<size_t>(number)][static_cast<size_t>(i)]);
  }
  CHECK(log.problem() == "");
  std::vector<size_t> live;
  for (int i = 0; i < 5; ++i) {
    const Victim victim = log.take_victim(true).value();
    CHECK(victim.is_sparse);
    live.push_back(log->segment(victim.segment).live_bytes.load(std::memory_order_relaxed) / kLargestSmall);
  }
  CHECK(live == std::vector<size_t>{1, 2, 2, 3, 3});
  CHECK(log.take_victim(true).value().segment == log.segment_of(segments[0][0]));
  CHECK(log.problem() == "");
}

TEST_CASE("the emptiest segment is found behind any number of held ones") {
  OneLog log;
  std::vector<std::vector<Stored>> segments;
  for (int i = 0; i < 60; ++i) segments.push_back(log.put_segment());
  log.put(8);
  std::vector<SegmentId> held;
  for (const std::vector<Stored>& stored : segments) {
    if (held.size() == 50) break;
    held.push_back(log.segment_of(stored[0]));
    log->pin(held.back());
    REQUIRE(log->try_add_handle(held.back(), SIZE_MAX));
    log->unpin(held.back());
    for (int i = 0; i < 3; ++i) log.remove(stored[static_cast<size_t>(i)]);
  }
  for (int i = 0; i < 2; ++i) log.remove(segments[55][static_cast<size_t>(i)]);
  CHECK(log.take_victim(true).value().segment == log.segment_of(segments[55][0]));
  for (const SegmentId id : held) log->end_handle(id);
  CHECK(log.problem() == "");
}

TEST_CASE("a segment whose dead share changes in place is found by what it is now") {
  OneLog log;
  const std::vector<Stored> full = log.put_segment();
  const std::vector<Stored> first = log.put_segment();
  const std::vector<Stored> second = log.put_segment();
  log.put(8);
  const auto eighth = static_cast<int64_t>(kSegmentBytes / 8);
  log->adjust_live(first[0].address, -eighth);
  log->adjust_live(second[0].address, 24 - eighth);
  log->adjust_live(first[0].address, eighth);
  CHECK(log.take_victim(true).value().segment == log.segment_of(second[0]));
  CHECK(log.take_victim(true).value().segment == log.segment_of(full[0]));
  CHECK(log.problem() == "");
}

TEST_CASE("a segment of which half has expired goes before older ones, unless it was given more time") {
  const size_t few_segments_bytes = 32 * kSegmentBytes;  // so that all expiry classes share them
  for (const bool is_postponed : {false, true}) {
    OneLog log(few_segments_bytes);
    const std::vector<Stored> oldest = log.put_segment();
    std::vector<Stored> mixed;
    for (const int64_t deadline_ms : {int64_t{1000}, kNeverMs, int64_t{1000}, kNeverMs}) {
      mixed.push_back(log.put(kLargestSmall, Chain::kSmall, deadline_ms));
    }
    log.put_segment();
    log.put(8);
    if (is_postponed) log->change_deadline(mixed[0].address, 1000, 9000);
    const std::optional<Victim> victim = log.take_victim(true, 2000);
    REQUIRE(victim.has_value());
    CHECK(victim->segment == log.segment_of(is_postponed ? oldest[0] : mixed[0]));
    CHECK(victim->is_sparse == !is_postponed);
  }
}

TEST_CASE("without eviction only segments with something dead or expired in them go") {
  OneLog log;
  log.put_segment(Chain::kSmall, 1000);
  const std::vector<Stored> full = log.put_segment();
  log.put(24, Chain::kSmall, 1000);
  log.put(8);
  CHECK_FALSE(log.take_victim(false).has_value());
  log.remove(full[3]);
  std::optional<Victim> victim = log.take_victim(false, 999);
  REQUIRE(victim.has_value());
  CHECK(victim->segment == log.segment_of(full[0]));
  CHECK(victim->is_sparse);
  CHECK_FALSE(log.take_victim(false, 999).has_value());
  victim = log.take_victim(false, 1000);
  REQUIRE(victim.has_value());
  CHECK(log->segment(victim->segment).deadline_max_ms.load() == 1000);
  CHECK(victim->is_sparse);
}

TEST_CASE("a segment with a record not yet committed is no victim, and the log says that it is written") {
  OneLog log;
  const Reservation place = log.reserve(64).value();
  for (int i = 0; i < 3; ++i) log.put(kLargestSmall);
  const SegmentId second = log.segment_of(log.put_segment()[0]);
  log.put(8);
  CHECK(log.state(place.segment) == SegmentState::kSealed);
  CHECK(log.take_victim(true).value().segment == second);
  CHECK(log.is_busy());
  log.fill(place, 64);
  CHECK(log.take_victim(true).value().segment == place.segment);
  CHECK_FALSE(log.is_busy());
}

TEST_CASE("a pinned segment is no victim, and the next one goes in its place") {
  OneLog log;
  const SegmentId first = log.segment_of(log.put_segment()[0]);
  const SegmentId second = log.segment_of(log.put_segment()[0]);
  log.put(8);
  log->pin(first);
  CHECK(log.take_victim(true).value().segment == second);
  CHECK_FALSE(log.is_busy());
  log->unpin(first);
  CHECK(log.take_victim(true).value().segment == first);
}

TEST_CASE("pinned and held segments are passed over, however many, and nobody waits for them") {
  OneLog log(512 * kOsPageBytes);
  std::vector<SegmentId> pinned;
  std::vector<SegmentId> held;
  for (int i = 0; i < 40; ++i) {
    pinned.push_back(log.segment_of(log.put(3 * kOsPageBytes)));
    log->pin(pinned.back());
    held.push_back(log.segment_of(log.put(3 * kOsPageBytes)));
    log->pin(held.back());
    REQUIRE(log->try_add_handle(held.back(), SIZE_MAX));
    log->unpin(held.back());
  }
  CHECK_FALSE(log.take_victim(true).has_value());
  CHECK_FALSE(log.is_busy());
  const SegmentId free = log.segment_of(log.put(3 * kOsPageBytes));
  CHECK(log.take_victim(true).value().segment == free);
  for (const SegmentId id : held) log->end_handle(id);
  CHECK(log.take_victim(true).value().segment == held.front());
  for (const SegmentId id : pinned) log->unpin(id);
  CHECK(log.take_victim(true).value().segment == pinned.front());
}

TEST_CASE("segments opened before a flush go first, without eviction too, and later ones do not") {
  OneLog log;
  const SegmentId first = log.segment_of(log.put_segment()[0]);
  const SegmentId second = log.segment_of(log.put_segment(Chain::kMain)[0]);
  log->flush();
  const SegmentId third = log.segment_of(log.put_segment()[0]);
  log.put_segment(Chain::kMain);
  log.put(8);
  CHECK(log.state(second) == SegmentState::kSealed);
  std::vector<SegmentId> taken;
  while (const std::optional<Victim> victim = log.take_victim(false)) {
    CHECK(victim->is_sparse);
    taken.push_back(victim->segment);
  }
  CHECK(taken == std::vector<SegmentId>{first, second});
  CHECK(log.state(third) == SegmentState::kSealed);
  CHECK(log.problem() == "");
}

TEST_CASE("a segment put back after a flush counts as new") {
  OneLog log;
  const Stored item = log.put(3 * kOsPageBytes);
  const Stored other = log.put(24);
  log->flush();
  REQUIRE(log.take_victim(false).value().segment == log.segment_of(item));
  log->put_back(log.segment_of(item), Chain::kMain);
  CHECK(log.take_victim(false).value().segment == log.segment_of(other));
  CHECK_FALSE(log.take_victim(false).has_value());
}

TEST_CASE("a victim that is put back lies where it was, and hides no suspect behind it") {
  OneLog log;
  const SegmentId first = log.segment_of(log.put_segment()[0]);
  const SegmentId second = log.segment_of(log.put_segment()[0]);
  log->flush_some(8);
  const std::vector<Stored> mixed = log.put_segment();
  log.put(8);
  for (size_t i = 1; i < mixed.size(); ++i) log.remove(mixed[i]);
  // The emptiest, which is newer than the flush.
  REQUIRE(log.take_victim(true).value().segment == log.segment_of(mixed[0]));
  log->put_back(log.segment_of(mixed[0]));
  CHECK(log.problem() == "");
  CHECK(log.take_victim(false).value().segment == first);
  CHECK(log.take_victim(false).value().segment == second);
}

TEST_CASE("a segment that was open at a flush is sealed for its room, one opened since is not") {
  OneLog log;
  const SegmentId before = log.segment_of(log.put(24));
  log->flush();
  const SegmentId after = log.segment_of(log.put(24, Chain::kMain));
  CHECK(log.take_victim(false).value().segment == before);
  CHECK_FALSE(log.take_victim(false).has_value());
  CHECK(log.state(after) == SegmentState::kOpen);
}

TEST_CASE("main is filled with the oldest segments of small, in their order, up to its share") {
  OneLog log;
  std::vector<SegmentId> opened;
  for (int i = 0; i < 70; ++i) opened.push_back(log.segment_of(log.put_segment()[0]));
  for (int i = 0; i < 20; ++i) {
    log.fill_main();
    CHECK(log.problem() == "");
  }
  // A seventh of them, and two, stay.
  const auto in_small = [&](SegmentId id) { return log.chain(id) == Chain::kSmall; };
  CHECK(std::ranges::count_if(opened, in_small) == 12);
  CHECK(std::ranges::all_of(opened.end() - 12, opened.end(), in_small));
  // What small has beyond its share goes first; main's oldest, which were small's, follow.
  CHECK(log.take_victim(true).value().segment == opened[58]);
  while (log.chain(log.take_victim(true).value().segment) == Chain::kSmall) {
  }
  CHECK(log.take_victim(true).value().chain == Chain::kMain);
  CHECK(log.problem() == "");
}

TEST_CASE("what main was filled with goes back to where it was in small, and counts as unread there") {
  OneLog log;
  std::vector<SegmentId> opened;
  std::vector<SegmentId> proven;
  for (int i = 0; i < 70; ++i) {
    if (i % 10 == 5) {
      proven.push_back(log.segment_of(log.put_segment(Chain::kMain)[0]));
    } else {
      opened.push_back(log.segment_of(log.put_segment()[0]));
    }
  }
  log.clear_fill();
  CHECK(std::ranges::all_of(proven, [&](SegmentId id) { return log.chain(id) == Chain::kMain; }));
  for (int i = 0; i < 20; ++i) log.fill_main();
  CHECK(log.chain(opened.front()) == Chain::kMain);
  for (int i = 0; i < 6; ++i) {
    log.clear_fill();
    CHECK(log.problem() == "");
  }
  CHECK(std::ranges::all_of(opened, [&](SegmentId id) { return log.chain(id) == Chain::kSmall; }));
  CHECK(std::ranges::all_of(proven, [&](SegmentId id) { return log.chain(id) == Chain::kMain; }));
  for (int i = 0; i < 5; ++i) {
    const Victim victim = log.take_victim(true).value();
    CHECK(victim.segment == opened[static_cast<size_t>(i)]);
    CHECK(victim.is_left_of_loop);
    log->finish(victim.segment);
  }
}

TEST_CASE("a segment that is used again has nothing of the loop left") {
  OneLog log;
  for (int i = 0; i < 70; ++i) (void)log.put_segment();
  for (int i = 0; i < 20; ++i) log.fill_main();
  for (int i = 0; i < 6; ++i) log.clear_fill();
  const SegmentId reused = log.take_victim(true).value().segment;
  log->finish(reused);
  while (log.segment_of(log.put_segment()[0]) != reused) {
  }
  Victim victim;
  do {
    victim = log.take_victim(true).value();
    log->finish(victim.segment);
  } while (victim.segment != reused);
  CHECK_FALSE(victim.is_left_of_loop);
}

TEST_CASE("segments that were flushed and then fill main go first all the same") {
  OneLog log;
  std::vector<SegmentId> stale;
  for (int i = 0; i < 30; ++i) stale.push_back(log.segment_of(log.put_segment()[0]));
  log->flush();
  for (int i = 0; i < 30; ++i) (void)log.put_segment();
  for (int i = 0; i < 20; ++i) log.fill_main();
  CHECK(log.chain(stale.front()) == Chain::kMain);
  CHECK(log.problem() == "");
  for (size_t i = 0; i < stale.size(); ++i) {
    const std::optional<Victim> victim = log.take_victim(false);
    REQUIRE(victim.has_value());
    CHECK(std::ranges::find(stale, victim->segment) != stale.end());
    log->finish(victim->segment);
  }
}

TEST_CASE("large items fill main, but for oversized ones") {
  OneLog log;
  const size_t large = 4 * kSegmentBytes;
  std::vector<SegmentId> opened;
  for (int i = 0; i < 12; ++i) opened.push_back(log.segment_of(log.put(large)));
  for (int i = 0; i < 10; ++i) log.fill_main();
  CHECK(log.chain(opened.front()) == Chain::kMain);
  CHECK(log.chain(opened.back()) == Chain::kSmall);
  CHECK(log.problem() == "");

  OneLog other;
  const SegmentId oversized = other.segment_of(other.put(13 * kSegmentBytes));
  for (int i = 0; i < 40; ++i) (void)other.put_segment();
  other.fill_main();
  CHECK(other.chain(oversized) == Chain::kSmall);
  CHECK(other.take_victim(true).value().segment == oversized);
  other.fill_main();
  CHECK(other.problem() == "");
}

}  // namespace
}  // namespace larder::internal
