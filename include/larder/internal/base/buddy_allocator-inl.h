#ifndef LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_INL_H_
#define LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_INL_H_

#include <bit>
#include <cassert>
#include <cstddef>

#include "larder/api.h"
#include "larder/internal/base/buddy_allocator.h"

namespace larder::internal {

LARDER_INLINE BuddyAllocator::BuddyAllocator(uint32_t unit_count)
    : unit_count_(std::bit_floor(unit_count)), free_runs_(static_cast<size_t>(std::countr_zero(unit_count_)) + 1) {
  free_runs_.back().insert(0);
  [[maybe_unused]] const std::optional<uint32_t> zero = allocate(0);
  assert(zero == 0u);
}

LARDER_INLINE std::optional<uint32_t> BuddyAllocator::allocate(int order) {
  for (auto from = static_cast<size_t>(order); from < free_runs_.size(); ++from) {
    if (!free_runs_[from].empty()) return allocate_from(from, order);
  }
  return std::nullopt;
}

LARDER_INLINE std::optional<uint32_t> BuddyAllocator::allocate_lowest(int order) {
  std::optional<size_t> lowest;
  for (auto from = static_cast<size_t>(order); from < free_runs_.size(); ++from) {
    if (free_runs_[from].empty()) continue;
    if (!lowest || *free_runs_[from].begin() < *free_runs_[*lowest].begin()) lowest = from;
  }
  if (!lowest) return std::nullopt;
  return allocate_from(*lowest, order);
}

LARDER_INLINE uint32_t BuddyAllocator::allocate_from(size_t from, int order) {
  const uint32_t first = *free_runs_[from].begin();
  free_runs_[from].erase(free_runs_[from].begin());
  while (from > static_cast<size_t>(order)) {
    --from;
    free_runs_[from].insert(first + (uint32_t{1} << from));
  }
  return first;
}

LARDER_INLINE void BuddyAllocator::free(uint32_t first, int order) {
  auto at = static_cast<size_t>(order);
  for (; at + 1 < free_runs_.size(); ++at) {
    const uint32_t buddy = first ^ (uint32_t{1} << at);
    if (free_runs_[at].erase(buddy) == 0) break;
    first &= ~(uint32_t{1} << at);
  }
  free_runs_[at].insert(first);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_INL_H_
