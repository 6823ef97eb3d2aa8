#include "larder/internal/arena.h"

#include <sys/mman.h>

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "larder/internal/page_size.h"

namespace larder::internal {
namespace {

// Of processors with pages of 4 KiB. A table of pages is a page of 8-byte entries, and a huge page is what one
// table covers: with pages of 16 KiB it has 32 MiB, with those of 64 KiB 512 MiB.
bool are_huge_pages_small() { return os_page_bytes() / 8 * os_page_bytes() == kHugePageBytes; }

}  // namespace

absl::StatusOr<Arena> Arena::reserve(size_t bytes, std::string_view what) {
  bytes = round_up(bytes, os_page_bytes());
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
  if (!are_huge_pages_small()) return;
  madvise(base_ + offset, bytes, MADV_HUGEPAGE);
}

void Arena::discard(size_t offset, size_t bytes) const {
  assert(offset + bytes <= bytes_);
  const size_t page_bytes = os_page_bytes();
  const size_t begin = round_up(offset, page_bytes);
  const size_t end = (offset + bytes) / page_bytes * page_bytes;
  if (begin >= end) return;
  [[maybe_unused]] const int result = madvise(base_ + begin, end - begin, MADV_DONTNEED);
  assert(result == 0);
}

}  // namespace larder::internal
