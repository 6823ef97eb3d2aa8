#include "netd/event_loop.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace netd {
namespace {

// A descriptor that a loop watches, and its other end.
struct Pair {
  Pair(EventLoop& loop, std::function<void()> handler) {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    other = UniqueFd(ends[0]);
    watch.emplace(loop, UniqueFd(ends[1]), std::move(handler));
  }

  void send(std::string_view text) const {
    REQUIRE(::send(other.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }
  void receive(size_t bytes) const {
    std::string text(bytes, ' ');
    REQUIRE(::recv(watch->fd(), text.data(), bytes, 0) == static_cast<ssize_t>(bytes));
  }

  UniqueFd other;
  std::optional<EventLoop::Watch> watch;
};

void do_all(EventLoop& loop) {
  while (loop.poll()) {
  }
}

TEST_CASE("what other threads post is done by the loop's, in the order of each of them") {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  EventLoop loop;
  std::array<int, kThreads> done{};
  int all_done = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number] {
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&, number, i] {
          CHECK(done[static_cast<size_t>(number)]++ == i);
          if (++all_done == kThreads * kPosts) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  CHECK(all_done == kThreads * kPosts);
}

TEST_CASE("what is posted is destroyed with the loop, if it comes too late") {
  const auto held = std::make_shared<int>();
  {
    EventLoop loop;
    loop.post([&loop] { loop.stop(); });
    loop.post([held] { CHECK(false); });
    loop.run();
    loop.post([held] { CHECK(false); });
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("timers have their turns in the order of their times, and sooner if they are told") {
  EventLoop loop;
  std::string order;
  loop.call_after(std::chrono::milliseconds(2), [&] { order += 'b'; });
  loop.call_after(std::chrono::milliseconds(1), [&] { order += 'a'; });
  const EventLoop::TimerId hour = loop.call_after(std::chrono::hours(1), [&] { order += 'c'; });
  while (order.size() < 2) loop.run_round();
  CHECK(order == "ab");
  CHECK(!loop.poll());
  loop.expire(hour);
  do_all(loop);
  CHECK(order == "abc");
  loop.expire(hour);
  do_all(loop);
  CHECK(order == "abc");
}

TEST_CASE("a wait is over once, and what a short receive leaves is reported to the next") {
  EventLoop loop;
  int turns = 0;
  Pair pair(loop, [&] { ++turns; });
  do_all(loop);
  pair.send("ab");
  do_all(loop);
  CHECK(turns == 0);
  pair.watch->await_input();
  do_all(loop);
  CHECK(turns == 1);
  pair.receive(1);
  pair.watch->await_input();
  do_all(loop);
  CHECK(turns == 2);
  pair.receive(1);
  pair.watch->await_input();
  do_all(loop);
  CHECK(turns == 2);
  pair.other = UniqueFd();
  do_all(loop);
  CHECK(turns == 3);
}

TEST_CASE("it waits for room") {
  EventLoop loop;
  int turns = 0;
  Pair pair(loop, [&] { ++turns; });
  const std::string much(1 << 20, 'x');
  while (::send(pair.watch->fd(), much.data(), much.size(), 0) > 0) {
  }
  pair.watch->await_output();
  do_all(loop);
  CHECK(turns == 0);
  std::string received(much.size(), ' ');
  while (::recv(pair.other.get(), received.data(), received.size(), 0) > 0) {
  }
  do_all(loop);
  CHECK(turns == 1);
}

TEST_CASE("nobody who waits for nothing keeps the loop awake, whatever happens to him") {
  EventLoop loop;
  Pair pair(loop, [] { CHECK(false); });
  pair.send("a");
  do_all(loop);
  pair.other = UniqueFd();
  do_all(loop);
}

TEST_CASE("a wait that is cut short has one turn, in the next round") {
  EventLoop loop;
  int turns = 0;
  Pair pair(loop, [&] { ++turns; });
  pair.watch->cancel();
  do_all(loop);
  CHECK(turns == 0);
  pair.watch->await_input();
  pair.send("a");
  pair.watch->cancel();
  pair.watch->cancel();
  CHECK(turns == 0);
  do_all(loop);
  CHECK(turns == 1);
}

TEST_CASE("who has always something to do leaves everybody else his turn") {
  constexpr size_t kClients = 300;
  EventLoop loop;
  size_t yields = 0;
  Pair busy(loop, [&] {
    ++yields;
    busy.watch->call_soon();
  });
  busy.watch->call_soon();
  std::vector<int> turns(kClients);
  std::vector<std::unique_ptr<Pair>> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Pair>(loop, [&, i] {
      ++turns[i];
      clients[i]->watch->await_input();  // What has come stays where it is.
    }));
    clients[i]->watch->await_input();
    clients[i]->send("a");
  }
  bool was_posted = false;
  loop.post([&] { was_posted = true; });
  for (int round = 0; round < 15; ++round) loop.run_round();
  CHECK(was_posted);
  CHECK(yields == 15);
  for (const int count : turns) {
    CHECK(count >= 2);
    CHECK(count <= 4);
  }
}

TEST_CASE("a handler may destroy its watch, also when its turn was asked for") {
  EventLoop loop;
  std::unique_ptr<Pair> pair;
  bool had_a_turn = false;
  pair = std::make_unique<Pair>(loop, [&] {
    had_a_turn = true;
    pair.reset();
  });
  pair->watch->call_soon();
  do_all(loop);
  CHECK(had_a_turn);
  pair = std::make_unique<Pair>(loop, [] { CHECK(false); });
  pair->watch->call_soon();
  pair.reset();
  do_all(loop);
}

}  // namespace
}  // namespace netd
