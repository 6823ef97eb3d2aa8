#include "netd/memory_limit_change.h"

#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr size_t kStepBytes = size_t{16} << 20;

class MemoryLimitChange : public Report {
 public:
  MemoryLimitChange(ServerState& server, size_t bytes, bool quiet)
      : server_(server), bytes_(bytes), quiet_(quiet) {}

  bool append_part(Buffer& out) override {
    larder::Cache& cache = server_.cache();
    const size_t now_bytes = cache.stats().memory_limit_bytes;
    const size_t next_bytes = now_bytes > bytes_ + kStepBytes ? now_bytes - kStepBytes : bytes_;
    const bool possible = bytes_ >= cache.memory_limit_bytes_min() && cache.set_memory_limit(next_bytes).ok();
    if (possible) server_.connection_memory().set_limit(next_bytes);
    if (possible && next_bytes != bytes_) return false;
    if (!quiet_) out.append(possible ? kReplyOk : kErrorMemlimitOutOfBounds);
    return true;
  }

 private:
  ServerState& server_;
  const size_t bytes_;
  const bool quiet_;
};

}  // namespace

std::unique_ptr<Report> make_memory_limit_change(ServerState& server, size_t bytes, bool quiet) {
  return std::make_unique<MemoryLimitChange>(server, bytes, quiet);
}

}  // namespace netd
