// Where the pages of a stripe with many pages are.
#ifndef LARDER_INTERNAL_INDEX_DIRECTORY_H_
#define LARDER_INTERNAL_INDEX_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "larder/internal/base/atomic.h"
#include "larder/internal/index/slot.h"

namespace larder::internal {

// An entry for each 2^-depth of the tags: its page.
struct Directory {
  explicit Directory(int directory_depth)
      : depth(directory_depth), entries(std::make_unique<RelaxedAtomic<uint32_t>[]>(size_t{1} << depth)) {}
  [[nodiscard]] RelaxedAtomic<uint32_t>& entry(uint32_t tag) const {
    return entries[tag >> (Slot::kTagBits - depth)];
  }

  const int depth;
  const std::unique_ptr<RelaxedAtomic<uint32_t>[]> entries;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_INDEX_DIRECTORY_H_
