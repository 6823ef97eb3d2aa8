#include "larder/internal/base/event.h"

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

using namespace std::chrono_literals;

Event::Deadline now() { return std::chrono::steady_clock::now(); }

TEST_CASE("an event that has happened is not waited for, even after the deadline") {
  Event event;
  event.happen();
  CHECK(event.wait_until(now() + 1h));
  CHECK(event.wait_until(now() - 1h));
}

TEST_CASE("an event that does not happen is waited for until the deadline") {
  Event event;
  CHECK_FALSE(event.wait_until(now() - 1h));
  const Event::Deadline deadline = now() + 2ms;
  CHECK_FALSE(event.wait_until(deadline));
  CHECK(now() >= deadline);
}

TEST_CASE("all that wait see what was done before the event") {
  Event event;
  int result = 0;
  std::vector<int> seen(8);
  std::vector<std::thread> threads;
  for (int& each : seen) {
    threads.emplace_back([&] {
      if (event.wait_until(now() + 1h)) each = result;
    });
  }
  result = 7;
  event.happen();
  for (std::thread& thread : threads) thread.join();
  CHECK(seen == std::vector<int>(seen.size(), 7));
}

TEST_CASE("all that wait for what does not happen give up, each after its own deadline") {
  for (int round = 0; round < 20; ++round) {
    Event event;
    std::vector<std::thread> threads;
    std::vector<int> gave_up_late(8);
    for (size_t i = 0; i < gave_up_late.size(); ++i) {
      threads.emplace_back([&, i] {
        const Event::Deadline deadline = now() + std::chrono::microseconds(100 * i);
        if (!event.wait_until(deadline)) gave_up_late[i] = now() >= deadline ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(gave_up_late == std::vector<int>(gave_up_late.size(), 1));
    event.happen();
    CHECK(event.wait_until(now() + 1h));
  }
}

}  // namespace
}  // namespace larder::internal
