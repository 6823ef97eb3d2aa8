// The part of a record that holds what few items have:
//
//   1     the marks, but for kMarkIdle
//   4     how many bytes at the record's end are unused, and kMarkIdle in the highest bit
//   0,4   with kMarkTracked: when the item was last accessed, in seconds since the cache was made
//   0,9   with kMarkIdle: how long it is there without being read, in milliseconds, and until when at most, as the
//         record's expiry; 0: for ever
#ifndef LARDER_INTERNAL_ITEM_EXTENSION_H_
#define LARDER_INTERNAL_ITEM_EXTENSION_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "larder/internal/base/atomic_copy.h"
#include "larder/internal/item/content.h"

namespace larder::internal {

// A number where it lies in a record, field by field, so that a content is built in registers and not in memory.
template <class Number>
[[nodiscard]] Number load_number(const std::byte* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

inline constexpr size_t kExpiryBytes = 5;
[[nodiscard]] inline int64_t load_expiry(const std::byte* from) {
  static_assert(kExpiryBytes == sizeof(uint32_t) + sizeof(uint8_t));
  return int64_t{load_number<uint32_t>(from)} | int64_t{load_number<uint8_t>(from + sizeof(uint32_t))} << 32;
}

class Extension {
 public:
  static constexpr uint32_t kUnusedMax = UINT32_MAX >> 1;

  // From its first bytes, in a word.
  explicit Extension(uint64_t first_bytes)
      : marks_(static_cast<Marks>((first_bytes & kLowMarks) | (first_bytes >> kIdleShift & 1) << kIdleBit)),
        unused_(static_cast<uint32_t>(first_bytes >> kUnusedShift) & kUnusedMax) {}
  // Where it lies.
  explicit Extension(const std::byte* field)
      : Extension(load_number<uint8_t>(field) | uint64_t{load_number<uint32_t>(field + 1)} << kUnusedShift) {}

  [[nodiscard]] Marks marks() const { return marks_; }
  [[nodiscard]] uint32_t unused() const { return unused_; }

  [[nodiscard]] static constexpr size_t bytes(Marks marks) {
    return kBytesMin + ((marks & kMarkTracked) != 0 ? kAccessedBytes : 0) +
           ((marks & kMarkIdle) != 0 ? kIdleBytes : 0);
  }

  // Reads the rest of it, from `field` on.
  void load(const std::byte* field, Content& content) const {
    content.marks = marks_;
    field += kBytesMin;
    if (content.has(kMarkTracked)) {
      content.accessed_s = load_number<uint32_t>(field);
      field += kAccessedBytes;
    }
    if (!content.has(kMarkIdle)) return;
    content.idle_ms = load_number<uint32_t>(field);
    content.end_ms = load_expiry(field + sizeof content.idle_ms);
    if (content.end_ms == 0) content.end_ms = kNeverMs;
  }

  static void put(ByteWriter& writer, const Content& content, uint32_t unused) {
    writer.put_low(content.marks & kLowMarks, 1);
    writer.put_low(unused | uint32_t{content.has(kMarkIdle)} << 31, sizeof unused);
    if (content.has(kMarkTracked)) writer.put_low(content.accessed_s, kAccessedBytes);
    if (!content.has(kMarkIdle)) return;
    writer.put_low(content.idle_ms, sizeof content.idle_ms);
    writer.put_low(content.end_ms < kNeverMs ? static_cast<uint64_t>(content.end_ms) : 0, kExpiryBytes);
  }

 private:
  static constexpr Marks kLowMarks = 0xff;
  static constexpr int kIdleBit = 8;
  static_assert(kMarkIdle == 1 << kIdleBit);
  static constexpr int kUnusedShift = 8;
  static constexpr int kIdleShift = kUnusedShift + 31;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kAccessedBytes = 4;
  static_assert(kNeverMs / 1000 <= UINT32_MAX);
  static constexpr size_t kIdleBytes = sizeof(uint32_t) + kExpiryBytes;

  const Marks marks_;
  const uint32_t unused_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ITEM_EXTENSION_H_
