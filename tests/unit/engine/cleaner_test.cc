#include "larder/internal/engine/cleaner.h"

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "support/other_thread.h"

namespace larder::internal {
namespace {

constexpr size_t kLimitBytes = size_t{1} << 20;
constexpr size_t kItemBytes = 1000;

// The parts that a cleaner works on, and the cleaner.
class Workshop {
 public:
  explicit Workshop(bool may_evict = true, size_t limit_bytes = kLimitBytes)
      : account_(limit_bytes),
        space_(AddressSpace::reserve(limit_bytes,
                                     [limit_bytes](const Extent& extent) {
                                       return RemovalLog::address_bytes(extent) + Ghost::address_bytes(extent) +
                                              Index::address_bytes(extent, limit_bytes) +
                                              Log::address_bytes(extent, limit_bytes);
                                     })
                   .value()),
        removal_log_(account_, space_, 0, 1),
        ghost_(Ghost::create(account_, space_).value()),
        index_(Index::create(account_, space_, 1).value()),
        log_(Log::create(account_, space_).value()),
        cleaner_(account_, *index_, *log_, ghost_, removal_log_, erased_tags_, &counters_, may_evict, nullptr,
                 nullptr, [this] {
                   if (on_step) on_step();
                 }) {
    // Each stripe has its first page: what is put needs no more than its room.
    for (uint32_t i = 0; i < index_->stripe_count(); ++i) {
      Stripe& stripe = index_->stripe(i);
      const Index::StripeLock lock(*index_, stripe);
      REQUIRE(index_->insert(stripe, Slot(0, 0, 8)) == Index::InsertResult::kInserted);
      index_->erase(stripe, index_->find(stripe, 0, [](uint64_t) { return true; }));
    }
  }

  // Called between the steps of a long cleaning.
  std::function<void()> on_step;

  Cleaner* operator->() { return &cleaner_; }
  [[nodiscard]] Account& account() { return account_; }
  [[nodiscard]] Log& log() { return *log_; }
  [[nodiscard]] Ghost& ghost() { return ghost_; }
  [[nodiscard]] uint64_t count(Counter counter) const { return counters_.sum(counter); }
  [[nodiscard]] uint64_t items() const { return index_->sums().items; }
  [[nodiscard]] uint64_t hash(const std::string& key) const { return index_->hash(key); }

  struct Traits {
    size_t value_bytes = kItemBytes;
    Chain chain = Chain::kSmall;
    uint32_t frequency = 0;
    int64_t deadline_ms = kNeverMs;
  };

  // False: there is no room.
  bool put(const std::string& key, const Traits& traits) {
    const std::string value(traits.value_bytes, 'v');
    const Content content{.value = value, .deadline_ms = traits.deadline_ms};
    const size_t bytes = Record::bytes_needed(key.size(), content);
    const uint64_t key_hash = index_->hash(key);
    Stripe& stripe = index_->stripe_of(key_hash);
    const Index::StripeLock lock(*index_, stripe);
    const std::optional<Reservation> place =
        log_->try_reserve(bytes, traits.chain, traits.deadline_ms, 0, Log::For::kStore);
    if (!place) return false;
    Record::create(log_->at(place->address), place->room_bytes, place->is_large, key, content);
    const Slot slot(index_->tag_of(key_hash), traits.frequency, place->address);
    const bool is_inserted = index_->insert(stripe, slot) == Index::InsertResult::kInserted;
    log_->commit(*place, bytes);
    index_->count(stripe, Index::share(bytes), {});
    REQUIRE(is_inserted);
    return true;
  }
  bool put(const std::string& key) { return put(key, Traits{}); }

  // Numbered keys from `first` until there is no room; the number after the last.
  size_t fill(const Traits& traits, size_t first = 0) {
    while (put("key" + std::to_string(first), traits)) ++first;
    return first;
  }

