#include "netd/watch_hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace netd {
namespace {

struct WatchWord {
  std::string_view text;
  uint32_t events;
};
constexpr WatchWord kWatchWords[] = {
    {"fetchers", kWatchFetchers},   {"mutations", kWatchMutations},    {"evictions", kWatchEvictions},
    {"deletions", kWatchDeletions}, {"connevents", kWatchConnections}, {"sysevents", kWatchOther},
    {"rawcmds", kWatchOther},       {"proxyreqs", kWatchOther},        {"proxyevents", kWatchOther},
    {"proxyuser", kWatchOther},
};

// Enough for one system call to be worth it.
constexpr size_t kTakenBytesMax = 32 << 10;

}  // namespace

std::optional<uint32_t> watch_events_of(std::string_view word) {
  for (const WatchWord& known : kWatchWords) {
    if (known.text == word) return known.events;
  }
  return std::nullopt;
}

// --- one watcher -------------------------------------------------------------------------------------------

void Watcher::on_wake(std::function<void()> wake) {
  const larder::internal::MutexLock lock(mutex_);
  wake_ = std::move(wake);
}

bool Watcher::take(Buffer& out) {
  out.reserve(kTakenBytesMax);
  const larder::internal::MutexLock lock(mutex_);
  const std::string_view part = std::string_view(queue_).substr(taken_bytes_, kTakenBytesMax);
  out.append(part);
  taken_bytes_ += part.size();
  if (taken_bytes_ == queue_.size()) {
    queue_.clear();
    taken_bytes_ = 0;
  }
  return !part.empty();
}

bool Watcher::put(std::string_view line) {
  const larder::internal::MutexLock lock(mutex_);
  if (queue_.size() + line.size() > queue_bytes_max_ && taken_bytes_ > 0) {
    queue_.erase(0, taken_bytes_);
    taken_bytes_ = 0;
  }
  if (queue_.size() + line.size() > queue_bytes_max_) {
    ++skipped_;
    return false;
  }
  const bool was_empty = queue_.empty();
  if (skipped_ > 0) queue_ += fmt::format("skipped={}\n", std::exchange(skipped_, 0));
  queue_ += line;
  if (was_empty && wake_) wake_();
  return true;
}

// --- all of them -------------------------------------------------------------------------------------------

std::shared_ptr<Watcher> WatchHub::add(uint32_t events) {
  const larder::internal::MutexLock lock(mutex_);
  if (watchers_.size() >= kWatchersMax) return nullptr;
  watchers_.push_back(std::make_shared<Watcher>(events, queue_bytes_max_));
  events_.store(events_.load(std::memory_order_relaxed) | events, std::memory_order_relaxed);
  return watchers_.back();
}

void WatchHub::remove(const std::shared_ptr<Watcher>& watcher) {
  const larder::internal::MutexLock lock(mutex_);
  std::erase(watchers_, watcher);
  uint32_t events = 0;
  for (const std::shared_ptr<Watcher>& other : watchers_) events |= other->events();
  events_.store(events, std::memory_order_relaxed);
}

void WatchHub::tell(uint32_t events, int64_t unix_ms, std::string_view text) {
  const larder::internal::MutexLock lock(mutex_);
  const std::string line =
      fmt::format("ts={}.{:06} gid={} type={}\n", unix_ms / 1000, unix_ms % 1000 * 1000, next_line_++, text);
  ++counts_.written;
  for (const std::shared_ptr<Watcher>& watcher : watchers_) {
    if ((watcher->events() & events) == 0) continue;
    ++(watcher->put(line) ? counts_.sent : counts_.skipped);
  }
}

WatchHub::Counts WatchHub::counts() const {
  const larder::internal::MutexLock lock(mutex_);
  Counts counts = counts_;
  counts.watchers = watchers_.size();
  return counts;
}

void WatchHub::reset_counts() {
  const larder::internal::MutexLock lock(mutex_);
  counts_ = Counts();
}

}  // namespace netd
