// The part of a record that holds what few items have:
//
//   1     the low byte of the marks
//   4     how many bytes at the record's end are unused; in the highest bit, whether the next byte is there
//   0,1   the high byte of the marks
//   0,4   with kMarkTracked: when the item was last accessed, in seconds since the cache was made
//   0,9   with kMarkIdle: how long it is there without being read, in milliseconds, and until when at most, as the
//         record's expiry; 0: for ever
//   0,6…  with tags: Content::tags
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
  static constexpr size_t kErasuresBytes = 6;

  // From its first bytes, in a word.
  explicit Extension(uint64_t first_bytes)
      : marks_(static_cast<Marks>((first_bytes & kLowMarks) |
                                  ((first_bytes & kHasHighMarks) != 0 ? first_bytes >> kHighMarksShift & 0xff : 0)
                                      << 8)),
        unused_(static_cast<uint32_t>(first_bytes >> kUnusedShift) & kUnusedMax) {}
  // Where it lies.
  explicit Extension(const std::byte* field) : Extension(first_bytes_at(field)) {}

  [[nodiscard]] Marks marks() const { return marks_; }
  [[nodiscard]] uint32_t unused() const { return unused_; }

  [[nodiscard]] static constexpr size_t bytes(Marks marks) {
    return kBytesMin + ((marks & kMarkTracked) != 0 ? kAccessedBytes : 0) +
           ((marks & ~kLowMarks) != 0 ? high_bytes(marks) : 0);
  }
  // Of what belongs to tags.
  [[nodiscard]] static constexpr size_t tag_bytes(size_t count) {
    return count == 0 ? 0 : kErasuresBytes + count * sizeof(uint32_t);
  }

  // Reads the rest of it, from `field` on.
  void load(const std::byte* field, Content& content) const {
    content.marks = marks_;
    const bool has_high_marks = (marks_ & ~kLowMarks) != 0;
    field += kBytesMin + (has_high_marks ? 1 : 0);
    if (content.has(kMarkTracked)) {
      content.accessed_s = load_number<uint32_t>(field);
      field += kAccessedBytes;
    }
    if (!has_high_marks) return;
    if (content.has(kMarkIdle)) {
      content.idle_ms = load_number<uint32_t>(field);
      content.end_ms = load_expiry(field + sizeof content.idle_ms);
      if (content.end_ms == 0) content.end_ms = kNeverMs;
      field += kIdleBytes;
    }
    if (content.has(kMarksTags)) content.tags = field;
  }

  static void put(ByteWriter& writer, const Content& content, uint32_t unused) {
    writer.put_low(content.marks & kLowMarks, 1);
    const bool has_high_marks = (content.marks & ~kLowMarks) != 0;
    writer.put_low(unused | uint32_t{has_high_marks} << 31, sizeof unused);
    if (has_high_marks) writer.put_low(content.marks >> 8, 1);
    if (content.has(kMarkTracked)) writer.put_low(content.accessed_s, kAccessedBytes);
    if (!has_high_marks) return;
    if (content.has(kMarkIdle)) {
      writer.put_low(content.idle_ms, sizeof content.idle_ms);
      writer.put_low(content.end_ms < kNeverMs ? static_cast<uint64_t>(content.end_ms) : 0, kExpiryBytes);
    }
    writer.put(content.tags, tag_bytes(content.tag_count()));
  }

 private:
  static constexpr Marks kLowMarks = 0xff;
  static constexpr int kUnusedShift = 8;
  static constexpr uint64_t kHasHighMarks = uint64_t{1} << (kUnusedShift + 31);
  static constexpr int kHighMarksShift = 40;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kAccessedBytes = 4;
  static_assert(kNeverMs / 1000 <= UINT32_MAX);
  static constexpr size_t kIdleBytes = sizeof(uint32_t) + kExpiryBytes;

  // Not what lies behind it.
  [[nodiscard]] static uint64_t first_bytes_at(const std::byte* field) {
    const uint64_t bytes = load_number<uint8_t>(field) | uint64_t{load_number<uint32_t>(field + 1)} << kUnusedShift;
    if ((bytes & kHasHighMarks) == 0) return bytes;
    return bytes | uint64_t{load_number<uint8_t>(field + kBytesMin)} << kHighMarksShift;
  }
  [[nodiscard]] static constexpr size_t high_bytes(Marks marks) {
    return 1 + ((marks & kMarkIdle) != 0 ? kIdleBytes : 0) + tag_bytes(marks >> kTagCountShift);
  }

  const Marks marks_;
  const uint32_t unused_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ITEM_EXTENSION_H_
