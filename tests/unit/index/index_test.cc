#include "larder/internal/index/index.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {
namespace {

using InsertResult = Index::InsertResult;

constexpr size_t kUnitBytes = 4096;
constexpr size_t kSlotsPerUnit = 448;
constexpr size_t kFullSlotsPerUnit = kSlotsPerUnit * 7 / 8;
constexpr size_t kCrammedSlotsPerUnit = kSlotsPerUnit * 15 / 16;
constexpr size_t kUnitsMax = 4;
constexpr size_t kLimitBytes = size_t{16} << 20;

AddressSpace space_for(const Account& account) {
  const size_t limit = account.limit();
  return AddressSpace::reserve(limit, [limit](const Extent& extent) { return Index::address_bytes(extent, limit); })
      .value();
}

// One stripe of an index, each step under its lock. Addresses stand for keys.
class OneStripe {
 public:
  explicit OneStripe(size_t limit_bytes = kLimitBytes, Index::OnStale on_stale = nullptr) : account_(limit_bytes) {
    AddressSpace space = space_for(account_);
    absl::StatusOr<std::unique_ptr<Index>> index = Index::create(account_, space, 1, {}, std::move(on_stale));
    REQUIRE(index.ok());
    index_ = *std::move(index);
  }

  InsertResult insert(uint32_t tag, uint64_t address, uint32_t frequency = 0) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    return index_->insert(stripe, Slot(tag, frequency, address));
  }

  [[nodiscard]] std::optional<Slot> find(uint32_t tag, uint64_t address) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    const SlotPosition position =
        index_->find(stripe, tag, [&](uint64_t candidate) { return candidate == address; });
    return position ? std::optional(position.get()) : std::nullopt;
  }

  bool erase(uint32_t tag, uint64_t address) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    const SlotPosition position =
        index_->find(stripe, tag, [&](uint64_t candidate) { return candidate == address; });
    if (position) index_->erase(stripe, position);
    return static_cast<bool>(position);
  }

  void replace(uint32_t tag, uint64_t address, Slot slot) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    const SlotPosition position =
        index_->find(stripe, tag, [&](uint64_t candidate) { return candidate == address; });
    if (position) index_->replace(stripe, position, slot);
  }

  void mark_used(uint32_t tag, uint64_t address) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    const SlotPosition position =
        index_->find(stripe, tag, [&](uint64_t candidate) { return candidate == address; });
    if (position) position.mark_used();
  }

  [[nodiscard]] std::optional<Slot> coldest_near(uint32_t tag) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    const SlotPosition position = index_->coldest_near(stripe, tag);
    return position ? std::optional(position.get()) : std::nullopt;
  }

  // For a hash that leads to this tag; whatever record a slot points at is taken for the wanted one.
  [[nodiscard]] OptimisticResult look_up(uint32_t tag) {
    const int stripe_bits = std::countr_zero(index_->stripe_count());
    const uint64_t hash = uint64_t{kStripe} << (64 - stripe_bits) | uint64_t{tag}
                                                                        << (64 - stripe_bits - Slot::kTagBits);
    return optimistic_find(index_->probe_bucket(hash), [](uint64_t) { return Match::kWanted; });
  }

  [[nodiscard]] bool take_flushed(uint32_t tag) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    return index_->take_flushed(stripe, tag);
  }

  void purge(uint32_t tag) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    index_->purge(stripe, tag);
  }

  void count(int64_t items, int64_t bytes) {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    index_->count(stripe, {.items = static_cast<uint64_t>(items), .item_bytes = static_cast<uint64_t>(bytes)}, {});
  }

  [[nodiscard]] std::vector<Slot> slots() {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    std::vector<Slot> all;
    uint32_t tag = 0;
    while (tag < Slot::kTagCount) {
      const uint32_t next = index_->for_each_in_page(stripe, tag, [&](Slot slot) { all.push_back(slot); });
      if (next <= tag) break;
      tag = next;
    }
    return all;
  }

  [[nodiscard]] size_t pages() {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    size_t count = 0;
    for (uint32_t tag = 0; tag < Slot::kTagCount; ++count) tag = index_->for_each_in_page(stripe, tag, [](Slot) {});
    return count;
  }

  [[nodiscard]] std::string problem() {
    Stripe& stripe = index_->stripe(kStripe);
    const Index::StripeLock lock(*index_, stripe);
    const absl::Status status = index_->assert_valid(stripe);
    return status.ok() ? "" : std::string(status.message());
  }

  // Units of this stripe's pages: every other stripe has its first one.
  // But for the one of stripes without a page.
  [[nodiscard]] size_t units() const { return index_->slots() / kSlotsPerUnit - 1; }
  [[nodiscard]] Index& index() { return *index_; }
  [[nodiscard]] Account& account() { return account_; }

 private:
  // Not the first: a flush sweeps that one at once.
  static constexpr uint32_t kStripe = 5;

  Account account_;
  std::unique_ptr<Index> index_;
};

