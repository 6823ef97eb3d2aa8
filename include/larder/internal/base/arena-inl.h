#ifndef LARDER_INTERNAL_BASE_ARENA_INL_H_
#define LARDER_INTERNAL_BASE_ARENA_INL_H_

#include <sys/mman.h>

#include <algorithm>
#include <cassert>

#include "larder/api.h"
#include "larder/internal/base/arena.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {

// How much is made writable ahead of need: a fraction of what is in use, between two bounds.
inline constexpr size_t kAheadDivisor = 8;
inline constexpr size_t kAheadBytesMin = size_t{2} << 20;
inline constexpr size_t kAheadBytesMax = size_t{64} << 20;

// Whether huge pages are kHugePageBytes long: only with system pages of 4 KiB. A page table is one page of 8-byte
// entries, and a huge page is what one table covers: with pages of 16 KiB it is 32 MiB, with 64 KiB 512 MiB.
inline bool are_huge_pages_small() { return os_page_bytes() / 8 * os_page_bytes() == kHugePageBytes; }

LARDER_INLINE bool Arena::protect(size_t begin, size_t end) const {
  return mprotect(base_ + begin, end - begin, PROT_READ | PROT_WRITE) == 0;
}

LARDER_INLINE bool Arena::make_writable(size_t offset, size_t bytes) {
  assert(offset + bytes <= bytes_);
  if (writable_begin_ == writable_end_) writable_begin_ = writable_end_ = round_down(offset, os_page_bytes());
  if (offset >= writable_begin_ && offset + bytes <= writable_end_) return true;
  const size_t begin = std::min(writable_begin_, round_down(offset, os_page_bytes()));
  const size_t end = std::max(writable_end_, round_up(offset + bytes, os_page_bytes()));
  const size_t ahead =
      round_up(std::clamp((end - begin) / kAheadDivisor, kAheadBytesMin, kAheadBytesMax), os_page_bytes());
  const size_t far_begin = begin < writable_begin_ ? begin - std::min(begin, ahead) : begin;
  const size_t far_end = end > writable_end_ ? std::min(bytes_, end + ahead) : end;
  if (protect(far_begin, far_end)) {
    writable_begin_ = far_begin;
    writable_end_ = far_end;
    return true;
  }
  if (!protect(begin, end)) return false;
  writable_begin_ = begin;
  writable_end_ = end;
  return true;
}

LARDER_INLINE void Arena::allow_huge_pages(size_t offset, size_t bytes) const {
  assert(offset % kHugePageBytes == 0 && bytes % kHugePageBytes == 0 && offset + bytes <= bytes_);
  // A failure of madvise is ignored: small pages work as well.
  if (!are_huge_pages_small()) return;
  madvise(base_ + offset, bytes, MADV_HUGEPAGE);
}

LARDER_INLINE void Arena::discard(size_t offset, size_t bytes) const {
  assert(offset + bytes <= bytes_);
  const size_t page_bytes = os_page_bytes();
  const size_t begin = round_up(offset, page_bytes);
  const size_t end = round_down(offset + bytes, page_bytes);
  if (begin >= end) return;
  [[maybe_unused]] const int result = madvise(base_ + begin, end - begin, MADV_DONTNEED);
  assert(result == 0);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ARENA_INL_H_
