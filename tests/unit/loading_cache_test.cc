// LoadingCache: what is loaded, when, by whom, and what the others get.
#include "larder/loading_cache.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/renewal.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using Numbers = LoadingCache<std::string, int>;

// However long a machine takes to let another thread go on.
constexpr auto kPatience = 24h;
constexpr LoadOptions kPatient{.load_timeout = kPatience};

// A source of numbers that counts how often it is asked, and can be made to fail.
class Source {
 public:
  absl::StatusOr<int> operator()(std::string_view) {
    ++asked;
    if (error.ok()) return next++;
    return error;
  }

  std::atomic<int> asked = 0;
  int next = 1;
  absl::Status error;
};

// What somebody elsewhere sees who would renew the item, as mg with N30 does.
Reading read_elsewhere(Cache& cache, std::string_view key, std::chrono::milliseconds recache = {}) {
  Reading seen;
  read(cache, key, {.vivify = SetOptions{.expiry = 30s}, .recache = recache}, [&](const Reading& reading) {
    seen = reading;
    seen.item.value = {};
  });
  return seen;
}

// What was got, to be compared with; errors are no number.
std::optional<uint64_t> number(const auto& got) { return got.ok() ? std::optional<uint64_t>(*got) : std::nullopt; }

void wait_until(const auto& holds) {
  while (!holds()) std::this_thread::sleep_for(1ms);
}

// Threads that all run that; clearing the vector joins them.
std::vector<std::jthread> start(int count, const auto& run) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(run);
  return threads;
}

TEST_CASE("a loading cache may be moved, with its prefix and what it has counted") {
  TestCache cache;
  Source source;
  Numbers first(*cache, "n:");
  CHECK(number(first.get_or_load("k", {}, source)) == 1);
  Numbers second = std::move(first);
  CHECK(number(second.get_or_load("k", {}, source)) == 1);
  CHECK(second.load_stats().loads == 1);
  Numbers third(*cache, "other:");
  third = std::move(second);
  CHECK(number(third.get_or_load("k", {}, source)) == 1);
  CHECK(source.asked == 1);
}

TEST_CASE("a missing key is loaded once, and read from then on") {
  TestCache cache;
  Numbers numbers(*cache, "n:");
  Source source;
  CHECK(number(numbers.get_or_load("k", {}, source)) == 1);
  CHECK(number(numbers.get_or_load("k", {}, source)) == 1);
  CHECK(numbers.get("k") == 1);
  CHECK(cache->peek("n:k")->ttl_ms == kNeverExpires);
  CHECK(source.asked == 1);
  CHECK(numbers.load_stats().loads == 1);
  CHECK(numbers.load_stats().waits == 0);
  const Stats stats = cache->stats();
  CHECK(stats.get_misses == 1);
  CHECK(stats.get_hits == 2);
  CHECK(stats.vivified == 0);
  CHECK(stats.stores == 1);
  CHECK(stats.items_stored == 1);
}

TEST_CASE("a load function may return the value, a value or nothing, or a status") {
  TestCache cache;
  LoadingCache<int, std::string> names(*cache);
  CHECK(*names.get_or_load(1, {}, [](int n) { return std::to_string(n); }) == "1");
  CHECK(*names.get_or_load(2, {}, [](int) { return "two"; }) == "two");
  CHECK(*names.get_or_load(3, {}, [](int) { return std::optional<std::string>("three"); }) == "three");
  CHECK(absl::IsNotFound(names.get_or_load(4, {}, [](int) { return std::optional<std::string>(); }).status()));
  const absl::Status lost = absl::UnavailableError("lost");
  CHECK(names.get_or_load(5, {}, [&](int) { return absl::StatusOr<std::string>(lost); }).status() == lost);
  LoadingCache<> plain(*cache, "plain:");
  CHECK(*plain.get_or_load("k", {}, [](std::string_view key) { return std::string(key); }) == "k");
  CHECK(*plain.get_or_load("empty", {}, [](std::string_view) { return ""; }) == "");
  CHECK(*plain.get_or_load("empty", {}, [](std::string_view) { return "loaded again"; }) == "");
}