uint64_t address_of(size_t i) { return 8 * (i + 1); }

TEST_CASE("a slot gives back tag, frequency and address, at both ends of their ranges") {
  static_assert(Slot().is_empty());
  const Slot largest(Slot::kTagCount - 1, Slot::kFrequencyMax, kAddressBytesMax - 8);
  CHECK(largest.tag() == Slot::kTagCount - 1);
  CHECK(largest.frequency() == Slot::kFrequencyMax);
  CHECK(largest.address() == kAddressBytesMax - 8);
  CHECK(largest.word() == UINT64_MAX);
  const Slot smallest(0, 0, 8);
  CHECK_FALSE(smallest.is_empty());
  CHECK(smallest.tag() == 0);
  CHECK(smallest.address() == 8);
  CHECK(Slot(largest.word()).tag() == largest.tag());
}

TEST_CASE("a bucket's matches are the slots with that tag, empty ones if it is 0, and never the control word") {
  std::mt19937_64 random(1);
  Bucket bucket;
  const uint32_t tags[] = {0, 1, Slot::kTagCount / 2, Slot::kTagCount - 1};
  for (int round = 0; round < 10'000; ++round) {
    const uint32_t wanted = tags[random() % 4];
    uint32_t expected = 0;
    bucket.control.store(Slot(wanted, random() % 4, random() % kAddressBytesMax).word(), std::memory_order_relaxed);
    for (size_t i = 0; i < bucket.slots.size(); ++i) {
      const bool is_empty = random() % 4 == 0;
      const Slot slot = is_empty ? Slot() : Slot(tags[random() % 4], random() % 4, random() % kAddressBytesMax);
      bucket.slots[i].store(slot.word());
      if (slot.tag() == wanted) expected |= 1u << i;
    }
    REQUIRE(bucket.matches(wanted) == expected);
  }
}

TEST_CASE("a hash's top bits are its stripe and the bits below them its tag") {
  OneStripe one;
  Index& index = one.index();
  const int bits = index.stripe_bits();
  CHECK(index.stripe_count() == 1u << bits);
  const uint64_t hash = (uint64_t{3} << (64 - bits)) | (uint64_t{0x2a5a5a} << (64 - bits - Slot::kTagBits)) | 0x77;
  CHECK(index.number_of(index.stripe_of(hash)) == 3);
  CHECK(index.tag_of(hash) == 0x2a5a5a);
  CHECK(index.hash("key") == hash_key("key", 1));
}

TEST_CASE("a larger limit gives more stripes, and the smallest still eight") {
  for (const auto& [limit, stripes] :
       {std::pair{size_t{1} << 20, 8u}, {size_t{4} << 20, 8u}, {size_t{8} << 20, 16u}, {size_t{64} << 20, 128u}}) {
    OneStripe one(limit);
    CHECK(one.index().stripe_count() == stripes);
    // A stripe has its first page with its first item; one unit there is without.
    CHECK(one.index().slots() == kSlotsPerUnit);
    CHECK(one.account().used(Use::kIndex) == round_up(kUnitBytes, os_page_bytes()));
    CHECK(one.insert(17, 800) == InsertResult::kInserted);
    CHECK(one.account().used(Use::kIndex) == round_up(2 * kUnitBytes, os_page_bytes()));
    CHECK(one.index().bytes_min() == round_up(2 * kUnitBytes, os_page_bytes()));
  }
}

TEST_CASE("all zeros is a stripe that was just made") {
  alignas(Stripe) std::array<std::byte, sizeof(Stripe)> memory{};
  new (memory.data()) Stripe;
  CHECK(std::ranges::all_of(memory, [](std::byte one) { return one == std::byte{0}; }));
}

