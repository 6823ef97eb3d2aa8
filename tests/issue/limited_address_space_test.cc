// All address space was reserved writable, and that of the index could not be had smaller than 4 GiB: under `ulimit
// -v`, `ulimit -d` or strict overcommit there was no cache at all. And where the address space for large items was
// in pieces, a store gave up though the memory was there.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/serving.h"

namespace larder {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// In a process of its own, with that limit. Says what went wrong and on which line.
template <class Test>
bool holds_under(int resource, size_t bytes, Test&& test) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    try {
      const rlimit limit{bytes, bytes};
      _exit(setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0 && test() ? 0 : 1);
    } catch (const std::exception& error) {
      std::printf("%s\n", error.what());
      std::fflush(stdout);
      _exit(2);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define HOLDS(condition)                                                  \
  do {                                                                    \
    if (!(condition)) {                                                   \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::fflush(stdout);                                                \
      return false;                                                       \
    }                                                                     \
  } while (0)

std::string value_of(int i, size_t bytes) {
  std::string value = std::to_string(i) + ' ';
  value.resize(bytes, static_cast<char>('a' + i % 26));
  return value;
}

// Fills it several times over, with values of all lengths.
bool works(Cache& cache, size_t limit_bytes, size_t value_bytes_max) {
  size_t found = 0;
  size_t stored_bytes = 0;
  for (int i = 0; stored_bytes < 2 * limit_bytes; ++i) {
    const auto bytes_of = [&](int n) { return static_cast<size_t>(n) * 7'919'777 % value_bytes_max; };
    const auto key_of = [](int n) { return "key " + std::to_string(n); };
    const std::string value = value_of(i, bytes_of(i));
    HOLDS(cache.set(key_of(i), value) == StoreResult::kStored);
    stored_bytes += value.size() + 64;
    const int earlier = i - i % 17;
    const std::optional<Item> item = cache.get(key_of(earlier));
    if (!item) continue;
    ++found;
    HOLDS(item->value == value_of(earlier, bytes_of(earlier)));
  }
  HOLDS(found > 0);
  HOLDS(assert_valid(cache).ok());
  HOLDS(cache.stats().memory_used_bytes <= limit_bytes);
  return true;
}

bool a_cache_works(size_t limit_bytes) {
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create({.memory_limit_bytes = limit_bytes, .seed = 1});
  if (!cache.ok()) std::printf("%s\n", cache.status().ToString().c_str());
  HOLDS(cache.ok());
  // As a server has them.
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { (void)(*cache)->get("key"); });
  for (std::thread& thread : threads) thread.join();
  for (const size_t value_bytes_max : {size_t{200}, size_t{5'000}, kMiB - 100}) {
    if (!works(**cache, limit_bytes, value_bytes_max)) return false;
  }
  return true;
}

TEST_CASE("a cache of 64 MiB works in 1 GB of address space, and in less") {
  CHECK(holds_under(RLIMIT_AS, 1'024'000'000, [] { return a_cache_works(64 * kMiB); }));
  CHECK(holds_under(RLIMIT_AS, 600 * kMiB, [] { return a_cache_works(64 * kMiB); }));
  CHECK(holds_under(RLIMIT_AS, 480 * kMiB, [] { return a_cache_works(64 * kMiB); }));
}

TEST_CASE("a cache whose segments are huge pages does, too") {
  CHECK(holds_under(RLIMIT_AS, 1'600 * kMiB, [] { return a_cache_works(256 * kMiB); }));
}

TEST_CASE("only what is used counts as data") {
  CHECK(holds_under(RLIMIT_DATA, 200 * kMiB, [] { return a_cache_works(64 * kMiB); }));
}

TEST_CASE("a cache goes on with what memory the system grants") {
  // The program's own, which the cache leaves nothing of otherwise.
  CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 30) == 1);
  CHECK(mallopt(M_MMAP_THRESHOLD, 32 << 20) == 1);
  void* volatile reserve = std::malloc(30 * kMiB);
  std::free(reserve);
  for (const size_t data_bytes : {66 * kMiB, 70 * kMiB, 72 * kMiB}) {
    for (const size_t value_bytes_max : {200, 5'000, 600'000}) {
      CAPTURE(data_bytes);
      CAPTURE(value_bytes_max);
      CHECK(holds_under(RLIMIT_DATA, data_bytes, [value_bytes_max] {
        absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create({.memory_limit_bytes = 64 * kMiB, .seed = 1});
        HOLDS(cache.ok());
        return works(**cache, 64 * kMiB, value_bytes_max);
      }));
    }
  }
}

TEST_CASE("a cache for which there is no address space is refused, and the reason is said") {
  CHECK(holds_under(RLIMIT_AS, 300 * kMiB, [] {
    const absl::Status status = Cache::create({.memory_limit_bytes = size_t{1} << 30}).status();
    HOLDS(absl::IsResourceExhausted(status));
    HOLDS(status.message().find("memory_limit_bytes") != absl::string_view::npos);
    HOLDS(status.message().find("address space") != absl::string_view::npos);
    return Cache::create({.memory_limit_bytes = 8 * kMiB}).ok();
  }));
}

TEST_CASE("a limit can be raised into the address space there is") {
  CHECK(holds_under(RLIMIT_AS, size_t{4} << 30, [] {
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::create({.memory_limit_bytes = 64 * kMiB, .seed = 1});
    HOLDS(cache.ok());
    HOLDS((*cache)->set_memory_limit(128 * kMiB).ok());
    HOLDS(absl::IsResourceExhausted((*cache)->set_memory_limit(size_t{4} << 30)));
    return works(**cache, 128 * kMiB, 5'000);
  }));
}

}  // namespace
}  // namespace larder
