#include "larder/internal/base/account.h"

#include <algorithm>
#include <cassert>

namespace larder::internal {

bool Account::try_charge(Use use, size_t bytes) {
  size_t used = used_.load(std::memory_order_relaxed);
  do {
    const size_t limit_now = limit();
    if (used > limit_now || bytes > limit_now - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  by_use_[index(use)].fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

void Account::charge(Use use, size_t bytes) {
  used_.fetch_add(bytes, std::memory_order_relaxed);
  by_use_[index(use)].fetch_add(bytes, std::memory_order_relaxed);
}

void Account::release(Use use, size_t bytes) {
  [[maybe_unused]] const size_t before = by_use_[index(use)].fetch_sub(bytes, std::memory_order_relaxed);
  assert(before >= bytes);
  used_.fetch_sub(bytes, std::memory_order_relaxed);
}

void Account::release_at_most(Use use, size_t bytes) {
  std::atomic<size_t>& charged = by_use_[index(use)];
  size_t before = charged.load(std::memory_order_relaxed);
  while (!charged.compare_exchange_weak(before, before - std::min(before, bytes), std::memory_order_relaxed)) {
  }
  used_.fetch_sub(std::min(before, bytes), std::memory_order_relaxed);
}

}  // namespace larder::internal
