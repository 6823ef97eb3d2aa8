// Which cache lines threads write while they record, and how often.
#ifndef LARDER_TESTS_BENCH_WRITTEN_LINES_H_
#define LARDER_TESTS_BENCH_WRITTEN_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace larder::bench {

// The calling thread's writes count, as those of one more call, until it stops.
void start_recording();
void stop_recording();

// Lines that all threads write, with the places that write them most: return addresses.
struct WrittenLine {
  uint64_t writes;
  std::vector<uintptr_t> writers;
};
struct WrittenLines {
  uint64_t writes_to_hottest = 0;  // to the line that is written most in each window
  std::vector<WrittenLine> all;    // most written first; lines that the same place writes most are one
};

// Ends the calling thread's window.
void end_thread_window();

// After all threads have ended theirs: of the lines that they wrote, adds up those that each of them wrote in at
// least `calls_min` of its calls. To be called while nobody records.
void end_window(size_t calls_min);

// Of all windows since it was called before.
WrittenLines take_written_lines();

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_WRITTEN_LINES_H_
