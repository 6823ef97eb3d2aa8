// LoadingObjectCache. That a load brings back nothing is in tests/model/objects_test.cc.
#include "larder/loading_object_cache.h"

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "doctest/doctest.h"
#include "larder/await_load.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

using Texts = LoadingObjectCache<int, std::string>;
using Pointer = Texts::Pointer;

std::string text_of(const absl::StatusOr<Pointer>& found) {
  return found.ok() ? **found : std::string(absl::StatusCodeToString(found.status().code()));
}

struct Fixture {
  ManualClock clock;
  Texts cache{100, {}, &clock};
  int loads = 0;

  template <class Result>
  std::string get(int key, const LoadOptions& options, Result result) {
    return text_of(cache.get_or_load(key, options, [&](int asked) {
      CHECK(asked == key);
      ++loads;
      return result;
    }));
  }
};

TEST_CASE_FIXTURE(Fixture, "what is missing is loaded, whatever the load function returns") {
  CHECK(get(1, {}, std::string("a value")) == "a value");
  CHECK(get(2, {}, std::optional<std::string>("an optional")) == "an optional");
  CHECK(get(3, {}, std::make_shared<std::string>("a pointer")) == "a pointer");
  CHECK(get(4, {}, absl::StatusOr<std::string>("a value or a status")) == "a value or a status");
  CHECK(get(5, {}, absl::StatusOr<std::shared_ptr<const std::string>>(std::make_shared<std::string>("both"))) ==
        "both");
  CHECK(get(6, {}, "what makes one") == "what makes one");
  CHECK(loads == 6);
  for (int key = 1; key <= 6; ++key) CHECK(cache.contains(key));
  CHECK(get(1, {}, std::string("another")) == "a value");
  CHECK(loads == 6);
  const LoadStats stats = cache.load_stats();
  CHECK(stats.loads == 6);
  CHECK(stats.load_failures == 0);
  CHECK(cache.stats().hits == 1);
  CHECK(cache.stats().misses == 6);
}

