// Processes that measure: the bench runs itself, so that contenders can be measured with nobody else's memory
// around theirs, and in turn with contenders in other processes.
#ifndef LARDER_TESTS_BENCH_BENCH_PROCESS_H_
#define LARDER_TESTS_BENCH_BENCH_PROCESS_H_

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "loads.h"

namespace larder::bench {

struct Round {
  double ns;  // an operation
  double
      others_share;  // CPU time that went to other programs meanwhile, or was kept by the host: 1 is a whole core's
};

// A process that has filled these contenders of a load, and sleeps until it is asked to measure one.
class BenchProcess {
 public:
  // Returns when they are filled.
  BenchProcess(const Load& load, size_t items, const std::vector<std::string_view>& contenders);
  ~BenchProcess();
  BenchProcess(const BenchProcess&) = delete;
  BenchProcess& operator=(const BenchProcess&) = delete;

  // One round of the contender at that place of the constructor's. When other programs ran meanwhile it is measured
  // again, a few times; the least disturbed one counts.
  Round measure(size_t contender, size_t threads);

 private:
  std::string read_line();

  int pid_;
  std::FILE* questions_;
  std::FILE* answers_;
};

// Whether the program was started by BenchProcess, which its arguments say.
bool is_bench_process(int argc, char** argv);

// The process's part, until nobody asks any more.
void serve_measurements(int argc, char** argv);

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_BENCH_PROCESS_H_
