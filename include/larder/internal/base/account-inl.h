#ifndef LARDER_INTERNAL_BASE_ACCOUNT_INL_H_
#define LARDER_INTERNAL_BASE_ACCOUNT_INL_H_

#include <algorithm>
#include <cassert>

#include "larder/api.h"
#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"

namespace larder::internal {

LARDER_INLINE bool Account::try_charge(Use use, size_t bytes) {
  size_t used = used_.load();
  do {
    const size_t limit_now = limit();
    if (used > limit_now || bytes > limit_now - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  by_use_[index(use)].fetch_add(bytes);
  return true;
}

LARDER_INLINE void Account::charge(Use use, size_t bytes) {
  used_.fetch_add(bytes);
  by_use_[index(use)].fetch_add(bytes);
}

LARDER_INLINE void Account::release(Use use, size_t bytes) {
  [[maybe_unused]] const size_t before = by_use_[index(use)].fetch_sub(bytes);
  assert(before >= bytes);
  used_.fetch_sub(bytes);
}

LARDER_INLINE void Account::release_at_most(Use use, size_t bytes) {
  RelaxedAtomic<size_t>& charged = by_use_[index(use)];
  size_t before = charged.load();
  while (!charged.compare_exchange_weak(before, before - std::min(before, bytes))) {
  }
  used_.fetch_sub(std::min(before, bytes));
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ACCOUNT_INL_H_
