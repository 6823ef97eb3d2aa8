#include "netd/memory_limit_change.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "larder/serving.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

// What is evicted in one part: of the shortest items some milliseconds' worth.
constexpr size_t kStepBytes = size_t{128} << 10;
// How long nothing could be evicted, because all that is left is being read or written, before the change is
// refused.
constexpr std::chrono::seconds kVainTimeMax{1};

// To lower the limit, some memory is charged to the cache, room is made for it, and the limit is lowered by as
// much; and so on. What turns out to be impossible is undone.
class MemoryLimitChange : public Report {
 public:
  MemoryLimitChange(ServerState& server, size_t bytes, bool quiet)
      : server_(server),
        cache_(server.cache()),
        old_bytes_(cache_.stats().memory_limit_bytes),
        bytes_(bytes),
        quiet_(quiet),
        limit_bytes_(old_bytes_),
        is_possible_(larder::check_memory_limit(cache_, bytes).ok()) {}
  ~MemoryLimitChange() override {
    give_back();
    const bool is_half_done = limit_bytes_ != bytes_ && limit_bytes_ != old_bytes_;
    // Unless another change has come since.
    if (is_half_done && cache_.stats().memory_limit_bytes == limit_bytes_)
      (void)cache_.set_memory_limit(old_bytes_);
  }

  bool append_part(Buffer& out) override {
    if (is_possible_ && bytes_ < limit_bytes_ && !lower()) return false;
    if (is_possible_) set_limit(bytes_);
    if (is_possible_) server_.connection_memory().set_limit(bytes_);
    if (!quiet_) out.append(is_possible_ ? kReplyOk : kErrorMemlimitOutOfBounds);
    return true;
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // A step. True when that was the last, or it has turned out to be impossible.
  bool lower() {
    if (larder::bytes_over_limit(cache_) == 0) {
      if (charged_bytes_ > 0) set_limit(limit_bytes_ - charged_bytes_);
      while (is_possible_ && larder::bytes_over_limit(cache_) == 0) {
        const size_t step_bytes = std::min(limit_bytes_ - bytes_ - charged_bytes_, kStepBytes);
        if (step_bytes == 0) return true;
        larder::charge_external_bytes(cache_, step_bytes);
        charged_bytes_ += step_bytes;
      }
    }
    const Time now = std::chrono::steady_clock::now();
    if (cache_.maintain(kStepBytes)) last_success_ = now;
    is_possible_ = is_possible_ && now - last_success_ <= kVainTimeMax;
    return !is_possible_;
  }

  void set_limit(size_t bytes) {
    give_back();
    is_possible_ = cache_.set_memory_limit(bytes).ok();
    if (is_possible_) limit_bytes_ = bytes;
  }

  void give_back() {
    larder::add_external_bytes(cache_, -static_cast<int64_t>(charged_bytes_));
    charged_bytes_ = 0;
  }

  ServerState& server_;
  larder::Cache& cache_;
  const size_t old_bytes_;
  const size_t bytes_;
  const bool quiet_;
  size_t limit_bytes_;  // as far as it has been lowered
  size_t charged_bytes_ = 0;
  bool is_possible_;
  Time last_success_ = std::chrono::steady_clock::now();
};

}  // namespace

std::unique_ptr<Report> make_memory_limit_change(ServerState& server, size_t bytes, bool quiet) {
  return std::make_unique<MemoryLimitChange>(server, bytes, quiet);
}

}  // namespace netd
