// Memoises a function: what it has computed once is read from memory, and threads that ask for the same at the
// same time compute it once, too.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "larder/loading_cache.h"

namespace {

// The argument: equal ones have equal bytes, so it is a key as it is.
struct Range {
  uint64_t first, last;
};

// How long a thread waits for another to compute what it has asked for.
constexpr auto kPatience = std::chrono::hours(1);

std::atomic<int> call_count = 0;

// Slow, and always the same for the same range.
uint64_t count_primes(Range range) {
  ++call_count;
  uint64_t primes = 0;
  for (uint64_t n = range.first; n <= range.last; ++n) {
    bool is_prime = n > 1;
    for (uint64_t d = 2; d * d <= n && is_prime; ++d) is_prime = n % d != 0;
    if (is_prime) ++primes;
  }
  return primes;
}

}  // namespace

int main() {
  absl::StatusOr<std::unique_ptr<larder::Cache>> created = larder::Cache::create();
  if (!created.ok()) {
    std::cerr << created.status() << '\n';
    return EXIT_FAILURE;
  }
  larder::LoadingCache<Range, uint64_t> memo(**created, "primes:");

  std::atomic<int> right_count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const absl::StatusOr<uint64_t> primes =
          memo.get_or_load({1, 100'000}, {.load_timeout = kPatience}, count_primes);
      if (primes.ok() && *primes == 9592) ++right_count;
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::cout << "8 threads asked, the function ran " << call_count << " time\n";
  return right_count == 8 && call_count == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
