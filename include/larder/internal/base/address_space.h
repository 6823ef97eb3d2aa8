// The address space of one cache: reserved once, as a whole, and divided into parts.
//
// It is reserved read-only, which commits no memory (strict overcommit, `ulimit -d`), and its parts are made
// writable as they are used (arena.h). Where address space is short (`ulimit -v`, many caches) less is reserved:
// first the highest possible limit is lowered, then the part for large items shrinks. A reservation always leaves
// as much again for the rest of the program.
#ifndef LARDER_INTERNAL_BASE_ADDRESS_SPACE_H_
#define LARDER_INTERNAL_BASE_ADDRESS_SPACE_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "larder/function_ref.h"
#include "larder/internal/base/arena.h"

namespace larder::internal {

// What the parts must have room for.
struct Extent {
  // The highest limit that there is address space for.
  size_t limit_bytes = 0;
  // How many times that limit the part for large items has: they take runs of 2^n segment sizes, and leave gaps.
  size_t large_factor = 0;
};

class AddressSpace {
 public:
  // Reserves address space for a cache of this limit, whose parts take bytes_for(extent), for the largest extent
  // possible. ResourceExhausted if none is.
  [[nodiscard]] static absl::StatusOr<AddressSpace> reserve(size_t limit_bytes,
                                                            FunctionRef<size_t(const Extent&)> bytes_for);

  // Reserves exactly `bytes`. ResourceExhausted unless there is twice as much.
  [[nodiscard]] static absl::StatusOr<AddressSpace> reserve(const Extent& extent, size_t bytes);

  [[nodiscard]] const Extent& extent() const { return extent_; }

  // The next part, in whole pages. A part of at least kHugePageBytes that may have huge pages starts at a multiple
  // of their size.
  [[nodiscard]] Arena take(size_t bytes, bool may_have_huge_pages = false);
  // How many bytes `take` needs for that part.
  [[nodiscard]] static size_t bytes_to_take(size_t bytes, bool may_have_huge_pages = false);

 private:
  AddressSpace(const Extent& extent, std::shared_ptr<const void> owner, std::byte* begin, size_t bytes)
      : extent_(extent), owner_(std::move(owner)), next_(begin), left_bytes_(bytes) {}

  Extent extent_;
  std::shared_ptr<const void> owner_;
  std::byte* next_;
  size_t left_bytes_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ADDRESS_SPACE_H_