TEST_CASE("a load function may say how long its value is good, and what flags it has") {
  TestCache cache;
  Numbers numbers(*cache);
  const LoadOptions options{.ttl = 1h};
  CHECK(number(numbers.get_or_load("a", options, [](auto&&) { return Loaded{1, 1s}; })) == 1);
  CHECK(number(numbers.get_or_load("b", options, [](auto&&) -> std::optional<Loaded<int>> {
          return Loaded<int>{.value = 2, .flags = 7};
        })) == 2);
  CHECK(number(numbers.get_or_load("c", options, [](auto&&) -> absl::StatusOr<Loaded<int>> {
          return Loaded<int>{.value = 3, .ttl = 0s};
        })) == 3);
  CHECK(absl::IsNotFound(
      numbers.get_or_load("d", options, [](auto&&) -> std::optional<Loaded<int>> { return std::nullopt; })
          .status()));
  CHECK(cache->get("a")->ttl_ms == 1'000);
  CHECK(cache->get("a")->flags == 0);
  CHECK(cache->get("b")->ttl_ms == 3'600'000);
  CHECK(cache->get("b")->flags == 7);
  CHECK_FALSE(cache->contains("c"));
  CHECK(number(numbers.get_or_load("e", {.flags = 5}, [](auto&&) { return Loaded{5, 1s}; })) == 5);
  CHECK(cache->get("e")->flags == 5);
}

TEST_CASE("a value is loaded again in the millisecond its ttl ends") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.ttl = 10s};
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(9'999);
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(1);
  CHECK(number(numbers.get_or_load("k", options, source)) == 2);
}

TEST_CASE("with a ttl of 0 a value goes to who asked, and is not kept") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  for (int i = 1; i <= 3; ++i) CHECK(number(numbers.get_or_load("k", {.ttl = 0s}, source)) == i);
  CHECK_FALSE(cache->contains("k"));
}

TEST_CASE("many threads that ask for one key get one load's value") {
  constexpr int kThreads = 8;
  TestCache cache;
  Numbers numbers(*cache);
  std::atomic<int> loads = 0, right = 0;
  start(kThreads, [&] {
    const absl::StatusOr<int> value = numbers.get_or_load("k", kPatient, [&](std::string_view) {
      ++loads;
      wait_until([&] { return numbers.load_stats().waits == kThreads - 1; });
      return 7;
    });
    right += number(value) == 7;
  }).clear();
  CHECK(loads == 1);
  CHECK(right == kThreads);
}

TEST_CASE("an error goes to all who wait, and the next caller loads") {
  constexpr int kThreads = 4;
  TestCache cache;
  Numbers numbers(*cache);
  std::atomic<int> loads = 0, failed = 0;
  start(kThreads, [&] {
    const absl::StatusOr<int> value =
        numbers.get_or_load("k", kPatient, [&](std::string_view) -> absl::StatusOr<int> {
          ++loads;
          wait_until([&] { return numbers.load_stats().waits == kThreads - 1; });
          return absl::UnavailableError("down");
        });
    failed += value.status() == absl::UnavailableError("down");
  }).clear();
  CHECK(loads == 1);
  CHECK(failed == kThreads);
  CHECK(numbers.load_stats().load_failures == 1);
  // The win was given back.
  CHECK_FALSE(cache->contains("k"));
  CHECK(number(numbers.get_or_load("k", {}, [](std::string_view) { return 5; })) == 5);
}

TEST_CASE("an exception goes to all who wait, and the next caller loads") {
  constexpr int kThreads = 4;
  TestCache cache;
  Numbers numbers(*cache);
  std::atomic<int> loads = 0, caught = 0;
  start(kThreads, [&] {
    try {
      (void)numbers.get_or_load("k", kPatient, [&](std::string_view) -> int {
        ++loads;
        wait_until([&] { return numbers.load_stats().waits == kThreads - 1; });
        throw std::runtime_error("down");
      });
    } catch (const std::runtime_error& error) {
      caught += error.what() == std::string_view("down");
    }
  }).clear();
  CHECK(loads == 1);
  CHECK(caught == kThreads);
  CHECK_FALSE(cache->contains("k"));
  CHECK(number(numbers.get_or_load("k", {}, [](std::string_view) { return 5; })) == 5);
}

