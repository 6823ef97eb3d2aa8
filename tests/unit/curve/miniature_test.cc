#include "larder/internal/curve/miniature.h"

#include <map>
#include <random>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

constexpr uint32_t kBytes = 100;
constexpr Miniature::Deadline kNow = 1000;

struct Fixture {
  explicit Fixture(size_t entries, uint64_t items) : miniature(entries) {
    miniature.refit(Sample(1, kBytes));
    miniature.set_capacity(items * kBytes, size_t{1} << 30);
  }
  bool store(uint64_t hash, Miniature::Deadline deadline = Miniature::kNever) {
    return miniature.store(hash, kBytes, deadline);
  }
  bool has(uint64_t hash) { return miniature.read(hash, 0, kNow); }

  Miniature miniature;
};

// As of keys of a sample, whose low halves are small.
uint64_t hash_of(uint64_t number) {
  std::mt19937_64 random(number);
  return (random() & ~uint64_t{UINT32_MAX}) | (random() % 100'000'000);
}

TEST_CASE("a miniature keeps what is read, and is full at its capacity") {
  Fixture fixture(200, 100);
  CHECK_FALSE(fixture.miniature.was_full());
  for (uint64_t i = 0; i < 100; ++i) CHECK(fixture.store(hash_of(i)));
  CHECK(fixture.miniature.used() == 100 * kBytes);
  CHECK(fixture.miniature.entries() == 100);
  CHECK_FALSE(fixture.miniature.was_full());
  for (uint64_t i = 0; i < 10; ++i) CHECK(fixture.miniature.read(hash_of(i), 2, kNow));
  for (uint64_t i = 100; i < 1000; ++i) CHECK(fixture.store(hash_of(i)));
  CHECK(fixture.miniature.was_full());
  CHECK(fixture.miniature.used() == 100 * kBytes);
  for (uint64_t i = 0; i < 10; ++i) CHECK(fixture.has(hash_of(i)));
  CHECK(fixture.has(hash_of(999)));
  CHECK_FALSE(fixture.has(hash_of(500)));
  fixture.miniature.forget_full();
  CHECK_FALSE(fixture.miniature.was_full());
}

TEST_CASE("what comes back soon after it was evicted stays longer") {
  Fixture fixture(200, 100);
  for (uint64_t i = 0; i < 150; ++i) CHECK(fixture.store(hash_of(i)));
  CHECK_FALSE(fixture.has(hash_of(0)));
  CHECK(fixture.store(hash_of(0)));
  CHECK(fixture.store(hash_of(1000)));
  for (uint64_t i = 150; i < 300; ++i) CHECK(fixture.store(hash_of(i)));
  CHECK(fixture.has(hash_of(0)));
  CHECK_FALSE(fixture.has(hash_of(1000)));
}

TEST_CASE("expired items are missing, and their room is used for others before live items go") {
  Fixture fixture(200, 100);
  for (uint64_t i = 0; i < 50; ++i) CHECK(fixture.store(hash_of(i), kNow + 10));
  for (uint64_t i = 50; i < 100; ++i) CHECK(fixture.store(hash_of(i)));
  CHECK(fixture.miniature.read(hash_of(1), 1, kNow + 9));
  CHECK_FALSE(fixture.miniature.read(hash_of(1), 1, kNow + 10));
  for (int i = 0; i < 200; ++i) (void)fixture.miniature.read(hash_of(99), 0, kNow + 10);
  CHECK(fixture.miniature.entries() == 50);
  for (uint64_t i = 100; i < 150; ++i) CHECK(fixture.store(hash_of(i)));
  for (uint64_t i = 50; i < 100; ++i) CHECK(fixture.has(hash_of(i)));
}

TEST_CASE("an item has the size and the deadline that it was given last") {
  Fixture fixture(200, 100);
  CHECK(fixture.store(hash_of(1)));
  CHECK(fixture.miniature.store(hash_of(1), 60, kNow + 1));
  CHECK(fixture.miniature.used() == 60);
  CHECK(fixture.miniature.store(hash_of(1), 90, Miniature::kNever));
  CHECK(fixture.miniature.used() == 90);
  CHECK(fixture.miniature.inserted() == kBytes);
  CHECK(fixture.miniature.read(hash_of(1), 1, kNow + 5));
  fixture.miniature.erase(hash_of(1));
  fixture.miniature.erase(hash_of(2));
  CHECK(fixture.miniature.used() == 0);
  CHECK_FALSE(fixture.has(hash_of(1)));
}

