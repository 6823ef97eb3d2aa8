// What a fuzz target does about a property that does not hold: it says which one, and ends as a crash does.
#ifndef TESTS_FUZZ_REQUIRE_H_
#define TESTS_FUZZ_REQUIRE_H_

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace netd::fuzz {

[[noreturn]] inline void fail(std::string_view what) {
  // Not to stderr, which a fuzzer has closed against what netd logs.
  fmt::print("does not hold: {}\n", what);
  std::fflush(stdout);
  std::abort();
}

inline void require(bool holds, std::string_view what) {
  if (!holds) fail(what);
}

}  // namespace netd::fuzz

#endif  // TESTS_FUZZ_REQUIRE_H_
