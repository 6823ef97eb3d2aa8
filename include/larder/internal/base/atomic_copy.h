// Writes and reads of log memory that other threads may write and read at the same time.
//
// Lock-free readers copy records while writers change them, and detect it afterwards (optimistic_read.h). For this
// to be defined, records are written, and read without the lock, in relaxed atomic pieces of eight bytes. Under
// the lock that guards a record it may be read plainly, because nobody else writes to it.
//
// Where the processor can read and write sixteen bytes at any address at once, this is used. The language has no
// lock-free atomic of that size, so the instruction is written in assembler, and the processor's rules apply:
// every byte that is read was stored there, and loads and stores keep program order. A reader that validates
// afterwards needs no more. ThreadSanitizer, which must see all accesses, gets eight-byte atomics, and so does
// AddressSanitizer, to see what is written.
//
// The gain is worth it. A processor looks about 300 instructions ahead: if there are fewer from one lookup's
// record to the next one's bucket, it waits for both at once. So the common path of a lookup is inlined, and rare
// cases are not.
#ifndef LARDER_INTERNAL_BASE_ATOMIC_COPY_H_
#define LARDER_INTERNAL_BASE_ATOMIC_COPY_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

#include "larder/internal/base/arena.h"

#if defined(__SANITIZE_THREAD__)
#define LARDER_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LARDER_THREAD_SANITIZER 1
#endif
#endif
#if defined(__x86_64__) && !defined(LARDER_THREAD_SANITIZER)
#define LARDER_LONG_PIECES 1
#include <emmintrin.h>
#endif

// The compiler's builtins instead of std::atomic_ref: a function that AddressSanitizer must not instrument cannot
// call one that it instruments, and a lock-free reader may read memory that has been freed and poisoned.
#ifdef LARDER_ADDRESS_SANITIZER
#define LARDER_UNCHECKED __attribute__((no_sanitize("address"), noinline))
#else
#define LARDER_UNCHECKED
#endif

namespace larder::internal {

inline constexpr size_t kWordBytes = 8;

// The eight bytes at `from`, a multiple of kWordBytes.
LARDER_UNCHECKED inline uint64_t load_word(const std::byte* from) {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(from), __ATOMIC_RELAXED);
}

inline void store_word(std::byte* to, uint64_t word) {
  __atomic_store_n(reinterpret_cast<uint64_t*>(to), word, __ATOMIC_RELAXED);
}

// The eight bytes at `from` + `offset`; `from` is a multiple of kWordBytes. Other threads may be writing them.
LARDER_UNCHECKED inline uint64_t load_bytes(const std::byte* from, size_t offset) {
  static_assert(std::endian::native == std::endian::little);
  const size_t shift = offset % kWordBytes * 8;
  from += offset / kWordBytes * kWordBytes;
  // Shifted twice: by 64 at once is undefined.
  return (load_word(from) >> shift) | (load_word(from + kWordBytes) << 1 << (63 - shift));
}

#ifdef LARDER_LONG_PIECES
using LongPiece = __m128i;

// Sixteen bytes at any address; other threads may be writing them.
inline LongPiece load_long_piece(const std::byte* from) {
  LongPiece piece;
  asm volatile("movdqu {%1, %0|%0, %1}"
               : "=x"(piece)
               : "m"(*reinterpret_cast<const std::byte(*)[sizeof piece]>(from)));
  return piece;
}
inline bool is_piece(LongPiece piece, const char* data) {
  const LongPiece expected = _mm_loadu_si128(reinterpret_cast<const LongPiece*>(data));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(piece, expected)) == 0xffff;
}

// Calls use(piece, position) for the first `pieces` pieces and the last ones, which together cover all bytes.
template <size_t pieces, class Use>
[[gnu::always_inline]] inline bool all_of_ends(const std::byte* from, size_t bytes, Use&& use) {
  for (size_t at = 0; at < pieces * sizeof(LongPiece); at += sizeof(LongPiece)) {
    if (!use(load_long_piece(from + at), at)) return false;
  }
  for (size_t at = pieces * sizeof(LongPiece); at > 0; at -= sizeof(LongPiece)) {
    if (!use(load_long_piece(from + bytes - at), bytes - at)) return false;
  }
  return true;
}
#endif

