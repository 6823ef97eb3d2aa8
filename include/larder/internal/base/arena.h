// A part of a cache's address space (address_space.h), made writable as it is used; the system adds memory as it
// is touched.
//
// An Arena never moves, and is not unmapped before it is destroyed: an offset that was valid once can be read as
// long as the arena lives, even after its memory went back to the system (it then reads as zeros). Therefore the
// rest of the engine can keep offsets instead of pointers.
#ifndef LARDER_INTERNAL_BASE_ARENA_H_
#define LARDER_INTERNAL_BASE_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define LARDER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LARDER_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef LARDER_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace larder::internal {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

[[nodiscard]] constexpr size_t round_down(size_t bytes, size_t multiple) { return bytes / multiple * multiple; }
[[nodiscard]] constexpr size_t round_up(size_t bytes, size_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

// With AddressSanitizer, an access to poisoned memory is reported; otherwise these do nothing.
inline void poison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) {
#ifdef LARDER_ADDRESS_SANITIZER
  __asan_poison_memory_region(memory, bytes);
#endif
}
inline void unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) {
#ifdef LARDER_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

class Arena {
 public:
  Arena() = default;
  // `owner` keeps the memory mapped. All of it is readable, but nothing is writable yet. `base` and `bytes` are
  // multiples of the page size.
  Arena(std::shared_ptr<const void> owner, std::byte* base, size_t bytes)
      : owner_(std::move(owner)), base_(base), bytes_(bytes) {}

  [[nodiscard]] std::byte* at(size_t offset) const { return base_ + offset; }
  [[nodiscard]] size_t offset_of(const void* memory) const {
    return static_cast<size_t>(static_cast<const std::byte*>(memory) - base_);
  }
  [[nodiscard]] bool contains(const void* memory) const {
    return std::greater_equal<const void*>()(memory, base_) && std::less<const void*>()(memory, base_ + bytes_);
  }
  [[nodiscard]] size_t bytes() const { return bytes_; }

  // Makes [offset, offset + bytes) writable, and everything between it and what is writable already; permanently,
  // and a fraction ahead of need, so that it is seldom called. False: the system grants no more memory. Not
  // thread-safe.
  [[nodiscard]] bool make_writable(size_t offset, size_t bytes);

  // Lets [offset, offset + bytes) use huge pages, if the system's are kHugePageBytes long. Only where every
  // touched huge page is used and charged as a whole. Both arguments are multiples of kHugePageBytes.
  void allow_huge_pages(size_t offset, size_t bytes) const;

  // Gives the memory of the whole pages (page_size.h) within [offset, offset + bytes) back to the system.
  void discard(size_t offset, size_t bytes) const;

 private:
  [[nodiscard]] bool protect(size_t begin, size_t end) const;

  std::shared_ptr<const void> owner_;
  std::byte* base_ = nullptr;
  size_t bytes_ = 0;
  size_t writable_begin_ = 0;
  size_t writable_end_ = 0;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ARENA_H_
