#include "larder/internal/segments/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "one_log.h"
#include "support/other_thread.h"

namespace larder::internal {
namespace {

TEST_CASE("a segment is a 128th of the limit, within bounds") {
  const size_t kib = 1024;
  const std::pair<size_t, size_t> kSizes[] = {{kib * kib, 8 * kib},
                                              {2 * kib * kib, 16 * kib},
                                              {64 * kib * kib, 512 * kib},
                                              {128 * kib * kib, kib * kib},
                                              {1024 * kib * kib, 2 * kib * kib}};
  for (const auto& [limit, segment] : kSizes) {
    OneLog log(limit);
    CHECK(log->segment_bytes() == std::max(segment, kOsPageBytes));
    CHECK(log->limit_bytes_max() >= 4 * limit);
  }
}

TEST_CASE("a log without an item has one segment, which it keeps for the cleaner") {
  OneLog log;
  CHECK(log.account().used(Use::kSegments) == kSegmentBytes);
  CHECK(log->usage().segments == 0);
  CHECK(log->usage().segments_free == 1);
  CHECK_FALSE(log->release_free_segment());
  CHECK(log.problem() == "");
}

TEST_CASE("a limit with no room for one segment is refused, and named") {
  Account account(kLimitBytes);
  account.charge(Use::kExternal, kLimitBytes);
  AddressSpace space = space_for(account);
  const absl::StatusOr<std::unique_ptr<Log>> log = Log::create(account, space);
  REQUIRE_FALSE(log.ok());
  CHECK(log.status().code() == absl::StatusCode::kResourceExhausted);
  CHECK(std::string(log.status().message()).find(std::to_string(kLimitBytes)) != std::string::npos);
}

TEST_CASE("records follow each other in the open segment, at multiples of 8") {
  OneLog log;
  const Stored first = log.put(24);
  const Stored second = log.put(40);
  const Stored third = log.put(8);
  CHECK(first.address % 8 == 0);
  CHECK(second.address == first.address + 24);
  CHECK(third.address == second.address + 40);
  const SegmentId id = log.segment_of(first);
  CHECK(id != 0);
  CHECK(log->address_of(id) == first.address);
  CHECK(log->end_of(id) == first.address + 72);
  CHECK(log->segment(id).live_bytes.load(std::memory_order_relaxed) == 72);
  CHECK(log.state(id) == SegmentState::kOpen);
  CHECK(log->usage().live_bytes == 72);
  CHECK(log->usage().used_bytes == 72);
  CHECK(log->usage().segments == 1);
  CHECK(log.problem() == "");
}

TEST_CASE("a record is found again by its address, and its segment by its key") {
  OneLog log;
  log.put(24);
  const Stored stored = log.put(40);
  const Record record = log->record_at(stored.address);
  CHECK(record.room_bytes() == 40);
  CHECK(record.live_bytes() == 40);
  CHECK(log->segment_of(record.key()) == log.segment_of(stored));
}

TEST_CASE("a full segment is sealed when the next record needs another") {
  OneLog log;
  const std::vector<Stored> full = log.put_segment();
  CHECK(log.state(full[0]) == SegmentState::kOpen);
  CHECK(log->end_of(log.segment_of(full[0])) == full[0].address + kSegmentBytes);
  const Stored next = log.put(8);
  CHECK(log.state(full[0]) == SegmentState::kSealed);
  CHECK(log.state(next) == SegmentState::kOpen);
  CHECK(log.segment_of(next) != log.segment_of(full[0]));
  CHECK(log->usage().segments == 2);
  CHECK(log.problem() == "");
}

TEST_CASE("a record up to a quarter of a segment is not large, one of a byte more is") {
  OneLog log;
  CHECK_FALSE(log->is_large(kLargestSmall));
  CHECK(log->is_large(kLargestSmall + 1));
  const Stored small = log.put(kLargestSmall);
  CHECK(log.segment_of(log.put(8)) == log.segment_of(small));
  CHECK(log.account().used(Use::kLarge) == 0);
  log.put(kLargestSmall + 8);
  CHECK(log.account().used(Use::kLarge) == kOsPageBytes);
}

TEST_CASE("items of different chains and expiry classes lie in different segments") {
  OneLog log;
  std::map<SegmentId, int> segments;
  for (int round = 0; round < 2; ++round) {
    for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
      for (const int64_t bound : kExpiryClassBoundsMs) ++segments[log.segment_of(log.put(24, chain, bound))];
      ++segments[log.segment_of(log.put(24, chain, kExpiryClassBoundsMs.back() + 1))];
      ++segments[log.segment_of(log.put(24, chain))];
    }
  }
  CHECK(segments.size() == kChainCount * kExpiryClassCount);
  for (const auto& [id, records] : segments) CHECK(records == 2);
  CHECK(log.problem() == "");
}

TEST_CASE("with too few segments for that, items of one chain share one whatever their expiry") {
  OneLog log(4 * kLimitBytes);
  CHECK(log->segment_bytes() == 4 * kSegmentBytes);
  log.account().set_limit(kLimitBytes);
  const SegmentId id = log.segment_of(log.put(24, Chain::kSmall, 1));
  CHECK(log.segment_of(log.put(24, Chain::kSmall, kExpiryClassBoundsMs.back())) == id);
  CHECK(log.segment_of(log.put(24)) == id);
  CHECK(log.segment_of(log.put(24, Chain::kMain)) != id);
}

TEST_CASE("a store gets no room when memory is full, and the cleaner still gets the segment kept for it") {
  OneLog log;
  size_t stored = 0;
  while (log.try_put(kLargestSmall)) ++stored;
  CHECK_FALSE(log->has_free_segment());
  CHECK_FALSE(log.account().is_over_limit());
  CHECK(log.account().headroom() < kSegmentBytes + kOsPageBytes);
  CHECK(log->usage().segments_free == 1);
  CHECK(stored == log->usage().segments * 4);
  CHECK_FALSE(log.reserve(kLargestSmall).has_value());
  const std::optional<Reservation> place = log.reserve(kLargestSmall, Chain::kSmall, kNeverMs, Log::For::kCleaner);
  REQUIRE(place.has_value());
  log.fill(*place, kLargestSmall);
  CHECK(log->usage().segments_free == 0);
  CHECK(log.problem() == "");
}

TEST_CASE("a store that has waited takes room in any open segment, of its own chain first") {
  OneLog log;
  const std::optional<Reservation> in_main = log.reserve(64, Chain::kMain);
  REQUIRE(in_main.has_value());
  const std::optional<Reservation> of_another_class = log.reserve(64, Chain::kSmall, kExpiryClassBoundsMs.front());
  REQUIRE(of_another_class.has_value());
  while (log.try_put(64)) {
  }
  CHECK_FALSE(log.reserve(64).has_value());
  const auto reserve_anywhere = [&log] {
    return log.reserve(64, Chain::kSmall, kNeverMs, Log::For::kStoreThatWaited);
  };
  const std::optional<Reservation> in_small = reserve_anywhere();
  REQUIRE(in_small.has_value());
  CHECK(in_small->segment == of_another_class->segment);
  std::optional<Reservation> elsewhere = in_small;
  while (elsewhere->segment == in_small->segment) {
    elsewhere = reserve_anywhere();
    REQUIRE(elsewhere.has_value());
  }
  CHECK(elsewhere->segment == in_main->segment);
  while (reserve_anywhere()) {
  }
  CHECK_FALSE(log.reserve(64, Chain::kMain).has_value());
}

TEST_CASE("a survivor that finds no segment of its class goes to one of another class") {
  OneLog log;
  while (log.try_put(kLargestSmall)) {
  }
  log.fill(log.reserve(64, Chain::kSmall, kNeverMs, Log::For::kCleaner).value(), 64);
  const std::optional<Reservation> place = log.reserve(64, Chain::kSmall, 1000, Log::For::kCleaner);
  REQUIRE(place.has_value());
  const Stored survivor = log.fill(*place, 64, 1000);
  CHECK(log->segment(log.segment_of(survivor)).deadline_max_ms.load() == kNeverMs);
  CHECK_FALSE(log.reserve(64, Chain::kMain, 1000, Log::For::kCleaner).has_value());
  CHECK(log.problem() == "");
}

// The segment that a record of this thread's would go to.
SegmentId next_segment(OneLog& log) { return log.segment_of(log.put(24)); }

TEST_CASE("two threads fill different segments, if there are 128 of them, and otherwise the same") {
  for (const bool are_enough : {true, false}) {
    OneLog log(kLimitBytes - (are_enough ? 0 : kSegmentBytes));
    CHECK(log->lane_count() == (are_enough ? 2u : 1u));
    const SegmentId own = next_segment(log);
    OtherThread other;
    other.run([&] {
      const SegmentId others = next_segment(log);
      CHECK((others != own) == are_enough);
      CHECK(next_segment(log) == others);
    });
    CHECK(next_segment(log) == own);
    CHECK(log.problem() == "");
  }
}

TEST_CASE("there are as many lanes as there is room for at the present limit, up to eight or those at first") {
  OneLog log;
  CHECK(log->lane_count() == 2);
  for (const auto& [segments, lanes] : {std::pair{40, 1}, {127, 1}, {128, 2}, {255, 2}, {300, 4}, {100'000, 8}}) {
    log.account().set_limit(static_cast<size_t>(segments) * kSegmentBytes);
    log->adapt_lanes();
    CHECK(log->lane_count() == static_cast<size_t>(lanes));
  }
  CHECK(log->lane_count_max() == 8);
}

TEST_CASE("when the limit sinks, the segments of lanes that are no longer used can be cleaned") {
  OneLog log;
  OtherThread other;
  std::array<SegmentId, 2> ids{};
  ids[thread_number() % 2] = next_segment(log);
  other.run([&] { ids[thread_number() % 2] = next_segment(log); });
  log.account().set_limit(kLimitBytes / 2);
  log->adapt_lanes();
  CHECK(log.state(ids[0]) == SegmentState::kOpen);
  CHECK(log.state(ids[1]) == SegmentState::kSealed);
  other.run([&] { CHECK(next_segment(log) == ids[0]); });
  CHECK(next_segment(log) == ids[0]);
  CHECK(log.problem() == "");
}

TEST_CASE("threads that reserve room at the same time get different room") {
  OneLog log(4 * kLimitBytes);
  constexpr size_t kThreads = 4;
  constexpr size_t kRecords = 2000;
  std::vector<std::vector<uint64_t>> addresses(kThreads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, &addresses, t] {
      for (size_t i = 0; i < kRecords; ++i) {
        const std::optional<Reservation> place = log->try_reserve(64, Chain::kSmall, kNeverMs, 0, Log::For::kStore);
        if (!place) return;
        const std::string value(40, static_cast<char>('a' + t));
        const Record record = Record::create(log->at(place->address), 64, false, "key", {.value = value});
        log->commit(*place, record.live_bytes());
        addresses[t].push_back(place->address);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<uint64_t> all;
  for (size_t t = 0; t < kThreads; ++t) {
    CHECK(addresses[t].size() == kRecords);
    for (const uint64_t address : addresses[t]) {
      const Content content = log->record_at(address).content();
      REQUIRE(content.value == std::string(40, static_cast<char>('a' + t)));
      all.push_back(address);
    }
  }
  std::sort(all.begin(), all.end());
  for (size_t i = 1; i < all.size(); ++i) REQUIRE(all[i] >= all[i - 1] + 64);
  CHECK(log.problem() == "");
}

// --- removing ----------------------------------------------------------------------------------------------

TEST_CASE("a sealed segment is free as soon as nothing in it is live") {
  OneLog log;
  const std::vector<Stored> full = log.put_segment();
  log.put(8);
  for (size_t i = 0; i + 1 < full.size(); ++i) log.remove(full[i]);
  CHECK(log.state(full[0]) == SegmentState::kSealed);
  CHECK(log->usage().segments_free == 1);
  log.remove(full.back());
  CHECK(log.state(full[0]) == SegmentState::kFree);
  CHECK(log->usage().segments_free == 2);
  CHECK(log->has_free_segment());
  CHECK(log.problem() == "");
}

TEST_CASE("an open segment stays open when the last of its records goes") {
  OneLog log;
  const Stored only = log.put(24);
  log.remove(only);
  CHECK(log.state(only) == SegmentState::kOpen);
  CHECK(log->usage().live_bytes == 0);
  CHECK(log->usage().used_bytes == 24);
  CHECK(log.put(24).address == only.address + 24);
}

TEST_CASE("a record that changes its size in place changes what is live and not what is used") {
  OneLog log;
  const Stored stored = log.put(64);
  log->adjust_live(stored.address, -24);
  CHECK(log->usage().live_bytes == 40);
  log->adjust_live(stored.address, 16);
  CHECK(log->usage().live_bytes == 56);
  CHECK(log->usage().used_bytes == 64);
}

TEST_CASE("a segment knows the last deadline of what was put in") {
  OneLog log;
  const Stored stored = log.put(24, Chain::kSmall, 500);
  const Segment& segment = log->segment(log.segment_of(stored));
  log.put(24, Chain::kSmall, 300);
  log.put(24, Chain::kSmall, 400);
  CHECK(segment.deadline_max_ms.load() == 500);
  log->change_deadline(stored.address, 500, 450);
  CHECK(segment.deadline_max_ms.load() == 500);
  log->change_deadline(stored.address, 450, kNeverMs);
  log->change_deadline(stored.address, kNeverMs, 7);
  CHECK(segment.deadline_max_ms.load() == kNeverMs);
}

TEST_CASE("free segments go back to the system one by one, but for the one kept for the cleaner") {
  OneLog log;
  std::vector<Stored> all;
  for (int i = 0; i < 3; ++i) {
    for (const Stored& stored : log.put_segment()) all.push_back(stored);
  }
  const Stored open = log.put(8);
  for (const Stored& stored : all) log.remove(stored);
  CHECK(log->usage().segments_free == 4);
  CHECK(log.account().used(Use::kSegments) == 5 * kSegmentBytes);
  for (size_t left = 4; left > 1; --left) {
    CHECK(log->release_free_segment());
    CHECK(log.account().used(Use::kSegments) == left * kSegmentBytes);
    CHECK(log.problem() == "");
  }
  CHECK_FALSE(log->release_free_segment());
  CHECK(log->usage().segments_free == 1);
  CHECK(log.state(open) == SegmentState::kOpen);
  // What went back can be had again.
  for (int i = 0; i < 10; ++i) log.put_segment();
  CHECK(log.problem() == "");
}

// --- pins --------------------------------------------------------------------------------------------------

TEST_CASE("a pinned segment of which nothing is live drains until the last pin is gone") {
  OneLog log;
  const std::vector<Stored> full = log.put_segment();
  log.put(8);
  const SegmentId id = log.segment_of(full[0]);
  log->pin(id);
  log->pin(id);
  CHECK(log->is_pinned(id));
  for (const Stored& stored : full) log.remove(stored);
  CHECK(log.state(id) == SegmentState::kDraining);
  CHECK(log->usage().segments_free == 1);
  CHECK(log->record_at(full[1].address).key() == "k");
  log->unpin(id);
  CHECK(log.state(id) == SegmentState::kDraining);
  CHECK(log->record_at(full[1].address).content().value.size() == kLargestSmall - 5);
  CHECK(log.problem() == "");
  log->unpin(id);
  CHECK_FALSE(log->is_pinned(id));
  CHECK(log.state(id) == SegmentState::kFree);
  CHECK(log->usage().segments_free == 2);
  CHECK(log.problem() == "");
}

TEST_CASE("a segment that is pinned after it was taken for cleaning drains when it is cleaned") {
  OneLog log;
  const std::vector<Stored> full = log.put_segment();
  log.put(8);
  const std::optional<Victim> victim = log.take_victim(true);
  REQUIRE(victim.has_value());
  CHECK(log.state(victim->segment) == SegmentState::kCleaning);
  log->pin(victim->segment);
  for (const Stored& stored : full) log.remove(stored);
  CHECK(log.state(victim->segment) == SegmentState::kCleaning);
  log->finish(victim->segment);
  CHECK(log.state(victim->segment) == SegmentState::kDraining);
  log->unpin(victim->segment);
  CHECK(log.state(victim->segment) == SegmentState::kFree);
  CHECK(log.problem() == "");
}

TEST_CASE("holds are pins whose room is counted once, and bounded") {
  OneLog log;
  const SegmentId first = log.segment_of(log.put_segment()[0]);
  const SegmentId second = log.segment_of(log.put_segment()[0]);
  const auto try_add_handle = [&](SegmentId id, size_t bytes_max) {
    log->pin(id);
    const bool is_held = log->try_add_handle(id, bytes_max);
    log->unpin(id);
    return is_held;
  };
  CHECK_FALSE(try_add_handle(first, kSegmentBytes - 1));
  CHECK_FALSE(log->is_pinned(first));
  CHECK(try_add_handle(first, kSegmentBytes));
  CHECK_FALSE(try_add_handle(second, 2 * kSegmentBytes - 1));
  CHECK(try_add_handle(first, 0));
  CHECK(log->usage().handles == 2);
  CHECK(log->usage().handle_bytes == kSegmentBytes);
  CHECK(log.problem() == "");
  log->end_handle(first);
  CHECK(log->is_pinned(first));
  CHECK(log->usage().handle_bytes == kSegmentBytes);
  log->end_handle(first);
  CHECK_FALSE(log->is_pinned(first));
  CHECK(log->usage().handle_bytes == 0);
}

TEST_CASE("unpinning a segment that is in use leaves it in use") {
  OneLog log;
  const Stored stored = log.put(24);
  log->pin(log.segment_of(stored));
  log->unpin(log.segment_of(stored));
  CHECK(log.state(stored) == SegmentState::kOpen);
}

#ifdef LARDER_ADDRESS_SANITIZER
TEST_CASE("free memory is poisoned, and only what a record was promised is not") {
  OneLog log;
  const std::vector<Stored> full = log.put_segment();
  log.put(8);
  for (const Stored& stored : full) log.remove(stored);
  CHECK(__asan_address_is_poisoned(log->at(full[0].address)));
  CHECK(__asan_address_is_poisoned(log->at(full[0].address + kSegmentBytes - 1)));
}
#endif

// --- large items -------------------------------------------------------------------------------------------

TEST_CASE(
    "a large item is charged in whole pages and given back when it is removed, but for a 128th of the limit") {
  OneLog log;
  for (const size_t pages : {1, 2, 3, 5, 16, 40}) {
    for (const size_t bytes : {pages * kOsPageBytes - 8, pages * kOsPageBytes}) {
      const Stored item = log.put(bytes);
      const Segment& segment = log->segment(log.segment_of(item));
      CHECK(log.account().used(Use::kLarge) == pages * kOsPageBytes + log->free_large_bytes());
      CHECK(segment.is_large.load());
      CHECK(segment.room_bytes.load() == pages * kOsPageBytes);
      CHECK(log.state(item) == SegmentState::kSealed);
      CHECK(log->record_at(item.address).room_bytes() == pages * kOsPageBytes);
      CHECK(log->record_at(item.address).live_bytes() == bytes);
      CHECK(log->usage().segments == 0);
      CHECK(log.problem() == "");
      log.remove(item);
      const bool is_kept = pages * kOsPageBytes <= kLimitBytes / 128;
      CHECK(log.account().used(Use::kLarge) == log->free_large_bytes());
      CHECK(log->free_large_bytes() <= kLimitBytes / 128);
      CHECK(log.state(item) == (is_kept ? SegmentState::kFree : SegmentState::kUnused));
      CHECK(log.problem() == "");
    }
  }
}

// In a log with this limit, items of so many pages are large, and four of them may be kept when they are gone.
constexpr size_t kLargePages = 20;
const size_t kLargeLimitBytes = 128 * 96 * kOsPageBytes;

TEST_CASE("a large item takes the room of one that is gone, cut or extended to its own length") {
  OneLog log(kLargeLimitBytes);
  const Stored first = log.put(kLargePages * kOsPageBytes);
  const size_t used = log.account().used();
  const SegmentId id = log.segment_of(first);
  log.remove(first);
  CHECK(log.account().used() == used);
  Stored item = log.put(kLargePages * kOsPageBytes);
  CHECK(log.segment_of(item) == id);
  CHECK(log.account().used() == used);
  CHECK(log->free_large_bytes() == 0);

  for (const size_t pages : {kLargePages - 2, kLargePages + 3, kLargePages}) {
    log.remove(item);
    item = log.put(pages * kOsPageBytes - 8);
    CHECK(log.segment_of(item) == id);
    CHECK(log->segment(id).room_bytes.load() == pages * kOsPageBytes);
    CHECK(log.account().used(Use::kLarge) == pages * kOsPageBytes);
    CHECK(log->record_at(item.address).key() == "k");
    CHECK(log.problem() == "");
  }
}

TEST_CASE("of what large items left, a new one takes what is most like it") {
  OneLog log(kLargeLimitBytes);
  std::vector<Stored> items;
  for (const size_t pages : {kLargePages - 3, kLargePages, kLargePages + 3})
    items.push_back(log.put(pages * kOsPageBytes));
  for (const Stored& item : items) log.remove(item);
  CHECK(log.segment_of(log.put((kLargePages + 1) * kOsPageBytes)) == log.segment_of(items[1]));
  CHECK(log.segment_of(log.put((kLargePages + 1) * kOsPageBytes)) == log.segment_of(items[2]));
  CHECK(log.segment_of(log.put((kLargePages + 1) * kOsPageBytes)) == log.segment_of(items[0]));
  CHECK(log.problem() == "");
}

TEST_CASE("what large items left goes back to the system when an item of another length needs the memory") {
  OneLog log(kLargeLimitBytes);
  std::vector<Stored> items;
  while (const std::optional<Stored> item = log.try_put(kLargePages * kOsPageBytes)) items.push_back(*item);
  const size_t longer_bytes = (4 * kLargePages - 5) * kOsPageBytes;
  for (size_t i = 0; i < 4; ++i) log.remove(items[i]);
  CHECK(log->free_large_bytes() == 4 * kLargePages * kOsPageBytes);
  CHECK(log.account().headroom() < longer_bytes);
  CHECK(log.try_put(longer_bytes).has_value());
  CHECK(log->free_large_bytes() <= kLargePages * kOsPageBytes);
  CHECK(log.problem() == "");
  while (log->release_free_large()) CHECK(log.problem() == "");
  CHECK(log->free_large_bytes() == 0);
}

TEST_CASE("threads that store and remove large items of all lengths never share any of their room") {
  OneLog log(kLargeLimitBytes);
  constexpr size_t kThreads = 4;
  constexpr size_t kRounds = 300;
  constexpr size_t kItems = 8;
  std::atomic<size_t> wrong = 0;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, &wrong, t] {
      struct Item {
        uint64_t address = 0;
        std::string value;
      };
      std::vector<Item> items(kItems);
      for (size_t i = 0; i < kRounds; ++i) {
        Item& item = items[i % kItems];
        if (item.address != 0) {
          const Record record = log->record_at(item.address);
          if (record.content().value != item.value) ++wrong;
          log->remove_live(item.address, record.live_bytes());
          item = {};
        }
        const size_t pages = kLargePages + (i * 7 + t) % (3 * kLargePages);
        const std::string value(pages * kOsPageBytes - 64, static_cast<char>('a' + (i + t) % 26));
        const std::optional<Reservation> place =
            log->try_reserve(value.size() + 32, Chain::kSmall, kNeverMs, 0, Log::For::kStore);
        if (!place) continue;
        const Record record =
            Record::create(log->at(place->address), place->room_bytes, place->is_large, "k", {.value = value});
        log->commit(*place, record.live_bytes());
        item = {place->address, value};
        if (i % 50 == 0) (void)log->release_unused_large();
      }
      for (const Item& item : items) {
        if (item.address != 0) log->remove_live(item.address, log->record_at(item.address).live_bytes());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong.load() == 0);
  CHECK(log.account().used(Use::kLarge) == log->free_large_bytes());
  CHECK(log->free_large_bytes() <= kLargeLimitBytes / 128);
  CHECK(log.problem() == "");
}

TEST_CASE("what large items left is unused if no other has taken any of it since the last look") {
  OneLog log(kLargeLimitBytes);
  const std::array<Stored, 2> items = {log.put(kLargePages * kOsPageBytes), log.put(kLargePages * kOsPageBytes)};
  for (const Stored& item : items) log.remove(item);
  (void)log.put(kLargePages * kOsPageBytes);
  CHECK_FALSE(log->release_unused_large());
  CHECK(log->free_large_bytes() == kLargePages * kOsPageBytes);
  CHECK(log->release_unused_large());
  CHECK(log->free_large_bytes() == 0);
  CHECK_FALSE(log->release_unused_large());
  CHECK(log.problem() == "");
}

TEST_CASE("a large item's record begins behind the begin of a page if its pages have room for that") {
  OneLog log;
  for (const auto& [unused_bytes, lead_bytes] : {std::pair<size_t, size_t>{128, 128}, {120, 0}, {2048, 128}}) {
    const Stored item = log.put(3 * kOsPageBytes - unused_bytes);
    const SegmentId id = log.segment_of(item);
    CHECK(item.address == log->address_of(id) + lead_bytes);
    CHECK(log->first_in(id) == item.address);
    CHECK(log->record_at(item.address).room_bytes() == 3 * kOsPageBytes - lead_bytes);
    CHECK(log->end_of(id) == log->address_of(id) + 3 * kOsPageBytes);
    CHECK(log.account().used(Use::kLarge) == 3 * kOsPageBytes);
    log.remove(item);
  }
  CHECK(log.problem() == "");
}

TEST_CASE("large items fill memory to the last page, and one more finds none") {
  OneLog log;
  std::vector<Stored> items;
  while (const std::optional<Stored> item = log.try_put(5 * kOsPageBytes)) items.push_back(*item);
  CHECK(log.account().headroom() < Log::large_charge_max(5 * kOsPageBytes));
  CHECK(log.account().used(Use::kLarge) == items.size() * 5 * kOsPageBytes);
  CHECK(log.problem() == "");
  log.remove(items[items.size() / 2]);
  CHECK(log.try_put(5 * kOsPageBytes).has_value());
}

TEST_CASE("a pinned large item keeps its memory until it is unpinned") {
  OneLog log;
  const Stored item = log.put(3 * kOsPageBytes);
  const SegmentId id = log.segment_of(item);
  log->pin(id);
  log.remove(item);
  CHECK(log.state(id) == SegmentState::kDraining);
  CHECK(log.account().used(Use::kLarge) == 3 * kOsPageBytes);
  CHECK(log->record_at(item.address).content().value.size() == 3 * kOsPageBytes - 5);
  log->unpin(id);
  CHECK(log.state(id) == SegmentState::kUnused);
  CHECK(log.account().used(Use::kLarge) == 0);
  CHECK(log.problem() == "");
}

TEST_CASE("a large item that is put back is the newest of its chain") {
  OneLog log;
  const Stored first = log.put(3 * kOsPageBytes);
  const Stored second = log.put(3 * kOsPageBytes);
  std::optional<Victim> victim = log.take_victim(true);
  REQUIRE(victim.has_value());
  CHECK(victim->segment == log.segment_of(first));
  log->put_back(victim->segment, Chain::kSmall);
  CHECK(log.problem() == "");
  victim = log.take_victim(true);
  REQUIRE(victim.has_value());
  CHECK(victim->segment == log.segment_of(second));
  log->put_back(victim->segment, Chain::kMain);
  CHECK(log->segment(log.segment_of(second)).chain.load() == Chain::kMain);
  CHECK(log.state(second) == SegmentState::kSealed);
  CHECK(log.problem() == "");
}

// --- victims -----------------------------------------------------------------------------------------------

TEST_CASE("the walk over segments meets each one that may hold records") {
  OneLog log;
  const SegmentId sealed = log.segment_of(log.put_segment()[0]);
  const SegmentId open = log.segment_of(log.put(8));
  const SegmentId large = log.segment_of(log.put(3 * kOsPageBytes));
  std::vector<SegmentId> met;
  log->for_each_segment([&](SegmentId id) { met.push_back(id); });
  std::vector<SegmentId> expected{sealed, open, large};
  std::sort(expected.begin(), expected.end());
  CHECK(met == expected);
}

// --- flushes -----------------------------------------------------------------------------------------------

}  // namespace
}  // namespace larder::internal
