// A buddy allocator for the log's address space: runs of 2^order units; a unit is as long as a segment.
#ifndef LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
#define LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace larder::internal {

// Not thread-safe. Allocates the lowest of the shortest runs that fit, so that used units stay together. Never
// allocates unit 0.
class BuddyAllocator {
 public:
  explicit BuddyAllocator(uint32_t unit_count);

  // The first unit of a free run of 2^order units, or none.
  [[nodiscard]] std::optional<uint32_t> allocate(int order);

  // Frees what allocate(order) returned.
  void free(uint32_t first, int order);

 private:
  const uint32_t unit_count_;
  std::vector<std::set<uint32_t>> free_runs_;  // by order
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