TEST_CASE_FIXTURE(Fixture, "that there is nothing is remembered for as long as is said") {
  CHECK(get(1, {}, std::optional<std::string>()) == "NOT_FOUND");
  CHECK(get(1, {}, std::shared_ptr<const std::string>()) == "NOT_FOUND");
  CHECK(loads == 2);
  CHECK(cache.objects().stats().objects == 0);
  CHECK(get(1, {.absent_ttl = 1s}, absl::StatusOr<std::string>(absl::NotFoundError("none"))) == "NOT_FOUND");
  CHECK(get(1, {.absent_ttl = 1s}, std::string("there")) == "NOT_FOUND");
  CHECK(cache.get(1) == nullptr);
  CHECK(loads == 3);
  CHECK(cache.load_stats().absent_hits == 1);
  clock.advance_ms(1'000);
  CHECK(get(1, {.absent_ttl = 1s}, std::string("there")) == "there");
  // To erase it, or to store, ends it sooner.
  CHECK(get(2, {.absent_ttl = 1s}, std::optional<std::string>()) == "NOT_FOUND");
  CHECK(cache.erase(2) == EraseResult::kNotFound);
  CHECK(get(2, {.absent_ttl = 1s}, std::string("there")) == "there");
  CHECK(get(3, {.absent_ttl = 1s}, std::optional<std::string>()) == "NOT_FOUND");
  CHECK(cache.add(3, "stored") == StoreResult::kStored);
  CHECK(get(3, {.absent_ttl = 1s}, std::string("loaded")) == "stored");
}

TEST_CASE_FIXTURE(Fixture, "an object is refreshed before its time is over, and served after it if loads fail") {
  const LoadOptions options{.ttl = 10s, .refresh_ahead = 2s, .stale_grace = 60s};
  const absl::StatusOr<std::string> down = absl::UnavailableError("down");
  CHECK(get(1, options, std::string("old")) == "old");
  clock.advance_ms(8'000);
  CHECK(get(1, options, std::string("not yet")) == "old");
  clock.advance_ms(1);
  CHECK(get(1, options, down) == "old");
  CHECK(get(1, options, std::string("new")) == "new");
  CHECK(loads == 3);
  clock.advance_ms(10'000);
  // For others its time is over.
  CHECK(cache.get(1) == nullptr);
  CHECK(cache.peek(1) == nullptr);
  CHECK(get(1, options, down) == "new");
  clock.advance_ms(59'999);
  CHECK(get(1, options, down) == "new");
  clock.advance_ms(1);
  CHECK(get(1, options, down) == "UNAVAILABLE");
  CHECK(cache.get(1) == nullptr);
  CHECK(get(1, options, std::string("up")) == "up");
  const LoadStats stats = cache.load_stats();
  CHECK(stats.load_failures == 4);
  CHECK(stats.refreshes == 2);
  CHECK(stats.stale_served == 3);
}

TEST_CASE_FIXTURE(Fixture, "an object with a ttl of 0 goes to its callers alone; one that is too heavy as well") {
  CHECK(get(1, {.ttl = 0s}, std::string("one")) == "one");
  CHECK(cache.objects().stats().objects == 0);
  Texts weighing(10, {.weigher = [](int, const std::string& text) { return static_cast<uint64_t>(text.size()); }});
  CHECK(text_of(weighing.get_or_load(1, {}, [](int) { return std::string(11, 'x'); })) == std::string(11, 'x'));
  CHECK_FALSE(weighing.contains(1));
  CHECK(weighing.load_stats().not_stored == 1);
}

TEST_CASE_FIXTURE(Fixture, "a load function may say how long its object is good, and what it weighs") {
  const LoadOptions options{.ttl = 1h};
  CHECK(get(1, options, Loaded<std::string>{.value = "one", .ttl = 1s, .weight = 30}) == "one");
  CHECK(get(2, options, std::optional(Loaded<std::string>{.value = "two"})) == "two");
  CHECK(get(3, options,
            absl::StatusOr<Loaded<std::shared_ptr<std::string>>>(Loaded{std::make_shared<std::string>("three")})) ==
        "three");
  CHECK(cache.objects().stats().weight == 32);
  clock.advance_ms(1'000);
  CHECK_FALSE(cache.contains(1));
  CHECK(cache.contains(2));
  CHECK(cache.contains(3));
}

TEST_CASE("without a ttl what is loaded is there as long as all objects of the cache") {
  ManualClock clock;
  Texts cache(10, {.expiry = 1s}, &clock);
  CHECK(text_of(cache.get_or_load(1, {}, [](int) { return "loaded"; })) == "loaded");
  clock.advance_ms(999);
  CHECK(cache.contains(1));
  clock.advance_ms(1);
  CHECK_FALSE(cache.contains(1));
}

TEST_CASE("reads of what is due or past its time count against the idle time as well") {
  ManualClock clock;
  Texts cache(10, {.idle = 100ms}, &clock);
  const LoadOptions options{.ttl = 1s, .refresh_ahead = 900ms, .stale_grace = 10s};
  CHECK(text_of(cache.get_or_load(1, options, [](int) { return "loaded"; })) == "loaded");
  const auto down = [](int) -> absl::StatusOr<std::string> { return absl::UnavailableError("down"); };
  for (int i = 0; i < 20; ++i) {
    clock.advance_ms(99);
    CHECK(text_of(cache.get_or_load(1, options, down)) == "loaded");
  }
  clock.advance_ms(100);
  CHECK(text_of(cache.get_or_load(1, options, down)) == "UNAVAILABLE");
}

TEST_CASE("that there is nothing takes room, too") {
  std::vector<std::pair<int, Removal>> told;
  Texts cache(1'000, {.weigher = [](int, const std::string& text) { return text.size(); },
                      .absence_weight = 100,
                      .listener = [&](int key, const Pointer&, Removal why) { told.emplace_back(key, why); }});
  const auto nothing = [](int) { return std::optional<std::string>(); };
  for (int key = 0; key < 1'000; ++key) {
    CHECK(text_of(cache.get_or_load(key, {.absent_ttl = 1h}, nothing)) == "NOT_FOUND");
  }
  CHECK(cache.objects().stats().objects == 10);
  CHECK(cache.objects().stats().weight == 1'000);
  CHECK(cache.stats().stores == 0);
  CHECK(told.empty());
  // An object in whose place nothing was found was erased.
  ManualClock clock;
  Texts due(10, {.listener = [&](int key, const Pointer&, Removal why) { told.emplace_back(key, why); }}, &clock);
  const LoadOptions options{.ttl = 10s, .refresh_ahead = 20s};
  CHECK(text_of(due.get_or_load(7, options, [](int) { return "there"; })) == "there");
  CHECK(text_of(due.get_or_load(7, options, nothing)) == "NOT_FOUND");
  CHECK(told == std::vector{std::pair(7, Removal::kErased)});
  // Unless said otherwise it counts for the bytes that it takes, if objects are weighed.
  Texts weighed(64 << 10, {.weigher = [](int, const std::string& text) { return text.size(); }});
  CHECK(text_of(weighed.get_or_load(1, {.absent_ttl = 1h}, nothing)) == "NOT_FOUND");
  CHECK(weighed.objects().stats().weight > 100);
}

TEST_CASE("what is being refreshed stays while its time is over") {
  ManualClock clock;
  Texts cache(1'000, {}, &clock);
  const LoadOptions options{.ttl = 1s, .refresh_ahead = 500ms};
  CHECK(text_of(cache.get_or_load(1, options, [](int) { return "old"; })) == "old");
  clock.advance_ms(600);
  int loads = 0;
  const auto slow = [&](int) {
    ++loads;
    clock.advance_ms(600);
    // Each looks at two objects.
    for (int key = 2; key < 100; ++key) cache.set(key, "x", {.expiry = 1s});
    return "new";
  };
  CHECK(text_of(cache.get_or_load(1, options, slow)) == "new");
  CHECK(text_of(cache.peek(1)) == "new");
  CHECK(loads == 1);
  CHECK(cache.load_stats().not_stored == 0);
}

// Throws when it is told to.
struct Delicate {
  explicit Delicate(int own) : number(own) {}
  Delicate(Delicate&& other) : number(other.number) {
    if (number < 0) throw std::runtime_error("delicate");
  }
  int number;
};

TEST_CASE("what an object's constructor or its weigher throws goes to all who wait, and the next one loads") {
  using Things = LoadingObjectCache<int, Delicate>;
  Things cache(10, {.weigher = [](int, const Delicate& thing) -> uint64_t {
                 if (thing.number == 0) throw std::runtime_error("weightless");
                 return 1;
               }});
  for (const int bad : {-1, 0}) {
    std::vector<Things::Completion> started;
    int told = 0;
    (void)cache.get_or_load_async(
        1, {.load_timeout = 1h},
        [&](int, Things::Completion completion) { started.push_back(std::move(completion)); },
        [&](const absl::StatusOr<Things::Pointer>& got) {
          ++told;
          CHECK(absl::IsInternal(got.status()));
        });
    const uint64_t waits = cache.load_stats().waits;
    std::atomic<bool> is_finished = false, has_thrown = false;
    std::jthread waiting([&] {
      try {
        (void)cache.get_or_load(1, {.load_timeout = 1h}, [](int) { return Delicate(7); });
      } catch (const std::runtime_error&) {
        // So that this thread ends the exception, whose owners ThreadSanitizer does not see.
        while (!is_finished) std::this_thread::yield();
        has_thrown = true;
      }
    });
    while (cache.load_stats().waits == waits) std::this_thread::yield();
    started.front().finish(Delicate(bad));
    is_finished = true;
    waiting.join();
    CHECK(has_thrown);
    CHECK(told == 1);
    CHECK_THROWS_AS((void)cache.get_or_load(1, {}, [&](int) { return Delicate(bad); }), std::runtime_error);
    CHECK_FALSE(cache.contains(1));
  }
  CHECK((*cache.get_or_load(1, {}, [](int) { return Delicate(7); }))->number == 7);
}

TEST_CASE_FIXTURE(Fixture, "times are less the jitter") {
  int there = 0;
  for (int key = 0; key < 100; ++key) CHECK(get(key, {.ttl = 100s, .ttl_jitter = 0.5}, std::string("x")) == "x");
  clock.advance_ms(49'999);
  for (int key = 0; key < 100; ++key) CHECK(cache.contains(key));
  clock.advance_ms(25'000);
  for (int key = 0; key < 100; ++key) there += cache.contains(key) ? 1 : 0;
  CHECK(there > 20);
  CHECK(there < 80);
}

TEST_CASE_FIXTURE(Fixture, "a store while a load runs prevails") {
  const auto found = cache.get_or_load(1, {}, [&](int) {
    cache.set(1, "stored");
    return std::string("loaded");
  });
  CHECK(text_of(found) == "loaded");
  CHECK(*cache.get(1) == "stored");
  (void)cache.get_or_load(2, {}, [&](int) {
    (void)cache.erase(2);
    return std::string("loaded");
  });
  CHECK(cache.get(2) == nullptr);
  CHECK(cache.load_stats().not_stored == 2);
}

TEST_CASE_FIXTURE(Fixture, "a load may ask for other keys, and not for its own") {
  const auto found = cache.get_or_load(1, {}, [&](int) {
    CHECK(text_of(cache.get_or_load(1, {}, [](int) { return "in vain"; })) == "FAILED_PRECONDITION");
    return text_of(cache.get_or_load(2, {}, [](int) { return "two"; })) + " and one";
  });
  CHECK(text_of(found) == "two and one");
}

TEST_CASE("one of many callers loads, and all get what it gets") {
  Texts cache(100);
  std::atomic<int> loads{0}, caught{0};
  const auto ask = [&](auto&& outcome) {
    const uint64_t waits_before = cache.load_stats().waits;
    std::vector<std::string> got(8);
    std::vector<std::thread> threads;
    for (std::string& mine : got) {
      threads.emplace_back([&] {
        try {
          mine = text_of(cache.get_or_load(1, {}, [&](int) -> absl::StatusOr<std::string> {
            ++loads;
            while (cache.load_stats().waits - waits_before < 7) std::this_thread::yield();
            return outcome();
          }));
        } catch (const std::runtime_error& error) {
          mine = error.what();
          // Also puts the end of the exception after all who have read it: ThreadSanitizer does not see how it is
          // counted.
          ++caught;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return got;
  };
  CHECK(ask([]() -> absl::StatusOr<std::string> { throw std::runtime_error("thrown"); }) ==
        std::vector<std::string>(8, "thrown"));
  CHECK(caught == 8);
  CHECK(ask([]() -> absl::StatusOr<std::string> { return absl::UnavailableError("down"); }) ==
        std::vector<std::string>(8, "UNAVAILABLE"));
  CHECK(cache.objects().stats().objects == 0);
  CHECK(ask([]() -> absl::StatusOr<std::string> { return "loaded"; }) == std::vector<std::string>(8, "loaded"));
  CHECK(loads == 3);
}

TEST_CASE("who has waited for too long is told, and the next one loads") {
  Texts cache(100);
  std::atomic<bool> is_loading{false}, is_over{false};
  std::thread slow([&] {
    const auto found = cache.get_or_load(1, {.load_timeout = 50ms}, [&](int) {
      is_loading = true;
      while (!is_over) std::this_thread::yield();
      return "late";
    });
    CHECK(text_of(found) == "late");
  });
  while (!is_loading) std::this_thread::yield();
  const std::string waited = text_of(cache.get_or_load(1, {}, [](int) { return "loaded"; }));
  // On a machine that is slow enough the time was over before it began to wait.
  CHECK((waited == "DEADLINE_EXCEEDED" || waited == "loaded"));
  CHECK(text_of(cache.get_or_load(1, {}, [](int) { return "loaded"; })) == "loaded");
  is_over = true;
  slow.join();
  CHECK(*cache.get(1) == "loaded");
}

// --- callers that do not wait
// --------------------------------------------------------------------------------------

struct AsyncFixture : Fixture {
  // Loads that have been started, and not finished.
  std::vector<std::pair<int, Texts::Completion>> started;
  // What each caller has been given, "-" if he has not been called.
  std::vector<std::string> given;

  Texts::Wait ask(int key, const LoadOptions& options = {}) {
    given.emplace_back("-");
    return cache.get_or_load_async(
        key, options,
        [this](int asked, Texts::Completion completion) { started.emplace_back(asked, std::move(completion)); },
        [this, i = given.size() - 1](absl::StatusOr<Pointer> found) {
          CHECK(given[i] == "-");
          given[i] = text_of(found);
        });
  }
  template <class Loaded>
  void finish(Loaded&& loaded) {
    Texts::Completion completion = std::move(started.front().second);
    started.erase(started.begin());
    completion.finish(std::forward<Loaded>(loaded));
  }
  using Given = std::vector<std::string>;
};

TEST_CASE_FIXTURE(AsyncFixture, "a load is started once, and all who asked are called when it is finished") {
  ask(1);
  ask(1);
  ask(2);
  CHECK(given == Given{"-", "-", "-"});
  REQUIRE(started.size() == 2);
  CHECK(started[0].first == 1);
  CHECK(started[1].first == 2);
  finish("one");
  CHECK(given == Given{"one", "one", "-"});
  finish(absl::StatusOr<std::string>(absl::UnavailableError("down")));
  CHECK(given == Given{"one", "one", "UNAVAILABLE"});
  // What is there is given at once.
  ask(1);
  CHECK(given.back() == "one");
  CHECK(*cache.get(1) == "one");
  CHECK(started.empty());
  ask(3);
  finish(std::optional<std::string>());
  CHECK(given.back() == "NOT_FOUND");
  const LoadStats stats = cache.load_stats();
  CHECK(stats.loads == 3);
  CHECK(stats.waits == 1);
  CHECK(stats.load_failures == 1);
  CHECK(stats.absences == 1);
}

TEST_CASE_FIXTURE(AsyncFixture, "a completion that is dropped has failed, and the next caller loads") {
  ask(1);
  ask(1);
  started.clear();
  CHECK(given == Given{"CANCELLED", "CANCELLED"});
  ask(1);
  finish("loaded");
  CHECK(given.back() == "loaded");
}

TEST_CASE_FIXTURE(AsyncFixture,
                  "a completion that gives way to another has failed; a status says why there is nothing") {
  ask(1);
  ask(2);
  started[0].second = std::move(started[1].second);
  CHECK(given == Given{"CANCELLED", "-"});
  finish(absl::UnavailableError("down"));
  CHECK(given == Given{"CANCELLED", "UNAVAILABLE"});
  started.clear();
  ask(3);
  finish(absl::OkStatus());
  CHECK(given.back() == "INTERNAL");
}

TEST_CASE_FIXTURE(AsyncFixture, "a wait may be moved, and is then nobody's") {
  Texts::Wait first = ask(1);
  Texts::Wait second = std::move(first);
  CHECK_FALSE(first.cancel());  // NOLINT: it is nobody's
  CHECK(second.cancel());
  CHECK(given == Given{"CANCELLED"});
  finish("loaded");
  CHECK_FALSE(second.cancel());
}

TEST_CASE_FIXTURE(AsyncFixture, "who does not want to wait is called at once, and the others later") {
  Texts::Wait first = ask(1);
  Texts::Wait second = ask(1);
  CHECK(first.cancel());
  CHECK(given == Given{"CANCELLED", "-"});
  CHECK_FALSE(first.cancel());
  finish("loaded");
  CHECK(given == Given{"CANCELLED", "loaded"});
  CHECK_FALSE(second.cancel());
  CHECK_FALSE(ask(1).cancel());
  CHECK_FALSE(Texts::Wait().cancel());
}

TEST_CASE_FIXTURE(AsyncFixture,
                  "what is due is given at once and refreshed meanwhile; what has lapsed if the load fails") {
  const LoadOptions options{.ttl = 10s, .refresh_ahead = 2s, .stale_grace = 60s};
  ask(1, options);
  finish("old");
  clock.advance_ms(9'000);
  ask(1, options);
  ask(1, options);
  CHECK(given == Given{"old", "old", "old"});
  REQUIRE(started.size() == 1);
  finish("new");
  ask(1, options);
  CHECK(given.back() == "new");
  clock.advance_ms(10'000);
  ask(1, options);
  CHECK(given.back() == "-");
  finish(absl::StatusOr<std::string>(absl::UnavailableError("down")));
  CHECK(given.back() == "new");
}

TEST_CASE_FIXTURE(AsyncFixture, "callers of both kinds share a load, whoever has begun it") {
  ask(1);
  std::string waited;
  std::thread waiting([&] { waited = get(1, {.load_timeout = 1h}, std::string("in vain")); });
  while (cache.load_stats().waits == 0) std::this_thread::yield();
  finish("loaded by one who does not wait");
  waiting.join();
  CHECK(waited == "loaded by one who does not wait");

  const auto loaded = cache.get_or_load(2, {}, [&](int) {
    ask(2);
    return std::string("loaded by one who waits");
  });
  CHECK(text_of(loaded) == "loaded by one who waits");
  CHECK(given.back() == "loaded by one who waits");
  CHECK(loads == 0);
}

TEST_CASE_FIXTURE(AsyncFixture,
                  "a store or an erase while a load runs prevails, and the callers are called all the same") {
  ask(1);
  cache.set(1, "stored");
  finish("loaded");
  CHECK(given == Given{"loaded"});
  CHECK(*cache.get(1) == "stored");
  ask(2);
  (void)cache.erase(2);
  ask(2);
  REQUIRE(started.size() == 2);
  finish("first");
  CHECK(cache.get(2) == nullptr);
  finish("second");
  CHECK(given == Given{"loaded", "first", "second"});
  CHECK(*cache.get(2) == "second");
}

// --- coroutines
// ----------------------------------------------------------------------------------------------------

struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

template <class Start>
Task await_text(Texts& cache, int key, Start start, std::string& got) {
  const absl::StatusOr<Pointer> found = co_await await_load(cache, key, LoadOptions{}, std::move(start));
  got = text_of(found);
}

TEST_CASE("coroutines go on when what they wait for is loaded") {
  Texts cache(100);
  std::vector<Texts::Completion> started;
  const auto start = [&](int, Texts::Completion completion) { started.push_back(std::move(completion)); };
  std::string first = "-", second = "-", third = "-";
  await_text(cache, 1, start, first);
  await_text(cache, 1, start, second);
  CHECK(first + second == "--");
  REQUIRE(started.size() == 1);
  std::thread([&] { started[0].finish("loaded"); }).join();
  CHECK(first + second == "loadedloaded");
  await_text(cache, 1, start, third);
  CHECK(third == "loaded");
  // Finished before it is suspended.
  await_text(
      cache, 2, [](int, Texts::Completion completion) { completion.finish("at once"); }, third);
  CHECK(third == "at once");
  // By another thread, about then.
  for (int key = 3; key < 200; ++key) {
    std::thread loading;
    std::atomic<bool> is_over{false};
    const auto in_a_thread = [&](int, Texts::Completion completion) {
      loading = std::thread([&is_over, completion = std::move(completion)]() mutable {
        completion.finish("by a thread");
        is_over = true;
      });
    };
    await_text(cache, key, in_a_thread, third);
    loading.join();
    CHECK(is_over);
    CHECK(third == "by a thread");
    third = "-";
  }
}

}  // namespace
}  // namespace larder
