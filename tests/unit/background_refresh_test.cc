// What get_or_load says of where its answer has come from, and refreshes that the program's own tasks make: the
// same for caches of bytes and of objects.
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "doctest/doctest.h"
#include "larder/loading_cache.h"
#include "larder/loading_object_cache.h"
#include "larder/renewal.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr LoadOptions kOptions{.ttl = 10s, .refresh_ahead = 2s, .stale_grace = 60s, .absent_ttl = 10s};
const absl::StatusOr<std::string> kDown = absl::UnavailableError("down");
const absl::StatusOr<std::string> kNothing = absl::NotFoundError("none");

struct Bytes {
  TestCache cache;
  ManualClock& clock = cache.clock;
  LoadingCache<int, std::string> values{*cache};

  static std::string text(const std::string& value) { return value; }
};

struct Objects {
  ManualClock clock;
  LoadingObjectCache<int, std::string> values{100, {}, &clock};

  static std::string text(const std::shared_ptr<const std::string>& value) { return *value; }
};

// Runs what it was given when it is told to.
class Tasks {
 public:
  LoadExecutor executor() {
    return [this](std::function<void()> task) { tasks_.push_back(std::move(task)); };
  }
  [[nodiscard]] size_t size() const { return tasks_.size(); }
  void run() {
    for (; !tasks_.empty(); tasks_.pop_front()) tasks_.front()();
  }
  void drop() { tasks_.clear(); }

 private:
  std::deque<std::function<void()>> tasks_;
};

template <class Kind>
struct Loading : Kind {
  struct Got {
    std::string text;
    LoadSource source;
  };

  template <class Load>
  Got load(int key, Load&& load) {
    Got got;
    const auto found = this->values.get_or_load(key, kOptions, std::forward<Load>(load), &got.source);
    got.text = found.ok() ? Kind::text(*found) : std::string(absl::StatusCodeToString(found.status().code()));
    return got;
  }
  Got get(int key, absl::StatusOr<std::string> loaded) {
    return load(key, [loaded = std::move(loaded)](int) { return loaded; });
  }
};

void check(const auto& got, const std::string& text, LoadSource source) {
  CHECK(got.text == text);
  CHECK(got.source == source);
}

