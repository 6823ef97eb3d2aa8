// How a load ends that LoadingObjectCache::get_or_load_async has begun.
#ifndef LARDER_LOAD_COMPLETION_H_
#define LARDER_LOAD_COMPLETION_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "larder/internal/objects/object_load.h"
#include "larder/loader.h"

namespace larder {

// Is to finish a load: from any thread, once, before the cache ends. If it is destroyed before, the load has failed
// with Cancelled. `Objects`: a LoadingObjectCache.
template <class Objects, class Key>
class LoadCompletion {
 public:
  LoadCompletion(LoadCompletion&&) noexcept = default;
  LoadCompletion& operator=(LoadCompletion&& other) noexcept {
    LoadCompletion taken(std::move(other));
    std::swap(running_, taken.running_);
    return *this;
  }
  ~LoadCompletion() {
    if (running_ == nullptr) return;
    finish(absl::StatusOr<typename Objects::Pointer>(absl::CancelledError("the load was given up")));
  }

  // Takes what a load function may return, or an absl::Status that says why there is nothing. Those who are called
  // for it are called by this thread.
  template <class Result>
  void finish(Result&& result) {
    const std::unique_ptr<Running> running = std::move(running_);
    running->objects.run_load(running->hash, running->key, running->options, running->load, running->begin,
                              [&]() -> Result&& { return std::forward<Result>(result); });
  }

 private:
  friend Objects;
  struct Running {
    Objects& objects;
    const Key key;
    const uint64_t hash;
    const LoadOptions options;
    const std::shared_ptr<internal::ObjectLoad> load;
    const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  };
  explicit LoadCompletion(std::unique_ptr<Running> running) : running_(std::move(running)) {}

  std::unique_ptr<Running> running_;
};

// A caller of get_or_load_async, who may not want to wait any more. `Objects`: a LoadingObjectCache, which must
// outlive it.
template <class Objects>
class LoadWait {
 public:
  // For nobody.
  LoadWait() = default;
  LoadWait(LoadWait&& other) noexcept { *this = std::move(other); }
  LoadWait& operator=(LoadWait&& other) noexcept {
    objects_ = std::exchange(other.objects_, nullptr);
    hash_ = other.hash_;
    load_ = std::move(other.load_);
    number_ = other.number_;
    return *this;
  }

  // If it has not been called yet, `done` is called now, by this thread, with Cancelled; the load goes on for
  // others. False if it has been, or is about to be. For one thread at a time.
  bool cancel() {
    const std::shared_ptr<internal::ObjectLoad> load = load_.lock();
    load_.reset();
    return load != nullptr && objects_->cancel(hash_, *load, number_);
  }

 private:
  friend Objects;
  Objects* objects_ = nullptr;
  uint64_t hash_ = 0;
  std::weak_ptr<internal::ObjectLoad> load_;
  uint64_t number_ = 0;
};

}  // namespace larder

#endif  // LARDER_LOAD_COMPLETION_H_