TEST_CASE("an index that has no room for its first pages is refused, and says so") {
  Account account(size_t{1} << 20);
  account.charge(Use::kExternal, (size_t{1} << 20) - kUnitBytes);
  AddressSpace space = space_for(account);
  const absl::StatusOr<std::unique_ptr<Index>> index = Index::create(account, space, 1);
  REQUIRE_FALSE(index.ok());
  CHECK(index.status().code() == absl::StatusCode::kResourceExhausted);
}

TEST_CASE("what is inserted is found, what is erased is not") {
  OneStripe one;
  CHECK_FALSE(one.find(17, 800).has_value());
  CHECK(one.insert(17, 800) == InsertResult::kInserted);
  REQUIRE(one.find(17, 800).has_value());
  CHECK(one.find(17, 800)->frequency() == 0);
  CHECK_FALSE(one.find(17, 808).has_value());
  CHECK_FALSE(one.find(18, 800).has_value());
  CHECK(one.erase(17, 800));
  CHECK_FALSE(one.find(17, 800).has_value());
  CHECK(one.problem() == "");
}

TEST_CASE("slots with the same tag collide and stay apart, in whichever order they go") {
  for (const size_t count : {2, 7, 8, 30, 300}) {
    for (uint32_t seed = 0; seed < 3; ++seed) {
      OneStripe one;
      std::vector<size_t> all(count);
      for (size_t i = 0; i < count; ++i) {
        all[i] = i;
        REQUIRE(one.insert(Slot::kTagCount - 1, address_of(i)) == InsertResult::kInserted);
      }
      REQUIRE(one.problem() == "");
      std::shuffle(all.begin(), all.end(), std::mt19937(seed));
      while (!all.empty()) {
        REQUIRE(one.erase(Slot::kTagCount - 1, address_of(all.back())));
        REQUIRE_FALSE(one.find(Slot::kTagCount - 1, address_of(all.back())).has_value());
        all.pop_back();
        size_t found = 0;
        for (const size_t i : all) found += one.find(Slot::kTagCount - 1, address_of(i)) ? 1 : 0;
        REQUIRE(found == all.size());
      }
      CHECK(one.problem() == "");
    }
  }
}

TEST_CASE("a slot that fills a gap in its first bucket is found, and so are those that lie beyond it") {
  OneStripe one;
  for (size_t i = 0; i < 20; ++i) REQUIRE(one.insert(0, address_of(i)) == InsertResult::kInserted);
  REQUIRE(one.erase(0, address_of(2)));
  REQUIRE(one.insert(1, address_of(50)) == InsertResult::kInserted);
  CHECK(one.find(1, address_of(50)).has_value());
  for (size_t i = 0; i < 20; ++i) CHECK(one.find(0, address_of(i)).has_value() == (i != 2));
  CHECK(one.problem() == "");
}

TEST_CASE("slots whose buckets are the page's last go on at its first") {
  OneStripe one;
  for (size_t i = 0; i < 100; ++i) {
    REQUIRE(one.insert(Slot::kTagCount - 1 - static_cast<uint32_t>(i), address_of(i)) == InsertResult::kInserted);
  }
  for (size_t i = 0; i < 10; ++i) {
    REQUIRE(one.insert(static_cast<uint32_t>(i), address_of(200 + i)) == InsertResult::kInserted);
  }
  for (size_t i = 0; i < 100; ++i) {
    CHECK(one.find(Slot::kTagCount - 1 - static_cast<uint32_t>(i), address_of(i)).has_value());
  }
  for (size_t i = 0; i < 10; ++i) CHECK(one.find(static_cast<uint32_t>(i), address_of(200 + i)).has_value());
  CHECK(one.problem() == "");
}

TEST_CASE("each use raises a slot's frequency by one, up to the highest") {
  OneStripe one;
  REQUIRE(one.insert(5, 80) == InsertResult::kInserted);
  for (const uint32_t expected : {1u, 2u, 3u, 3u, 3u}) {
    one.mark_used(5, 80);
    CHECK(one.find(5, 80)->frequency() == expected);
  }
  CHECK(one.find(5, 80)->address() == 80);
}

