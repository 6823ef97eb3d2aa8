#ifndef LARDER_INTERNAL_BASE_ADDRESS_SPACE_INL_H_
#define LARDER_INTERNAL_BASE_ADDRESS_SPACE_INL_H_

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "larder/api.h"
#include "larder/internal/base/address_space.h"
#include "larder/internal/base/page_size.h"
#include "larder/options.h"

namespace larder::internal {

// Address space is free, so a cache reserves enough to raise its limit far. But a program may have thousands of
// small caches, so theirs grows with the square of the limit: 16 MiB for a limit of 1 MiB, 16 GiB from 32 MiB on.
inline constexpr size_t kGrowthFactorMin = 4;
inline constexpr size_t kLimitBytesPerFactor = size_t{64} << 10;
inline constexpr size_t kGrownLimitBytes = size_t{16} << 30;
inline constexpr size_t kLargeFactor = 4;

inline size_t grown_limit(size_t limit_bytes) {
  const size_t squared = std::min(limit_bytes, kGrownLimitBytes) * (limit_bytes / kLimitBytesPerFactor);
  const size_t wanted = std::max(limit_bytes * kGrowthFactorMin, std::min(squared, kGrownLimitBytes));
  return std::max(limit_bytes, std::min(wanted, kMemoryLimitBytesMax));
}

LARDER_INLINE absl::StatusOr<AddressSpace> AddressSpace::reserve(const Extent& extent, size_t bytes) {
  bytes = round_up(bytes, os_page_bytes());
  void* const address = mmap(nullptr, 2 * bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory_limit_bytes: ", bytes,
                     " bytes of address space are needed, and as many to be left: ", std::strerror(errno)));
  }
  auto* const begin = static_cast<std::byte*>(address);
  munmap(begin + bytes, bytes);
  // A huge page would include memory after the first touched byte that was not charged.
  madvise(begin, bytes, MADV_NOHUGEPAGE);
  std::shared_ptr<const void> owner(begin, [bytes](std::byte* mapped) { munmap(mapped, bytes); });
  return AddressSpace(extent, std::move(owner), begin, bytes);
}

LARDER_INLINE absl::StatusOr<AddressSpace> AddressSpace::reserve(size_t limit_bytes,
                                                                 FunctionRef<size_t(const Extent&)> bytes_for) {
  Extent extent{.limit_bytes = grown_limit(limit_bytes), .large_factor = kLargeFactor};
  for (;;) {
    absl::StatusOr<AddressSpace> space = reserve(extent, bytes_for(extent));
    if (space.ok()) return space;
    if (extent.limit_bytes > limit_bytes) {
      extent.limit_bytes = std::max(limit_bytes, extent.limit_bytes / 2);
    } else if (extent.large_factor > 1) {
      extent.large_factor /= 2;
    } else {
      return space;
    }
  }
}

LARDER_INLINE size_t AddressSpace::bytes_to_take(size_t bytes, bool may_have_huge_pages) {
  return round_up(bytes, os_page_bytes()) + (may_have_huge_pages ? kHugePageBytes : 0);
}

LARDER_INLINE Arena AddressSpace::take(size_t bytes, bool may_have_huge_pages) {
  bytes = round_up(bytes, os_page_bytes());
  const size_t before =
      may_have_huge_pages ? (kHugePageBytes - reinterpret_cast<uintptr_t>(next_) % kHugePageBytes) % kHugePageBytes
                          : 0;
  assert(before + bytes <= left_bytes_);
  std::byte* const begin = next_ + before;
  next_ = begin + bytes;
  left_bytes_ -= before + bytes;
  return {owner_, begin, bytes};
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ADDRESS_SPACE_INL_H_