inline bool is_piece(uint64_t piece, const char* data) {
  uint64_t expected;
  std::memcpy(&expected, data, sizeof expected);
  return piece == expected;
}

// Calls use(piece, position) for pieces that together cover `bytes` >= kWordBytes bytes from there on, until it
// returns false. They may overlap.
template <class Use>
[[gnu::noinline]] LARDER_UNCHECKED inline bool all_of_words(const std::byte* from, size_t offset, size_t bytes,
                                                            Use use) {
  // All but the first and the last are aligned.
  const size_t last = bytes - kWordBytes;
  if (!use(load_bytes(from, offset), size_t{0})) return false;
  const size_t skew = kWordBytes - offset % kWordBytes;
  const std::byte* const words = from + offset + skew;
#pragma GCC unroll 4
  for (size_t at = 0; at + skew < last; at += kWordBytes) {
    if (!use(load_word(words + at), at + skew)) return false;
  }
  return use(load_bytes(from, offset + last), last);
}
template <class Use>
LARDER_UNCHECKED inline bool all_of_pieces(const std::byte* from, size_t offset, size_t bytes, Use&& use) {
#ifdef LARDER_LONG_PIECES
  if (bytes >= sizeof(LongPiece)) {
    from += offset;
    if (bytes <= 2 * sizeof(LongPiece)) return all_of_ends<1>(from, bytes, use);
    if (bytes <= 4 * sizeof(LongPiece)) return all_of_ends<2>(from, bytes, use);
    if (bytes <= 8 * sizeof(LongPiece)) return all_of_ends<4>(from, bytes, use);
    const size_t last = bytes - sizeof(LongPiece);
#pragma GCC unroll 4
    for (size_t at = 0; at < last; at += sizeof(LongPiece)) {
      if (!use(load_long_piece(from + at), at)) return false;
    }
    return use(load_long_piece(from + last), last);
  }
#endif
  return all_of_words(from, offset, bytes, use);
}

// Whether the bytes there are equal to these.
[[gnu::noinline]] LARDER_UNCHECKED inline bool are_few_bytes(const std::byte* from, size_t offset, const char* data,
                                                             size_t bytes) {
  uint64_t piece = load_bytes(from, offset);
  uint64_t differences = 0;
  for (size_t i = 0; i < bytes; ++i, piece >>= 8) differences |= static_cast<uint8_t>(data[i]) ^ (piece & 0xff);
  return differences == 0;
}
LARDER_UNCHECKED inline bool are_bytes(const std::byte* from, size_t offset, const char* data, size_t bytes) {
  if (bytes < kWordBytes) return are_few_bytes(from, offset, data, bytes);
  return all_of_pieces(from, offset, bytes,
                       [&](auto piece, size_t position) { return is_piece(piece, data + position); });
}

// Copies the bytes there; `to` is the caller's own memory.
[[gnu::noinline]] LARDER_UNCHECKED inline void load_few_bytes(const std::byte* from, size_t offset, char* to,
                                                              size_t bytes) {
  uint64_t piece = load_bytes(from, offset);
  for (size_t i = 0; i < bytes; ++i, piece >>= 8) to[i] = static_cast<char>(piece);
}
LARDER_UNCHECKED inline void load_bytes(const std::byte* from, size_t offset, char* to, size_t bytes) {
  if (bytes < kWordBytes) return load_few_bytes(from, offset, to, bytes);
  all_of_pieces(from, offset, bytes, [&](auto piece, size_t position) {
    std::memcpy(to + position, &piece, sizeof piece);
    return true;
  });
}

// A ByteWriter writes byte sequences, one after the other, to memory that others may be reading. Only the caller
// writes to the eight-byte words they share, and no source lies in them.
#if defined(LARDER_LONG_PIECES) && !defined(LARDER_ADDRESS_SANITIZER)
// Writes directly from the source.
class ByteWriter {
 public:
  explicit ByteWriter(std::byte* to) : to_(to) {}
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;

  void put(const void* from, size_t bytes) {
    if (bytes < sizeof(LongPiece)) return put_few(from, bytes);
    const auto* const source = static_cast<const LongPiece*>(from);
    const size_t whole = (bytes - 1) / sizeof(LongPiece);
#pragma GCC unroll 4
    for (size_t i = 0; i < whole; ++i) store(i * sizeof(LongPiece), _mm_loadu_si128(source + i));
    const size_t last = bytes - sizeof(LongPiece);
    const auto* const end = reinterpret_cast<const LongPiece*>(static_cast<const std::byte*>(from) + last);
    store(last, _mm_loadu_si128(end));
    to_ += bytes;
  }

