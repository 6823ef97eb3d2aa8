#include "netd/connection_memory.h"

#include <algorithm>

namespace netd {
namespace {

constexpr size_t kStepBytesMin = 64 << 10;

size_t round_up(size_t bytes, size_t step_bytes) { return (bytes + step_bytes - 1) / step_bytes * step_bytes; }

}  // namespace

ConnectionMemory::ConnectionMemory(larder::Cache& cache, size_t memory_limit_bytes)
    : cache_(cache),
      step_bytes_(std::max(memory_limit_bytes / 64, kStepBytesMin)),
      bytes_max_(memory_limit_bytes / 2) {}

ConnectionMemory::~ConnectionMemory() {
  const larder::internal::MutexLock lock(mutex_);
  cache_.add_external_bytes(-static_cast<int64_t>(charged_bytes_));
}

bool ConnectionMemory::take(size_t bytes) {
  size_t missing_bytes = 0;
  {
    const larder::internal::MutexLock lock(mutex_);
    const size_t bytes_max = bytes <= kOrdinaryBytesMax ? bytes_max_ : bytes_max_ / 4 * 3;
    if (bytes > bytes_max || used_bytes_ > bytes_max - bytes) return false;
    used_bytes_ += bytes;
    if (used_bytes_ > charged_bytes_) missing_bytes = round_up(used_bytes_ - charged_bytes_, step_bytes_);
    charged_bytes_ += missing_bytes;
  }
  // Outside the lock: evicting takes its time.
  if (missing_bytes > 0) cache_.add_external_bytes(static_cast<int64_t>(missing_bytes));
  return true;
}

void ConnectionMemory::give(size_t bytes) {
  size_t spare_bytes = 0;
  {
    const larder::internal::MutexLock lock(mutex_);
    used_bytes_ -= bytes;
    const size_t kept_bytes = round_up(used_bytes_, step_bytes_) + step_bytes_;
    if (charged_bytes_ > kept_bytes) spare_bytes = charged_bytes_ - kept_bytes;
    charged_bytes_ -= spare_bytes;
  }
  if (spare_bytes > 0) cache_.add_external_bytes(-static_cast<int64_t>(spare_bytes));
}

size_t ConnectionMemory::used_bytes() const {
  const larder::internal::MutexLock lock(mutex_);
  return used_bytes_;
}

void ConnectionMemory::set_limit(size_t memory_limit_bytes) {
  const larder::internal::MutexLock lock(mutex_);
  bytes_max_ = memory_limit_bytes / 2;
}

}  // namespace netd