TEST_CASE("shortly before a value expires one caller loads it, while the others go on with it") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.ttl = 10s, .refresh_ahead = 2s};
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(8'000);
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(1);
  const auto load = [&](std::string_view key) {
    // Meanwhile: another caller, another thread, a reader elsewhere.
    CHECK(number(numbers.get_or_load("k", options, source)) == 1);
    std::jthread([&] { CHECK(number(numbers.get_or_load("k", options, source)) == 1); }).join();
    CHECK_FALSE(read_elsewhere(*cache, "k", 5s).has_won);
    CHECK(source.asked == 1);
    return source(key);
  };
  CHECK(number(numbers.get_or_load("k", options, load)) == 2);
  CHECK(number(numbers.get_or_load("k", options, source)) == 2);
  CHECK(cache->peek("k")->ttl_ms == 10'000);
  CHECK(numbers.load_stats().loads == 2);
  CHECK(numbers.load_stats().refreshes == 1);
}

TEST_CASE("when loading ahead fails, the value stays, and the next caller loads") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.ttl = 10s, .refresh_ahead = 2s};
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(9'000);
  source.error = absl::UnavailableError("down");
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  CHECK(source.asked == 3);
  CHECK(numbers.load_stats().stale_served == 2);
  source.error = absl::OkStatus();
  CHECK(number(numbers.get_or_load("k", options, source)) == 2);
}

TEST_CASE("within the grace an old value is given when its load fails, and never after") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.ttl = 10s, .stale_grace = 60s};
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  CHECK(cache->peek("k")->ttl_ms == 70'000);
  source.error = absl::UnavailableError("down");
  cache.clock.advance_ms(10'000);
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  CHECK(source.asked == 2);
  CHECK(number(numbers.get_or_load("k", options,
                                   [](std::string_view) -> int { throw std::runtime_error("down"); })) == 1);
  cache.clock.advance_ms(59'999);
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(1);
  CHECK(numbers.get_or_load("k", options, source).status() == source.error);
  CHECK(numbers.load_stats().stale_served == 3);
  source.error = absl::OkStatus();
  CHECK(number(numbers.get_or_load("k", options, source)) == 2);
}

TEST_CASE("in the grace who comes while it is loaded waits for the new value") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.ttl = 10s, .stale_grace = 60s, .load_timeout = kPatience};
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(10'000);
  std::optional<std::jthread> other;
  const absl::StatusOr<int> value = numbers.get_or_load("k", options, [&](std::string_view key) {
    other.emplace([&] { CHECK(number(numbers.get_or_load("k", options, source)) == 2); });
    wait_until([&] { return numbers.load_stats().waits == 1; });
    CHECK_FALSE(read_elsewhere(*cache, "k", 100s).has_won);
    return source(key);
  });
  other.reset();
  CHECK(number(value) == 2);
  CHECK(source.asked == 2);
}

TEST_CASE("that there is nothing is known for its own time") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  source.error = absl::NotFoundError("no row");
  const LoadOptions options{.ttl = 10s, .refresh_ahead = 5s, .stale_grace = 60s, .absent_ttl = 3s};
  CHECK(numbers.get_or_load("k", options, source).status() == source.error);
  CHECK_FALSE(numbers.get("k"));
  CHECK_FALSE(numbers.contains("k"));
  cache.clock.advance_ms(2'999);
  CHECK(absl::IsNotFound(numbers.get_or_load("k", options, source).status()));
  CHECK(source.asked == 1);
  CHECK(numbers.load_stats().absences == 1);
  CHECK(numbers.load_stats().absent_hits == 1);
  cache.clock.advance_ms(1);
  // Its grace: what was known is answered when the source is down.
  source.error = absl::UnavailableError("down");
  CHECK(absl::IsNotFound(numbers.get_or_load("k", options, source).status()));
  CHECK(source.asked == 2);
  source.error = absl::OkStatus();
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  CHECK(numbers.load_stats().absences == 1);
  CHECK(numbers.load_stats().absent_hits == 2);
  CHECK(numbers.load_stats().stale_served == 1);
  CHECK(numbers.load_stats().refreshes == 0);
}

TEST_CASE("the time of all loads is added up, and the longest kept") {
  TestCache cache;
  Numbers numbers(*cache);
  const auto load_for = [](std::chrono::milliseconds duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {
    }
    return 1;
  };
  const auto get = [&](std::string_view key, std::chrono::milliseconds duration) {
    CHECK(number(numbers.get_or_load(key, {}, [&](std::string_view) { return load_for(duration); })) == 1);
    return numbers.load_stats();
  };
  const LoadStats first = get("short", 1ms);
  CHECK(first.load_ns >= 1'000'000);
  CHECK(first.load_ns_max == first.load_ns);
  const LoadStats second = get("long", 5ms);
  CHECK(second.load_ns - first.load_ns >= 5'000'000);
  CHECK(second.load_ns_max >= 5'000'000);
  CHECK(second.load_ns_max < second.load_ns);
  CHECK(get("again", 0ms).load_ns_max >= second.load_ns_max);
}

TEST_CASE("without a time for it, that there is nothing is not kept, and removes an old value") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.ttl = 10s, .stale_grace = 60s};
  CHECK(number(numbers.get_or_load("k", options, source)) == 1);
  cache.clock.advance_ms(10'000);
  source.error = absl::NotFoundError("no row");
  CHECK(numbers.get_or_load("k", options, source).status() == source.error);
  CHECK_FALSE(cache->contains("k"));
  CHECK(numbers.get_or_load("k", options, source).status() == source.error);
  CHECK(source.asked == 3);
}

