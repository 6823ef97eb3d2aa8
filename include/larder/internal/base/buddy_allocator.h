// A buddy allocator for the log's address space: runs of 2^order frames; a frame is as long as a segment.
#ifndef LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
#define LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace larder::internal {

// Not thread-safe. Allocates the lowest of the shortest runs that fit, so that used frames stay together. Never
// allocates frame 0.
class BuddyAllocator {
 public:
  explicit BuddyAllocator(uint32_t frame_count);

  // The first frame of a free run of 2^order frames, or none.
  [[nodiscard]] std::optional<uint32_t> allocate(int order);

  // Frees what allocate(order) returned.
  void free(uint32_t first, int order);

 private:
  const uint32_t frame_count_;
  std::vector<std::set<uint32_t>> free_runs_;  // by order
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
