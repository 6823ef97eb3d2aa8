#include "larder/internal/arena.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "doctest/doctest.h"
#include "larder/internal/page_size.h"

namespace larder::internal {
namespace {

const size_t kOsPageBytes = os_page_bytes();

Arena arena_of(size_t bytes) {
  absl::StatusOr<Arena> arena = Arena::reserve(bytes, "a test");
  REQUIRE(arena.ok());
  return *std::move(arena);
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

TEST_CASE("reserved space begins at a huge page, where they may be allowed") {
  const Arena arena = arena_of(2 * kHugePageBytes);
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
  const Arena arena = arena_of(size_t{8} << 30);
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

TEST_CASE("space that cannot be had is reported with its size and its purpose") {
  const absl::StatusOr<Arena> arena = Arena::reserve(size_t{1} << 60, "the moon");
  REQUIRE_FALSE(arena.ok());
  CHECK(arena.status().code() == absl::StatusCode::kResourceExhausted);
  const std::string message(arena.status().message());
  CHECK(message.find("the moon") != std::string::npos);
  CHECK(message.find(std::to_string(size_t{1} << 60)) != std::string::npos);
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
