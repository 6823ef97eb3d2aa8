#include "larder/internal/base/arena.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "doctest/doctest.h"
#include "larder/internal/base/address_space.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {
namespace {

const size_t kOsPageBytes = os_page_bytes();

Arena readable_arena_of(size_t bytes, bool may_have_huge_pages = false) {
  absl::StatusOr<AddressSpace> space =
      AddressSpace::reserve(Extent{}, AddressSpace::bytes_to_take(bytes, may_have_huge_pages));
  REQUIRE(space.ok());
  return space->take(bytes, may_have_huge_pages);
}

Arena arena_of(size_t bytes, bool may_have_huge_pages = false) {
  Arena arena = readable_arena_of(bytes, may_have_huge_pages);
  REQUIRE(arena.make_writable(0, arena.bytes()));
  return arena;
}

TEST_CASE("rounding down reaches the multiple before, and leaves a multiple alone") {
  static_assert(round_down(7, 8) == 0);
  static_assert(round_down(8, 8) == 8);
}

TEST_CASE("rounding up reaches the next multiple and leaves a multiple alone") {
  static_assert(round_up(0, 8) == 0);
  static_assert(round_up(1, 8) == 8);
  static_assert(round_up(8, 8) == 8);
  static_assert(round_up(9, 8) == 16);
  static_assert(round_up(4097, 4096) == 8192);
}

TEST_CASE("reserved space is whole pages, reads as zeros and can be written to its last byte") {
  const Arena arena = arena_of(3 * kOsPageBytes + 1);
  CHECK(arena.bytes() == 4 * kOsPageBytes);
  CHECK(*arena.at(0) == std::byte{0});
  CHECK(*arena.at(arena.bytes() - 1) == std::byte{0});
  std::memset(arena.at(0), 0x5a, arena.bytes());
  CHECK(*arena.at(arena.bytes() - 1) == std::byte{0x5a});
}

TEST_CASE("what may have huge pages begins at one") {
  const Arena arena = arena_of(2 * kHugePageBytes, true);
  CHECK(reinterpret_cast<uintptr_t>(arena.at(0)) % kHugePageBytes == 0);
  arena.allow_huge_pages(0, kHugePageBytes);
  std::memset(arena.at(0), 0x5a, arena.bytes());
  arena.discard(0, kHugePageBytes);
  CHECK(*arena.at(kHugePageBytes - 1) == std::byte{0});
  CHECK(*arena.at(kHugePageBytes) == std::byte{0x5a});
}

TEST_CASE("an offset and the address it stands for turn into each other") {
  const Arena arena = arena_of(kOsPageBytes);
  CHECK(arena.offset_of(arena.at(0)) == 0);
  CHECK(arena.offset_of(arena.at(1234)) == 1234);
  CHECK(arena.at(1234) - arena.at(0) == 1234);
}

TEST_CASE("much more space can be reserved than is ever used") {
  Arena arena = readable_arena_of(size_t{8} << 30);
  REQUIRE(arena.make_writable((size_t{8} << 30) - 1, 1));
  *arena.at((size_t{8} << 30) - 1) = std::byte{7};
  CHECK(*arena.at((size_t{8} << 30) - 1) == std::byte{7});
}

TEST_CASE("discarded memory reads as zeros and its neighbours stay") {
  const Arena arena = arena_of(4 * kOsPageBytes);
  std::memset(arena.at(0), 0x5a, arena.bytes());
  arena.discard(kOsPageBytes, 2 * kOsPageBytes);
  CHECK(*arena.at(kOsPageBytes - 1) == std::byte{0x5a});
  CHECK(*arena.at(kOsPageBytes) == std::byte{0});
  CHECK(*arena.at(3 * kOsPageBytes - 1) == std::byte{0});
  CHECK(*arena.at(3 * kOsPageBytes) == std::byte{0x5a});
  *arena.at(kOsPageBytes) = std::byte{1};
  CHECK(*arena.at(kOsPageBytes) == std::byte{1});
}

TEST_CASE("a moved arena keeps its address, and leaves nothing behind") {
  Arena first = arena_of(kOsPageBytes);
  std::byte* const base = first.at(0);
  *base = std::byte{9};
  Arena second(std::move(first));
  CHECK(second.at(0) == base);
  CHECK(second.bytes() == kOsPageBytes);
  Arena third;
  CHECK(third.bytes() == 0);
  third = std::move(second);
  CHECK(third.at(0) == base);
  CHECK(*third.at(0) == std::byte{9});
}

TEST_CASE("an arena keeps its memory, whatever becomes of the space it is a part of") {
  Arena first;
  {
    AddressSpace space = AddressSpace::reserve(Extent{}, 4 * kOsPageBytes).value();
    first = space.take(kOsPageBytes);
    const Arena second = space.take(1);
    CHECK(second.at(0) == first.at(kOsPageBytes));
  }
  CHECK(*first.at(0) == std::byte{0});
  CHECK(first.make_writable(0, 1));
  *first.at(0) = std::byte{7};
}

TEST_CASE("what is writable grows at both ends and is one piece") {
  Arena arena = readable_arena_of(size_t{64} << 20);
  const auto write = [&](size_t offset) {
    REQUIRE(arena.make_writable(offset, 8));
    *arena.at(offset) = std::byte{7};
  };
  write(size_t{32} << 20);
  write(size_t{60} << 20);
  *arena.at(size_t{50} << 20) = std::byte{7};
  write(size_t{10} << 20);
  write(0);
  write((size_t{64} << 20) - 8);
  CHECK(*arena.at(size_t{32} << 20) == std::byte{7});
  CHECK(*arena.at(size_t{11} << 20) == std::byte{0});
}

#ifdef LARDER_ADDRESS_SANITIZER
TEST_CASE("poisoned memory is known to the sanitizer until it is unpoisoned") {
  const Arena arena = arena_of(kOsPageBytes);
  poison(arena.at(64), 64);
  CHECK(__asan_address_is_poisoned(arena.at(64)));
  CHECK_FALSE(__asan_address_is_poisoned(arena.at(63)));
  unpoison(arena.at(64), 64);
  CHECK_FALSE(__asan_address_is_poisoned(arena.at(64)));
}
#endif

}  // namespace
}  // namespace larder::internal
