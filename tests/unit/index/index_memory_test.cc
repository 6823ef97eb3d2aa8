#include "larder/internal/index/index_memory.h"

#include <random>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {
namespace {

constexpr size_t kSmallLimit = size_t{64} << 20;
constexpr size_t kLimitWithBlocks = size_t{1} << 30;
constexpr uint32_t kUnitsPerBlock = kHugePageBytes / IndexMemory::kUnitBytes;
constexpr uint32_t kRunMax = IndexMemory::kRunUnitsMax;

struct Fixture {
  explicit Fixture(size_t limit_bytes, size_t units_max = 64 * kUnitsPerBlock)
      : account(limit_bytes), space(space_for(limit_bytes, units_max)), memory(account, space) {}

  static AddressSpace space_for(size_t limit_bytes, size_t units_max) {
    const Extent extent{.limit_bytes = units_max * IndexMemory::kUnitBytes};
    return AddressSpace::reserve(extent, IndexMemory::address_bytes(extent, limit_bytes)).value();
  }

  [[nodiscard]] size_t charged() const { return account.used(Use::kIndex); }

  Account account;
  AddressSpace space;
  IndexMemory memory;
};

TEST_CASE(
    "below a limit of 1 GiB every unit is charged for and given back by itself, if it is a page of the system" *
    doctest::skip(os_page_bytes() != IndexMemory::kUnitBytes)) {
  CHECK(Fixture(kLimitWithBlocks - 1).memory.grain_bytes() == IndexMemory::kUnitBytes);
  // Too small for spare units.
  Fixture fixture((size_t{4} << 20) - 1);
  CHECK(fixture.memory.grain_bytes() == IndexMemory::kUnitBytes);
  CHECK(fixture.charged() == 0);
  CHECK(fixture.memory.allocate(3) == 0u);
  CHECK(fixture.charged() == 3 * IndexMemory::kUnitBytes);
  *fixture.memory.at(2) = std::byte{7};
  fixture.memory.free(2, 1);
  CHECK(*fixture.memory.at(2) == std::byte{0});
  fixture.memory.free(0, 2);
  CHECK(fixture.charged() == 0);
  CHECK(fixture.memory.units_used() == 0);
}

TEST_CASE("units that are freed are kept for the next, up to 1/2048 of the limit and 64, then half of them") {
  const size_t grain_bytes = std::max(IndexMemory::kUnitBytes, os_page_bytes());
  const auto units = static_cast<uint32_t>(grain_bytes / IndexMemory::kUnitBytes);
  for (const auto& [limit_bytes, spare] : {std::pair{64 * 2048 * grain_bytes, 64}, {5 * 2048 * grain_bytes, 5}}) {
    Fixture fixture(std::min(limit_bytes, kLimitWithBlocks - 1));
    if (fixture.memory.grain_bytes() != grain_bytes) continue;
    const uint32_t count = static_cast<uint32_t>(spare) + 1;
    for (uint32_t i = 0; i < count; ++i) REQUIRE(fixture.memory.allocate(std::min(units, kRunMax)).has_value());
    CHECK(fixture.charged() == count * grain_bytes);
    for (uint32_t i = 0; i + 1 < count; ++i) fixture.memory.free(i * units, std::min(units, kRunMax));
    CHECK(fixture.charged() == count * grain_bytes);
    CHECK(fixture.memory.units_used() == std::min(units, kRunMax));
    // Without a charge.
    CHECK(fixture.memory.allocate(1) == 0u);
    CHECK(fixture.charged() == count * grain_bytes);
    fixture.memory.free(0, 1);
    CHECK(fixture.charged() == count * grain_bytes);
    *fixture.memory.at((count - 1) * units) = std::byte{7};
    fixture.memory.free((count - 1) * units, std::min(units, kRunMax));
    CHECK(fixture.charged() == static_cast<size_t>(spare / 2) * grain_bytes);
    CHECK(*fixture.memory.at((count - 1) * units) == std::byte{0});
    for (int i = 0; i < spare / 2; ++i) CHECK(fixture.memory.release_spare());
    CHECK_FALSE(fixture.memory.release_spare());
    CHECK(fixture.charged() == 0);
  }
}

TEST_CASE("every unit has a note, which stays when the unit is given back") {
  Fixture fixture(kSmallLimit);
  for (uint32_t unit = 0; unit < kUnitsPerBlock + 1; ++unit) REQUIRE(fixture.memory.allocate(1) == unit);
  CHECK(fixture.memory.note_of(kUnitsPerBlock) == 0);
  fixture.memory.note_of(kUnitsPerBlock) = 448;
  fixture.memory.note_of(0) = 1;
  fixture.memory.free(kUnitsPerBlock, 1);
  CHECK(fixture.memory.note_of(kUnitsPerBlock) == 448);
  CHECK(fixture.memory.note_of(0) == 1);
}

TEST_CASE("from a limit of 1 GiB on a block is charged for as a whole") {
  Fixture fixture(kLimitWithBlocks);
  CHECK(fixture.memory.grain_bytes() == kHugePageBytes);
  for (uint32_t unit = 0; unit < kUnitsPerBlock; ++unit) {
    CHECK(fixture.memory.allocate(1) == unit);
    CHECK(fixture.charged() == kHugePageBytes);
  }
  CHECK(fixture.memory.allocate(1) == kUnitsPerBlock);
  CHECK(fixture.charged() == 2 * kHugePageBytes);
}

TEST_CASE("a run lies where the lowest block has room for it") {
  Fixture fixture(kLimitWithBlocks);
  for (uint32_t unit = 0; unit < 2 * kUnitsPerBlock; ++unit) REQUIRE(fixture.memory.allocate(1) == unit);
  fixture.memory.free(5, 1);
  fixture.memory.free(10, 2);
  fixture.memory.free(kUnitsPerBlock + 20, 4);
  CHECK(fixture.memory.allocate(3) == kUnitsPerBlock + 20);
  CHECK(fixture.memory.allocate(2) == 10u);
  CHECK(fixture.memory.allocate(1) == 5u);
  CHECK(fixture.memory.allocate(1) == kUnitsPerBlock + 23);
}

TEST_CASE("before an end there is a run only in blocks that are in use, and none without blocks") {
  Fixture fixture(kLimitWithBlocks);
  CHECK_FALSE(fixture.memory.allocate(1, 1000).has_value());
  for (uint32_t unit = 0; unit < 20; ++unit) REQUIRE(fixture.memory.allocate(1) == unit);
  fixture.memory.free(7, 2);
  CHECK_FALSE(fixture.memory.allocate(2, 8).has_value());
  CHECK(fixture.memory.allocate(2, 9) == 7u);

  Fixture small(kSmallLimit);
  REQUIRE(small.memory.allocate(4) == 0u);
  REQUIRE(small.memory.allocate(4) == 4u);
  small.memory.free(0, 4);
  CHECK_FALSE(small.memory.allocate(1, 4).has_value());
  CHECK(small.memory.allocate(1) == 0u);
}

TEST_CASE("without room in the account there is none, and nothing is charged") {
  for (const size_t limit : {kSmallLimit, kLimitWithBlocks}) {
    Fixture fixture(limit);
    fixture.account.charge(Use::kSegments, limit - fixture.memory.grain_bytes() + 1);
    CHECK_FALSE(fixture.memory.allocate(1).has_value());
    CHECK(fixture.charged() == 0);
    CHECK(fixture.memory.can_grow());
    fixture.account.release(Use::kSegments, 1);
    CHECK(fixture.memory.allocate(1).has_value());
  }
}

TEST_CASE("address space comes to an end, and is there again when a run is given back") {
  for (const size_t limit : {kSmallLimit, kLimitWithBlocks}) {
    Fixture fixture(limit, kUnitsPerBlock);
    for (uint32_t first = 0; first < kUnitsPerBlock; first += kRunMax) {
      CHECK(fixture.memory.can_grow());
      REQUIRE(fixture.memory.allocate(kRunMax) == first);
    }
    CHECK_FALSE(fixture.memory.can_grow());
    CHECK_FALSE(fixture.memory.allocate(1).has_value());
    fixture.memory.free(8, kRunMax);
    CHECK(fixture.memory.can_grow());
    CHECK(fixture.memory.allocate(kRunMax) == 8u);
  }
}

TEST_CASE("an empty block is given back once the others have units to spare, with what was written there") {
  Fixture fixture(kLimitWithBlocks);
  for (uint32_t unit = 0; unit <= kUnitsPerBlock; ++unit) REQUIRE(fixture.memory.allocate(1) == unit);
  *fixture.memory.at(kUnitsPerBlock) = std::byte{7};
  fixture.memory.free(kUnitsPerBlock, 1);
  CHECK(fixture.charged() == 2 * kHugePageBytes);
  CHECK(*fixture.memory.at(kUnitsPerBlock) == std::byte{7});
  uint32_t freed = 0;
  while (fixture.charged() == 2 * kHugePageBytes && freed < kUnitsPerBlock) fixture.memory.free(freed++, 1);
  CHECK(freed == 64);
  CHECK(fixture.charged() == kHugePageBytes);
  CHECK(*fixture.memory.at(kUnitsPerBlock) == std::byte{0});
}

TEST_CASE("a block that is kept empty, or a unit that is kept, is given back when that is asked for") {
  Fixture fixture(kLimitWithBlocks);
  CHECK_FALSE(fixture.memory.release_spare());
  REQUIRE(fixture.memory.allocate(4) == 0u);
  CHECK_FALSE(fixture.memory.release_spare());
  fixture.memory.free(0, 4);
  CHECK(fixture.charged() == kHugePageBytes);
  CHECK(fixture.memory.release_spare());
  CHECK(fixture.charged() == 0);
  CHECK_FALSE(fixture.memory.release_spare());

  Fixture small(kSmallLimit);
  REQUIRE(small.memory.allocate(4) == 0u);
  small.memory.free(0, 4);
  CHECK(small.memory.release_spare());
}

TEST_CASE("there is room for runs in a block in use, or in the account") {
  Fixture fixture(kLimitWithBlocks);
  CHECK(fixture.memory.has_room_for(2));
  fixture.account.charge(Use::kSegments, kLimitWithBlocks - kHugePageBytes);
  CHECK(fixture.memory.has_room_for(2));
  for (uint32_t first = 0; first < kUnitsPerBlock; first += kRunMax) {
    REQUIRE(fixture.memory.allocate(kRunMax) == first);
    CHECK(fixture.memory.has_room_for(2) == (first + kRunMax < kUnitsPerBlock));
  }
  Fixture small(kSmallLimit);
  small.account.charge(Use::kSegments,
                       kSmallLimit - 2 * round_up(kRunMax * IndexMemory::kUnitBytes, os_page_bytes()));
  CHECK(small.memory.has_room_for(2));
  small.account.charge(Use::kSegments, 1);
  CHECK_FALSE(small.memory.has_room_for(2));
}

TEST_CASE("random runs never overlap, and what is charged is what is in use") {
  for (const size_t limit : {kSmallLimit, kLimitWithBlocks}) {
    Fixture fixture(limit, 4 * kUnitsPerBlock);
    const bool is_charged_by_unit = fixture.memory.grain_bytes() == IndexMemory::kUnitBytes;
    std::mt19937 random(5);
    std::vector<std::pair<uint32_t, uint32_t>> runs;
    std::vector<bool> is_used(4 * kUnitsPerBlock);
    size_t used = 0;
    for (int step = 0; step < 20'000; ++step) {
      if (step / 1000 % 2 == 0 || runs.empty()) {
        const uint32_t count = 1 + random() % kRunMax;
        const std::optional<uint32_t> first = fixture.memory.allocate(count);
        if (!first) continue;
        runs.emplace_back(*first, count);
        for (uint32_t i = 0; i < count; ++i) {
          REQUIRE_FALSE(is_used[*first + i]);
          is_used[*first + i] = true;
        }
        used += count;
      } else {
        std::swap(runs[random() % runs.size()], runs.back());
        auto& [first, count] = runs.back();
        // Now and then only its end.
        const uint32_t freed = random() % 4 == 0 ? 1 : count;
        fixture.memory.free(first + count - freed, freed);
        for (uint32_t i = 0; i < freed; ++i) is_used[first + count - freed + i] = false;
        count -= freed;
        used -= freed;
        if (count == 0) runs.pop_back();
      }
      REQUIRE(fixture.memory.units_used() == used);
      // Besides spare units.
      if (is_charged_by_unit) REQUIRE(fixture.charged() <= (used + 16) * IndexMemory::kUnitBytes);
      REQUIRE(fixture.charged() >= used * IndexMemory::kUnitBytes);
    }
    CHECK(used < 2 * kUnitsPerBlock);
    while (fixture.memory.release_spare()) {
    }
    if (is_charged_by_unit) CHECK(fixture.charged() == used * IndexMemory::kUnitBytes);
  }
}

}  // namespace
}  // namespace larder::internal
