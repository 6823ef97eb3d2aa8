#include "larder/internal/thread_number.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <new>
#include <vector>

#include "larder/internal/mutex.h"

namespace larder::internal {

constinit thread_local uint32_t this_thread_number = 0;

namespace {

class Numbers {
 public:
  // The lowest that is free; 0 if there is no memory to take it back one day.
  [[nodiscard]] uint32_t take() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    if (free_.empty()) {
      try {
        free_.reserve(highest_ + 1);
      } catch (const std::bad_alloc&) {
        return 0;
      }
      return ++highest_;
    }
    std::ranges::pop_heap(free_, std::greater<>());
    const uint32_t lowest = free_.back();
    free_.pop_back();
    return lowest;
  }

  // Takes no memory.
  void give_back(uint32_t number) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    free_.push_back(number);
    std::ranges::push_heap(free_, std::greater<>());
  }

 private:
  Mutex mutex_;
  uint32_t highest_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<uint32_t> free_ ABSL_GUARDED_BY(mutex_);  // a heap with the lowest on top; has room for all
};

// Never destroyed: threads may end after the program's other objects are gone.
Numbers& numbers() {
  alignas(Numbers) static std::byte memory[sizeof(Numbers)];
  static Numbers& all = *new (memory) Numbers;
  return all;
}

constinit thread_local bool is_thread_ending = false;

// Gives the thread's number back when it ends.
struct Ending {
  ~Ending() {
    is_thread_ending = true;
    numbers().give_back(this_thread_number);
    this_thread_number = 0;
  }
};

}  // namespace

uint32_t take_thread_number() {
  if (is_thread_ending) return 0;
  this_thread_number = numbers().take();
  if (this_thread_number != 0) static thread_local const Ending ending;
  return this_thread_number;
}

}  // namespace larder::internal