TEST_CASE("an invalidated value is loaded by one caller, while the others go on with it") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  CHECK(numbers.set("k", 100) == StoreResult::kStored);
  CHECK(numbers.invalidate("k") == EraseResult::kErased);
  const auto load = [&](std::string_view key) {
    CHECK(number(numbers.get_or_load("k", {}, source)) == 100);
    return source(key);
  };
  CHECK(number(numbers.get_or_load("k", {}, load)) == 1);
  CHECK(source.asked == 1);
  // One whose load fails is still invalid afterwards.
  CHECK(numbers.invalidate("k") == EraseResult::kErased);
  source.error = absl::UnavailableError("down");
  CHECK(number(numbers.get_or_load("k", {}, source)) == 1);
  CHECK(cache->peek("k")->is_stale);
  CHECK_FALSE(cache->peek("k")->is_won);
  source.error = absl::OkStatus();
  CHECK(number(numbers.get_or_load("k", {}, source)) == 2);
}

TEST_CASE("bytes that are no value are loaded over") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  (void)cache->set("k", "no number");
  CHECK(number(numbers.get_or_load("k", {}, source)) == 1);
  CHECK(numbers.get("k") == 1);
  // One look at the cache, and one who would have won.
  CHECK(numbers.decode_failures() == 2);
}

// --- what happens to the key while it is loaded ------------------------------------------------------------

TEST_CASE("what is stored while a load is under way stays") {
  TestCache cache;
  Numbers numbers(*cache);
  CHECK(number(numbers.get_or_load("k", {}, [&](std::string_view) {
          CHECK(numbers.set("k", 100) == StoreResult::kStored);
          return 1;
        })) == 1);
  CHECK(numbers.get("k") == 100);
  CHECK(numbers.load_stats().not_stored == 1);
}

TEST_CASE("what is erased, flushed or invalidated while a load is under way is loaded anew by who comes after") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  std::vector<FunctionRef<void()>> removals;
  const auto erase = [&] { CHECK(numbers.erase("k") == EraseResult::kNotFound); };
  const auto flush = [&] { cache->flush_all(); };
  const auto invalidate = [&] { CHECK(numbers.invalidate("k") == EraseResult::kNotFound); };
  for (const FunctionRef<void()> remove :
       {FunctionRef<void()>(erase), FunctionRef<void()>(flush), FunctionRef<void()>(invalidate)}) {
    (void)numbers.erase("k");
    const int old = source.next++;
    CHECK(number(numbers.get_or_load("k", {}, [&](std::string_view) {
            remove();
            return old;
          })) == old);
    CHECK_FALSE(numbers.contains("k"));
    // And while the load goes on, too.
    CHECK(number(numbers.get_or_load("k", {}, [&](std::string_view) {
            remove();
            std::jthread([&] { CHECK(number(numbers.get_or_load("k", {}, source)) == old + 1); }).join();
            return old;
          })) == old);
    CHECK(numbers.get("k") == old + 1);
  }
}

TEST_CASE("a failed load takes nothing away that came meanwhile") {
  TestCache cache;
  Numbers numbers(*cache);
  const absl::StatusOr<int> value = numbers.get_or_load("k", {}, [&](std::string_view) -> absl::StatusOr<int> {
    CHECK(numbers.set("k", 100) == StoreResult::kStored);
    return absl::UnavailableError("down");
  });
  CHECK(value.status() == absl::UnavailableError("down"));
  CHECK(numbers.get("k") == 100);
}

