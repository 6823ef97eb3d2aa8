// Which keys are being refreshed by tasks of the program's.
#ifndef LARDER_INTERNAL_LOADER_BACKGROUND_H_
#define LARDER_INTERNAL_LOADER_BACKGROUND_H_

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"
#include "larder/loader.h"

namespace larder::internal {

// Thread-safe, but for set_executor.
class BackgroundRefreshes {
 public:
  void set_executor(LoadExecutor executor) { executor_ = std::move(executor); }
  [[nodiscard]] bool are_on() const { return executor_ != nullptr; }
  void run(std::function<void()> task) const { executor_(std::move(task)); }

  // Given to the task that refreshes that key: while it exists, no other is begun. Null: there is one.
  [[nodiscard]] std::shared_ptr<const void> begin(std::string_view key) {
    {
      const MutexLock lock(state_->mutex);
      if (!state_->keys.emplace(key).second) return nullptr;
    }
    return {state_.get(), [state = state_, key = std::string(key)](const State*) {
              const MutexLock lock(state->mutex);
              state->keys.erase(key);
            }};
  }

 private:
  struct State {
    Mutex mutex;
    std::unordered_set<std::string> keys ABSL_GUARDED_BY(mutex);
  };

  LoadExecutor executor_;
  // Tasks may outlive this.
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_LOADER_BACKGROUND_H_
