// What keeps an operation from scaling to many cores, measured with two.
//
//   scale_bench
//
// For each operation it prints
//   - its time, without waiting for locks;
//   - the share of that time for which the thread holds a lock that all threads share: one that each thread holds for
//     at least 1/256 of its time. A stripe's lock, one of hundreds, is not one, nor is a lane's, if there are as many
//     lanes as threads. With a share of s no number of cores does more than 1/s times the work of one;
//   - the writes to cache lines that all threads write, counted by scale_writes, which has the definition, and those
//     to the line that is written most. Two cores that write a line in turn need a time for each write, printed first:
//     an operation's time divided by that of its writes to this line is a bound, too.
// Other programs make the times longer, and so the second bound higher; the shares they change little.
// Below it are the places in the sources that write these lines most, with their writes an operation.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "program.h"
#include "scale_loads.h"

namespace larder::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kThreads = 2;
constexpr size_t kWindows = 200;
constexpr size_t kWarmWindows = 20;
constexpr int64_t kSharedOneIn = 256;

int64_t ns_since(Clock::time_point begin) { return (Clock::now() - begin) / std::chrono::nanoseconds(1); }

// What a thread knows of its locks.
struct Locks {
  enum class Look : uint8_t {
    kAway,
    kAtEach,    // how long it holds each
    kAtShared,  // how long it holds at least one of those that are shared
  };
  Look look = Look::kAway;
  std::map<const void*, Clock::time_point> held;
  std::map<const void*, int64_t> held_ns;
  std::set<const void*> shared;
  int shared_held = 0;
  Clock::time_point shared_since;
  int64_t shared_ns = 0;
  int64_t waited_ns = 0;

  void taken(const void* lock) {
    if (look == Look::kAtEach) {
      held[lock] = Clock::now();
    } else if (look == Look::kAtShared && shared.contains(lock) && shared_held++ == 0) {
      shared_since = Clock::now();
    }
  }
  void given_back(const void* lock) {
    if (look == Look::kAtEach) {
      held_ns[lock] += ns_since(held[lock]);
    } else if (look == Look::kAtShared && shared.contains(lock) && --shared_held == 0) {
      shared_ns += ns_since(shared_since);
    }
  }
};
thread_local Locks locks;

// What a thread saw in one window.
struct Window {
  std::thread::id thread;
  int64_t ns;  // without waiting for locks
  int64_t shared_ns;
  std::map<const void*, int64_t> held_ns;
};

struct Observer {
  Locks::Look look;
  std::set<const void*> shared = {};
  std::mutex mutex = {};
  std::vector<Window> windows = {};  // of all threads

  void begin_window() {
    locks = Locks{};
    locks.shared = shared;
    begin_of_thread() = Clock::now();
    locks.look = look;
  }
  void begin_call() {}
  void end_call() {}
  void end_window() {
    locks.look = Locks::Look::kAway;
    const int64_t ns = ns_since(begin_of_thread()) - locks.waited_ns;
    const std::lock_guard lock(mutex);
    windows.push_back(
        {.thread = std::this_thread::get_id(), .ns = ns, .shared_ns = locks.shared_ns, .held_ns = locks.held_ns});
  }
  void all_ended_window() {}

 private:
  static Clock::time_point& begin_of_thread() {
    thread_local Clock::time_point begin;
    return begin;
  }
};

// Locks that each thread holds for at least 1/kSharedOneIn of its time.
std::set<const void*> shared_locks(const std::vector<Window>& windows) {
  std::map<std::thread::id, int64_t> ns;
  std::map<const void*, std::map<std::thread::id, int64_t>> held_ns;
  for (const Window& window : windows) {
    ns[window.thread] += window.ns;
    for (const auto& [lock, held] : window.held_ns) held_ns[lock][window.thread] += held;
  }
  std::set<const void*> result;
  for (auto& [lock, held] : held_ns) {
    const bool is_shared = std::ranges::all_of(
        ns, [&](const auto& thread) { return held[thread.first] * kSharedOneIn >= thread.second; });
    if (is_shared) result.insert(lock);
  }
  return result;
}

