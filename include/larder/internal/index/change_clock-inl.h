#ifndef LARDER_INTERNAL_INDEX_CHANGE_CLOCK_INL_H_
#define LARDER_INTERNAL_INDEX_CHANGE_CLOCK_INL_H_

#include <algorithm>

#include "larder/api.h"
#include "larder/internal/index/change_clock.h"

namespace larder::internal {

LARDER_INLINE uint32_t ChangeClock::time_of(uint64_t count) const {
  const auto* const end = counts_.begin() + size_;
  const auto* const later = std::upper_bound(counts_.begin(), end, count);
  if (size_ == 0) return 0;
  return times_s_[later == counts_.begin() ? 0 : static_cast<size_t>(later - counts_.begin()) - 1];
}

LARDER_INLINE void ChangeClock::begin_second(uint64_t count, uint32_t now_s) {
  if (size_ == kSizeMax) forget_one();
  counts_[size_] = count;
  times_s_[size_] = now_s;
  last_s_ = now_s;
  ++size_;
}

// Forgets the time whose neighbours are closest together for their age.
LARDER_INLINE void ChangeClock::forget_one() {
  const uint64_t now_s = times_s_[size_ - 1];
  size_t least = 1;
  for (size_t i = 2; i + 1 < size_; ++i) {
    const auto gap = [&](size_t at) { return uint64_t{times_s_[at + 1]} - times_s_[at - 1]; };
    const auto age = [&](size_t at) { return now_s - times_s_[at] + 1; };
    if (gap(i) * age(least) < gap(least) * age(i)) least = i;
  }
  std::copy(counts_.begin() + least + 1, counts_.begin() + size_, counts_.begin() + least);
  std::copy(times_s_.begin() + least + 1, times_s_.begin() + size_, times_s_.begin() + least);
  --size_;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_CHANGE_CLOCK_INL_H_
