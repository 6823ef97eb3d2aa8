// Counts the writes of each operation to cache lines that all threads write: a part of scale_bench, which starts
// it.
//
// A line is written by all if, in a window of 1,024 operations a thread, each of four threads writes it in at least
// one call of 64 operations. A stripe of the index is no such line, for each is one of hundreds; a counter of a
// thread's own is none; the words that tell an open segment's fill are. Every write counts, also of a line that the
// thread has still to itself.
//
// Prints a line for each load: the title, writes an operation, and those to the line that is written most; and
// then, indented, the lines with the places that write them.
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "place.h"
#include "scale_loads.h"
#include "written_lines.h"

namespace larder::bench {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kWindows = 64;
constexpr size_t kWarmWindows = 16;
constexpr size_t kCallsMin = kScaleWindow / 64;
constexpr size_t kLinesShown = 6;

struct Nobody {
  void begin_window() {}
  void begin_call() {}
  void end_call() {}
  void end_window() {}
  void all_ended_window() {}
};
struct Writes : Nobody {
  void begin_call() { start_recording(); }
  void end_call() { stop_recording(); }
  void end_window() { end_thread_window(); }
  void all_ended_window() { bench::end_window(kCallsMin); }
};

}  // namespace
}  // namespace larder::bench

int main() {
  using namespace larder::bench;
  print_by_lines();
  for_each_scale_load([](const ScaleLoad& load) {
    Nobody nobody;
    const size_t first = run_windows(load, kThreads, kWarmWindows, 0, nobody);
    Writes writes;
    run_windows(load, kThreads, kWindows, first, writes);
    const WrittenLines lines = take_written_lines();
    const auto an_operation = [](uint64_t count) {
      return static_cast<double>(count) / static_cast<double>(kThreads * kWindows * kScaleWindow);
    };
    uint64_t all = 0;
    for (const WrittenLine& line : lines.all) all += line.writes;
    fmt::print("{}|{:.4f}|{:.4f}\n", load.title, an_operation(all), an_operation(lines.writes_to_hottest));
    for (size_t i = 0; i < std::min(kLinesShown, lines.all.size()); ++i) {
      std::string places;
      for (const uintptr_t writer : lines.all[i].writers) places.append(1, ' ').append(place_of(writer));
      fmt::print("  {:.4f}{}\n", an_operation(lines.all[i].writes), places);
    }
  });
}
