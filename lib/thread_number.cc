#include "larder/internal/thread_number.h"

#include <functional>
#include <queue>
#include <vector>

#include "larder/internal/mutex.h"

namespace larder::internal {

constinit thread_local uint32_t this_thread_number = 0;

namespace {

struct Numbers {
  Mutex mutex;
  uint32_t highest ABSL_GUARDED_BY(mutex) = 0;
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> free ABSL_GUARDED_BY(mutex);
};

// Never destroyed: threads may end after the program's other objects are gone.
Numbers& numbers() {
  static Numbers& all = *new Numbers;
  return all;
}

constinit thread_local bool is_thread_ending = false;

// Gives the thread's number back when it ends.
struct Ending {
  ~Ending() {
    is_thread_ending = true;
    Numbers& all = numbers();
    const MutexLock lock(all.mutex);
    all.free.push(this_thread_number);
    this_thread_number = 0;
  }
};

}  // namespace

uint32_t take_thread_number() {
  if (is_thread_ending) return 0;
  {
    Numbers& all = numbers();
    const MutexLock lock(all.mutex);
    if (all.free.empty()) {
      this_thread_number = ++all.highest;
    } else {
      this_thread_number = all.free.top();
      all.free.pop();
    }
  }
  static thread_local const Ending ending;
  return this_thread_number;
}

}  // namespace larder::internal