TEST_CASE("a load may load other keys, but not its own") {
  TestCache cache;
  LoadingCache<int, uint64_t> fibonacci(*cache);
  const auto load = [&](auto& self, int n) -> absl::StatusOr<uint64_t> {
    if (n < 2) return n;
    const auto next = [&](int m) { return self(self, m); };
    const absl::StatusOr<uint64_t> one = fibonacci.get_or_load(n - 1, {}, next);
    const absl::StatusOr<uint64_t> two = fibonacci.get_or_load(n - 2, {}, next);
    return *one + *two;
  };
  CHECK(number(fibonacci.get_or_load(50, {}, [&](int n) { return load(load, n); })) == 12'586'269'025u);
  CHECK(fibonacci.load_stats().loads == 51);

  absl::Status inner;
  CHECK(number(fibonacci.get_or_load(100, {}, [&](int) {
          inner = fibonacci.get_or_load(100, {}, [](int) { return 0; }).status();
          return 9;
        })) == 9);
  CHECK(absl::IsFailedPrecondition(inner));
}

// --- others who win ----------------------------------------------------------------------------------------

TEST_CASE("a reader elsewhere does not win what is loaded here") {
  TestCache cache;
  Numbers numbers(*cache);
  CHECK(number(numbers.get_or_load("k", {.load_timeout = 5s}, [&](std::string_view) {
          const Reading seen = read_elsewhere(*cache, "k");
          CHECK_FALSE(seen.has_won);
          CHECK(seen.item.is_won);
          CHECK(seen.item.ttl_ms == 5'000);
          return 1;
        })) == 1);
  CHECK_FALSE(read_elsewhere(*cache, "k").item.is_won);
}

TEST_CASE("what is won elsewhere is waited for, by all") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  CHECK(read_elsewhere(*cache, "k").has_won);
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads =
      start(3, [&] { right += number(numbers.get_or_load("k", kPatient, source)) == 100; });
  wait_until([&] { return numbers.load_stats().waits == 3; });
  CHECK(numbers.set("k", 100) == StoreResult::kStored);
  threads.clear();
  CHECK(right == 3);
  CHECK(source.asked == 0);
}

TEST_CASE("when the winner elsewhere gives up, or its item expires, one caller here loads") {
  for (const bool expires : {true, false}) {
    TestCache cache;
    Numbers numbers(*cache);
    Source source;
    CHECK(read_elsewhere(*cache, "k").has_won);
    std::atomic<int> right = 0;
    std::vector<std::jthread> threads =
        start(3, [&] { right += number(numbers.get_or_load("k", kPatient, source)) == 1; });
    wait_until([&] { return numbers.load_stats().waits == 3; });
    if (expires) {
      cache.clock.advance_ms(30'000);
    } else {
      CHECK(numbers.erase("k") == EraseResult::kErased);
    }
    threads.clear();
    CHECK(right == 3);
    CHECK(source.asked == 1);
  }
}

TEST_CASE("a winner elsewhere who never brings the value is given up") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  CHECK(read_elsewhere(*cache, "k").has_won);
  CHECK(number(numbers.get_or_load("k", {.load_timeout = 20ms}, source)) == 1);
  CHECK(numbers.get("k") == 1);
  CHECK(numbers.load_stats().timeouts == 1);
}

TEST_CASE("who comes when a winner elsewhere has been given up waits for the load that has begun then") {
  // The load itself is waited for no longer than the winner was: in vain, on a machine that stands still meanwhile.
  bool is_shared = false;
  for (const std::chrono::milliseconds timeout : {100ms, 1'000ms, 10'000ms, 100'000ms}) {
    TestCache cache;
    Numbers numbers(*cache);
    Source source;
    CHECK(read_elsewhere(*cache, "k").has_won);
    std::optional<std::jthread> other;
    std::optional<uint64_t> got;
    CHECK(number(numbers.get_or_load("k", {.load_timeout = timeout}, [&](std::string_view) {
            other.emplace([&] { got = number(numbers.get_or_load("k", {}, source)); });
            wait_until([&] { return numbers.load_stats().waits == 2 || source.asked > 0; });
            return 7;
          })) == 7);
    other.reset();
    is_shared = got == 7 && source.asked == 0;
    if (is_shared) break;
  }
  CHECK(is_shared);
}

TEST_CASE("what is erased after a winner elsewhere has been given up is loaded anew by who comes then") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  CHECK(read_elsewhere(*cache, "k").has_won);
  CHECK(number(numbers.get_or_load("k", {.load_timeout = 100ms}, [&](std::string_view) {
          CHECK(numbers.erase("k") == EraseResult::kErased);
          std::jthread([&] { CHECK(number(numbers.get_or_load("k", {}, source)) == 1); }).join();
          return 7;
        })) == 7);
  CHECK(numbers.get("k") == 1);
}

TEST_CASE("two loading caches load a key once") {
  TestCache cache;
  Numbers one(*cache), two(*cache);
  Source source;
  std::optional<std::jthread> other;
  CHECK(number(one.get_or_load("k", kPatient, [&](std::string_view key) {
          other.emplace([&] { CHECK(number(two.get_or_load("k", kPatient, source)) == 1); });
          wait_until([&] { return two.load_stats().waits == 1; });
          return source(key);
        })) == 1);
  other.reset();
  CHECK(source.asked == 1);
}

TEST_CASE("a load that takes too long is given up by those who wait, and the next caller loads") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.load_timeout = 20ms};
  CHECK(number(numbers.get_or_load("k", options, [&](std::string_view) {
          std::jthread([&] {
            // The first waits in vain, the second comes when the load is overdue.
            const absl::StatusOr<int> value = numbers.get_or_load("k", options, source);
            CHECK((absl::IsDeadlineExceeded(value.status()) || number(value) == 1));
            CHECK(number(numbers.get_or_load("k", options, source)) == 1);
          }).join();
          return 100;
        })) == 100);
  CHECK(numbers.get("k") == 1);
  CHECK(source.asked == 1);
  CHECK(numbers.load_stats().not_stored == 1);
  // The next caller had not to wait for the win to expire: it has inherited it.
  CHECK(numbers.load_stats().timeouts <= 1);
}

