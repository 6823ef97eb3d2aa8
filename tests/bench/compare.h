// Contenders that do the same work, measured in turn, round by round.
#ifndef LARDER_TESTS_BENCH_COMPARE_H_
#define LARDER_TESTS_BENCH_COMPARE_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "program.h"

namespace larder::bench {

struct Contender {
  std::string name;
  std::function<void()> run;  // all operations
  std::vector<double> ns = {};
};

// A line for each: the median of the rounds, the lowest and the highest, and the ratio of the median to that of the
// first contender, which is the peer that the others are compared with.
inline void compare(const std::string& title, size_t rounds, size_t operations, std::vector<Contender> contenders) {
  for (size_t round = 0; round < rounds; ++round) {
    for (Contender& contender : contenders) {
      const auto begin = std::chrono::steady_clock::now();
      contender.run();
      const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
      contender.ns.push_back(took.count() / static_cast<double>(operations));
    }
  }
  const double peer = median(contenders.front().ns);
  for (const Contender& contender : contenders) {
    const auto [low, high] = std::minmax_element(contender.ns.begin(), contender.ns.end());
    fmt::print("{:<28} {:<26} {:7.1f} ns  ({:.1f}..{:.1f})  {:.2f} x\n", title, contender.name,
               median(contender.ns), *low, *high, median(contender.ns) / peer);
  }
}

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_COMPARE_H_
