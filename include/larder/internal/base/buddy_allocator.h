// Which frames of the log's address space are in use: a buddy allocator of runs of 2^order frames.
#ifndef LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
#define LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace larder::internal {

// Not thread-safe. Gives out the lowest of the shortest runs that fit, so that what is used stays together. Frame 0
// is never given.
class BuddyAllocator {
 public:
  explicit BuddyAllocator(uint32_t frame_count);

  // The first frame of a free run of 2^order frames, or none.
  [[nodiscard]] std::optional<uint32_t> allocate(int order);

  // Gives back what allocate(order) returned.
  void free(uint32_t first, int order);

 private:
  const uint32_t frame_count_;
  std::vector<std::set<uint32_t>> free_runs_;  // by order
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_BUDDY_ALLOCATOR_H_
