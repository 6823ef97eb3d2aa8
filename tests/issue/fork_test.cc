// A child that fork made while other threads stored found their locks held, and hung. That cannot be mended in a
// library; what cache.h says of fork must hold.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/function_ref.h"
#include "larder/loading_cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr int kItems = 2000;

std::string key_of(int i) { return "key" + std::to_string(i); }

bool have_all(Cache& cache, std::string_view value) {
  bool have = true;
  for (int i = 0; i < kItems; ++i) {
    const std::optional<Item> item = cache.get(key_of(i));
    have &= item && item->value == value;
  }
  return have;
}

bool store_all(Cache& cache, std::string_view value) {
  bool are_stored = true;
  for (int i = 0; i < kItems; ++i) are_stored &= cache.set(key_of(i), value) == StoreResult::kStored;
  return are_stored;
}

// Whether `work` is true in a child.
bool is_true_in_a_child(FunctionRef<bool()> work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);  // what hangs is brought down
    _exit(work() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("the child of a process with one thread has a copy of the cache, which is independent") {
  std::unique_ptr<Cache> cache = *Cache::create({.memory_limit_bytes = size_t{16} << 20});
  REQUIRE(store_all(*cache, "parent"));
  CHECK(is_true_in_a_child([&] {
    const bool is_right = have_all(*cache, "parent") && store_all(*cache, std::string(1000, 'c')) &&
                          have_all(*cache, std::string(1000, 'c')) && assert_valid(*cache).ok();
    cache.reset();
    return is_right;
  }));
  CHECK(have_all(*cache, "parent"));
  CHECK(store_all(*cache, "parent again"));
  CHECK(have_all(*cache, "parent again"));
  CHECK(assert_valid(*cache).ToString() == "OK");
}

TEST_CASE("a child creates a cache of its own while its parent's threads use theirs") {
  std::unique_ptr<Cache> cache = *Cache::create({.memory_limit_bytes = size_t{16} << 20});
  LoadingCache<int, int> numbers(*cache, "number:");
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (uint32_t seed = 0; seed < 3; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      while (!is_over.load()) {
        (void)cache->set(key_of(static_cast<int>(random() % 100'000)), std::string(random() % 2000, 'x'));
        (void)numbers.get_or_load(static_cast<int>(random() % 1000), {}, [](int number) { return number; });
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    CHECK(is_true_in_a_child([&] {
      absl::StatusOr<std::unique_ptr<Cache>> own = Cache::create({.memory_limit_bytes = size_t{16} << 20});
      if (!own.ok()) return false;
      LoadingCache<int, int> own_numbers(**own, "number:");
      const absl::StatusOr<int> loaded = own_numbers.get_or_load(7, {}, [](int number) { return number + 1; });
      return loaded.ok() && *loaded == 8 && store_all(**own, "child") && have_all(**own, "child") &&
             assert_valid(*(*own)).ok();
    }));
  }
  is_over.store(true);
  for (std::thread& thread : threads) thread.join();
  CHECK(assert_valid(*cache).ToString() == "OK");
}

}  // namespace
}  // namespace larder
