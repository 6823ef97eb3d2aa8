// The address space of one cache: reserved once, as a whole, and handed out in parts.
//
// It is reserved readable only, which needs no memory that the system would have to promise (strict overcommit,
// `ulimit -d`), and its parts are made writable as they are used (arena.h). Where address space is short (`ulimit
// -v`, many caches) less is reserved: first there is less to raise the limit into, then less for large items; and
// as much again as is reserved must be left, for the rest of the program.
#ifndef LARDER_INTERNAL_BASE_ADDRESS_SPACE_H_
#define LARDER_INTERNAL_BASE_ADDRESS_SPACE_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "larder/function_ref.h"
#include "larder/internal/base/arena.h"

namespace larder::internal {

// What the parts are made for.
struct Extent {
  // The highest limit that there is address space for.
  size_t limit_bytes = 0;
  // How many times that large items have: they take runs of 2^n frames, of which there are pieces left over.
  size_t large_factor = 0;
};

class AddressSpace {
 public:
  // Reserves what a cache of this limit needs in parts that take bytes_for(extent), for the largest extent that it
  // can be had for. ResourceExhausted if there is none.
  [[nodiscard]] static absl::StatusOr<AddressSpace> reserve(size_t limit_bytes,
                                                            FunctionRef<size_t(const Extent&)> bytes_for);

  // Reserves so many bytes, and no less. ResourceExhausted if there is not twice as much.
  [[nodiscard]] static absl::StatusOr<AddressSpace> reserve(const Extent& extent, size_t bytes);

  [[nodiscard]] const Extent& extent() const { return extent_; }

  // The next part, in whole pages. One of kHugePageBytes or more that may have huge pages begins at a multiple of
  // them.
  [[nodiscard]] Arena take(size_t bytes, bool may_have_huge_pages = false);
  // What taking that part needs.
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
