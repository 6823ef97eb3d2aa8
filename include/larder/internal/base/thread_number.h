// A small number for each running thread of the process: the lowest that no other running thread has.
//
// A thread takes its number when it first asks. When it ends, another thread may get the number, and then sees
// what the first one wrote before its end. This is the only state that caches share. It takes no memory and no
// lock.
#ifndef LARDER_INTERNAL_BASE_THREAD_NUMBER_H_
#define LARDER_INTERNAL_BASE_THREAD_NUMBER_H_

#include <cstdint>

namespace larder::internal {

// At most this many threads have a number at a time.
inline constexpr uint32_t kThreadNumberMax = 1 << 16;

// 0 until the thread asks, and after its number was freed. Initial-exec: a single load.
[[gnu::tls_model("initial-exec")]] inline constinit thread_local uint32_t this_thread_number = 0;

// Like thread_number, for a thread that has no number yet.
[[nodiscard]] uint32_t take_thread_number();

// From 1 on; 0 for a thread that is ending and has freed its number, or if there are too many threads.
[[nodiscard]] inline uint32_t thread_number() {
  const uint32_t number = this_thread_number;
  return number != 0 ? number : take_thread_number();
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_THREAD_NUMBER_H_
