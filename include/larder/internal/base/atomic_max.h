// A bound that threads raise together.
#ifndef LARDER_INTERNAL_BASE_ATOMIC_MAX_H_
#define LARDER_INTERNAL_BASE_ATOMIC_MAX_H_

#include <atomic>

namespace larder::internal {

// Makes `bound` at least `value`. Relaxed: the bound stands for nothing but itself.
template <class Number>
void atomic_max(std::atomic<Number>& bound, Number value) {
  Number seen = bound.load(std::memory_order_relaxed);
  while (value > seen && !bound.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ATOMIC_MAX_H_
