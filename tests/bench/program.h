// What bench programs do: report in lines, read their arguments, give up, end their servers, keep to a core, take a
// median.
#ifndef LARDER_TESTS_BENCH_PROGRAM_H_
#define LARDER_TESTS_BENCH_PROGRAM_H_

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "fmt/core.h"

namespace larder::bench {

[[noreturn]] inline void fail(std::string_view what) {
  fmt::print(stderr, "{}: {}\n", program_invocation_short_name, what);
  std::exit(1);
}

// In a process just forked: it ends with the bench, even one that is killed.
inline void end_with_bench() { prctl(PR_SET_PDEATHSIG, SIGTERM); }

// The calling thread, and those it starts from now on, run on that core only.
inline void pin_to(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<size_t>(core), &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

// A line at a time, into a file too.
inline void print_by_lines() { std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ); }

// The argument at that place, or what it is when it is left out.
inline uint64_t number_argument(int argc, char** argv, int place, uint64_t otherwise) {
  return argc > place ? std::strtoull(argv[place], nullptr, 10) : otherwise;
}

// `share`: 0 is the lowest, 1 the highest.
inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(static_cast<double>(values.size() - 1) * share)];
}
inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_PROGRAM_H_
