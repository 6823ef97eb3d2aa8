#include "netd/secret.h"

#include <doctest/doctest.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace netd {
namespace {

TEST_CASE("a secret is itself and nothing else") {
  for (const std::string& secret : {std::string(), std::string("s"), std::string(kSecretBytesMax, 's')}) {
    CHECK(is_same_secret(secret, secret));
    CHECK_FALSE(is_same_secret(secret + "s", secret));
    CHECK_FALSE(is_same_secret(secret + std::string(1, '\0'), secret));
    for (size_t i = 0; i < secret.size(); ++i) {
      std::string other = secret;
      other[i] = 't';
      CHECK_FALSE(is_same_secret(other, secret));
      CHECK_FALSE(is_same_secret(secret.substr(0, i), secret));
    }
  }
}

int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

int64_t comparisons_ns(const std::string& given, const std::string& secret) {
  constexpr int kComparisons = 50;
  const int64_t begin_ns = cpu_ns();
  for (int i = 0; i < kComparisons; ++i) {
    if (is_same_secret(given, secret)) return -1;
  }
  return cpu_ns() - begin_ns;
}

TEST_CASE("how much of a secret is right does not show in how long the comparison takes") {
  const std::string secret(kSecretBytesMax, 's');
  std::string wrong_at_first = secret;
  wrong_at_first.front() = 't';
  std::string wrong_at_last = secret;
  wrong_at_last.back() = 't';
  // The shortest of many measurements, by turns: nothing but the comparison itself is in all of them.
  int64_t first_ns = std::numeric_limits<int64_t>::max();
  int64_t last_ns = first_ns;
  for (int round = 0; round < 300; ++round) {
    first_ns = std::min(first_ns, comparisons_ns(wrong_at_first, secret));
    last_ns = std::min(last_ns, comparisons_ns(wrong_at_last, secret));
  }
  REQUIRE(first_ns > 0);
  REQUIRE(last_ns > 0);
  // A comparison that stopped at the first difference would be some hundred times faster there.
  CHECK(last_ns < first_ns * 4);
  CHECK(first_ns < last_ns * 4);
}

}  // namespace
}  // namespace netd
