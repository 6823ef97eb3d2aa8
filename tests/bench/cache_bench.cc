// Time per operation of the cache, each next to a peer that does the same work in the same run.
//
//   cache_bench [--rows PATTERN] [items] [rounds]
//
// 24-byte keys, uniformly random requests made before the clock runs. loads.h has the rows; PATTERN is a regular
// expression for some of their titles. Every contender is measured twice: in a process of its own, and in one where
// all contenders of the row were filled one after the other. The statement that is measured is the same code in
// both, and in all rows. Every round measures each contender once in each process, in turn; the figures are medians
// over the rounds, and so are the ratios, each of times of the same round. With several threads, the ratio is how
// many times as many operations they get done as one of the same contender, or four threads as two; that wants two
// idle cores, and four threads are measured on four.
//
// A contender's second line ends with whether the two measurements agree, and with the largest share of a core that
// other programs had in a round. A ratio is worth quoting only where the two agree.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "bench_process.h"
#include "contenders.h"
#include "fmt/core.h"
#include "loads.h"
#include "program.h"

namespace larder::bench {
namespace {

// Two ratios agree that are this close: as close as ratios of the same program come from one run to the next.
constexpr double kAgreeing = 1.1;

// What one contender took in one process: the ns of an operation, of [t][round] by load.threads[t] threads.
using Times = std::vector<std::vector<double>>;

std::vector<double> ratios(const std::vector<double>& dividends, const std::vector<double>& divisors) {
  std::vector<double> result(dividends.size());
  std::transform(dividends.begin(), dividends.end(), divisors.begin(), result.begin(), std::divides<>());
  return result;
}

std::string with_range(const std::vector<double>& values, int digits, std::string_view unit) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{:.{}f}{} ({:.{}f}..{:.{}f})", median(values), digits, unit, *low, digits, *high, digits);
}

// The ratios that a line of the table has: to the peer, or of more threads to fewer.
std::vector<std::vector<double>> ratios_of(const Times& own, const Times& peer) {
  if (own.size() == 1) return {ratios(own[0], peer[0])};
  std::vector<std::vector<double>> result;
  for (size_t t = 1; t < own.size(); ++t) result.push_back(ratios(own[t - 1], own[t]));
  return result;
}

std::string line_of(const Load& load, const Times& own, const Times& peer) {
  const std::vector<std::vector<double>> all = ratios_of(own, peer);
  if (own.size() == 1) {
    return fmt::format("{:>30}  {}", with_range(own[0], 1, " ns"), with_range(all[0], 2, " x"));
  }
  std::string line = fmt::format("{:7.1f} ns", median(own[0]));
  for (size_t t = 1; t < own.size(); ++t) {
    line += fmt::format(", {:.1f} by {} threads: {}", median(own[t]), load.threads[t],
                        with_range(all[t - 1], 2, " x as many"));
  }
  return line;
}

bool is_agreed(const std::vector<std::vector<double>>& some, const std::vector<std::vector<double>>& others) {
  return std::equal(some.begin(), some.end(), others.begin(), [](const auto& a, const auto& b) {
    return std::max(median(a), median(b)) <= kAgreeing * std::min(median(a), median(b));
  });
}

void measure(const Load& load, size_t items, size_t rounds) {
  const std::vector<std::string_view>& names = load.contenders;
  BenchProcess shared(load, items, names);
  std::vector<std::unique_ptr<BenchProcess>> own;
  for (const std::string_view name : names) {
    own.push_back(std::make_unique<BenchProcess>(load, items, std::vector<std::string_view>{name}));
  }
  const Times none(load.threads.size());
  std::vector<Times> own_times(names.size(), none);
  std::vector<Times> shared_times(names.size(), none);
  std::vector<double> others(names.size(), 0);
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t c = 0; c < names.size(); ++c) {
      const auto measure = [&](BenchProcess& process, size_t place, Times& times) {
        for (size_t t = 0; t < load.threads.size(); ++t) {
          const Round measured = process.measure(place, load.threads[t]);
          times[t].push_back(measured.ns);
          others[c] = std::max(others[c], measured.others_share);
        }
      };
      measure(*own[c], 0, own_times[c]);
      measure(shared, c, shared_times[c]);
    }
  }
  for (size_t c = 0; c < names.size(); ++c) {
    const std::string name =
        fmt::format("{}{}", names[c], load.evicts && !evicts(names[c]) ? " (overwriting)" : "");
    const bool agree =
        is_agreed(ratios_of(own_times[c], own_times[0]), ratios_of(shared_times[c], shared_times[0]));
    fmt::print("{:<38} {:<38} own process  {}\n", load.title, name, line_of(load, own_times[c], own_times[0]));
    fmt::print("{:<38} {:<38} one process  {}  {}, others had {:.0f} %\n", load.title, name,
               line_of(load, shared_times[c], shared_times[0]), agree ? "agree" : "differ", others[c] * 100);
  }
}

void run(const std::regex& rows, size_t items, size_t rounds) {
  fmt::print("{} items, {}-byte keys, {} rounds, seed {}\n", items, kKeyBytes, rounds, kSeed);
  for (const Load& load : all_loads(items)) {
    if (std::regex_search(load.title, rows)) measure(load, items, rounds);
  }
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  if (larder::bench::is_bench_process(argc, argv)) {
    larder::bench::serve_measurements(argc, argv);
    return 0;
  }
  larder::bench::print_by_lines();
  std::regex rows("");
  if (argc > 2 && std::string_view(argv[1]) == "--rows") {
    rows = argv[2];
    argc -= 2;
    argv += 2;
  }
  const size_t items = larder::bench::number_argument(argc, argv, 1, 1'000'000);
  const size_t rounds = larder::bench::number_argument(argc, argv, 2, 5);
  larder::bench::run(rows, items, rounds);
}
