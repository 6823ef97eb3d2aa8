#include "netd/connection_memory.h"

#include <algorithm>

#include "larder/serving.h"

namespace netd {
namespace {

constexpr size_t kStepBytesMin = 64 << 10;
constexpr size_t kStepBytesMax = 1 << 20;

// What is cleaned in one turn, at most, and at a time; and how much for each byte that is needed, as some is kept.
constexpr size_t kSettledBytes = 512 << 10;
constexpr size_t kSettleStepBytes = 64 << 10;
constexpr size_t kCleanedPerByte = 4;

size_t round_up(size_t bytes, size_t step_bytes) { return (bytes + step_bytes - 1) / step_bytes * step_bytes; }

// Of a cache that evicts nothing, so much beyond its limit at most.
constexpr size_t kBytesMaxWithoutEviction = 16 << 20;

size_t bytes_max_at(size_t memory_limit_bytes, bool evicts) {
  return evicts ? memory_limit_bytes / 2 : std::min(memory_limit_bytes / 2, kBytesMaxWithoutEviction);
}

}  // namespace

ConnectionMemory::ConnectionMemory(larder::Cache& cache, size_t memory_limit_bytes, bool evicts)
    : cache_(cache),
      step_bytes_(std::clamp(memory_limit_bytes / 64, kStepBytesMin, kStepBytesMax)),
      evicts_(evicts),
      bytes_max_(bytes_max_at(memory_limit_bytes, evicts)) {}

ConnectionMemory::~ConnectionMemory() {
  const larder::internal::MutexLock lock(mutex_);
  larder::add_external_bytes(cache_, -static_cast<int64_t>(charged_bytes_));
}

bool ConnectionMemory::take(size_t bytes) {
  const larder::internal::MutexLock lock(mutex_);
  const size_t used_bytes = used_bytes_;
  if (bytes > kOrdinaryBytesMax && (bytes > large_bytes_max() || used_bytes > large_bytes_max() - bytes))
    return false;
  used_bytes_ = used_bytes + bytes;
  if (used_bytes_ > charged_bytes_) {
    const size_t missing_bytes = round_up(used_bytes_ - charged_bytes_, step_bytes_);
    charged_bytes_ += missing_bytes;
    larder::charge_external_bytes(cache_, missing_bytes);
    owed_bytes_.fetch_add(kCleanedPerByte * missing_bytes, std::memory_order_relaxed);
  }
  return true;
}

bool ConnectionMemory::charge(int64_t bytes) {
  if (bytes >= 0) return take(static_cast<size_t>(bytes));
  give(static_cast<size_t>(-bytes));
  return true;
}

void ConnectionMemory::settle() {
  for (size_t bytes = 0; bytes < kSettledBytes && larder::bytes_over_limit(cache_) > 0; bytes += kSettleStepBytes) {
    // Relaxed: a hint. What is not settled here is by the next stores, and by upkeep.
    size_t owed_bytes = owed_bytes_.load(std::memory_order_relaxed);
    const size_t step_bytes = std::min(owed_bytes, kSettleStepBytes);
    if (step_bytes == 0) return;
    if (!owed_bytes_.compare_exchange_strong(owed_bytes, owed_bytes - step_bytes, std::memory_order_relaxed))
      return;
    if (!cache_.maintain(kSettleStepBytes)) return;
  }
}

void ConnectionMemory::give(size_t bytes) {
  const larder::internal::MutexLock lock(mutex_);
  used_bytes_ -= bytes;
  const size_t kept_bytes = round_up(used_bytes_, step_bytes_) + step_bytes_;
  if (charged_bytes_ <= kept_bytes) return;
  larder::add_external_bytes(cache_, -static_cast<int64_t>(charged_bytes_ - kept_bytes));
  charged_bytes_ = kept_bytes;
}

size_t ConnectionMemory::excess_bytes() const {
  const size_t used_bytes = this->used_bytes();
  const size_t bytes_max = this->bytes_max();
  return used_bytes > bytes_max ? used_bytes - bytes_max : 0;
}

void ConnectionMemory::set_limit(size_t memory_limit_bytes) {
  bytes_max_ = bytes_max_at(memory_limit_bytes, evicts_);
}

}  // namespace netd
