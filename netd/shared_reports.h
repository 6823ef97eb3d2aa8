// Reports that are the same for all clients: however many ask at the same time, one is made, and all get it.
//
// A client gets the report that starts next after it asks, so it covers everything from before. Whichever waiting
// client has a turn makes the next step of it: no single client has to stay to the end.
#ifndef NETD_SHARED_REPORTS_H_
#define NETD_SHARED_REPORTS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "larder/internal/base/mutex.h"
#include "netd/report.h"

namespace netd {

class ServerState;

enum class SharedReportKind : uint8_t { kItems, kSlabs, kSizes, kConnections, kPrefixes, kCount };

// Thread-safe.
class SharedReports {
 public:
  explicit SharedReports(ServerState& server) : server_(server) {}

  // For a client that asks now. Its parts may be empty while it is being made.
  [[nodiscard]] std::unique_ptr<Report> join(SharedReportKind kind);

 private:
  struct Run;
  class Share;

  // The state that clients of one kind of report wait for.
  struct Runs {
    std::shared_ptr<Run> current;
    std::shared_ptr<Run> next;
  };

  static constexpr size_t kKinds = static_cast<size_t>(SharedReportKind::kCount);

  void step();
  [[nodiscard]] std::shared_ptr<Run> current(SharedReportKind kind);
  void run_step(Run& run, SharedReportKind kind);
  [[nodiscard]] Runs& of(SharedReportKind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return runs_[static_cast<size_t>(kind)];
  }

  ServerState& server_;
  larder::internal::Mutex step_mutex_;  // held for a step
  std::chrono::steady_clock::time_point next_step_ ABSL_GUARDED_BY(step_mutex_);
  size_t next_kind_ ABSL_GUARDED_BY(step_mutex_) = 0;
  larder::internal::Mutex mutex_;
  std::array<Runs, kKinds> runs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace netd

#endif  // NETD_SHARED_REPORTS_H_