  // The low `bytes` ≤ 8 bytes of a number.
  void put_low(uint64_t number, size_t bytes) { put_few(&number, bytes); }

  // Call once, after the last piece.
  void finish() {}

 private:
  // Fewer than sixteen bytes.
  void put_few(const void* from, size_t bytes) {
    const auto* const source = static_cast<const std::byte*>(from);
    if (bytes >= sizeof(uint64_t)) {
      store_ends<uint64_t>(source, bytes);
    } else if (bytes >= sizeof(uint32_t)) {
      store_ends<uint32_t>(source, bytes);
    } else if (bytes >= sizeof(uint16_t)) {
      store_ends<uint16_t>(source, bytes);
    } else if (bytes == 1) {
      store_ends<uint8_t>(source, bytes);
    }
    to_ += bytes;
  }
  // The first and the last piece, which together cover all bytes.
  template <class Piece>
  void store_ends(const std::byte* from, size_t bytes) {
    for (const size_t at : {size_t{0}, bytes - sizeof(Piece)}) {
      Piece piece;
      std::memcpy(&piece, from + at, sizeof piece);
      store(at, piece);
    }
  }
  void store(size_t at, LongPiece piece) {
    asm volatile("movdqu {%1, %0|%0, %1}" : "=m"(target<sizeof piece>(at)) : "x"(piece));
  }
  template <class Piece>
  void store(size_t at, Piece piece) {
    asm volatile("mov {%1, %0|%0, %1}" : "=m"(target<sizeof piece>(at)) : "q"(piece));
  }
  template <size_t bytes>
  [[nodiscard]] std::byte (&target(size_t at))[bytes] {
    return *reinterpret_cast<std::byte(*)[bytes]>(to_ + at);
  }

  std::byte* to_;
};
#else
// Writes through a buffer, eight bytes at a time.
class ByteWriter {
 public:
  explicit ByteWriter(std::byte* to) : fill_(reinterpret_cast<uintptr_t>(to) % kWordBytes), to_(to - fill_) {
    if (fill_ != 0) set_word(0, load_word(to_));
  }
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;

  void put(const void* from, size_t bytes) {
    const auto* source = static_cast<const std::byte*>(from);
    for (; bytes > kBufferBytes - fill_; flush(kBufferBytes)) {
      const size_t part = kBufferBytes - fill_;
      std::memcpy(buffer_ + fill_, source, part);
      source += part;
      bytes -= part;
    }
    // An empty source may have no address.
    if (bytes != 0) std::memcpy(buffer_ + fill_, source, bytes);
    fill_ += bytes;
  }

  // The low `bytes` ≤ 8 bytes of a number.
  void put_low(uint64_t number, size_t bytes) {
    if (fill_ > kBufferBytes - kWordBytes) return put(&number, bytes);
    std::memcpy(buffer_ + fill_, &number, sizeof number);
    fill_ += bytes;
  }

  // Call once, after the last piece.
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
  size_t fill_;  // bytes in the buffer; the first of them goes to to_
  std::byte* to_;
};
#endif

// Writes bytes from memory of the caller's own.
inline void atomic_write(std::string_view data, std::byte* to) {
  ByteWriter writer(to);
  writer.put(data.data(), data.size());
  writer.finish();
}

// The same from log memory, which may overlap the target.
inline void atomic_move(std::string_view data, std::byte* to) {
  constexpr size_t kPieceBytes = 4096;
  char piece[kPieceBytes];
  const auto* const from = reinterpret_cast<const std::byte*>(data.data());
  if (from == to) return;
  // Starts at the end where no byte is written before it is read.
  const bool is_forward = std::less<const std::byte*>{}(to, from);
  for (size_t moved = 0; moved < data.size();) {
    const size_t bytes = std::min(data.size() - moved, kPieceBytes);
    const size_t at = is_forward ? moved : data.size() - moved - bytes;
    std::memcpy(piece, from + at, bytes);
    atomic_write({piece, bytes}, to + at);
    moved += bytes;
  }
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_ATOMIC_COPY_H_
