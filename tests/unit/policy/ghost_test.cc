#include "larder/internal/policy/ghost.h"

#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {
namespace {

constexpr size_t kLimitBytes = size_t{4} << 20;

Ghost ghost_of(Account& account) {
  AddressSpace space = AddressSpace::reserve(account.limit(), Ghost::address_bytes).value();
  absl::StatusOr<Ghost> ghost = Ghost::create(account, space);
  REQUIRE(ghost.ok());
  return *std::move(ghost);
}

std::vector<uint64_t> hashes(size_t count, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> all(count);
  for (uint64_t& hash : all) hash = random();
  return all;
}

size_t count_known(const Ghost& ghost, const std::vector<uint64_t>& all) {
  size_t known = 0;
  for (const uint64_t hash : all) known += ghost.contains(hash) ? 1 : 0;
  return known;
}

TEST_CASE("a ghost takes a 64th of the limit and charges it") {
  Account account(kLimitBytes);
  const Ghost ghost = ghost_of(account);
  CHECK(account.used(Use::kGhost) == kLimitBytes / 64);
  CHECK(account.used() == kLimitBytes / 64);
}

TEST_CASE("of a limit that is no power of two the ghost takes less than a 64th") {
  Account account(kLimitBytes + kLimitBytes / 2);
  const Ghost ghost = ghost_of(account);
  CHECK(account.used(Use::kGhost) == kLimitBytes / 64);
}

TEST_CASE("a new ghost knows nothing") {
  Account account(kLimitBytes);
  const Ghost ghost = ghost_of(account);
  CHECK(count_known(ghost, hashes(10'000, 1)) == 0);
}

TEST_CASE("what was added is known until it is removed, and removing one leaves the others") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  const std::vector<uint64_t> all = hashes(500, 2);
  for (const uint64_t hash : all) ghost.add(hash, 1);
  CHECK(count_known(ghost, all) == all.size());
  ghost.remove(all[0]);
  CHECK_FALSE(ghost.contains(all[0]));
  CHECK(count_known(ghost, all) == all.size() - 1);
  ghost.remove(all[0]);
  CHECK(count_known(ghost, all) == all.size() - 1);
}

TEST_CASE("hashes that were not added are hardly ever taken for ones that were") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  for (const uint64_t hash : hashes(5'000, 3)) ghost.add(hash, 1);
  CHECK(count_known(ghost, hashes(100'000, 4)) <= 10);
}

TEST_CASE("a full set forgets the entry that was added first") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  // The same top bits, so the same set; each of another epoch.
  const size_t epoch_bytes = kLimitBytes / 64;
  const auto hash = [](uint64_t i) { return (uint64_t{0xabc} << 52) | (i << 8); };
  for (uint64_t i = 1; i <= 8; ++i) ghost.add(hash(i), epoch_bytes);
  for (uint64_t i = 1; i <= 8; ++i) CHECK(ghost.contains(hash(i)));
  ghost.add(hash(9), epoch_bytes);
  CHECK_FALSE(ghost.contains(hash(1)));
  for (uint64_t i = 2; i <= 9; ++i) CHECK(ghost.contains(hash(i)));
}

TEST_CASE("an entry is forgotten when about as many bytes as the limit have been evicted since") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  const uint64_t hash = uint64_t{0x123} << 52 | 0x7700;
  ghost.add(hash, 1);
  const size_t step = kLimitBytes / 64;
  // All in another set, so that only time works on the entry.
  const auto evict = [&](int steps) {
    for (int i = 0; i < steps; ++i) ghost.add(static_cast<uint64_t>(i) << 8, step);
  };
  evict(60);
  CHECK(ghost.contains(hash));
  evict(10);
  CHECK_FALSE(ghost.contains(hash));
}

TEST_CASE("an entry that was forgotten stays so for a long time") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  const uint64_t hash = uint64_t{0x123} << 52 | 0x7700;
  ghost.add(hash, 1);
  // As much as 100 times the limit is evicted, all from another set, so that nothing replaces the entry.
  constexpr uint64_t kEvictionsPerLimit = 16;
  size_t known = 0;
  for (uint64_t i = 1; i <= 100 * kEvictionsPerLimit; ++i) {
    ghost.add(i << 8, kLimitBytes / kEvictionsPerLimit);
    if (i > 2 * kEvictionsPerLimit) known += ghost.contains(hash) ? 1 : 0;
  }
  CHECK(known == 0);
}

TEST_CASE("what is larger than a tenth of the limit is not remembered") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  const std::vector<uint64_t> all = hashes(2, 6);
  ghost.add(all[0], kLimitBytes / 10);
  ghost.add(all[1], kLimitBytes / 10 + 1);
  CHECK(ghost.contains(all[0]));
  CHECK_FALSE(ghost.contains(all[1]));
}

TEST_CASE("a hash added again counts as added now") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  const uint64_t hash = uint64_t{0x123} << 52 | 0x7700;
  const size_t step = kLimitBytes / 64;
  ghost.add(hash, 1);
  for (uint64_t i = 0; i < 50; ++i) ghost.add(i << 8, step);
  ghost.add(hash, 1);
  for (uint64_t i = 0; i < 50; ++i) ghost.add(i << 8, step);
  CHECK(ghost.contains(hash));
}

TEST_CASE("a ghost follows the limit, charges the difference and forgets what it knew") {
  Account account(kLimitBytes);
  Ghost ghost = ghost_of(account);
  const std::vector<uint64_t> all = hashes(500, 5);
  for (const size_t limit : {kLimitBytes / 4, kLimitBytes * 8, kLimitBytes}) {
    for (const uint64_t hash : all) ghost.add(hash, 1);
    CHECK(count_known(ghost, all) > 0);
    account.set_limit(limit);
    ghost.resize();
    CHECK(account.used(Use::kGhost) == round_up(limit / 64, os_page_bytes()));
    CHECK(account.used() == account.used(Use::kGhost));
    CHECK(count_known(ghost, all) == 0);
    for (const uint64_t hash : all) ghost.add(hash, 1);
    CHECK(count_known(ghost, all) > all.size() * 9 / 10);
  }
}

TEST_CASE("a ghost that was moved knows what it knew") {
  Account account(kLimitBytes);
  Ghost first = ghost_of(account);
  first.add(0x1234'5678'9abc'de00, 1);
  const Ghost second(std::move(first));
  CHECK(second.contains(0x1234'5678'9abc'de00));
}

}  // namespace
}  // namespace larder::internal
