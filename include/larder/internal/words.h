// Writing to and reading from memory of the log, which other threads may read and write at the same time.
//
// Readers without a lock copy records while writers change them, and find out afterwards that they did (index.h).
// For that to be defined, every word of a record is written, and read without the lock, as one relaxed atomic word
// of 8 octets. Under the lock that guards a record it may be read plainly: nobody else writes there.
#ifndef LARDER_INTERNAL_WORDS_H_
#define LARDER_INTERNAL_WORDS_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "larder/internal/arena.h"

// The compiler's builtins instead of std::atomic_ref: a function that AddressSanitizer must leave alone cannot call
// one that it instruments, and a reader without a lock may look at memory that has been freed and poisoned.
#ifdef LARDER_ADDRESS_SANITIZER
#define LARDER_UNCHECKED __attribute__((no_sanitize("address"), noinline))
#else
#define LARDER_UNCHECKED
#endif

namespace larder::internal {

inline constexpr size_t kWordBytes = 8;

// The word at `from`, a multiple of kWordBytes.
LARDER_UNCHECKED inline uint64_t load_word(const std::byte* from) {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(from), __ATOMIC_RELAXED);
}

inline void store_word(std::byte* to, uint64_t word) {
  __atomic_store_n(reinterpret_cast<uint64_t*>(to), word, __ATOMIC_RELAXED);
}

// Copies whole words that others may be writing; `to` is the caller's own.
LARDER_UNCHECKED inline void load_words(const std::byte* from, uint64_t* to, size_t words) {
  const auto* const source = reinterpret_cast<const uint64_t*>(from);
#pragma GCC unroll 8
  for (size_t i = 0; i < words; ++i) to[i] = __atomic_load_n(source + i, __ATOMIC_RELAXED);
}

// The eight octets that begin `offset` behind `from`, a multiple of kWordBytes. Others may be writing them.
LARDER_UNCHECKED inline uint64_t load_octets(const std::byte* from, size_t offset) {
  static_assert(std::endian::native == std::endian::little);
  const size_t shift = offset % kWordBytes * 8;
  from += offset / kWordBytes * kWordBytes;
  // Shifted twice: by 64 at once is undefined.
  return (load_word(from) >> shift) | (load_word(from + kWordBytes) << 1 << (63 - shift));
}

// Calls use(octets, position) for pieces of eight octets that together cover the `bytes` ≥ 8 octets that begin
// there, and may overlap: so that all but the first and the last are whole words.
template <class Use>
LARDER_UNCHECKED inline void for_each_piece(const std::byte* from, size_t offset, size_t bytes, Use&& use) {
  const size_t last = bytes - kWordBytes;
  use(load_octets(from, offset), size_t{0});
  const size_t skew = kWordBytes - offset % kWordBytes;
  const std::byte* const words = from + offset + skew;
#pragma GCC unroll 4
  for (size_t at = 0; at + skew < last; at += kWordBytes) use(load_word(words + at), at + skew);
  use(load_octets(from, offset + last), last);
}

// Whether the octets that begin there are these.
LARDER_UNCHECKED inline bool are_octets(const std::byte* from, size_t offset, const char* octets, size_t bytes) {
  uint64_t differences = 0;
  if (bytes >= kWordBytes) {
    for_each_piece(from, offset, bytes, [&](uint64_t piece, size_t position) {
      uint64_t expected;
      std::memcpy(&expected, octets + position, kWordBytes);
      differences |= piece ^ expected;
    });
    return differences == 0;
  }
  uint64_t piece = load_octets(from, offset);
  for (size_t i = 0; i < bytes; ++i, piece >>= 8) differences |= static_cast<uint8_t>(octets[i]) ^ (piece & 0xff);
  return differences == 0;
}

// Copies the octets that begin there; `to` is the caller's own.
LARDER_UNCHECKED inline void load_octets(const std::byte* from, size_t offset, char* to, size_t bytes) {
  if (bytes >= kWordBytes) {
    for_each_piece(from, offset, bytes,
                   [&](uint64_t piece, size_t position) { std::memcpy(to + position, &piece, kWordBytes); });
    return;
  }
  uint64_t piece = load_octets(from, offset);
  for (size_t i = 0; i < bytes; ++i, piece >>= 8) to[i] = static_cast<char>(piece);
}

// Writes octets, one piece behind the other, to where others may be reading: by way of a buffer, as whole words.
// Only the caller writes to the words that they fall in, and no piece lies there.
class OctetWriter {
 public:
  explicit OctetWriter(std::byte* to) : fill_(reinterpret_cast<uintptr_t>(to) % kWordBytes), to_(to - fill_) {
    if (fill_ != 0) set_word(0, load_word(to_));
  }
  OctetWriter(const OctetWriter&) = delete;
  OctetWriter& operator=(const OctetWriter&) = delete;

  void put(const void* from, size_t bytes) {
    const auto* source = static_cast<const std::byte*>(from);
    for (; bytes > kBufferBytes - fill_; flush(kBufferBytes)) {
      const size_t part = kBufferBytes - fill_;
      std::memcpy(buffer_ + fill_, source, part);
      source += part;
      bytes -= part;
    }
    // Of an empty value there may be no pointer, which memcpy wants all the same.
    if (bytes > 0) std::memcpy(buffer_ + fill_, source, bytes);
    fill_ += bytes;
  }

  // The low `bytes` ≤ 8 octets of a number.
  void put_low(uint64_t number, size_t bytes) {
    if (fill_ > kBufferBytes - kWordBytes) return put(&number, bytes);
    std::memcpy(buffer_ + fill_, &number, sizeof number);
    fill_ += bytes;
  }

  // To be called once, behind the last piece.
  void finish() {
    if (const size_t part = fill_ % kWordBytes; part != 0) {
      const size_t at = fill_ - part;
      const uint64_t kept = ~uint64_t{0} << part * 8;
      uint64_t word;
      std::memcpy(&word, buffer_ + at, kWordBytes);
      set_word(at, (word & ~kept) | (load_word(to_ + at) & kept));
      fill_ = at + kWordBytes;
    }
    flush(fill_);
  }

 private:
  static constexpr size_t kBufferBytes = 512;

  void set_word(size_t at, uint64_t word) { std::memcpy(buffer_ + at, &word, kWordBytes); }
  void flush(size_t bytes) {
    auto* const target = reinterpret_cast<uint64_t*>(to_);
#pragma GCC unroll 4
    for (size_t i = 0; i < bytes / kWordBytes; ++i) {
      uint64_t word;
      std::memcpy(&word, buffer_ + i * kWordBytes, kWordBytes);
      __atomic_store_n(target + i, word, __ATOMIC_RELAXED);
    }
    to_ += bytes;
    fill_ = 0;
  }

  alignas(32) std::byte buffer_[kBufferBytes];
  size_t fill_;  // octets in the buffer, the first of which goes to to_
  std::byte* to_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_WORDS_H_