TEST_CASE_TEMPLATE("who loads is told where the answer has come from", Kind, Bytes, Objects) {
  Loading<Kind> loading;
  check(loading.get(1, "first"), "first", LoadSource::kLoaded);
  check(loading.get(1, "second"), "first", LoadSource::kHit);
  loading.clock.advance_ms(9'000);
  // It is due, and cannot be had; but it is still good.
  check(loading.get(1, kDown), "first", LoadSource::kHit);
  loading.clock.advance_ms(1'000);
  check(loading.get(1, kDown), "first", LoadSource::kStale);
  check(loading.get(1, "second"), "second", LoadSource::kLoaded);
  check(loading.get(2, kDown), "UNAVAILABLE", LoadSource::kLoaded);
  check(loading.get(2, kNothing), "NOT_FOUND", LoadSource::kLoaded);
  check(loading.get(2, "there"), "NOT_FOUND", LoadSource::kAbsent);
}

TEST_CASE_TEMPLATE("who waits for another's load is told so", Kind, Bytes, Objects) {
  Loading<Kind> loading;
  const auto waits = [&] { return loading.values.load_stats().waits; };
  std::jthread other;
  const auto slow = [&](int) {
    other = std::jthread([&] { check(loading.get(1, "mine"), "theirs", LoadSource::kJoined); });
    while (waits() == 0) std::this_thread::yield();
    return std::string("theirs");
  };
  check(loading.load(1, slow), "theirs", LoadSource::kLoaded);
}

TEST_CASE("each of many keys is told where it has come from; an invalidated value is stale") {
  Loading<Bytes> loading;
  CHECK(loading.get(1, "one").source == LoadSource::kLoaded);
  CHECK(loading.get(2, "two").source == LoadSource::kLoaded);
  CHECK(loading.get(3, kNothing).source == LoadSource::kLoaded);
  const auto load = [&](std::span<const int> keys) {
    // The one who loads what is invalidated gets it; others, meanwhile, what there was.
    check(loading.get(2, "never"), "two", LoadSource::kStale);
    return std::vector<std::optional<std::string>>(keys.size(), "loaded");
  };
  CHECK(invalidate(*loading.cache, "2") == EraseResult::kErased);
  const std::vector<int> keys = {1, 2, 3, 4, 4};
  std::vector<LoadSource> sources(keys.size());
  const auto found = loading.values.get_or_load_multi(keys, kOptions, load, sources);
  CHECK(*found[1] == "loaded");
  CHECK(absl::IsNotFound(found[2].status()));
  CHECK(sources == std::vector{LoadSource::kHit, LoadSource::kLoaded, LoadSource::kAbsent, LoadSource::kLoaded,
                               LoadSource::kLoaded});
  // There may be fewer places than keys.
  sources.resize(1);
  CHECK(loading.values.get_or_load_multi(keys, kOptions, load, sources).size() == keys.size());
  CHECK(sources[0] == LoadSource::kHit);
}

TEST_CASE_TEMPLATE("what is due is loaded by a task, one for each key, and nobody waits", Kind, Bytes, Objects) {
  Loading<Kind> loading;
  Tasks tasks;
  loading.values.refresh_in_background(tasks.executor());
  check(loading.get(1, "first"), "first", LoadSource::kLoaded);
  check(loading.get(2, "other"), "other", LoadSource::kLoaded);
  CHECK(tasks.size() == 0);
  loading.clock.advance_ms(9'000);
  for (int i = 0; i < 3; ++i) check(loading.get(1, "second"), "first", LoadSource::kHit);
  CHECK(tasks.size() == 1);
  check(loading.get(2, "more"), "other", LoadSource::kHit);
  CHECK(tasks.size() == 2);
  CHECK(loading.values.load_stats().refreshes <= 2);
  tasks.run();
  CHECK(loading.values.load_stats().refreshes == 2);
  check(loading.get(1, "never"), "second", LoadSource::kHit);
  check(loading.get(2, "never"), "more", LoadSource::kHit);
  // And again.
  loading.clock.advance_ms(9'000);
  check(loading.get(1, "third"), "second", LoadSource::kHit);
  tasks.run();
  check(loading.get(1, "never"), "third", LoadSource::kHit);
  // What is past its time is not due: it is worth waiting for.
  loading.clock.advance_ms(10'000);
  check(loading.get(1, "fourth"), "fourth", LoadSource::kLoaded);
  CHECK(tasks.size() == 0);
}

TEST_CASE_TEMPLATE(
    "a refresh that fails, throws or never runs leaves the value, and the next caller's task is another", Kind,
    Bytes, Objects) {
  Loading<Kind> loading;
  Tasks tasks;
  loading.values.refresh_in_background(tasks.executor());
  check(loading.get(1, "first"), "first", LoadSource::kLoaded);
  loading.clock.advance_ms(9'000);
  check(loading.get(1, kDown), "first", LoadSource::kHit);
  tasks.run();
  const auto throws = [](int) -> std::string { throw std::runtime_error("down"); };
  check(loading.load(1, throws), "first", LoadSource::kHit);
  tasks.run();
  check(loading.get(1, "dropped"), "first", LoadSource::kHit);
  CHECK(tasks.size() == 1);
  tasks.drop();
  check(loading.get(1, "second"), "first", LoadSource::kHit);
  tasks.run();
  check(loading.get(1, "never"), "second", LoadSource::kHit);
}

TEST_CASE_TEMPLATE("a task that runs late brings back nothing that was erased, and replaces nothing newer", Kind,
                   Bytes, Objects) {
  Loading<Kind> loading;
  Tasks tasks;
  loading.values.refresh_in_background(tasks.executor());
  for (const int key : {1, 2}) check(loading.get(key, "old"), "old", LoadSource::kLoaded);
  loading.clock.advance_ms(9'000);
  const auto erasing = [&](int key) {
    CHECK(loading.values.erase(key) == EraseResult::kErased);
    return std::string("late");
  };
  check(loading.load(1, erasing), "old", LoadSource::kHit);
  const auto storing = [&](int key) {
    CHECK(loading.values.set(key, "newer") == StoreResult::kStored);
    return std::string("late");
  };
  check(loading.load(2, storing), "old", LoadSource::kHit);
  tasks.run();
  CHECK_FALSE(loading.values.contains(1));
  check(loading.get(2, "never"), "newer", LoadSource::kHit);
}

TEST_CASE_TEMPLATE("a load function that cannot be copied is called by its caller", Kind, Bytes, Objects) {
  Loading<Kind> loading;
  Tasks tasks;
  loading.values.refresh_in_background(tasks.executor());
  check(loading.get(1, "first"), "first", LoadSource::kLoaded);
  loading.clock.advance_ms(9'000);
  auto text = std::make_unique<std::string>("second");
  check(loading.load(1, [text = std::move(text)](int) { return *text; }), "second", LoadSource::kLoaded);
  CHECK(tasks.size() == 0);
  // Nor if there is no executor any more.
  loading.values.refresh_in_background(nullptr);
  loading.clock.advance_ms(9'000);
  check(loading.get(1, "third"), "third", LoadSource::kLoaded);
}

TEST_CASE("of many keys, those that are due are loaded together by one task") {
  Loading<Bytes> loading;
  Tasks tasks;
  loading.values.refresh_in_background(tasks.executor());
  std::vector<std::vector<int>> loads;
  const auto load = [&](std::span<const int> keys) {
    loads.emplace_back(keys.begin(), keys.end());
    return std::vector<std::optional<std::string>>(keys.size(), std::to_string(loads.size()));
  };
  const auto get = [&](std::vector<int> keys) {
    std::string texts;
    for (const auto& found : loading.values.get_or_load_multi(keys, kOptions, load)) texts += *found;
    return texts;
  };
  CHECK(get({1, 2, 3}) == "111");
  loading.clock.advance_ms(9'000);
  check(loading.get(3, "2"), "1", LoadSource::kHit);
  CHECK(get({1, 2, 3, 4}) == "1112");
  CHECK(get({1, 2}) == "11");
  CHECK(tasks.size() == 2);
  tasks.run();
  CHECK(get({1, 2, 3, 4}) == "3322");
  CHECK(loads == std::vector<std::vector<int>>{{1, 2, 3}, {4}, {1, 2}});
}

TEST_CASE_TEMPLATE("tasks of many threads refresh what many threads ask for", Kind, Bytes, Objects) {
  Loading<Kind> loading;
  std::vector<std::jthread> runners;
  internal::Mutex mutex;
  loading.values.refresh_in_background([&](std::function<void()> task) {
    const internal::MutexLock lock(mutex);
    runners.emplace_back(std::move(task));
  });
  for (int key = 0; key < 4; ++key) check(loading.get(key, "0"), "0", LoadSource::kLoaded);
  for (int round = 1; round <= 10; ++round) {
    loading.clock.advance_ms(9'000);
    {
      std::vector<std::jthread> readers;
      for (int reader = 0; reader < 3; ++reader) {
        readers.emplace_back([&] {
          for (int key = 0; key < 4; ++key) {
            const auto got = loading.get(key, std::to_string(round));
            CHECK((got.text == std::to_string(round) || got.text == std::to_string(round - 1)));
            CHECK(got.source == LoadSource::kHit);
          }
        });
      }
    }
    runners.clear();
    for (int key = 0; key < 4; ++key) check(loading.get(key, "never"), std::to_string(round), LoadSource::kHit);
  }
  CHECK(loading.values.load_stats().refreshes == 40);
}

}  // namespace
}  // namespace larder
