// A buddy allocator for the log's address space: runs of 2^order units; a unit is as long as a segment.
#ifndef LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
#define LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace larder::internal {

// Not thread-safe. Never allocates unit 0.
class BuddyAllocator {
 public:
  explicit BuddyAllocator(uint32_t unit_count);

  // The first unit of a free run of 2^order units, or none: of the lowest of the shortest runs that fit, so that
  // long ones stay whole.
  [[nodiscard]] std::optional<uint32_t> allocate(int order);

  // The same, if is_usable(unit); otherwise of the lowest run that fits, however long it is, if that is usable. For
  // units that take a resource when they are first used, of which no more is to be had: lower ones have it already.
  template <class IsUsable>
  [[nodiscard]] std::optional<uint32_t> allocate_usable(int order, IsUsable&& is_usable) {
    for (const auto allocate : {&BuddyAllocator::allocate, &BuddyAllocator::allocate_lowest}) {
      const std::optional<uint32_t> first = (this->*allocate)(order);
      if (!first || is_usable(*first)) return first;
      free(*first, order);
    }
    return std::nullopt;
  }

  // Frees what was allocated with that order.
  void free(uint32_t first, int order);

 private:
  [[nodiscard]] std::optional<uint32_t> allocate_lowest(int order);
  // Of a run of 2^from units.
  [[nodiscard]] uint32_t allocate_from(size_t from, int order);

  const uint32_t unit_count_;
  std::vector<std::set<uint32_t>> free_runs_;  // by order
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
