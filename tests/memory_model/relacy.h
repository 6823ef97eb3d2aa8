// Relacy (Debian's relacy-dev), and its types in the words of the models.
//
// Relacy runs a scenario's threads as fibers of one thread. At each step it chooses the thread that goes on and,
// for each load, one of the values that the C++ memory model lets the load return. It tries all choices in turn,
// but takes a thread that could go on from its turn a bounded number of times in each execution.
//
// What it does not do: a load never returns a value that is stored later, and stores to one variable come in the
// order in which they are executed. As in C++11, a thread's plain stores carry on a release of that thread; since
// C++20 they do not (with that rule patched in, the same passes and the same fails).
#ifndef LARDER_TESTS_MEMORY_MODEL_RELACY_H_
#define LARDER_TESTS_MEMORY_MODEL_RELACY_H_

#include <cerrno>

// As shipped, a variable remembers its last three stores, and this search has a load return one of the last two.
// Here eight are remembered, and a load may return each.
#define atomic_history_size shipped_atomic_history_size
#include <relacy/base.hpp>
#undef atomic_history_size
namespace rl {
inline constexpr size_t atomic_history_size = 8;
}
// In this order: what they include themselves is not all that they need.
// clang-format off
#include <relacy/thread_local_ctx.hpp>
#include <relacy/context_base.hpp>
// clang-format on
#define is_random_sched() is_random_sched() || true
#include <relacy/thread.hpp>
#undef is_random_sched
#pragma push_macro("errno")
#include <relacy/relacy.hpp>
#pragma pop_macro("errno")
// It takes these words for itself.
#undef $
#undef assert
#undef calloc
#undef delete
#undef free
#undef malloc
#undef memory_order_acq_rel
#undef memory_order_acquire
#undef memory_order_consume
#undef memory_order_relaxed
#undef memory_order_release
#undef memory_order_seq_cst
#undef new
#undef realloc

#include <cstdint>
#include <string>

namespace larder::memory_model {

using rl::mo_acq_rel;
using rl::mo_acquire;
using rl::mo_relaxed;
using rl::mo_release;
using rl::mo_seq_cst;

// Where in a model something is done, for the trace of an execution.
using Where = rl::debug_info;
inline Where here(const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
                  unsigned line = __builtin_LINE()) {
  return {function, file, line};
}

class Atomic {
 public:
  Atomic(unsigned value = 0) : value_(value) {}

  unsigned load(rl::memory_order order, Where where = here()) const { return value_.load(order, where); }
  void store(unsigned value, rl::memory_order order, Where where = here()) { value_.store(value, order, where); }
  unsigned exchange(unsigned value, rl::memory_order order, Where where = here()) {
    return value_.exchange(value, order, where);
  }
  unsigned fetch_add(unsigned value, rl::memory_order order, Where where = here()) {
    return value_.fetch_add(value, order, where);
  }
  unsigned fetch_sub(unsigned value, rl::memory_order order, Where where = here()) {
    return value_.fetch_sub(value, order, where);
  }
  unsigned fetch_and(unsigned value, rl::memory_order order, Where where = here()) {
    return value_.fetch_and(value, order, where);
  }
  // A failure's order is what is left of `order` without its release.
  bool compare_exchange(unsigned& expected, unsigned value, rl::memory_order order, Where where = here()) {
    return value_.compare_exchange_strong(expected, value, order, where);
  }

 private:
  rl::atomic<unsigned> value_;
};

// Memory that is read and written plainly: a race for it is an error.
class Plain {
 public:
  Plain(unsigned value = 0) : value_(value) {}

  unsigned load(Where where = here()) const { return value_(where); }
  void store(unsigned value, Where where = here()) { value_(where) = value; }

 private:
  rl::var<unsigned> value_;
};

class Mutex {
 public:
  void lock(const Where& where) { mutex_.lock(where); }
  void unlock(const Where& where) { mutex_.unlock(where); }

 private:
  rl::mutex mutex_;
};

class Lock {
 public:
  explicit Lock(Mutex& mutex, Where where = here()) : mutex_(mutex), where_(where) { mutex_.lock(where_); }
  ~Lock() { mutex_.unlock(where_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
  const Where where_;
};

inline void thread_fence(rl::memory_order order, Where where = here()) {
  if (order != mo_relaxed) rl::atomic_thread_fence(order, where);
}

// Ends an execution as a failure unless this holds.
inline void require(bool holds, const char* what, Where where = here()) {
  if (!holds) rl::ctx().fail_test(what, rl::test_result_user_assert_failed, where);
}

// Runs all executions of a scenario in which at most `switches_max` times a thread that could go on has to wait.
// Returns the trace of the first that fails, or an empty string.
template <class Scenario>
std::string simulate(unsigned switches_max) {
  // Their memory is not the scenario's: Relacy's own allocator keeps it out of the books.
  rl::ostringstream out;
  rl::ostringstream progress;
  rl::ostringstream failed_state;
  rl::test_params params;
  params.search_type = rl::fair_context_bound_scheduler_type;
  params.context_bound = switches_max;
  params.output_stream = &out;
  params.progress_stream = &progress;
  using Scheduler = rl::context_bound_scheduler<Scenario::params::thread_count>;
  if (rl::run_test<Scenario, Scheduler>(params, failed_state, false) == rl::test_result_success) return {};
  // Once more, with a trace.
  params.initial_state = failed_state.str();
  params.collect_history = true;
  rl::run_test<Scenario, Scheduler>(params, failed_state, true);
  return out.str().c_str();
}

}  // namespace larder::memory_model

#endif  // LARDER_TESTS_MEMORY_MODEL_RELACY_H_
