#include "netd/shared_reports.h"

#include <atomic>
#include <new>
#include <string_view>
#include <utility>

#include "netd/class_report.h"
#include "netd/connection_report.h"
#include "netd/prefix_report.h"
#include "netd/reply_words.h"
#include "netd/server_state.h"

namespace netd {
namespace {

std::unique_ptr<Report> make_report(ServerState& server, SharedReportKind kind) {
  switch (kind) {
    case SharedReportKind::kItems:
      return make_class_report(server, ClassReportKind::kItems);
    case SharedReportKind::kSlabs:
      return make_class_report(server, ClassReportKind::kSlabs);
    case SharedReportKind::kSizes:
      return make_class_report(server, ClassReportKind::kSizes);
    case SharedReportKind::kConnections:
      return make_connection_report(server);
    case SharedReportKind::kPrefixes:
    case SharedReportKind::kCount:
      break;
  }
  return make_prefix_report(server);
}

}  // namespace

struct SharedReports::Run {
  explicit Run(ConnectionMemory& memory) : pool([&memory](int64_t bytes) { return memory.charge(bytes); }) {}

  BufferPool pool;
  std::unique_ptr<Report> report;  // while it is being made
  Buffer text{pool};               // of a failed one nothing
  bool has_failed = false;
  // Release and acquire: for what stands above.
  std::atomic<bool> is_done{false};
};

// What one connection gets of a run.
class SharedReports::Share : public Report {
 public:
  Share(SharedReports& reports, std::shared_ptr<Run> run) : reports_(reports), run_(std::move(run)) {}

  bool append_part(Buffer& out) override {
    if (!is_done()) reports_.step();
    if (!is_done()) return false;
    if (run_->has_failed) {
      out.append(kErrorNoMemory);
      return true;
    }
    const std::string_view part = run_->text.content().substr(begin_, kPartBytes);
    out.append(part);
    begin_ += part.size();
    return begin_ == run_->text.size();
  }

 private:
  static constexpr size_t kPartBytes = BufferPool::kBlockBytes;

  [[nodiscard]] bool is_done() const { return run_->is_done.load(std::memory_order_acquire); }

  SharedReports& reports_;
  const std::shared_ptr<Run> run_;
  size_t begin_ = 0;  // of what has not been appended
};

std::unique_ptr<Report> SharedReports::join(SharedReportKind kind) {
  const larder::internal::MutexLock lock(mutex_);
  std::shared_ptr<Run>& next = of(kind).next;
  if (next == nullptr) next = std::make_shared<Run>(server_.connection_memory());
  return std::make_unique<Share>(*this, next);
}

// One step at a time, of the kinds in turn, and none for half as long as the last one took: so many may be waiting
// that a step for each would keep a worker from its other clients.
void SharedReports::step() {
  if (!step_mutex_.try_lock()) return;
  const larder::internal::MutexLock step_lock(step_mutex_, std::adopt_lock);
  const auto begin = std::chrono::steady_clock::now();
  if (begin < next_step_) return;
  for (size_t i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<SharedReportKind>(next_kind_);
    next_kind_ = (next_kind_ + 1) % kKinds;
    const std::shared_ptr<Run> run = current(kind);
    if (run == nullptr) continue;
    run_step(*run, kind);
    if (run->report == nullptr) {
      const larder::internal::MutexLock lock(mutex_);
      of(kind).current.reset();
    }
    break;
  }
  const auto end = std::chrono::steady_clock::now();
  next_step_ = end + (end - begin) / 2;
}

// Null: nobody waits for one. What nobody waits for any more is not gone on with.
std::shared_ptr<SharedReports::Run> SharedReports::current(SharedReportKind kind) {
  const larder::internal::MutexLock lock(mutex_);
  Runs& runs = of(kind);
  if (runs.current == nullptr || runs.current.use_count() == 1) runs.current = std::exchange(runs.next, nullptr);
  if (runs.current.use_count() == 1) runs.current.reset();
  return runs.current;
}

void SharedReports::run_step(Run& run, SharedReportKind kind) {
  try {
    if (run.report == nullptr) run.report = make_report(server_, kind);
    if (!run.report->append_part(run.text)) return;
    run.text.trim();
    run.pool.trim(0);
  } catch (const std::bad_alloc&) {
    run.text.release();
    run.has_failed = true;
  }
  run.report.reset();
  run.is_done.store(true, std::memory_order_release);
}

}  // namespace netd