TEST_CASE("a slot put in another's place is found by its own address only") {
  OneStripe one;
  REQUIRE(one.insert(5, 80, 1) == InsertResult::kInserted);
  REQUIRE(one.insert(5, 160) == InsertResult::kInserted);
  one.replace(5, 80, Slot(5, 2, 240));
  CHECK_FALSE(one.find(5, 80).has_value());
  REQUIRE(one.find(5, 240).has_value());
  CHECK(one.find(5, 240)->frequency() == 2);
  CHECK(one.find(5, 160).has_value());
  CHECK(one.problem() == "");
}

TEST_CASE("while a record changes its bucket's sequence number is odd, and afterwards another even one") {
  OneStripe one;
  REQUIRE(one.insert(5, 80) == InsertResult::kInserted);
  Stripe& stripe = one.index().stripe(5);
  const Index::StripeLock lock(one.index(), stripe);
  const SlotPosition position = one.index().find(stripe, 5, [](uint64_t) { return true; });
  const auto sequence = [&] { return position.bucket->control.load(std::memory_order_relaxed) >> 24; };
  const uint64_t before = sequence();
  uint64_t during = 0;
  one.index().change_record(stripe, position, [&] { during = sequence(); });
  CHECK(before % 2 == 0);
  CHECK(during == before + 1);
  CHECK(sequence() == before + 2);
}

