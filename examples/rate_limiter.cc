// Lets each client make a few requests in a quarter of a second, and no more: a counter that expires by itself.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "larder/cache.h"

namespace {

// Threads share it freely, as they do the cache.
class RateLimiter {
 public:
  // At most `requests_max` requests of a client in a window of `window`, which begins with the first of them.
  RateLimiter(larder::Cache& cache, uint64_t requests_max, std::chrono::milliseconds window)
      : cache_(cache), requests_max_(requests_max), window_(window) {}

  [[nodiscard]] bool allows(std::string_view client) {
    // One step: whoever comes first makes the counter, with its expiry; the others count, and leave that alone.
    const larder::CounterResult result =
        cache_.incr("rate:" + std::string(client), 1, {.initial = 1, .expiry = window_});
    // A counter for which there is no memory limits nobody.
    const bool is_counted = result.status == larder::CounterStatus::kDone;
    return !is_counted || result.value <= requests_max_;
  }

 private:
  larder::Cache& cache_;
  const uint64_t requests_max_;
  const std::chrono::milliseconds window_;
};

}  // namespace

int main() {
  // A clock that stands still shows what happens when. Without it the cache goes by the system's.
  larder::ManualClock clock;
  larder::Options options;
  options.clock = &clock;
  absl::StatusOr<std::unique_ptr<larder::Cache>> cache = larder::Cache::create(options);
  if (!cache.ok()) {
    std::cerr << cache.status() << '\n';
    return EXIT_FAILURE;
  }
  RateLimiter limiter(**cache, 3, std::chrono::milliseconds(250));

  std::string answers;
  for (int request = 0; request < 6; ++request) {
    answers += limiter.allows("10.0.0.1") ? "yes " : "no ";
    clock.advance_ms(60);
  }
  // The fifth request comes at 240 ms, the sixth at 300 ms, when a new window begins.
  std::cout << answers << '\n';
  const bool is_other_free = limiter.allows("10.0.0.2");
  return answers == "yes yes yes no no yes " && is_other_free ? EXIT_SUCCESS : EXIT_FAILURE;
}