  struct Found {
    bool is_there = false;
    Chain chain = Chain::kSmall;
    uint32_t frequency = 0;
  };
  [[nodiscard]] Found find(const std::string& key) {
    const uint64_t key_hash = index_->hash(key);
    Stripe& stripe = index_->stripe_of(key_hash);
    const Index::StripeLock lock(*index_, stripe);
    const SlotPosition position = locate(stripe, key, key_hash);
    if (!position) return {};
    const Slot slot = position.get();
    return {true, log_->segment(log_->segment_of(slot.address())).chain.load(), slot.frequency()};
  }

  void read(const std::string& key) {
    const uint64_t key_hash = index_->hash(key);
    Stripe& stripe = index_->stripe_of(key_hash);
    const Index::StripeLock lock(*index_, stripe);
    if (const SlotPosition position = locate(stripe, key, key_hash)) position.mark_used();
  }

  void erase(const std::string& key) {
    const uint64_t key_hash = index_->hash(key);
    Stripe& stripe = index_->stripe_of(key_hash);
    const Index::StripeLock lock(*index_, stripe);
    const SlotPosition position = locate(stripe, key, key_hash);
    if (!position) return;
    const uint64_t address = position.get().address();
    const size_t bytes = log_->record_at(address).live_bytes();
    index_->erase(stripe, position);
    index_->count(stripe, {}, Index::share(bytes));
    log_->remove_live(address, bytes);
  }

  void flush() {
    index_->flush();
    log_->flush();
  }

  [[nodiscard]] std::string problem() {
    for (uint32_t i = 0; i < index_->stripe_count(); ++i) {
      Stripe& stripe = index_->stripe(i);
      const Index::StripeLock lock(*index_, stripe);
      const absl::Status status = index_->assert_valid(stripe);
      if (!status.ok()) return std::string(status.message());
    }
    const absl::Status status = log_->assert_valid();
    return status.ok() ? "" : std::string(status.message());
  }

 private:
  [[nodiscard]] SlotPosition locate(Stripe& stripe, const std::string& key, uint64_t key_hash)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex) {
    return index_->find(stripe, index_->tag_of(key_hash),
                        [&](uint64_t address) { return log_->record_at(address).key() == key; });
  }

