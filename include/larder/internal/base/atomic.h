// The two kinds of atomics that there are here: what orders memory says how at each access, and the rest never
// does.
#ifndef LARDER_INTERNAL_BASE_ATOMIC_H_
#define LARDER_INTERNAL_BASE_ATOMIC_H_

#include <atomic>

namespace larder::internal {

// An atomic that other memory is ordered by: each access says how, for there is no default. lib/CONCURRENCY.md has
// the list, and tests/memory_model a test of each.
template <class T>
class OrderedAtomic {
 public:
  constexpr OrderedAtomic() = default;
  constexpr explicit OrderedAtomic(T value) : value_(value) {}

  [[nodiscard]] T load(std::memory_order order) const { return value_.load(order); }
  void store(T value, std::memory_order order) { value_.store(value, order); }
  T exchange(T value, std::memory_order order) { return value_.exchange(value, order); }
  T fetch_add(T value, std::memory_order order) { return value_.fetch_add(value, order); }
  T fetch_sub(T value, std::memory_order order) { return value_.fetch_sub(value, order); }
  T fetch_or(T value, std::memory_order order) { return value_.fetch_or(value, order); }
  T fetch_and(T value, std::memory_order order) { return value_.fetch_and(value, order); }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    return value_.compare_exchange_weak(expected, desired, success, failure);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order) {
    return value_.compare_exchange_strong(expected, desired, order);
  }

 private:
  std::atomic<T> value_{};
};

// An atomic all of whose accesses are relaxed: either it stands for nothing but itself, as a count does, or other
// atomics, fences or locks say what it is in order with.
template <class T>
class RelaxedAtomic {
 public:
  constexpr RelaxedAtomic() = default;
  constexpr explicit RelaxedAtomic(T value) : value_(value) {}

  [[nodiscard]] T load() const { return value_.load(std::memory_order_relaxed); }
  void store(T value) { value_.store(value, std::memory_order_relaxed); }
  T exchange(T value) { return value_.exchange(value, std::memory_order_relaxed); }
  T fetch_add(T value) { return value_.fetch_add(value, std::memory_order_relaxed); }
  T fetch_sub(T value) { return value_.fetch_sub(value, std::memory_order_relaxed); }
  T fetch_or(T value) { return value_.fetch_or(value, std::memory_order_relaxed); }
  bool compare_exchange_weak(T& expected, T desired) {
    return value_.compare_exchange_weak(expected, desired, std::memory_order_relaxed);
  }
  bool compare_exchange_strong(T& expected, T desired) {
    return value_.compare_exchange_strong(expected, desired, std::memory_order_relaxed);
  }

  // Makes it at least `value`.
  void raise_to(T value) {
    T seen = load();
    while (value > seen && !compare_exchange_weak(seen, value)) {
    }
  }

 private:
  std::atomic<T> value_{};
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ATOMIC_H_