// What two cores need for a write to a line that they write in turn.
double ns_of_shared_write() {
  constexpr uint64_t kTurns = 2'000;
  constexpr size_t kTries = 500;  // the quickest counts: others may have had a core
  alignas(64) std::atomic<uint64_t> turn = 0;
  double best_ns = std::numeric_limits<double>::infinity();
  const auto work = [&](uint64_t thread) {
    pin_to(static_cast<int>(thread));
    for (size_t at = 0; at < kTries; ++at) {
      const auto begin = Clock::now();
      for (uint64_t i = at * kTurns + thread; i < (at + 1) * kTurns; i += 2) {
        while (turn.load(std::memory_order_acquire) != i) {
        }
        turn.store(i + 1, std::memory_order_release);
      }
      if (thread == 0) best_ns = std::min(best_ns, static_cast<double>(ns_since(begin)) / kTurns);
    }
  };
  std::thread one(work, 0);
  std::thread other(work, 1);
  one.join();
  other.join();
  return best_ns;
}

struct Writes {
  double all = 0;
  double hottest = 0;
  std::string places;
};

// By title, from the program beside this one.
std::map<std::string, Writes> writes_by_load() {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "scale_writes";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(popen(program.c_str(), "r"), pclose);
  if (!output) fail("cannot run scale_writes");
  std::map<std::string, Writes> result;
  Writes* last = nullptr;
  std::array<char, 1024> line;
  while (std::fgets(line.data(), line.size(), output.get()) != nullptr) {
    std::array<char, 64> title;
    Writes writes;
    if (std::sscanf(line.data(), "%63[^|]|%lf|%lf", title.data(), &writes.all, &writes.hottest) == 3) {
      last = &(result[title.data()] = writes);
    } else if (last != nullptr) {
      last->places += line.data();
    }
  }
  if (result.empty()) fail("scale_writes, which belongs beside this program, prints nothing");
  return result;
}

void run() {
  const double write_ns = ns_of_shared_write();
  fmt::print("{} MiB, 24-byte keys, {} threads; a write to a line that two cores write in turn takes {:.0f} ns\n",
             kScaleLimitBytes >> 20, kThreads, write_ns);
  const std::map<std::string, Writes> all_writes = writes_by_load();
  for_each_scale_load([&](const ScaleLoad& load) {
    Observer warm{.look = Locks::Look::kAway};
    Observer each{.look = Locks::Look::kAtEach};
    size_t next = run_windows(load, kThreads, kWarmWindows, 0, warm);
    next = run_windows(load, kThreads, kWindows, next, each);
    Observer shared{.look = Locks::Look::kAtShared, .shared = shared_locks(each.windows)};
    run_windows(load, kThreads, kWindows, next, shared);

    double ns = 0;
    double shared_ns = 0;
    for (const Window& window : shared.windows) {
      ns += static_cast<double>(window.ns);
      shared_ns += static_cast<double>(window.shared_ns);
    }
    const double share = shared_ns / ns;
    ns /= static_cast<double>(shared.windows.size() * kScaleWindow);
    const auto found = all_writes.find(load.title);
    const Writes writes = found != all_writes.end() ? found->second : Writes{};
    const auto bound = [](double part) {
      return part == 0 ? std::string("none") : fmt::format("{:.1f} x", 1 / part);
    };
    fmt::print(
        "{:<26} {:6.0f} ns, {:5.2f} % under shared locks: bound {:>7}; {:5.2f} writes to shared lines, "
        "{:.2f} of them to one: bound {:>7}\n{}",
        load.title, ns, share * 100, bound(share), writes.all, writes.hottest,
        bound(writes.hottest * write_ns / ns), writes.places);
  });
}

}  // namespace
}  // namespace larder::bench

extern "C" {

int __real_pthread_mutex_lock(pthread_mutex_t*);
int __real_pthread_mutex_trylock(pthread_mutex_t*);
int __real_pthread_mutex_unlock(pthread_mutex_t*);

int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
  int result = __real_pthread_mutex_trylock(mutex);
  if (result != 0) {
    const auto begin = larder::bench::Clock::now();
    result = __real_pthread_mutex_lock(mutex);
    larder::bench::locks.waited_ns += larder::bench::ns_since(begin);
  }
  larder::bench::locks.taken(mutex);
  return result;
}
int __wrap_pthread_mutex_trylock(pthread_mutex_t* mutex) {
  const int result = __real_pthread_mutex_trylock(mutex);
  if (result == 0) larder::bench::locks.taken(mutex);
  return result;
}
int __wrap_pthread_mutex_unlock(pthread_mutex_t* mutex) {
  larder::bench::locks.given_back(mutex);
  return __real_pthread_mutex_unlock(mutex);
}

}  // extern "C"

int main() {
  larder::bench::print_by_lines();
  larder::bench::run();
}