  Account account_;
  AddressSpace space_;
  Counters counters_;
  RemovalLog removal_log_;
  ErasedTags erased_tags_;
  Ghost ghost_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<Log> log_;
  Cleaner cleaner_;
};

std::string key(size_t number) { return "key" + std::to_string(number); }

TEST_CASE("with nothing in the log there is nothing to clean") {
  Workshop workshop;
  CHECK(workshop->make_room_for_segment(0));
  CHECK(workshop->make_room_in_account(0, 0));
  CHECK_FALSE(workshop->make_room_in_account(kLimitBytes, 0));
  CHECK_FALSE(workshop->tidy(1 << 20, 0));
  CHECK(workshop.problem() == "");
}

TEST_CASE("room for a segment comes from the oldest items that nobody read, which the ghost remembers") {
  Workshop workshop;
  const size_t stored = workshop.fill({});
  CHECK(workshop->make_room_for_segment(0));
  CHECK(workshop.log().has_free_segment());
  const uint64_t evicted = workshop.count(Counter::kEvictions);
  CHECK(evicted > 0);
  CHECK(evicted < 20);
  CHECK(workshop.count(Counter::kEvictedUnfetched) == evicted);
  CHECK(workshop.items() == stored - evicted);
  for (size_t i = 0; i < stored; ++i) {
    CHECK(workshop.find(key(i)).is_there == (i >= evicted));
    CHECK(workshop.ghost().contains(workshop.hash(key(i))) == (i < evicted));
  }
  CHECK(workshop.problem() == "");
}

TEST_CASE("items read often enough move to main with their reads forgotten, the others of their segment go") {
  Workshop workshop;
  for (size_t i = 0; i < 8; ++i) {
    CHECK(workshop.put(key(i), {.frequency = static_cast<uint32_t>(i % 4)}));
  }
  workshop.fill({}, 8);
  CHECK(workshop->make_room_for_segment(0));
  for (size_t i = 0; i < 8; ++i) {
    const Workshop::Found found = workshop.find(key(i));
    CHECK(found.is_there == (i % 4 >= kReadsToPromote));
    if (!found.is_there) continue;
    CHECK(found.chain == Chain::kMain);
    CHECK(found.frequency == 0);
  }
  CHECK(workshop.count(Counter::kItemsPromoted) == 4);
  CHECK(workshop.count(Counter::kEvictedActive) >= 2);
  CHECK(workshop.problem() == "");
}

TEST_CASE("items of main stay for a read and lose it, and are not remembered when they go") {
  Workshop workshop;
  for (size_t i = 0; i < 8; ++i) {
    CHECK(workshop.put(key(i), {.chain = Chain::kMain, .frequency = static_cast<uint32_t>(i % 4)}));
  }
  workshop.fill({.chain = Chain::kMain}, 8);
  CHECK(workshop->make_room_for_segment(0));
  for (size_t i = 0; i < 8; ++i) {
    const Workshop::Found found = workshop.find(key(i));
    CHECK(found.is_there == (i % 4 != 0));
    CHECK_FALSE(workshop.ghost().contains(workshop.hash(key(i))));
    if (!found.is_there) continue;
    CHECK(found.chain == Chain::kMain);
    CHECK(found.frequency == i % 4 - 1);
  }
  CHECK(workshop.count(Counter::kItemsMoved) == 6);
  CHECK(workshop.problem() == "");
}

TEST_CASE("there is room even when everything was read lately") {
  for (const Chain chain : {Chain::kSmall, Chain::kMain}) {
    Workshop workshop;
    size_t next = workshop.fill({.chain = chain, .frequency = 3});
    for (int i = 0; i < 300; ++i) {
      REQUIRE(workshop->make_room_for_segment(0));
      next = workshop.fill({.chain = chain, .frequency = 3}, next);
    }
    CHECK(workshop.count(Counter::kEvictions) > 0);
    CHECK_FALSE(workshop.account().is_over_limit());
    CHECK(workshop.problem() == "");
  }
}

TEST_CASE("room in the account comes as segments that go back to the system") {
  Workshop workshop;
  workshop.fill({});
  const size_t bytes = kLimitBytes / 4;
  CHECK(workshop->make_room_in_account(bytes, 0));
  CHECK(workshop.account().headroom() >= bytes);
  CHECK(workshop.account().headroom() < bytes + 3 * workshop.log().segment_bytes());
  CHECK(workshop.items() > 0);
  CHECK(workshop.problem() == "");
}

TEST_CASE("more room than there could ever be is refused, and nothing goes for it") {
  Workshop workshop;
  workshop.fill({});
  const auto items = workshop.items();
  CHECK_FALSE(workshop->make_room_in_account(kLimitBytes, 0));
  CHECK(workshop.items() == items);
  CHECK(workshop.problem() == "");
}

TEST_CASE("a limit lowered below what is used is reached again") {
  Workshop workshop;
  workshop.fill({.frequency = 3});
  workshop.account().set_limit(kLimitBytes / 2);
  CHECK(workshop->make_room_in_account(0, 0));
  CHECK_FALSE(workshop.account().is_over_limit());
  CHECK(workshop.items() > 0);
  CHECK(workshop.problem() == "");
}

TEST_CASE("large items are evicted for each other") {
  Workshop workshop;
  const size_t stored = workshop.fill({.value_bytes = 100'000});
  CHECK(stored >= 7);
  CHECK(workshop->make_room_in_account(102'400, 0));
  CHECK_FALSE(workshop.find(key(0)).is_there);
  for (size_t i = 1; i < stored; ++i) CHECK(workshop.find(key(i)).is_there);
  CHECK(workshop.put(key(stored), {.value_bytes = 100'000}));
  CHECK(workshop.problem() == "");
}

TEST_CASE("an oversized item goes before older ones and is not remembered, unless it was read twice") {
  Workshop workshop;
  CHECK(workshop.put("older", {.value_bytes = 100'000}));
  CHECK(workshop.put("favourite", {.value_bytes = 120'000, .frequency = 2}));
  CHECK(workshop.put("oversized", {.value_bytes = 120'000}));
  (void)workshop.fill({.value_bytes = 100'000});
  CHECK(workshop->make_room_in_account(102'400, 0));
  CHECK(workshop.find("older").is_there);
  CHECK(workshop.find("favourite").chain == Chain::kMain);
  CHECK_FALSE(workshop.find("oversized").is_there);
  CHECK_FALSE(workshop.ghost().contains(workshop.hash("oversized")));
  CHECK(workshop.problem() == "");
}

TEST_CASE("a large item that was read stays where it is, as the newest of main") {
  Workshop workshop;
  CHECK(workshop.put("favourite", {.value_bytes = 100'000, .frequency = 2}));
  const size_t stored = workshop.fill({.value_bytes = 100'000});
  CHECK(workshop->make_room_in_account(102'400, 0));
  const Workshop::Found found = workshop.find("favourite");
  CHECK(found.is_there);
  CHECK(found.chain == Chain::kMain);
  CHECK(found.frequency == 0);
  CHECK_FALSE(workshop.find(key(0)).is_there);
  CHECK(workshop.items() == stored);
  CHECK(workshop.problem() == "");
}

TEST_CASE("while memory is not tight a store cleans nothing") {
  Workshop workshop;
  for (size_t i = 0; i < 100; ++i) CHECK(workshop.put(key(i)));
  workshop->pace(1 << 20, 0);
  CHECK(workshop.items() == 100);
  CHECK(workshop.count(Counter::kSegmentsCleaned) == 0);
}

TEST_CASE("when memory is tight a store cleans about twice what it stores, until there is a free segment") {
  Workshop workshop;
  const size_t stored = workshop.fill({});
  workshop->pace(kItemBytes, 0);
  const uint64_t evicted = stored - workshop.items();
  CHECK(evicted >= 1);
  CHECK(evicted <= 3);
  for (int i = 0; i < 100; ++i) workshop->pace(kItemBytes, 0);
  CHECK(workshop.log().has_free_segment());
  CHECK(workshop.count(Counter::kSegmentsCleaned) >= 1);
  CHECK(workshop.count(Counter::kSegmentsCleaned) <= 2);
  CHECK(workshop.problem() == "");
}

TEST_CASE(
    "one store cleans 64 KiB or 32 records at most, and what it leaves the next ones clean, until it is done") {
  Workshop workshop(true, 16 * kLimitBytes);
  workshop.fill({.value_bytes = 100});
  const auto cleaned_by = [&](size_t bytes) {
    const uint64_t before = workshop.items();
    workshop->pace(bytes, 0);
    return before - workshop.items();
  };
  const uint64_t by_long_store = cleaned_by(size_t{70} << 10);
  CHECK(by_long_store > (size_t{64} << 10) / 150);
  CHECK(by_long_store < (size_t{64} << 10) / 100);
  // A quarter more than was stored is cleaned, and nothing of this is kept.
  const uint64_t debt = by_long_store * 70 * 5 / 4 / 64 - by_long_store;
  for (uint64_t i = 0; i < debt / 32; ++i) {
    CHECK(cleaned_by(0) == 0);  // what stores nothing owes nothing
    CHECK(cleaned_by(8) == 32);
  }
  (void)cleaned_by(8);
  CHECK(cleaned_by(8) <= 5);  // in 512 bytes
  CHECK_FALSE(workshop.log().has_free_segment());
  CHECK(workshop.problem() == "");
}

TEST_CASE("stores of long values clean short ones as fast as they need room") {
  Workshop workshop(true, 16 * kLimitBytes);
  workshop.fill({.value_bytes = 100});
  while (!workshop.log().has_free_segment()) workshop->pace(kItemBytes, 0);
  constexpr size_t kLongBytes = 8000;
  for (size_t i = 0; i < 200; ++i) {
    CAPTURE(i);
    REQUIRE(workshop.put("long" + std::to_string(i), {.value_bytes = kLongBytes}));
    workshop->pace(kLongBytes, 0);
  }
  CHECK(workshop.problem() == "");
}

TEST_CASE("a large item that is kept has freed nothing of what is debt") {
  Workshop workshop(true, 16 * kLimitBytes);
  REQUIRE(workshop.put("large", {.value_bytes = size_t{300} << 10, .chain = Chain::kMain, .frequency = 3}));
  workshop.fill({.chain = Chain::kMain});
  workshop->pace(size_t{40} << 10, 0);
  CHECK(workshop.find("large").frequency == 2);
  const uint64_t before = workshop.items();
  workshop->pace(8, 0);
  CHECK(before - workshop.items() == 32);
  CHECK(workshop.problem() == "");
}

TEST_CASE("what is expired goes and counts as that, whoever read it") {
  Workshop workshop;
  for (size_t i = 0; i < 200; ++i) {
    CHECK(workshop.put(key(i), {.frequency = static_cast<uint32_t>(i % 4), .deadline_ms = 1000}));
  }
  CHECK_FALSE(workshop->tidy(1 << 20, 999));
  CHECK(workshop.items() == 200);
  while (workshop->tidy(1 << 20, 1000)) {
  }
  CHECK(workshop.items() <= 8);  // of the open segment
  CHECK(workshop.count(Counter::kExpired) == 200 - workshop.items());
  CHECK(workshop.count(Counter::kExpiredUnfetched) >= 48);
  CHECK(workshop.count(Counter::kExpiredUnfetched) <= 50);
  CHECK(workshop.count(Counter::kEvictions) == 0);
  CHECK(workshop.problem() == "");
}

TEST_CASE("tidying brings the live items of sparse segments together and keeps every one") {
  Workshop workshop;
  for (size_t i = 0; i < 400; ++i) CHECK(workshop.put(key(i), {.frequency = static_cast<uint32_t>(i % 4)}));
  for (size_t i = 0; i < 400; ++i) {
    if (i % 4 != 1) workshop.erase(key(i));
  }
  const uint64_t segments = workshop.log().usage().segments;
  int steps = 0;
  while (workshop->tidy(4096, 0)) REQUIRE(++steps < 10'000);
  CHECK(workshop.log().usage().segments < segments / 2);
  CHECK(workshop.items() == 100);
  for (size_t i = 1; i < 400; i += 4) {
    CHECK(workshop.find(key(i)).is_there);
    CHECK(workshop.find(key(i)).frequency == 1);
    CHECK(workshop.find(key(i)).chain == Chain::kSmall);
  }
  CHECK(workshop.count(Counter::kEvictions) == 0);
  CHECK(workshop.problem() == "");
}

TEST_CASE("tidying takes back what a flush made void, and nothing stored since") {
  Workshop workshop;
  const size_t stored = workshop.fill({});
  workshop.flush();
  CHECK(workshop->tidy(1 << 20, 0));
  CHECK(workshop.put("since"));
  int steps = 0;
  while (workshop->tidy(1 << 20, 0)) REQUIRE(++steps < 10'000);
  CHECK(workshop.log().usage().segments <= 2);
  CHECK(workshop.items() == 1);
  CHECK(workshop.find("since").is_there);
  CHECK(stored > 500);
  CHECK(workshop.count(Counter::kEvictions) == 0);
  CHECK(workshop.problem() == "");
}

TEST_CASE("a cleaner that may not evict makes room only of what is dead or expired") {
  Workshop workshop(false);
  const size_t stored = workshop.fill({});
  CHECK_FALSE(workshop->make_room_for_segment(0));
  CHECK_FALSE(workshop->make_room_in_account(kLimitBytes / 2, 0));
  workshop->pace(1 << 20, 0);
  CHECK(workshop.items() == stored);
  for (size_t i = 0; i < stored; i += 2) workshop.erase(key(i));
  CHECK(workshop->make_room_for_segment(0));
  CHECK(workshop.items() == stored - (stored + 1) / 2);
  CHECK(workshop.count(Counter::kEvictions) == 0);
  CHECK(workshop.problem() == "");
}

size_t being_cleaned(Workshop& workshop) {
  size_t count = 0;
  workshop.log().for_each_segment([&](SegmentId id) {
    count += workshop.log().segment(id).state.load(std::memory_order_relaxed) == SegmentState::kCleaning ? 1 : 0;
  });
  return count;
}

TEST_CASE("two threads clean a segment each, and leave none half cleaned at rest") {
  Workshop workshop(true, 2 * kLimitBytes);
  workshop.fill({});
  REQUIRE(workshop.log().lane_count() == 2);
  OtherThread other;
  workshop->pace(1, 0);
  CHECK(being_cleaned(workshop) == 1);
  // There is room for one, which the other thread goes on with. But room for two will be kept.
  other.run([&] { workshop->pace(1, 0); });
  CHECK(being_cleaned(workshop) == 1);
  int paces = 0;
  for (; being_cleaned(workshop) < 2 && paces < 1000; ++paces) {
    workshop->pace(1, 0);
    other.run([&] { workshop->pace(1, 0); });
  }
  CHECK(paces < 1000);
  const uint64_t cleaned = workshop.count(Counter::kSegmentsCleaned);
  CHECK(workshop->while_resting(0, [&] { return workshop.count(Counter::kSegmentsCleaned); }) == cleaned + 2);
  CHECK(workshop.count(Counter::kEvictedForced) == 0);
  CHECK(workshop.problem() == "");
}

TEST_CASE("a victim that nobody goes on with is taken over") {
  Workshop workshop(true, 2 * kLimitBytes);
  size_t stored = workshop.fill({});
  OtherThread other;
  while (being_cleaned(workshop) < 2) {
    workshop->pace(1, 0);
    other.run([&] { workshop->pace(1, 0); });
  }
  // The other thread does nothing more.
  const uint64_t cleaned = workshop.count(Counter::kSegmentsCleaned);
  while (workshop.count(Counter::kSegmentsCleaned) < cleaned + 8) {
    workshop->pace(1000, 0);
    stored = workshop.fill({}, stored);
  }
  CHECK(being_cleaned(workshop) <= 1);
  CHECK(workshop.problem() == "");
}

TEST_CASE("when the limit sinks, what is half cleaned in a lane that is no longer used is gone on with") {
  Workshop workshop(true, 2 * kLimitBytes);
  workshop.fill({});
  OtherThread other;
  while (being_cleaned(workshop) < 2) {
    workshop->pace(1, 0);
    other.run([&] { workshop->pace(1, 0); });
  }
  workshop.account().set_limit(kLimitBytes);
  workshop.log().adapt_lanes();
  REQUIRE(workshop.log().lane_count() == 1);
  while (workshop->tidy(1000, 0)) {
  }
  CHECK_FALSE(workshop.account().is_over_limit());
  CHECK(being_cleaned(workshop) == 0);
  CHECK(workshop.count(Counter::kEvictedForced) == 0);
  CHECK(workshop.problem() == "");
}

TEST_CASE("who finds every lane taken waits for nobody, and the next one pays for it") {
  Workshop workshop;
  workshop.fill({});
  OtherThread other;
  const uint64_t evictions = workshop->while_resting(0, [&] {
    other.run([&] { workshop->pace(5 * kItemBytes, 0); });
    return workshop.count(Counter::kEvictions);
  });
  CHECK(evictions == 0);
  workshop->pace(1, 0);
  CHECK(workshop.count(Counter::kEvictions) >= 5);
}

TEST_CASE("two threads that clean what is sparse lose nothing that is live") {
  for (const bool may_evict : {true, false}) {
    Workshop workshop(may_evict, 2 * kLimitBytes);
    size_t stored = workshop.fill({});
    // A tenth of each segment is dead: nine of ten records have to be moved.
    for (size_t i = 0; i < stored; i += 8) workshop.erase(key(i));
    const uint64_t items = workshop.items();
    OtherThread other;
    for (int i = 0; i < 200; ++i) {
      workshop->clean_step(0);
      other.run([&] { workshop->clean_step(0); });
    }
    CHECK(workshop.items() + workshop.count(Counter::kEvictions) == items);
    CHECK(workshop.count(Counter::kEvictedForced) == 0);
    CHECK(workshop.problem() == "");
  }
}

TEST_CASE("a cleaner at rest has no segment half cleaned") {
  Workshop workshop;
  workshop.fill({});
  workshop->pace(1, 0);
  CHECK(workshop.count(Counter::kSegmentsCleaned) == 0);
  CHECK(workshop->while_resting(0, [&] { return workshop.count(Counter::kSegmentsCleaned); }) == 1);
  CHECK(workshop.problem() == "");
}

TEST_CASE("items that are pinned are passed over, and when all are, no room can be made, and nobody waits") {
  Workshop workshop;
  const size_t stored = workshop.fill({.value_bytes = 100'000});
  int steps = 0;
  workshop.on_step = [&] { ++steps; };
  std::vector<SegmentId> pinned;
  workshop.log().for_each_segment([&](SegmentId id) { pinned.push_back(id); });
  CHECK(pinned.size() == stored);
  for (const SegmentId id : pinned) workshop.log().pin(id);
  CHECK_FALSE(workshop->make_room_in_account(102'400, 0));
  CHECK_FALSE(workshop->make_room_for_large(102'400, 0));
  CHECK(steps == 0);
  CHECK(workshop.items() == stored);
  workshop.log().unpin(pinned[2]);
  CHECK(workshop->make_room_in_account(102'400, 0));
  CHECK(workshop.items() == stored - 1);
  for (const SegmentId id : pinned) {
    if (id != pinned[2]) workshop.log().unpin(id);
  }
  CHECK(workshop.problem() == "");
}

TEST_CASE("what is being written is waited for with no lock held, by those who need room alone") {
  Workshop workshop;
  std::vector<Reservation> written;
  while (const std::optional<Reservation> place =
             workshop.log().try_reserve(100'000, Chain::kSmall, kNeverMs, 0, Log::For::kStore)) {
    written.push_back(*place);
  }
  REQUIRE(written.size() >= 7);
  const auto end_one = [&] {
    // Dead at once, and gone.
    workshop.log().commit(written.back(), 1);
    workshop.log().remove_live(written.back().address, 1);
    written.pop_back();
  };
  int steps = 0;
  workshop.on_step = [&] {
    if (++steps != 3) return;
    CHECK(workshop->while_resting(0, [] { return true; }));
    end_one();
  };
  CHECK(workshop->make_room_in_account(102'400, 0));
  CHECK(steps == 3);
  CHECK(workshop.log().try_reserve(100'000, Chain::kSmall, kNeverMs, 0, Log::For::kStore).has_value());
}

TEST_CASE("a writer that does not end is waited for in vain, but not for ever") {
  Workshop workshop;
  while (workshop.log().try_reserve(100'000, Chain::kSmall, kNeverMs, 0, Log::For::kStore)) {
  }
  int steps = 0;
  workshop.on_step = [&] { ++steps; };
  CHECK_FALSE(workshop->make_room_in_account(102'400, 0));
  CHECK(steps > 0);
  steps = 0;
  workshop->pace(100'000, 0);
  CHECK_FALSE(workshop->tidy(100'000, 0));
  workshop.account().set_limit(kLimitBytes / 2);
  CHECK_FALSE(workshop->tidy(100'000, 0));
  CHECK(steps == 0);
}

TEST_CASE("tidying comes to within a lowered limit even if everything is read again and again") {
  Workshop workshop;
  const size_t stored = workshop.fill({.frequency = 3});
  workshop.account().set_limit(kLimitBytes / 2);
  int steps = 0;
  while (workshop.account().is_over_limit()) {
    for (size_t i = 0; i < stored; ++i) workshop.read(key(i));
    REQUIRE(workshop->tidy(size_t{8} << 10, 0));
    REQUIRE(++steps < 2000);
  }
  CHECK(workshop.items() > 0);
  CHECK(workshop.problem() == "");
}

}  // namespace
}  // namespace larder::internal
