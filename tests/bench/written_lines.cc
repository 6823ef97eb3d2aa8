// Written with the compiler's help: what is compiled with -fsanitize=thread calls the functions below at each
// access to memory that another thread might see. They take the place of ThreadSanitizer's own library. Locks are
// calls of the system's, which the linker redirects (--wrap); taking one and giving it back are a write each.
#include "written_lines.h"

#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace larder::bench {
namespace {

constexpr uintptr_t kLineBytes = 64;
constexpr size_t kWritersShown = 3;

struct Line {
  uint64_t writes = 0;
  uint64_t calls = 0;
  uint64_t last_call = 0;
  absl::flat_hash_map<uintptr_t, uint64_t> writers;
};
using Lines = absl::flat_hash_map<uintptr_t, Line>;

struct Recorder {
  Lines lines;
  uint64_t call = 0;
  bool is_on = false;
};
thread_local Recorder recorder;

std::mutex all_mutex;
std::vector<Lines> all;  // of the threads that have ended their window
struct Sum {
  uint64_t writes = 0;
  absl::flat_hash_map<uintptr_t, uint64_t> writers;
};
absl::flat_hash_map<uintptr_t, Sum> by_writer;  // the one that writes the line most
uint64_t writes_to_hottest = 0;

// The most frequent first.
std::vector<uintptr_t> most(const absl::flat_hash_map<uintptr_t, uint64_t>& counts) {
  std::vector<std::pair<uintptr_t, uint64_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<uintptr_t> result;
  for (size_t i = 0; i < std::min(kWritersShown, sorted.size()); ++i) result.push_back(sorted[i].first);
  return result;
}

void write(const volatile void* address, size_t bytes, const void* writer) {
  if (!recorder.is_on) return;
  recorder.is_on = false;  // what counts is not counted
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (uintptr_t line = at / kLineBytes; line <= (at + bytes - 1) / kLineBytes; ++line) {
    Line& written = recorder.lines[line];
    ++written.writes;
    written.calls += written.last_call != recorder.call;
    written.last_call = recorder.call;
    ++written.writers[reinterpret_cast<uintptr_t>(writer)];
  }
  recorder.is_on = true;
}

}  // namespace

void start_recording() {
  ++recorder.call;
  recorder.is_on = true;
}

void stop_recording() { recorder.is_on = false; }

void end_thread_window() {
  const std::lock_guard lock(all_mutex);
  all.push_back(std::exchange(recorder.lines, {}));
}

void end_window(size_t calls_min) {
  uint64_t hottest = 0;
  for (const auto& [address, line] : all.front()) {
    const bool is_by_all = std::all_of(all.begin(), all.end(), [&, at = address](const Lines& lines) {
      const auto found = lines.find(at);
      return found != lines.end() && found->second.calls >= calls_min;
    });
    if (!is_by_all) continue;
    Sum sum;
    for (Lines& lines : all) {
      const Line& own = lines.at(address);
      sum.writes += own.writes;
      for (const auto& [writer, count] : own.writers) sum.writers[writer] += count;
    }
    hottest = std::max(hottest, sum.writes);
    Sum& total = by_writer[most(sum.writers).front()];
    total.writes += sum.writes;
    for (const auto& [writer, count] : sum.writers) total.writers[writer] += count;
  }
  writes_to_hottest += hottest;
  all.clear();
}

WrittenLines take_written_lines() {
  WrittenLines result;
  result.writes_to_hottest = std::exchange(writes_to_hottest, 0);
  for (const auto& [writer, sum] : std::exchange(by_writer, {})) {
    result.all.push_back({.writes = sum.writes, .writers = most(sum.writers)});
  }
  std::sort(result.all.begin(), result.all.end(), [](const auto& a, const auto& b) { return a.writes > b.writes; });
  return result;
}

}  // namespace larder::bench

extern "C" {

using larder::bench::write;
#define CALLER __builtin_return_address(0)

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}
void __tsan_vptr_update(void** address, void*) { write(address, sizeof(void*), CALLER); }
void __tsan_read_range(void*, size_t) {}
void __tsan_write_range(void* address, size_t bytes) { write(address, bytes, CALLER); }

#define PLAIN(bytes)                                                                   \
  void __tsan_read##bytes(void*) {}                                                    \
  void __tsan_unaligned_read##bytes(void*) {}                                          \
  void __tsan_volatile_read##bytes(void*) {}                                           \
  void __tsan_write##bytes(void* address) { write(address, bytes, CALLER); }           \
  void __tsan_unaligned_write##bytes(void* address) { write(address, bytes, CALLER); } \
  void __tsan_volatile_write##bytes(void* address) { write(address, bytes, CALLER); }
PLAIN(1)
PLAIN(2) PLAIN(4) PLAIN(8) PLAIN(16)

#define ATOMIC_ADD(bits, name)                                                                          \
  uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t* at, uint##bits##_t value, int) { \
    write(at, bits / 8, CALLER);                                                                        \
    return __atomic_##name(at, value, __ATOMIC_SEQ_CST);                                                \
  }
#define ATOMIC(bits)                                                                                        \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t* at, int) {                       \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                           \
  }                                                                                                         \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t* at, uint##bits##_t value, int) {                \
    write(at, bits / 8, CALLER);                                                                            \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                          \
  }                                                                                                         \
  uint##bits##_t __tsan_atomic##bits##_exchange(volatile uint##bits##_t* at, uint##bits##_t value, int) {   \
    write(at, bits / 8, CALLER);                                                                            \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                                \
  }                                                                                                         \
  ATOMIC_ADD(bits, fetch_add)                                                                               \
  ATOMIC_ADD(bits, fetch_sub)                                                                               \
  ATOMIC_ADD(bits, fetch_or)                                                                                \
  ATOMIC_ADD(bits, fetch_and)                                                                               \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile uint##bits##_t* at, uint##bits##_t* expected, \
                                                     uint##bits##_t desired, int, int) {                    \
    write(at, bits / 8, CALLER);                                                                            \
    return __atomic_compare_exchange_n(at, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);   \
  }                                                                                                         \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile uint##bits##_t* at, uint##bits##_t* expected,   \
                                                   uint##bits##_t desired, int, int) {                      \
    write(at, bits / 8, CALLER);                                                                            \
    return __atomic_compare_exchange_n(at, expected, desired, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);    \
  }
    ATOMIC(8) ATOMIC(16) ATOMIC(32) ATOMIC(64)

        int __real_pthread_mutex_lock(pthread_mutex_t*);
int __real_pthread_mutex_trylock(pthread_mutex_t*);
int __real_pthread_mutex_unlock(pthread_mutex_t*);
int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
  write(mutex, 1, CALLER);
  return __real_pthread_mutex_lock(mutex);
}
int __wrap_pthread_mutex_trylock(pthread_mutex_t* mutex) {
  write(mutex, 1, CALLER);
  return __real_pthread_mutex_trylock(mutex);
}
int __wrap_pthread_mutex_unlock(pthread_mutex_t* mutex) {
  write(mutex, 1, CALLER);
  return __real_pthread_mutex_unlock(mutex);
}

}  // extern "C"