TEST_CASE("without an entry left a store is refused; a smaller sample makes room") {
  Fixture fixture(64, 1000);
  for (uint64_t i = 0; i < 64; ++i) REQUIRE(fixture.store(hash_of(i)));
  CHECK_FALSE(fixture.store(hash_of(64)));
  CHECK(fixture.store(hash_of(63)));
  const Sample smaller(0.01, kBytes);
  fixture.miniature.refit(smaller);
  size_t left = 0;
  for (uint64_t i = 0; i < 64; ++i) left += smaller.has(hash_of(i), kBytes) ? 1 : 0;
  CHECK(fixture.miniature.entries() == left);
  CHECK(left < 64);
  CHECK(fixture.miniature.used() == left * kBytes);
}

TEST_CASE("an item that is oversized for the limit is not kept") {
  Fixture fixture(64, 60);
  fixture.miniature.set_capacity(6000, 10 * kBytes - 1);
  CHECK(fixture.store(hash_of(1)));
  CHECK_FALSE(fixture.has(hash_of(1)));
  CHECK(fixture.miniature.store(hash_of(1), kBytes - 2, Miniature::kNever));
  CHECK(fixture.has(hash_of(1)));
}

TEST_CASE("whatever is done to it, a miniature holds what it says, within its capacity") {
  std::mt19937_64 random(5);
  Fixture fixture(300, 200);
  std::map<uint64_t, uint32_t> sizes;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t hash = hash_of(random() % 600);
    switch (random() % 8) {
      case 0:
        fixture.miniature.erase(hash);
        break;
      case 1:
      case 2:
      case 3:
        sizes[hash] = static_cast<uint32_t>(40 + random() % 200);
        (void)fixture.miniature.store(hash, sizes[hash], random() % 4 == 0 ? kNow + 5 : Miniature::kNever);
        break;
      case 4:
        if (random() % 100 == 0)
          fixture.miniature.refit(Sample(0.5 + 0.5 * static_cast<double>(random() % 2), 120));
        break;
      default:
        (void)fixture.miniature.read(hash, 1, kNow + static_cast<uint32_t>(random() % 10));
    }
    if (i % 1000 != 0) continue;
    uint64_t bytes = 0;
    size_t entries = 0;
    fixture.miniature.erase_if([&](uint64_t, uint32_t of) {
      ++entries;
      bytes += of;
      return false;
    });
    REQUIRE(entries == fixture.miniature.entries());
    REQUIRE(fixture.miniature.used() <= bytes);
    REQUIRE(fixture.miniature.used() <= fixture.miniature.capacity() + 240);
  }
  fixture.miniature.erase_if([](uint64_t, uint32_t) { return true; });
  CHECK(fixture.miniature.used() == 0);
  CHECK(fixture.miniature.entries() == 0);
}

TEST_CASE("in a loop longer than a miniature a part of it hits; of keys that never come back the newest stay") {
  Fixture fixture(200, 100);
  int hits = 0;
  for (int pass = 0; pass < 40; ++pass) {
    for (uint64_t i = 0; i < 300; ++i) {
      if (fixture.miniature.read(hash_of(i), 1, kNow)) {
        hits += pass >= 20 ? 1 : 0;
      } else {
        fixture.miniature.note_miss(pass == 0);
        CHECK(fixture.store(hash_of(i)));
      }
    }
  }
  CHECK(hits >= 20 * 75);

  // Afterwards the miniature is as good as one that has seen no loop: each key is stored, and read when half of the
  // miniature has been stored since.
  hits = 0;
  for (uint64_t i = 1'000; i < 3'000; ++i) {
    CHECK(fixture.store(hash_of(i)));
    const bool is_hit = fixture.miniature.read(hash_of(i - 50), 1, kNow);
    if (!is_hit) fixture.miniature.note_miss(true);
    hits += i >= 2'000 && is_hit ? 1 : 0;
  }
  CHECK(hits >= 950);

  Fixture stores(200, 100);
  for (uint64_t i = 0; i < 10'000; ++i) {
    CHECK_FALSE(stores.miniature.read(hash_of(i), 1, kNow));
    stores.miniature.note_miss(true);
    CHECK(stores.store(hash_of(i)));
  }
  for (uint64_t i = 9'900; i < 10'000; ++i) CHECK(stores.has(hash_of(i)));
}

}  // namespace
}  // namespace larder::internal
