// CAS numbers without end. A number takes four bytes of an item for the first 2^32 changes of a stripe, then six.
//
// An ordinary run makes two million changes of one key. To see the width change, make some more; five billion take
// about five minutes:
//
//   LARDER_CHANGES=5000000000 build/release/tests/adversary/cas_adversary_test
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "adversary/subject.h"

namespace larder::adversary {
namespace {

uint64_t changes_of_this_run() {
  const char* const given = std::getenv("LARDER_CHANGES");
  return given != nullptr ? std::stoull(given) : (kIsSanitized ? 200'000 : 2'000'000);
}

TEST_CASE("one key that is changed without end gets ever larger numbers, and only the newest one is good") {
  constexpr uint64_t kLookEvery = 1'000;
  constexpr uint64_t kWidthChange = uint64_t{1} << 32;
  constexpr uint64_t kNearby = 100'000;
  Subject subject(kMiB);
  const std::string key = "counter";
  REQUIRE(subject->set(key, "0") == StoreResult::kStored);
  uint64_t last = subject->get(key)->cas;
  const uint64_t changes = changes_of_this_run();
  uint64_t expected = 0;
  for (uint64_t i = 1; i <= changes; ++i) {
    REQUIRE(subject->incr(key).value == ++expected);
    const bool is_near = i > kWidthChange - kNearby && i < kWidthChange + kNearby;
    if (!is_near && i % kLookEvery != 0) continue;
    const uint64_t cas = subject->get(key)->cas;
    REQUIRE(cas > last);
    REQUIRE(subject->cas(key, "0", last) == StoreResult::kExists);
    REQUIRE(subject->cas(key, "0", cas) == StoreResult::kStored);
    expected = 0;
    last = subject->get(key)->cas;
    REQUIRE(last > cas);
  }
  MESSAGE("after ", changes, " changes the number is ", last);
  subject.check();
}

TEST_CASE("no number is given out twice, whoever changes what") {
  constexpr uint64_t kThreads = 2;
  constexpr uint64_t kKeysEach = 500;
  constexpr uint64_t kChangesEach = kIsSanitized ? 30'000 : 300'000;
  Subject subject(2 * kMiB);
  std::vector<std::vector<uint64_t>> seen(kThreads);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      model::Random random(seed() + t);
      for (uint64_t i = 0; i < kChangesEach; ++i) {
        const std::string key = key_of(static_cast<char>('a' + t), random.below(kKeysEach));
        (void)subject->set(key, std::string_view("0123456789").substr(random.below(10)));
        if (const std::optional<Item> item = subject->peek(key)) seen[t].push_back(item->cas);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<uint64_t> all;
  for (const std::vector<uint64_t>& numbers : seen) all.insert(all.end(), numbers.begin(), numbers.end());
  CHECK(all.size() == kThreads * kChangesEach);
  std::sort(all.begin(), all.end());
  CHECK(std::unique(all.begin(), all.end()) == all.end());
  subject.check();
}

}  // namespace
}  // namespace larder::adversary
