#include "larder/internal/engine/counters.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
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

TEST_CASE("a great many threads count exactly, too, and have their memory charged") {
  Account account(size_t{1} << 30);
  Counters counters;
  counters.charge_to(account);
  const size_t charged = account.used(Use::kOther);
  CHECK(charged >= kCounters * sizeof(uint64_t));
  constexpr uint64_t kThreads = 100;
  std::vector<std::thread> threads;
  std::barrier all_live(kThreads);
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) counters.add(Counter::kStores);
      // None ends before all have counted: no number is used twice.
      all_live.arrive_and_wait();
      for (int i = 0; i < 50; ++i) counters.add(Counter::kStores);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(counters.sum(Counter::kStores) == kThreads * 100);
  const size_t charged_for_many = account.used(Use::kOther);
  CHECK(charged_for_many >= kThreads * kCounters * sizeof(uint64_t));

  // Threads that come after them use their blocks.
  for (uint64_t t = 0; t < 2 * kThreads; ++t) std::thread([&] { counters.add(Counter::kStores); }).join();
  CHECK(counters.sum(Counter::kStores) == kThreads * 102);
  CHECK(account.used(Use::kOther) == charged_for_many);
}

TEST_CASE("a thread that is ending still counts") {
  Counters counters;
  std::thread([&] {
    // Made before the thread has a number, and so destroyed after it has given it back.
    thread_local std::function<void()> at_end;
    struct AtEnd {
      ~AtEnd() { at_end(); }
    };
    at_end = [&] { counters.add(Counter::kStores); };
    thread_local const AtEnd last;
    counters.add(Counter::kStores);
  }).join();
  CHECK(counters.sum(Counter::kStores) == 2);
}

TEST_CASE("no count is ever below zero, whoever resets meanwhile") {
  Counters counters;
  std::atomic<bool> is_over{false};
  std::thread counting([&] {
    while (!is_over) counters.add(Counter::kStores);
  });
  std::thread resetting([&] {
    while (!is_over) counters.reset();
  });
  uint64_t most = 0;
  for (int i = 0; i < 100'000; ++i) most = std::max(most, counters.sum(Counter::kStores));
  is_over = true;
  counting.join();
  resetting.join();
  CHECK(most < uint64_t{1} << 63);
}

}  // namespace
}  // namespace larder::internal
