#include "larder/internal/base/thread_number.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>

namespace larder::internal {

constinit thread_local uint32_t this_thread_number = 0;

namespace {

constexpr uint32_t kNumbersPerWord = 64;

// A bit for each number that a thread has. Without a lock: a child of fork() may find one held, for ever.
constinit std::array<std::atomic<uint64_t>, kThreadNumberMax / kNumbersPerWord> taken{};

// The lowest that is free, 0 if there is none.
uint32_t take_lowest() {
  for (uint32_t i = 0; i < taken.size(); ++i) {
    uint64_t word = taken[i].load(std::memory_order_relaxed);
    while (word != UINT64_MAX) {
      const auto bit = static_cast<uint32_t>(std::countr_one(word));
      // Acquire: with the release of the thread that had it before.
      if (taken[i].compare_exchange_weak(word, word | uint64_t{1} << bit, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
        return i * kNumbersPerWord + bit + 1;
      }
    }
  }
  return 0;
}

void give_back(uint32_t number) {
  const uint32_t at = number - 1;
  taken[at / kNumbersPerWord].fetch_and(~(uint64_t{1} << at % kNumbersPerWord), std::memory_order_release);
}

constinit thread_local bool is_thread_ending = false;

// Gives the thread's number back when it ends.
struct Ending {
  ~Ending() {
    is_thread_ending = true;
    give_back(this_thread_number);
    this_thread_number = 0;
  }
};

}  // namespace

uint32_t take_thread_number() {
  if (is_thread_ending) return 0;
  this_thread_number = take_lowest();
  if (this_thread_number != 0) static thread_local const Ending ending;
  return this_thread_number;
}

}  // namespace larder::internal
