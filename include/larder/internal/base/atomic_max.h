// A maximum that several threads update.
#ifndef LARDER_INTERNAL_BASE_ATOMIC_MAX_H_
#define LARDER_INTERNAL_BASE_ATOMIC_MAX_H_

#include <atomic>

namespace larder::internal {

// Makes `bound` at least `value`. Relaxed: no other data depends on the bound.
template <class Number>
void atomic_max(std::atomic<Number>& bound, Number value) {
  Number seen = bound.load(std::memory_order_relaxed);
  while (value > seen && !bound.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ATOMIC_MAX_H_
