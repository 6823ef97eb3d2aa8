// A call of the cache from a function that runs under its lock waited for itself in silence, and so did the end of
// a cache with handles. With assertions, each says what is wrong.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "doctest/doctest.h"
#include "larder/function_ref.h"
#include "larder/typed_cache.h"

namespace larder {
namespace {

#ifdef NDEBUG
constexpr bool kHasAssertions = false;
#else
constexpr bool kHasAssertions = true;
#endif

constexpr std::string_view kUsed =
    "a larder::Cache was used from inside an updater, predicate or visitor that runs under its lock";

std::unique_ptr<Cache> make_cache() {
  std::unique_ptr<Cache> cache = *Cache::create({.memory_limit_bytes = size_t{8} << 20, .seed = 1});
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  REQUIRE(cache->set("number", "5") == StoreResult::kStored);
  return cache;
}

// What a child that was aborted by misusing a cache has said.
std::string last_words(FunctionRef<void(std::unique_ptr<Cache>& cache)> misuse) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Not doctest's.
    (void)std::signal(SIGABRT, SIG_DFL);
    alarm(60);  // what hangs is brought down
    dup2(ends[1], STDERR_FILENO);
    std::unique_ptr<Cache> cache = make_cache();
    misuse(cache);
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char part[1024];
  for (ssize_t bytes = 0; (bytes = ::read(ends[0], part, sizeof part)) > 0;)
    said.append(part, static_cast<size_t>(bytes));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  return said;
}

// Misuse of a cache that has the keys "key" and "number" is named so.
void check_named(std::string_view message, FunctionRef<void(std::unique_ptr<Cache>& cache)> misuse) {
  const std::string said = last_words(misuse);
  CAPTURE(said);
  CHECK(said.find(message) != std::string::npos);
}

TEST_CASE("a call of the cache from a function that runs under its lock is named" *
          doctest::skip(!kHasAssertions)) {
  // From an updater, everything that takes locks, and reads, which may.
  const auto inside_update = [](FunctionRef<void(Cache & cache)> call) {
    check_named(kUsed, [&](std::unique_ptr<Cache>& cache) {
      (void)cache->update("key", [&](const ItemView*) {
        call(*cache);
        return Update::leave();
      });
    });
  };
  std::string value;
  inside_update([&](Cache& cache) { (void)cache.get("other", value); });
  inside_update([](Cache& cache) { (void)cache.get("other"); });
  inside_update([](Cache& cache) { (void)cache.contains("key"); });
  inside_update([](Cache& cache) { (void)cache.hold("key"); });
  inside_update([](Cache& cache) { (void)cache.get_multi(std::array<std::string_view, 1>{"key"}); });
  inside_update([](Cache& cache) { (void)cache.set("key", "value"); });
  inside_update([](Cache& cache) { (void)cache.incr("number"); });
  inside_update([](Cache& cache) { (void)cache.erase("other"); });
  inside_update([](Cache& cache) { (void)cache.touch("key", std::chrono::seconds(1)); });
  inside_update([](Cache& cache) { (void)cache.update("other", [](const ItemView*) { return Update::erase(); }); });
  inside_update([](Cache& cache) { cache.for_each([](const ItemView&) { return true; }); });
  inside_update([](Cache& cache) { cache.flush_all(); });
  inside_update([](Cache& cache) { (void)cache.stats(); });
  inside_update([](Cache& cache) { (void)cache.maintain(); });

  const auto read_other = [](Cache& cache) { return cache.contains("other"); };
  check_named(kUsed, [&](std::unique_ptr<Cache>& cache) {
    (void)erase(*cache, "key", std::nullopt, [&](const ItemView&) { (void)read_other(*cache); });
  });
  check_named(kUsed, [&](std::unique_ptr<Cache>& cache) {
    (void)touch(*cache, "key", std::chrono::seconds(1), [&](const ItemView&) { (void)read_other(*cache); });
  });
  check_named(kUsed, [&](std::unique_ptr<Cache>& cache) {
    (void)cache->erase_if([&](const ItemView&) { return read_other(*cache); });
  });
  check_named(kUsed, [&](std::unique_ptr<Cache>& cache) {
    TypedCache<std::string, int> typed(*cache);
    (void)typed.update("key", [&](std::optional<int>&) { return read_other(*cache); });
  });
}

TEST_CASE("a cache that goes before its handles, or under its own lock, is named" *
          doctest::skip(!kHasAssertions)) {
  check_named("a larder::Handle outlives its Cache", [](std::unique_ptr<Cache>& cache) {
    const Handle handle = cache->hold("key");
    cache.reset();
  });
  check_named(kUsed, [](std::unique_ptr<Cache>& cache) {
    (void)cache->update("key", [&](const ItemView*) {
      cache.reset();
      return Update::leave();
    });
  });
}

TEST_CASE("an updater that overwrites the key is named" * doctest::skip(!kHasAssertions)) {
  check_named("a larder::Cache's key was overwritten by an updater or visitor", [](std::unique_ptr<Cache>& cache) {
    std::string text = "key";
    (void)cache->update(text, [&](const ItemView* item) {
      text = std::string(item->value) + " and more than before";
      return Update::store(text);
    });
  });
}

TEST_CASE("another cache may be called under a lock, and the same one after it") {
  const std::unique_ptr<Cache> cache = make_cache();
  const std::unique_ptr<Cache> other = make_cache();
  const auto through_other = [&](const ItemView*) {
    (void)other->update("key", [](const ItemView*) { return Update::store("other"); });
    return Update::store(std::string(other->get("key")->value));
  };
  CHECK(cache->update("key", through_other).status == UpdateStatus::kStored);
  CHECK(cache->get("key")->value == "other");
  CHECK_THROWS((void)cache->update("key", [](const ItemView*) -> Update { throw std::runtime_error("no"); }));
  CHECK(cache->get("key")->value == "other");
}

}  // namespace
}  // namespace larder
