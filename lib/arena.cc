#include "larder/internal/arena.h"

#include <sys/mman.h>

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace larder::internal {

absl::StatusOr<Arena> Arena::reserve(size_t bytes, std::string_view what) {
  bytes = round_up(bytes, kOsPageBytes);
  const size_t reserved = bytes + kHugePageBytes;
  void* const address =
      mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot reserve ", bytes, " bytes of address space for ",
                                                     absl::string_view(what.data(), what.size()), ": ",
                                                     std::strerror(errno)));
  }
  auto* const begin = static_cast<std::byte*>(address);
  const size_t before = kHugePageBytes - reinterpret_cast<uintptr_t>(begin) % kHugePageBytes;
  std::byte* const base = begin + before;
  munmap(begin, before);
  if (before < kHugePageBytes) munmap(base + bytes, kHugePageBytes - before);
  // A huge page behind the first touched byte would use memory that nobody was charged for.
  madvise(base, bytes, MADV_NOHUGEPAGE);
  return Arena(base, bytes);
}

Arena::Arena(Arena&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Arena::~Arena() {
  if (base_ == nullptr) return;
  munmap(base_, bytes_);
}

void Arena::allow_huge_pages(size_t offset, size_t bytes) const {
  assert(offset % kHugePageBytes == 0 && bytes % kHugePageBytes == 0 && offset + bytes <= bytes_);
  // A system without them does as well with small ones.
  madvise(base_ + offset, bytes, MADV_HUGEPAGE);
}

void Arena::discard(size_t offset, size_t bytes) const {
  assert(offset % kOsPageBytes == 0 && bytes % kOsPageBytes == 0 && offset + bytes <= bytes_);
  [[maybe_unused]] const int result = madvise(base_ + offset, bytes, MADV_DONTNEED);
  assert(result == 0);
}

}  // namespace larder::internal
