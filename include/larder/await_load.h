// For coroutines: waits for an object that is loaded if it is missing, without a thread that waits.
//
//   const auto start = [&](int number, auto completion) {
//     fetch(number, [done = std::move(completion)](Page page) mutable { done.finish(std::move(page)); });
//   };
//   auto page = co_await larder::await_load(pages, 7, {.ttl = 5min}, start);
//
// It is LoadingObjectCache::get_or_load_async, which says what holds. The coroutine goes on in the thread that
// finishes the load, or in the one that it was in; it must not be destroyed before. Coroutines of Asio want to be
// told in their own way: see examples/async_loads.cc.
#ifndef LARDER_AWAIT_LOAD_H_
#define LARDER_AWAIT_LOAD_H_

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "larder/loader.h"

namespace larder {

// What await_load returns, to be awaited once, at once.
template <class Objects, class Key, class Start>
class LoadAwaiter {
 public:
  // What co_await gives.
  using Result = absl::StatusOr<typename Objects::Pointer>;

  // As await_load makes it.
  LoadAwaiter(Objects& objects, Key key, const LoadOptions& options, Start start)
      : objects_(objects), key_(std::move(key)), options_(options), start_(std::move(start)) {}
  LoadAwaiter(const LoadAwaiter&) = delete;
  LoadAwaiter& operator=(const LoadAwaiter&) = delete;

  // As co_await needs them.
  [[nodiscard]] bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    (void)objects_.get_or_load_async(key_, options_, std::move(start_), [this](Result result) {
      result_ = std::move(result);
      // Acquire and release, here and below: the second of the two sees what the first has written.
      if (step_.exchange(Step::kDone, std::memory_order_acq_rel) == Step::kSuspended) waiting_.resume();
    });
    // Unless it is done already, the coroutine may go on from here in another thread, and this may be no more.
    return step_.exchange(Step::kSuspended, std::memory_order_acq_rel) != Step::kDone;
  }
  Result await_resume() { return *std::move(result_); }

 private:
  enum class Step : uint8_t { kAsks, kSuspended, kDone };

  Objects& objects_;
  const Key key_;
  const LoadOptions options_;
  Start start_;
  std::coroutine_handle<> waiting_;
  std::optional<Result> result_;
  std::atomic<Step> step_{Step::kAsks};
};

// `objects`: a LoadingObjectCache. `start`: as get_or_load_async takes it.
template <class Objects, class Key, class Start>
[[nodiscard]] LoadAwaiter<Objects, Key, Start> await_load(Objects& objects, Key key, const LoadOptions& options,
                                                          Start start) {
  return {objects, std::move(key), options, std::move(start)};
}

}  // namespace larder

#endif  // LARDER_AWAIT_LOAD_H_