// A load that takes that long, by the cache's clock.
auto load_for(TestCache& cache, std::chrono::milliseconds duration, int value) {
  return [&cache, duration, value](std::string_view) {
    cache.clock.advance_ms(duration.count());
    return value;
  };
}

TEST_CASE("a load that takes longer than it is waited for stores its value, if nobody has stored or erased since") {
  TestCache cache;
  Numbers numbers(*cache);
  const LoadOptions options{.ttl = 1h, .load_timeout = 10s};
  CHECK(number(numbers.get_or_load("k", options, load_for(cache, 10s, 1))) == 1);
  CHECK(numbers.get("k") == 1);
  CHECK(cache->peek("k")->ttl_ms == 3'600'000);
  CHECK(number(numbers.get_or_load("l", options, load_for(cache, 10s + 1h - 1ms, 2))) == 2);
  CHECK(numbers.get("l") == 2);
  CHECK(numbers.load_stats().not_stored == 0);
  // Nobody has kept a place for that one.
  CHECK(number(numbers.get_or_load("m", options, load_for(cache, 10s + 1h, 3))) == 3);
  CHECK_FALSE(numbers.get("m"));
  const auto load_while = [&](const auto& happens) {
    return [&](std::string_view) {
      cache.clock.advance_ms(10'000);
      happens();
      return 4;
    };
  };
  CHECK(number(numbers.get_or_load("n", options, load_while([&] { (void)numbers.erase("n"); }))) == 4);
  CHECK_FALSE(numbers.get("n"));
  CHECK(number(numbers.get_or_load("o", options, load_while([&] { (void)numbers.set("o", 5); }))) == 4);
  CHECK(numbers.get("o") == 5);
  CHECK(numbers.load_stats().not_stored == 3);
}

TEST_CASE("of loads that each take longer than they are waited for the first to end stores its value") {
  TestCache cache;
  Numbers one(*cache), two(*cache);
  const LoadOptions options{.load_timeout = 10s};
  std::atomic<int> begun = 0, has_landed = 0;
  std::optional<std::jthread> other;
  CHECK(number(one.get_or_load("k", options, [&](std::string_view) {
          cache.clock.advance_ms(10'000);
          other.emplace([&] {
            CHECK(number(two.get_or_load("k", options, [&](std::string_view) {
                    ++begun;
                    wait_until([&] { return has_landed > 0; });
                    return 2;
                  })) == 2);
          });
          wait_until([&] { return begun > 0; });
          return 1;
        })) == 1);
  CHECK(one.get("k") == 1);
  ++has_landed;
  other.reset();
  CHECK(one.get("k") == 1);
  CHECK(one.load_stats().not_stored == 0);
  CHECK(two.load_stats().not_stored == 1);
  CHECK(two.load_stats().waits == 0);
}

TEST_CASE("a load that takes over from one that is late, and fails, leaves nothing behind") {
  TestCache cache;
  LoadingCache<> strings(*cache);
  const LoadOptions options{.load_timeout = 1ms};
  std::atomic<bool> is_over = false;
  CHECK(*strings.get_or_load("k", options, [&](std::string_view) {
    cache.clock.advance_ms(1);
    std::jthread([&] {
      // Until the first is overdue by the other clock, too.
      const auto fail = [&](std::string_view) -> absl::StatusOr<std::string> {
        is_over = true;
        return absl::UnavailableError("down");
      };
      while (!is_over) CHECK_FALSE(strings.get_or_load("k", options, fail).ok());
    }).join();
    CHECK_FALSE(strings.get("k"));
    CHECK_FALSE(cache->contains("k"));
    return "late";
  }) == "late");
  // The one that failed has made way for the next.
  CHECK_FALSE(strings.get("k"));
}

TEST_CASE("a ttl that others give is no grace") {
  TestCache cache;
  Numbers numbers(*cache);
  Source source;
  const LoadOptions options{.ttl = 10s, .stale_grace = 60s};
  const auto is_kept_for_5s = [&] {
    const int before = source.asked;
    cache.clock.advance_ms(4'999);
    (void)numbers.get_or_load("k", options, source);
    const bool is_kept = source.asked == before;
    cache.clock.advance_ms(1);
    const bool is_there = numbers.contains("k");
    (void)numbers.get_or_load("k", options, source);
    return is_kept && !is_there && source.asked == before + 1;
  };
  (void)numbers.get_or_load("k", options, source);
  CHECK(numbers.touch("k", 5s));
  CHECK(is_kept_for_5s());
  CHECK(numbers.get_and_touch("k", 5s));
  CHECK(is_kept_for_5s());
  CHECK(numbers.set("k", 100, {.expiry = 5s}) == StoreResult::kStored);
  CHECK(is_kept_for_5s());
  const auto add_one = [](std::optional<int>& value) { return value = value.value_or(0) + 1, true; };
  CHECK(numbers.update("k", add_one, 5s).status == UpdateStatus::kStored);
  CHECK(is_kept_for_5s());
  CHECK(numbers.invalidate("k", {.is_stale = false, .expiry = 5s}) == EraseResult::kErased);
  CHECK(is_kept_for_5s());
  // One that is past its ttl gets a new one.
  cache.clock.advance_ms(10'000);
  CHECK(numbers.touch("k", 5s));
  CHECK(is_kept_for_5s());
}

TEST_CASE("what changes an item and not its expiry leaves it its grace") {
  TestCache cache;
  LoadingCache<> strings(*cache);
  const LoadOptions options{.ttl = 10s, .stale_grace = 60s};
  int loads = 0;
  const auto get = [&](std::string_view key) {
    return *strings.get_or_load(key, options, [&](std::string_view) { return ++loads, "1"; });
  };
  const auto has_grace = [&](std::string_view key, const auto& change) {
    loads = 0;
    (void)get(key);
    change(key);
    cache.clock.advance_ms(9'999);
    (void)get(key);
    const bool is_kept = loads == 1;
    cache.clock.advance_ms(1);
    CHECK(cache->contains(key));
    (void)get(key);
    return is_kept && loads == 2;
  };
  CHECK(has_grace("append", [&](auto key) { (void)cache->append(key, "2"); }));
  CHECK(has_grace("incr", [&](auto key) { (void)cache->incr(key); }));
  CHECK(has_grace("update", [&](auto key) { (void)cache->update(key, [](auto) { return Update::store("2"); }); }));
  CHECK(has_grace("invalidate", [&](auto key) { (void)invalidate(*cache, key, {.is_stale = false}); }));
  CHECK(has_grace("late", [&](auto key) {
    const StoreOptions late{.expected = 1, .takes_older = true};
    CHECK(cache->store(key, "2", late).result == StoreResult::kStored);
    (void)cache->update(key, [](auto) { return Update::store("2"); });
  }));
  const auto first_ttl_ms = [&](std::string_view key) { return cache->peek(key)->ttl_ms; };
  CHECK(first_ttl_ms("append") <= 70'000);
  // And a counter that is given another one has none.
  (void)get("counter");
  (void)cache->incr("counter", 1, {.new_expiry = Expiry::after(5s)});
  cache.clock.advance_ms(4'999);
  loads = 0;
  CHECK(get("counter") == "2");
  CHECK(loads == 0);
}

// --- many keys ---------------------------------------------------------------------------------------------

TEST_CASE("the misses among many keys are loaded together, and in order") {
  TestCache cache;
  Numbers numbers(*cache, "n:");
  CHECK(numbers.set("b", 2) == StoreResult::kStored);
  const std::vector<std::string> keys = {"a", "b", "c", "a", "d"};
  std::vector<std::vector<std::string>> asked;
  const auto load = [&](std::span<const std::string> missing) {
    asked.emplace_back(missing.begin(), missing.end());
    std::vector<std::optional<int>> values;
    for (const std::string& key : missing) {
      values.push_back(key == "d" ? std::nullopt : std::optional<int>(key[0] - 'a' + 1));
    }
    return values;
  };
  const LoadOptions options{.absent_ttl = 10s};
  for (int i = 0; i < 2; ++i) {
    const std::vector<absl::StatusOr<int>> values = numbers.get_or_load_multi(keys, options, load);
    REQUIRE(values.size() == 5);
    CHECK(number(values[0]) == 1);
    CHECK(number(values[1]) == 2);
    CHECK(number(values[2]) == 3);
    CHECK(number(values[3]) == 1);
    CHECK(absl::IsNotFound(values[4].status()));
  }
  CHECK(asked == std::vector<std::vector<std::string>>{{"a", "c", "d"}});
  CHECK(numbers.get_or_load_multi({}, options, load).empty());
}

TEST_CASE("an error of a load of many keys is that of all it was for") {
  TestCache cache;
  Numbers numbers(*cache);
  CHECK(numbers.set("b", 2) == StoreResult::kStored);
  const std::vector<std::string> keys = {"a", "b", ""};
  using Loaded = absl::StatusOr<std::vector<std::optional<int>>>;
  const absl::Status down = absl::UnavailableError("down");
  auto values = numbers.get_or_load_multi(keys, {}, [&](auto) -> Loaded { return down; });
  CHECK(values[0].status() == down);
  CHECK(number(values[1]) == 2);
  CHECK(absl::IsInvalidArgument(values[2].status()));
  values = numbers.get_or_load_multi(keys, {}, [&](auto) -> Loaded { return Loaded::value_type(); });
  CHECK(absl::IsInternal(values[0].status()));
  CHECK_THROWS_AS(
      (void)numbers.get_or_load_multi(keys, {}, [](auto) -> Loaded { throw std::runtime_error("down"); }),
      std::runtime_error);
  CHECK_FALSE(cache->contains("a"));
}

TEST_CASE("two loads of many keys that overlap load each key once, and do not wait for each other for ever") {
  TestCache cache;
  Numbers numbers(*cache);
  std::atomic<int> loads = 0;
  const auto load = [&](std::span<const std::string> missing) {
    loads += static_cast<int>(missing.size());
    return std::vector<std::optional<int>>(missing.size(), 1);
  };
  const std::vector<std::string> there = {"a", "b", "c", "d"}, back = {"d", "c", "b", "a"};
  for (int round = 0; round < 200; ++round) {
    cache->flush_all();
    loads = 0;
    std::jthread other([&] {
      for (const auto& value : numbers.get_or_load_multi(back, kPatient, load)) CHECK(number(value) == 1);
    });
    for (const auto& value : numbers.get_or_load_multi(there, kPatient, load)) CHECK(number(value) == 1);
    other.join();
    CHECK(loads == 4);
  }
}

TEST_CASE("of many keys, those that are won elsewhere are waited for, all at once, after the others are loaded") {
  TestCache cache;
  Numbers numbers(*cache);
  const std::vector<std::string> keys = {"a", "b", "c", "d"};
  for (const char* key : {"b", "c", "d"}) CHECK(read_elsewhere(*cache, key).has_won);
  std::vector<std::string> asked;
  const auto load = [&](std::span<const std::string> missing) {
    if (asked.empty()) {
      // One comes, one is given up, and one remains.
      CHECK(numbers.set("b", 100) == StoreResult::kStored);
      CHECK(numbers.erase("c") == EraseResult::kErased);
    }
    std::vector<std::optional<int>> values;
    for (const std::string& key : missing) {
      asked.push_back(key);
      values.push_back(key[0] - 'a' + 1);
    }
    return values;
  };
  const auto values = numbers.get_or_load_multi(keys, {.load_timeout = 100ms}, load);
  CHECK(number(values[0]) == 1);
  CHECK(number(values[1]) == 100);
  CHECK(number(values[2]) == 3);
  CHECK(number(values[3]) == 4);
  CHECK(asked == std::vector<std::string>{"a", "c", "d"});
  CHECK(numbers.load_stats().waits == 3);
  CHECK(numbers.load_stats().timeouts == 1);
}

}  // namespace
}  // namespace larder
