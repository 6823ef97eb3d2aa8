#include "larder/internal/base/account.h"

#include <thread>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("an account starts with nothing used and all of its limit to give") {
  const Account account(1000);
  CHECK(account.limit() == 1000);
  CHECK(account.used() == 0);
  CHECK(account.headroom() == 1000);
  CHECK_FALSE(account.is_over_limit());
}

TEST_CASE("a charge that fills the account to its limit fits, and one byte more does not") {
  Account account(1000);
  CHECK_FALSE(account.try_charge(Use::kIndex, 1001));
  CHECK(account.used() == 0);
  CHECK(account.try_charge(Use::kIndex, 1000));
  CHECK(account.headroom() == 0);
  CHECK_FALSE(account.is_over_limit());
  CHECK_FALSE(account.try_charge(Use::kSegments, 1));
  CHECK(account.try_charge(Use::kSegments, 0));
  CHECK(account.used() == 1000);
  CHECK(account.used(Use::kSegments) == 0);
}

TEST_CASE("a charge near the largest number does not wrap round") {
  Account account(1000);
  CHECK(account.try_charge(Use::kLarge, 10));
  CHECK_FALSE(account.try_charge(Use::kLarge, SIZE_MAX));
  CHECK_FALSE(account.try_charge(Use::kLarge, SIZE_MAX - 9));
  CHECK(account.used() == 10);
}

TEST_CASE("an unconditional charge may pass the limit, and then nothing more fits") {
  Account account(1000);
  account.charge(Use::kExternal, 1500);
  CHECK(account.used() == 1500);
  CHECK(account.is_over_limit());
  CHECK(account.headroom() == 0);
  CHECK_FALSE(account.try_charge(Use::kSegments, 0));
  account.release(Use::kExternal, 600);
  CHECK_FALSE(account.is_over_limit());
  CHECK(account.headroom() == 100);
}

TEST_CASE("each use has its own sum, and together they are what is used") {
  Account account(3000);
  constexpr Use kUses[] = {Use::kSegments, Use::kLarge,   Use::kDescriptors, Use::kIndex,
                           Use::kGhost,    Use::kCurve,   Use::kHotKeys,     Use::kRemovalLog,
                           Use::kOther,    Use::kHandles, Use::kExternal};
  static_assert(std::size(kUses) == kUseCount);
  size_t bytes = 1;
  for (const Use use : kUses) {
    account.charge(use, bytes);
    bytes *= 2;
  }
  CHECK(account.used() == 2047);
  bytes = 1;
  for (const Use use : kUses) {
    CHECK(account.used(use) == bytes);
    bytes *= 2;
  }
  account.release(Use::kGhost, 16);
  CHECK(account.used(Use::kGhost) == 0);
  CHECK(account.used() == 2031);
}

TEST_CASE("a lowered limit takes nothing back, and a raised one makes room") {
  Account account(1000);
  CHECK(account.try_charge(Use::kSegments, 800));
  account.set_limit(500);
  CHECK(account.limit() == 500);
  CHECK(account.is_over_limit());
  CHECK(account.used() == 800);
  CHECK_FALSE(account.try_charge(Use::kSegments, 1));
  account.set_limit(801);
  CHECK(account.try_charge(Use::kSegments, 1));
  CHECK_FALSE(account.try_charge(Use::kSegments, 1));
}

TEST_CASE("threads that charge at the same time never pass the limit together") {
  constexpr size_t kThreads = 4;
  constexpr size_t kTries = 1000;
  Account account(kThreads * kTries / 2);
  std::vector<size_t> charged(kThreads, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&account, &charged, t] {
      for (size_t i = 0; i < kTries; ++i) {
        if (account.try_charge(Use::kSegments, 1)) ++charged[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t sum = 0;
  for (const size_t n : charged) sum += n;
  CHECK(sum == kThreads * kTries / 2);
  CHECK(account.used() == sum);
  CHECK(account.used(Use::kSegments) == sum);
}

}  // namespace
}  // namespace larder::internal
