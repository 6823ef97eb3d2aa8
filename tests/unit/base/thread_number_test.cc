#include "larder/internal/base/thread_number.h"

#include <algorithm>
#include <barrier>
#include <thread>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

TEST_CASE("a thread keeps its number") {
  const uint32_t number = thread_number();
  CHECK(number >= 1);
  CHECK(thread_number() == number);
}

TEST_CASE("threads that run at the same time have different numbers, the lowest there are") {
  constexpr uint32_t kThreads = 50;
  for (int round = 0; round < 3; ++round) {
    std::vector<uint32_t> numbers(kThreads);
    std::vector<std::thread> threads;
    std::barrier all_live(kThreads);
    for (uint32_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        numbers[t] = thread_number();
        all_live.arrive_and_wait();
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::sort(numbers.begin(), numbers.end());
    CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
    // Besides them there is only the thread of this test.
    CHECK(numbers.back() <= kThreads + 1);
  }
}

}  // namespace
}  // namespace larder::internal