TEST_CASE("a page grows by units, splits when it is full-grown, and comes back to one unit when it is emptied") {
  OneStripe one;
  CHECK(one.units() == 0);
  REQUIRE(one.insert(7, 800) == InsertResult::kInserted);
  REQUIRE(one.erase(7, 800));
  const size_t first_bytes = one.account().used(Use::kIndex);
  std::mt19937 random(11);
  std::vector<uint32_t> tags;
  std::set<size_t> units_seen;
  size_t pages_most = 1;
  for (size_t i = 0; i < 20'000; ++i) {
    tags.push_back(random() % Slot::kTagCount);
    REQUIRE(one.insert(tags[i], address_of(i)) == InsertResult::kInserted);
    if (pages_most == 1) units_seen.insert(one.units());
    if (i % 500 == 0) {
      REQUIRE(one.problem() == "");
      pages_most = std::max(pages_most, one.pages());
    }
  }
  CHECK(units_seen.count(1) == 1);
  CHECK(units_seen.count(2) == 1);
  CHECK(units_seen.count(3) == 1);
  CHECK(units_seen.count(4) == 1);
  CHECK(pages_most >= 16);
  CHECK(one.index().slots() >= 20'000);
  for (size_t i = 0; i < tags.size(); ++i) REQUIRE(one.find(tags[i], address_of(i)).has_value());
  // Neither nearly empty nor nearly full.
  CHECK(one.units() * kSlotsPerUnit < 2 * tags.size());
  const size_t full_bytes = one.account().used(Use::kIndex);
  CHECK(full_bytes >= first_bytes + (one.units() - 1) * kUnitBytes);

  for (size_t i = 0; i < tags.size(); ++i) {
    REQUIRE(one.erase(tags[i], address_of(i)));
    if (i % 500 == 0) REQUIRE(one.problem() == "");
  }
  CHECK(one.problem() == "");
  CHECK(one.pages() == 1);
  CHECK(one.units() == 1);
  CHECK(one.slots().empty());
  while (one.index().release_spare_memory()) {
  }
  // The directory keeps its size; 4 bytes for each entry are little beside the pages.
  CHECK(one.account().used(Use::kIndex) < first_bytes + kUnitBytes);
}

TEST_CASE("a page grows when seven slots of eight are in use, not before") {
  OneStripe one;
  std::mt19937 random(12);
  for (size_t i = 0; i < kFullSlotsPerUnit; ++i) {
    REQUIRE(one.insert(random() % Slot::kTagCount, address_of(i)) == InsertResult::kInserted);
  }
  CHECK(one.units() == 1);
  REQUIRE(one.insert(random() % Slot::kTagCount, address_of(kFullSlotsPerUnit)) == InsertResult::kInserted);
  CHECK(one.units() == 2);
}

TEST_CASE("random inserts and erases, in waves, always find what is there and nothing else") {
  OneStripe one;
  std::mt19937 random(13);
  std::map<uint64_t, uint32_t> tag_of;
  uint64_t next = 8;
  for (int wave = 0; wave < 6; ++wave) {
    const bool grows = wave % 2 == 0;
    for (int step = 0; step < 4000; ++step) {
      if (tag_of.empty() || (random() % 10 < 8) == grows) {
        // Few tags, so that many fall together.
        const uint32_t tag = (random() % 2000) * (Slot::kTagCount / 2000);
        REQUIRE(one.insert(tag, next) == InsertResult::kInserted);
        tag_of[next] = tag;
        next += 8;
      } else {
        auto victim = tag_of.lower_bound(8 + random() % next);
        if (victim == tag_of.end()) victim = tag_of.begin();
        REQUIRE(one.erase(victim->second, victim->first));
        REQUIRE_FALSE(one.find(victim->second, victim->first).has_value());
        tag_of.erase(victim);
      }
      if (step % 400 == 0) REQUIRE(one.problem() == "");
    }
    for (const auto& [address, tag] : tag_of) REQUIRE(one.find(tag, address).has_value());
    const std::vector<Slot> slots = one.slots();
    REQUIRE(slots.size() == tag_of.size());
    for (const Slot slot : slots) REQUIRE(tag_of.at(slot.address()) == slot.tag());
  }
}

TEST_CASE("tags that fall into one small part make only that part's pages split") {
  OneStripe one;
  std::vector<uint32_t> tags;
  std::mt19937 random(14);
  for (size_t i = 0; i < 6000; ++i) {
    tags.push_back(random() % (Slot::kTagCount / 256));
    REQUIRE(one.insert(tags[i], address_of(i)) == InsertResult::kInserted);
  }
  CHECK(one.problem() == "");
  CHECK(one.pages() >= 4 + 8);
  CHECK(one.pages() < 40);
  for (size_t i = 0; i < tags.size(); ++i) REQUIRE(one.find(tags[i], address_of(i)).has_value());
  for (size_t i = 0; i < tags.size(); ++i) REQUIRE(one.erase(tags[i], address_of(i)));
  CHECK(one.pages() == 1);
  CHECK(one.units() == 1);
}

TEST_CASE("a page of tags that nothing tells apart fills up to its last and then says so") {
  OneStripe one;
  size_t inserted = 0;
  InsertResult result = InsertResult::kInserted;
  while ((result = one.insert(1234, address_of(inserted))) == InsertResult::kInserted) {
    ++inserted;
    REQUIRE(inserted < 4000);
  }
  CHECK(result == InsertResult::kPageFull);
  CHECK(inserted == kUnitsMax * kCrammedSlotsPerUnit);
  CHECK(one.problem() == "");
  for (size_t i = 0; i < inserted; ++i) REQUIRE(one.find(1234, address_of(i)).has_value());

  REQUIRE(one.coldest_near(1234).has_value());
  CHECK(one.coldest_near(1234)->tag() == 1234);
  CHECK(one.erase(1234, one.coldest_near(1234)->address()));
  CHECK(one.insert(1234, address_of(inserted)) == InsertResult::kInserted);
  CHECK(one.insert(1234, address_of(inserted + 1)) == InsertResult::kPageFull);
  // Tags elsewhere are not touched by it.
  CHECK(one.insert(Slot::kTagCount - 1, address_of(inserted + 2)) == InsertResult::kInserted);
  CHECK(one.problem() == "");
}

// Where a unit is a page of the system: of a larger one there may be more units than were charged for.
const bool is_unit_charged = os_page_bytes() == kUnitBytes;

TEST_CASE("without memory for its first page a stripe asks for memory, and has nothing meanwhile" *
          doctest::skip(!is_unit_charged)) {
  OneStripe one;
  REQUIRE(one.account().try_charge(Use::kSegments, one.account().headroom()));
  CHECK(one.insert(7, 800) == InsertResult::kNeedsMemory);
  CHECK_FALSE(one.find(7, 800).has_value());
  one.index().flush();
  CHECK_FALSE(one.find(7, 800).has_value());
  CHECK_FALSE(one.coldest_near(7).has_value());
  CHECK(one.problem() == "");
  one.account().release(Use::kSegments, kUnitBytes);
  CHECK(one.insert(7, 800) == InsertResult::kInserted);
  CHECK(one.find(7, 800).has_value());
  CHECK(one.problem() == "");
}

TEST_CASE("without memory to grow a page is filled almost to the brim, then asks for memory" *
          doctest::skip(!is_unit_charged)) {
  OneStripe one;
  std::mt19937 random(15);
  std::vector<uint32_t> tags = {1};
  InsertResult result = one.insert(tags[0], address_of(0));
  REQUIRE(one.account().try_charge(Use::kSegments, one.account().headroom()));
  for (;;) {
    const uint32_t tag = random() % Slot::kTagCount;
    if ((result = one.insert(tag, address_of(tags.size()))) != InsertResult::kInserted) break;
    tags.push_back(tag);
    REQUIRE(tags.size() < 1000);
  }
  CHECK(result == InsertResult::kNeedsMemory);
  CHECK(tags.size() == kCrammedSlotsPerUnit);
  CHECK(one.units() == 1);
  CHECK(one.problem() == "");
  for (size_t i = 0; i < tags.size(); ++i) REQUIRE(one.find(tags[i], address_of(i)).has_value());

  // A page that grows moves: all of the larger one is needed, and the smaller one is given back.
  one.account().release(Use::kSegments, kUnitBytes);
  CHECK(one.insert(77, address_of(5000)) == InsertResult::kNeedsMemory);
  one.account().release(Use::kSegments, kUnitBytes);
  CHECK(one.insert(77, address_of(5000)) == InsertResult::kInserted);
  CHECK(one.units() == 2);
  CHECK(one.account().headroom() == 0);
  CHECK(one.index().release_spare_memory());
  CHECK(one.account().headroom() == kUnitBytes);
  CHECK(one.problem() == "");
}

TEST_CASE("with a large limit the index takes and gives back whole huge pages, and needs few when it has shrunk") {
  OneStripe one(size_t{1} << 30);
  const size_t first_bytes = one.account().used(Use::kIndex);
  CHECK(first_bytes == kHugePageBytes);
  std::mt19937 random(18);
  std::vector<uint32_t> tags;
  for (size_t i = 0; i < 500'000; ++i) {
    tags.push_back(random() % Slot::kTagCount);
    REQUIRE(one.insert(tags[i], address_of(i)) == InsertResult::kInserted);
  }
  CHECK(one.problem() == "");
  const size_t pages_bytes = one.units() * kUnitBytes;
  CHECK(one.account().used(Use::kIndex) < first_bytes + pages_bytes * 11 / 10 + 2 * kHugePageBytes);
  // In the order that scatters what is left the most.
  std::vector<size_t> order(tags.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  for (size_t i = 0; i < order.size(); ++i) {
    REQUIRE(one.erase(tags[order[i]], address_of(order[i])));
    if (i == order.size() * 9 / 10) {
      CHECK(one.problem() == "");
      CHECK(one.account().used(Use::kIndex) < first_bytes + pages_bytes / 4 + 2 * kHugePageBytes);
    }
  }
  CHECK(one.units() == 1);
  // The directory keeps its size, and an empty block is kept until it is asked for.
  CHECK(one.account().used(Use::kIndex) < first_bytes + kHugePageBytes + kUnitBytes);
  while (one.index().release_spare_memory()) {
  }
  CHECK(one.account().used(Use::kIndex) < first_bytes + kUnitBytes);
}

TEST_CASE("the coldest slot of a bucket is the one with the lowest frequency") {
  OneStripe one;
  CHECK_FALSE(one.coldest_near(7).has_value());
  for (size_t i = 0; i < 7; ++i) REQUIRE(one.insert(7, address_of(i), i == 4 ? 1 : 3) == InsertResult::kInserted);
  REQUIRE(one.coldest_near(7).has_value());
  CHECK(one.coldest_near(7)->address() == address_of(4));
}

TEST_CASE("the page by page walk meets each slot once, in the order of pages") {
  OneStripe one;
  std::mt19937 random(16);
  std::set<uint64_t> addresses;
  for (size_t i = 0; i < 5000; ++i) {
    REQUIRE(one.insert(random() % Slot::kTagCount, address_of(i)) == InsertResult::kInserted);
  }
  for (const Slot slot : one.slots()) CHECK(addresses.insert(slot.address()).second);
  CHECK(addresses.size() == 5000);
}

TEST_CASE("counts of items and bytes add up over the stripes") {
  OneStripe one;
  REQUIRE(one.insert(1, address_of(1)) == InsertResult::kInserted);
  one.count(3, 300);
  one.count(-1, -100);
  {
    Stripe& other = one.index().stripe(0);
    const Index::StripeLock lock(one.index(), other);
    REQUIRE(one.index().insert(other, Slot(1, 0, address_of(2))) == InsertResult::kInserted);
    one.index().count(other, {.items = 5, .item_bytes = 50}, {});
  }
  CHECK(one.index().sums().items == 7);
  CHECK(one.index().sums().item_bytes == 250);
}

TEST_CASE("sums can be estimated from a part of the stripes") {
  OneStripe one;
  Index& index = one.index();
  for (uint32_t i = 0; i < index.stripe_count(); ++i) {
    const Index::StripeLock lock(index, index.stripe(i));
    REQUIRE(index.insert(index.stripe(i), Slot(1, 0, address_of(i))) == InsertResult::kInserted);
    index.count(index.stripe(i), {.items = 10, .item_bytes = 1000}, {});
  }
  const uint32_t count = index.stripe_count();
  REQUIRE(count >= 4);
  CHECK(index.sums().items == 10 * count);
  for (const uint32_t stripes_max : {1u, 3u, count - 1, count, 10 * count}) {
    CHECK(index.estimated_sums(stripes_max).items == 10 * count);
    CHECK(index.estimated_sums(stripes_max).item_bytes == 1000 * count);
  }
}

// --- flushes -----------------------------------------------------------------------------------------------

TEST_CASE("a flush makes every slot void at once, and the sums zero") {
  OneStripe one;
  std::mt19937 random(17);
  std::vector<uint32_t> tags;
  for (size_t i = 0; i < 3000; ++i) {
    tags.push_back(random() % Slot::kTagCount);
    REQUIRE(one.insert(tags[i], address_of(i)) == InsertResult::kInserted);
  }
  one.count(3000, 3000);
  CHECK(one.index().generation(0) == 0);
  one.index().flush();
  CHECK(one.index().generation(0) == 1);
  CHECK(one.index().sums().items == 0);
  CHECK(one.index().sums().item_bytes == 0);
  for (size_t i = 0; i < tags.size(); ++i) REQUIRE_FALSE(one.find(tags[i], address_of(i)).has_value());
  CHECK(one.slots().empty());
  CHECK(one.problem() == "");
}

TEST_CASE("what is inserted after a flush stays, among slots that the flush made void") {
  OneStripe one;
  std::mt19937 random(18);
  std::vector<uint32_t> tags;
  for (size_t i = 0; i < 3000; ++i) {
    tags.push_back(random() % Slot::kTagCount);
    REQUIRE(one.insert(tags[i], address_of(i)) == InsertResult::kInserted);
  }
  one.index().flush();
  one.count(1, 10);
  CHECK(one.index().sums().items == 1);
  for (size_t i = 0; i < 3000; i += 2)
    REQUIRE(one.insert(tags[i], address_of(10'000 + i)) == InsertResult::kInserted);
  REQUIRE(one.problem() == "");
  for (size_t i = 0; i < 3000; ++i) {
    REQUIRE_FALSE(one.find(tags[i], address_of(i)).has_value());
    REQUIRE(one.find(tags[i], address_of(10'000 + i)).has_value() == (i % 2 == 0));
  }
  CHECK(one.slots().size() == 1500);
}

TEST_CASE("a slot that a flush made void is reported once, and a live one never") {
  OneStripe one;
  REQUIRE(one.insert(40, 80) == InsertResult::kInserted);
  CHECK_FALSE(one.take_flushed(40));
  one.index().flush();
  CHECK_FALSE(one.take_flushed(41));
  CHECK(one.take_flushed(40));
  CHECK_FALSE(one.take_flushed(40));
  REQUIRE(one.insert(40, 160) == InsertResult::kInserted);
  CHECK_FALSE(one.take_flushed(40));
  CHECK(one.find(40, 160).has_value());
  CHECK(one.problem() == "");
}

TEST_CASE("after a flush a search without the lock knows what is missing, but for what is to be reported") {
  OneStripe stripe;
  // Spread over the page, some beyond their first bucket.
  constexpr uint32_t kTags = 300;
  constexpr uint32_t kApart = Slot::kTagCount / kTags;
  for (uint32_t i = 0; i < kTags; ++i) REQUIRE(stripe.insert(kApart * i, 8 + 8 * i) == InsertResult::kInserted);
  const auto is_missing = [&](uint32_t tag) { return stripe.look_up(tag).is_missing(); };
  CHECK_FALSE(is_missing(kApart));
  CHECK(is_missing(kApart + 1));
  stripe.index().flush();
  for (uint32_t i = 0; i < kTags; ++i) {
    CAPTURE(i);
    CHECK(is_missing(kApart * i + 3));
    CHECK(stripe.look_up(kApart * i).must_retry());
    CHECK(stripe.take_flushed(kApart * i));
    CHECK(is_missing(kApart * i));
  }
  CHECK(stripe.problem() == "");
}

TEST_CASE("purging what flushes made void gives a page's memory back") {
  OneStripe one;
  std::mt19937 random(19);
  std::vector<uint32_t> tags;
  for (size_t i = 0; i < 8000; ++i) {
    tags.push_back(random() % Slot::kTagCount);
    REQUIRE(one.insert(tags[i], address_of(i)) == InsertResult::kInserted);
  }
  CHECK(one.pages() > 1);
  one.index().flush();
  for (const uint32_t tag : tags) one.purge(tag);
  CHECK(one.problem() == "");
  CHECK(one.pages() == 1);
  CHECK(one.units() == 1);
}

TEST_CASE("a slot that a flush made void is shown once as it is dropped, at the latest when its tag is purged") {
  std::map<uint64_t, uint32_t> live, gone;  // tags by address
  OneStripe one(kLimitBytes, [&](Stripe&, Slot slot) {
    const auto found = gone.find(slot.address());
    REQUIRE(found != gone.end());
    REQUIRE(found->second == slot.tag());
    gone.erase(found);
  });
  std::mt19937 random(18);
  size_t purged = 0;
  for (size_t i = 0; i < 100'000; ++i) {
    // Few tags, near each other: long ways through full buckets. Waves: pages grow, split, shrink and merge.
    const uint32_t tag = random() % 512 * 4096;
    const bool is_growing = i % 8000 < 4000;
    if (random() % 10 < (is_growing ? 8 : 3)) {
      REQUIRE(one.insert(tag, address_of(i)) == InsertResult::kInserted);
      live.emplace(address_of(i), tag);
    } else if (!live.empty()) {
      const auto victim =
          std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % std::min<size_t>(64, live.size())));
      REQUIRE(one.erase(victim->second, victim->first));
      live.erase(victim);
    }
    if (random() % 2000 == 0) {
      one.index().flush();
      gone.merge(live);
      live.clear();
    }
    if (random() % 50 == 0) (void)one.take_flushed(tag);
    if (random() % 10 == 0 && !gone.empty()) {
      const auto [address, old_tag] = *gone.begin();
      one.purge(old_tag);
      REQUIRE_FALSE(gone.contains(address));
      ++purged;
    }
    if (random() % 1000 == 0) REQUIRE(one.problem() == "");
  }
  CHECK(purged > 100);
  while (!gone.empty()) {
    const auto [address, tag] = *gone.begin();
    one.purge(tag);
    REQUIRE_FALSE(gone.contains(address));
  }
  for (const auto& [address, tag] : live) REQUIRE(one.find(tag, address).has_value());
}

TEST_CASE("slots that a flush made void stay so when the buckets' generation comes round") {
  OneStripe one(size_t{1} << 20);
  REQUIRE(one.insert(40, 80) == InsertResult::kInserted);
  for (int i = 0; i < 65'535; ++i) one.index().flush();
  CHECK_FALSE(one.find(40, 80).has_value());
  one.index().flush();
  CHECK(one.index().generation(0) == 65'536);
  CHECK_FALSE(one.find(40, 80).has_value());
  CHECK(one.slots().empty());
  REQUIRE(one.insert(40, 160) == InsertResult::kInserted);
  CHECK(one.find(40, 160).has_value());
  CHECK(one.problem() == "");
}

}  // namespace
}  // namespace larder::internal
