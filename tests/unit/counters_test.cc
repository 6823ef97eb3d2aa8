#include "larder/internal/counters.h"

#include <barrier>
#include <thread>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

constexpr auto kCounters = static_cast<size_t>(Counter::kCount);

TEST_CASE("counters start at zero") {
  const Counters counters;
  for (size_t i = 0; i < kCounters; ++i) CHECK(counters.sum(static_cast<Counter>(i)) == 0);
}

TEST_CASE("each counter counts for itself") {
  Counters counters;
  for (size_t i = 0; i < kCounters; ++i) counters.add(static_cast<Counter>(i), i + 1);
  counters.add(Counter::kGetHits);
  CHECK(counters.sum(Counter::kGetHits) == 2);
  for (size_t i = 1; i < kCounters; ++i) CHECK(counters.sum(static_cast<Counter>(i)) == i + 1);
}

TEST_CASE("adding zero counts nothing") {
  Counters counters;
  counters.add(Counter::kStores, 0);
  CHECK(counters.sum(Counter::kStores) == 0);
}

TEST_CASE("a reset sets every counter to zero, and counting goes on from there") {
  Counters counters;
  for (size_t i = 0; i < kCounters; ++i) counters.add(static_cast<Counter>(i), 7);
  counters.reset();
  for (size_t i = 0; i < kCounters; ++i) CHECK(counters.sum(static_cast<Counter>(i)) == 0);
  counters.add(Counter::kEvictions, 3);
  CHECK(counters.sum(Counter::kEvictions) == 3);
}

TEST_CASE("what several threads count adds up exactly") {
  Counters counters;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&counters] {
      for (int i = 0; i < 1000; ++i) counters.add(Counter::kGetMisses, 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(counters.sum(Counter::kGetMisses) == 16'000);
  CHECK(counters.sum(Counter::kGetHits) == 0);
}

TEST_CASE("more threads than there are blocks count exactly, too") {
  Counters counters;
  constexpr uint64_t kThreads = 100;
  std::vector<std::thread> threads;
  std::barrier all_live(kThreads);
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) counters.add(Counter::kStores);
      // None ends before all have counted: no id is used twice.
      all_live.arrive_and_wait();
      for (int i = 0; i < 50; ++i) counters.add(Counter::kStores);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(counters.sum(Counter::kStores) == kThreads * 100);
}

TEST_CASE("a set of counters says how much memory it takes") {
  static_assert(Counters::bytes() >= kCounters * sizeof(uint64_t));
  static_assert(Counters::bytes() % 64 == 0);
}

}  // namespace
}  // namespace larder::internal
