#ifndef LARDER_INTERNAL_BASE_ACCOUNT_INL_H_
#define LARDER_INTERNAL_BASE_ACCOUNT_INL_H_

#include <algorithm>
#include <cassert>

#include "larder/api.h"
#include "larder/internal/base/account.h"

namespace larder::internal {

LARDER_INLINE bool Account::try_charge(Use use, size_t bytes) {
  size_t used = used_.load(std::memory_order_relaxed);
  do {
    const size_t limit_now = limit();
    if (used > limit_now || bytes > limit_now - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  by_use_[index(use)].fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

LARDER_INLINE void Account::charge(Use use, size_t bytes) {
  used_.fetch_add(bytes, std::memory_order_relaxed);
  by_use_[index(use)].fetch_add(bytes, std::memory_order_relaxed);
}

LARDER_INLINE void Account::release(Use use, size_t bytes) {
  [[maybe_unused]] const size_t before = by_use_[index(use)].fetch_sub(bytes, std::memory_order_relaxed);
  assert(before >= bytes);
  used_.fetch_sub(bytes, std::memory_order_relaxed);
}

LARDER_INLINE void Account::release_at_most(Use use, size_t bytes) {
  std::atomic<size_t>& charged = by_use_[index(use)];
  size_t before = charged.load(std::memory_order_relaxed);
  while (!charged.compare_exchange_weak(before, before - std::min(before, bytes), std::memory_order_relaxed)) {
  }
  used_.fetch_sub(std::min(before, bytes), std::memory_order_relaxed);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ACCOUNT_INL_H_
