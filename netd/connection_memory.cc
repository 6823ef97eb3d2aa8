#include "netd/connection_memory.h"

#include <algorithm>

namespace netd {
namespace {

constexpr size_t kStepBytesMin = 64 << 10;
constexpr size_t kStepBytesMax = 1 << 20;

// What is evicted in one turn, at most, and at a time.
constexpr size_t kSettledBytes = 2 << 20;
constexpr size_t kSettleStepBytes = 64 << 10;

size_t round_up(size_t bytes, size_t step_bytes) { return (bytes + step_bytes - 1) / step_bytes * step_bytes; }

}  // namespace

ConnectionMemory::ConnectionMemory(larder::Cache& cache, size_t memory_limit_bytes)
    : cache_(cache),
      step_bytes_(std::clamp(memory_limit_bytes / 64, kStepBytesMin, kStepBytesMax)),
      bytes_max_(memory_limit_bytes / 2) {}

ConnectionMemory::~ConnectionMemory() {
  const larder::internal::MutexLock lock(mutex_);
  cache_.add_external_bytes(-static_cast<int64_t>(charged_bytes_));
}

bool ConnectionMemory::take(size_t bytes) {
  const larder::internal::MutexLock lock(mutex_);
  const size_t used_bytes = used_bytes_;
  const size_t large_bytes_max = bytes_max() / 4 * 3;
  if (bytes > kOrdinaryBytesMax && (bytes > large_bytes_max || used_bytes > large_bytes_max - bytes)) return false;
  used_bytes_ = used_bytes + bytes;
  if (used_bytes_ > charged_bytes_) {
    const size_t missing_bytes = round_up(used_bytes_ - charged_bytes_, step_bytes_);
    charged_bytes_ += missing_bytes;
    cache_.charge_external_bytes(missing_bytes);
  }
  return true;
}

void ConnectionMemory::settle() {
  for (size_t bytes = 0; bytes < kSettledBytes && cache_.bytes_over_limit() > 0; bytes += kSettleStepBytes) {
    if (!cache_.maintain(kSettleStepBytes)) return;
  }
}

void ConnectionMemory::give(size_t bytes) {
  const larder::internal::MutexLock lock(mutex_);
  used_bytes_ -= bytes;
  const size_t kept_bytes = round_up(used_bytes_, step_bytes_) + step_bytes_;
  if (charged_bytes_ <= kept_bytes) return;
  cache_.add_external_bytes(-static_cast<int64_t>(charged_bytes_ - kept_bytes));
  charged_bytes_ = kept_bytes;
}

size_t ConnectionMemory::excess_bytes() const {
  const size_t used_bytes = this->used_bytes();
  const size_t bytes_max = this->bytes_max();
  return used_bytes > bytes_max ? used_bytes - bytes_max : 0;
}

void ConnectionMemory::set_limit(size_t memory_limit_bytes) { bytes_max_ = memory_limit_bytes / 2; }

}  // namespace netd
