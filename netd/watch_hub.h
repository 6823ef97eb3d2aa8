// `watch`: clients that are told, line by line, what happens in the server.
//
// Code that may report an event first asks `wants`, one relaxed load, whether anybody watches such events, and
// only then formats a line. Each watcher has a queue of bounded length. A line that finds it full is skipped, and
// the watcher is told how many it missed: a slow watcher loses lines, and delays nobody.
#ifndef NETD_WATCH_HUB_H_
#define NETD_WATCH_HUB_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"
#include "netd/buffer.h"

namespace netd {

// Kinds of events, as bits. The last ones are accepted, but never occur here.
enum WatchEvents : uint32_t {
  kWatchFetchers = 1,
  kWatchMutations = 2,
  kWatchEvictions = 4,
  kWatchDeletions = 8,
  kWatchConnections = 16,
  kWatchOther = 32,
};

// The kind that a word of the `watch` command selects.
[[nodiscard]] std::optional<uint32_t> watch_events_of(std::string_view word);

// One client's queue. Thread-safe.
class Watcher {
 public:
  Watcher(uint32_t events, size_t queue_bytes_max) : events_(events), queue_bytes_max_(queue_bytes_max) {}

  [[nodiscard]] uint32_t events() const { return events_; }

  // `wake` is called, from any thread, when there is something to take again.
  void on_wake(std::function<void()> wake);

  // Moves some lines to `out`; false if there are none. Throws std::bad_alloc.
  [[nodiscard]] bool take(Buffer& out);

  // False: there was no room for the line.
  bool put(std::string_view line);

 private:
  const uint32_t events_;
  const size_t queue_bytes_max_;
  larder::internal::Mutex mutex_;
  std::string queue_ ABSL_GUARDED_BY(mutex_);
  size_t taken_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // the part of the queue's front that was taken
  uint64_t skipped_ ABSL_GUARDED_BY(mutex_) = 0;    // lines skipped since the last one that found room
  std::function<void()> wake_ ABSL_GUARDED_BY(mutex_);
};

class WatchHub {
 public:
  static constexpr size_t kWatchersMax = 20;

  explicit WatchHub(size_t queue_bytes_max) : queue_bytes_max_(queue_bytes_max) {}

  // Null: there are already kWatchersMax.
  [[nodiscard]] std::shared_ptr<Watcher> add(uint32_t events);
  void remove(const std::shared_ptr<Watcher>& watcher);

  // Whether anybody watches for any of `events`.
  [[nodiscard]] bool wants(uint32_t events) const {
    // Relaxed: a new watcher may miss what happens at the same time.
    return (events_.load(std::memory_order_relaxed) & events) != 0;
  }

  // Sends "ts=<s>.<µs> gid=<n> type=<text>⏎" to the clients that watch `events`.
  void tell(uint32_t events, int64_t unix_ms, std::string_view text);

  struct Counts {
    uint64_t written = 0;  // lines formatted
    uint64_t sent = 0;     // lines put into queues, counted for each watcher
    uint64_t skipped = 0;  // lines that found no room, likewise
    uint64_t watchers = 0;
  };
  [[nodiscard]] Counts counts() const;
  void reset_counts();

 private:
  const size_t queue_bytes_max_;
  std::atomic<uint32_t> events_{0};  // of all watchers; changed under the mutex
  mutable larder::internal::Mutex mutex_;
  std::vector<std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_line_ ABSL_GUARDED_BY(mutex_) = 1;
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace netd

#endif  // NETD_WATCH_HUB_H_
