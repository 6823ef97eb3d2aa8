#ifndef LARDER_INTERNAL_HOT_KEYS_HOT_KEYS_INL_H_
#define LARDER_INTERNAL_HOT_KEYS_HOT_KEYS_INL_H_

#include <algorithm>
#include <mutex>

#include "larder/api.h"
#include "larder/internal/hot_keys/hot_keys.h"

namespace larder::internal {

// The summary may take so much of the limit, but no more than is of use.
inline constexpr size_t kSummaryShareOfLimit = 512;
inline constexpr size_t kSummaryBytesMax = size_t{64} << 10;

LARDER_INLINE void HotKeys::begin(Account& account, uint64_t seed) {
  const size_t bytes = std::min(account.limit() / kSummaryShareOfLimit, kSummaryBytesMax);
  if (account.limit() < kLimitMin) return;
  account.charge(Use::kHotKeys, Summary::bytes_for(bytes));
  rings_ = std::make_unique<PerThread<SampleRing, 1>>();
  rings_->charge_to(account, Use::kHotKeys);
  seed_ = seed;
  const MutexLock lock(mutex_);
  summary_.emplace(bytes);
}

LARDER_INLINE uint32_t HotKeys::note(const KeyRef& key, RequestKind kind) {
  SampleRing* const ring = rings_ != nullptr ? rings_->own() : nullptr;
  if (ring == nullptr) return kNoneDrawn;
  // The thread's first request: not a random one.
  if (!ring->is_seeded()) {
    seed(*ring);
    return ring->next_gap(mean_gap_.load());
  }
  if (!ring->push(key, kind)) dropped_.fetch_add(1);
  if (ring->should_be_emptied() && mutex_.try_lock()) {
    const MutexLock lock(mutex_, std::adopt_lock);
    count(*ring);
  }
  return ring->next_gap(mean_gap_.load());
}

LARDER_INLINE void HotKeys::seed(SampleRing& ring) {
  const uint64_t number = rings_seeded_.fetch_add(1) + 1;
  ring.seed((seed_ + number) * 0x9e3779b97f4a7c15u);
}

LARDER_INLINE void HotKeys::count(SampleRing& ring) {
  Summary& summary = *summary_;
  ring.empty([&](const SampledRequest& request) { summary.add(request); });
  if (summary.total() < kWindow) return;
  summary.halve();
  mean_gap_.store(std::min(2 * mean_gap_.load(), kMeanGap));
}

LARDER_INLINE HotKeys::Result HotKeys::result(size_t n) {
  if (rings_ == nullptr) return {};
  SampleRing* const ring = rings_->own();
  const MutexLock lock(mutex_);
  if (ring != nullptr) count(*ring);
  return {
      .counts = summary_->top(n), .total = summary_->total(), .independent_total = summary_->independent_total()};
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_HOT_KEYS_HOT_KEYS_INL_H_
