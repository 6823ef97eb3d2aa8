#ifndef LARDER_INTERNAL_BASE_THREAD_NUMBER_INL_H_
#define LARDER_INTERNAL_BASE_THREAD_NUMBER_INL_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>

#include "larder/api.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/thread_number.h"

namespace larder::internal {

inline constexpr uint32_t kThreadNumbersPerWord = 64;

// A bit for each number in use. Not guarded by a lock: a child of fork() could find it held for ever.
inline constinit std::array<OrderedAtomic<uint64_t>, kThreadNumberMax / kThreadNumbersPerWord>
    thread_numbers_taken{};

// Takes the lowest free number; 0 if there is none.
inline uint32_t take_lowest_thread_number() {
  for (uint32_t i = 0; i < thread_numbers_taken.size(); ++i) {
    uint64_t word = thread_numbers_taken[i].load(std::memory_order_relaxed);
    while (word != UINT64_MAX) {
      const auto bit = static_cast<uint32_t>(std::countr_one(word));
      // Acquire: with the release of the number's previous thread.
      if (thread_numbers_taken[i].compare_exchange_weak(word, word | uint64_t{1} << bit, std::memory_order_acquire,
                                                        std::memory_order_relaxed)) {
        return i * kThreadNumbersPerWord + bit + 1;
      }
    }
  }
  return 0;
}

inline void give_thread_number_back(uint32_t number) {
  const uint32_t at = number - 1;
  thread_numbers_taken[at / kThreadNumbersPerWord].fetch_and(~(uint64_t{1} << at % kThreadNumbersPerWord),
                                                             std::memory_order_release);
}

inline constinit thread_local bool is_thread_ending = false;

// Frees the thread's number when the thread ends.
struct ThreadEnding {
  ~ThreadEnding() {
    is_thread_ending = true;
    give_thread_number_back(this_thread_number);
    this_thread_number = 0;
  }
};

LARDER_INLINE uint32_t take_thread_number() {
  if (is_thread_ending) return 0;
  this_thread_number = take_lowest_thread_number();
  if (this_thread_number != 0) static thread_local const ThreadEnding ending;
  return this_thread_number;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_THREAD_NUMBER_INL_H_
