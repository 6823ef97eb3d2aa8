// A record: the layout of an item in a segment.
//
//   offset  size  what
//   0       2     the record's room in 8-byte units, or 0 for a large item, whose segment has its room
//   2       1     format: which of the fields below are present, and how many bytes at the end are unused
//   3       1     key size 1..255, or 0: then two bytes of key size follow
//   4       …     key
//           0,4,6,8  CAS number (as wide as it needs; see kCas…)
//           0,5   expiry: milliseconds since the cache was made
//           0,4   client flags
//           0,5…  extension: rare fields (extension.h)
//           …     value
//           …     unused, up to the room
//
// Room, key size and key never change while the record exists: the cleaner reads them without the stripe's lock.
// Everything else changes in place, under the lock, when the new content fits into the room. All writes are
// atomic, for lock-free readers (atomic_copy.h). Records start at multiples of 8; integers are in the machine's
// byte order.
#ifndef LARDER_INTERNAL_ITEM_RECORD_H_
#define LARDER_INTERNAL_ITEM_RECORD_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

#include "larder/internal/base/arena.h"
#include "larder/internal/base/atomic_copy.h"
#include "larder/internal/item/content.h"
#include "larder/internal/item/extension.h"
#include "larder/options.h"

namespace larder::internal {

inline constexpr size_t kRecordAlignment = 8;
inline constexpr size_t kRecordHeaderBytes = 4;
// The longest room that its two bytes can express. A longer record must be a large item.
inline constexpr size_t kSmallRecordBytesMax = UINT16_MAX * kRecordAlignment;

// A record of at most this many bytes is copied to be shown; a longer one is pinned.
inline constexpr size_t kCopyBytesMax = size_t{8} << 10;

// Addresses of records are below this: a slot of the index cannot hold more.
inline constexpr size_t kAddressBytesMax = size_t{1} << 43;

// The highest count of a stripe that a record stores as a count. A higher one must be stored as a whole CAS
// number.
inline constexpr uint64_t kShortCasMax = (uint64_t{1} << 48) - 1;

// Whether `bytes` < 8 bytes can hold every number up to `number_max`.
constexpr bool fits(uint64_t number_max, size_t bytes) { return number_max >> (bytes * 8) == 0; }

// A record in memory, with its room.
class Record {
 public:
  // `room_bytes`: from the record, or for a large item from its segment.
  Record(std::byte* memory, size_t room_bytes) : memory_(memory), room_bytes_(room_bytes) {}

  // How many bytes a record with that content takes, rounded up to kRecordAlignment.
  [[nodiscard]] static size_t bytes_needed(size_t key_bytes, const Content& content) {
    const size_t fields = cas_width(cas_code(content)) + (content.deadline_ms < kNeverMs ? kExpiryBytes : 0) +
                          (content.flags != 0 ? kFlagsBytes : 0) +
                          (content.marks != 0 ? Extension::bytes(content.marks) : 0);
    return round_up(key_offset(key_bytes) + key_bytes + fields + content.value_bytes(), kRecordAlignment);
  }

  // The room of a record that is not large; 0 for a large one.
  [[nodiscard]] static size_t room_at(const std::byte* memory) {
    const uint64_t word = load_word(memory);
    uint16_t room;
    std::memcpy(&room, &word, sizeof room);
    return room * kRecordAlignment;
  }

  // Writes a complete record into new room of `room_bytes` ≥ bytes_needed. `is_large`: the segment has the room.
  static Record create(std::byte* memory, size_t room_bytes, bool is_large, std::string_view key,
                       const Content& content) {
    // A reader that sees a byte of the new record also sees that the slots of the old record here are gone: the
    // bucket changes that removed them happened before this room was reserved.
    std::atomic_thread_fence(std::memory_order_release);
    assert(is_large || (room_bytes > 0 && room_bytes <= kSmallRecordBytesMax));
    Record record(memory, room_bytes);
    const Layout layout = record.layout_of(key.size(), content);
    const size_t room = is_large ? 0 : room_bytes / kRecordAlignment;
    const size_t short_size = key.size() < 256 ? key.size() : 0;
    ByteWriter writer(memory);
    writer.put_low(room | uint64_t{layout.format} << kFormatShift | short_size << kKeySizeShift,
                   kRecordHeaderBytes);
    if (short_size == 0) writer.put_low(key.size(), sizeof(uint16_t));
    writer.put(key.data(), key.size());
    put_fields(writer, layout, content);
    writer.put(content.value.data(), content.value.size());
    writer.put(content.tail.data(), content.tail.size());
    writer.finish();
    return record;
  }

  [[nodiscard]] std::string_view key() const {
    size_t size = static_cast<uint8_t>(memory_[3]);
    if (size == 0) {
      uint16_t long_size;
      std::memcpy(&long_size, memory_ + kRecordHeaderBytes, sizeof long_size);
      size = long_size;
    }
    return {reinterpret_cast<const char*>(memory_ + key_offset(size)), size};
  }

  [[nodiscard]] Content content() const {
    Content content;
    const uint8_t format = static_cast<uint8_t>(memory_[2]);
    const std::string_view record_key = key();
    const std::byte* field = memory_ + key_offset(record_key.size()) + record_key.size();
    const uint8_t code = format & kCasMask;
    const size_t width = cas_width(code);
    switch (code) {
      case kCas32:
        content.cas = load_number<uint32_t>(field);
        break;
      case kCas48:
        content.cas = load_number<uint32_t>(field) | uint64_t{load_number<uint16_t>(field + sizeof(uint32_t))}
                                                         << 32;
        break;
      case kCasWhole:
        content.cas = load_number<uint64_t>(field);
        content.is_cas_whole = true;
        break;
    }
    field += width;
    if ((format & kHasExpiry) != 0) {
      content.deadline_ms = load_expiry(field);
      field += kExpiryBytes;
    }
    if ((format & kHasFlags) != 0) {
      content.flags = load_number<uint32_t>(field);
      field += kFlagsBytes;
    }
    uint32_t unused = format >> kUnusedShift;
    if ((format & kHasExtension) != 0) {
      const Extension extension(field);
      unused = extension.unused();
      extension.load(field, content);
      field += Extension::bytes(content.marks);
    }
    const auto offset = static_cast<size_t>(field - memory_);
    content.value = {reinterpret_cast<const char*>(memory_ + offset), room_bytes_ - offset - unused};
    return content;
  }

  // Replaces the content in place; bytes_needed must fit into the room. `content.value` or `content.tail` may be a
  // part of the record's own value. Bytes that are in their place already are not written: an append costs what it
  // adds.
  void rewrite(const Content& content) {
    if (!content.has(kMarksTags)) [[likely]]
      return put(content);
    // They may be the record's own, and move.
    std::array<std::byte, Extension::tag_bytes(kTagsMax)> tags;
    std::copy_n(content.tags, Extension::tag_bytes(content.tag_count()), tags.begin());
    Content with_copy = content;
    with_copy.tags = tags.data();
    put(with_copy);
  }

  // Bytes of the room that the content uses, rounded up: these count as live.
  [[nodiscard]] size_t live_bytes() const { return bytes_needed(key().size(), content()); }

  // Whether the record in this room seems to have this key, read without the lock.
  [[nodiscard]] static bool seems_to_be(const std::byte* memory, size_t room_bytes, std::string_view wanted) {
    const size_t size = wanted.size();
    const size_t offset = key_offset(size);
    if (offset + size > room_bytes) return false;
    const uint64_t word = load_word(memory);
    const size_t short_size = static_cast<uint8_t>(word >> kKeySizeShift);
    const size_t long_size = static_cast<uint16_t>(word >> 32);
    if (size != (short_size != 0 ? short_size : long_size)) return false;
    return are_bytes(memory, offset, wanted.data(), size);
  }

  // The content of a record with that key, read in place without the lock. Like all such reads it must be
  // validated afterwards; but the value is inside the room in any case. None: it cannot be right.
  struct Outline {
    int64_t deadline_ms = kNeverMs;
    Marks marks = 0;
    size_t value_offset = 0;
    size_t value_bytes = 0;
  };
  [[nodiscard]] static std::optional<Outline> outline(const std::byte* memory, size_t room_bytes,
                                                      size_t key_bytes) {
    const auto format = static_cast<uint8_t>(load_word(memory) >> kFormatShift);
    Outline outline;
    size_t field = key_offset(key_bytes) + key_bytes + cas_width(format & kCasMask);
    if ((format & kHasExpiry) != 0) {
      outline.deadline_ms =
          static_cast<int64_t>(load_bytes(memory, field) & ((uint64_t{1} << kExpiryBytes * 8) - 1));
      field += kExpiryBytes;
    }
    if ((format & kHasFlags) != 0) field += kFlagsBytes;
    size_t unused = format >> kUnusedShift;
    if ((format & kHasExtension) != 0) {
      const Extension extension(load_bytes(memory, field));
      outline.marks = extension.marks();
      unused = extension.unused();
      field += Extension::bytes(outline.marks);
    }
    if (field + unused > room_bytes) return std::nullopt;
    outline.value_offset = field;
    outline.value_bytes = room_bytes - field - unused;
    return outline;
  }

  // How many bytes the header and key of a record take; safe without the lock.
  [[nodiscard]] static size_t prefix_bytes_at(const std::byte* memory) {
    std::byte word[kWordBytes];
    const uint64_t loaded = load_word(memory);
    std::memcpy(word, &loaded, sizeof word);
    size_t size = static_cast<uint8_t>(word[3]);
    if (size == 0) {
      uint16_t long_size;
      std::memcpy(&long_size, word + kRecordHeaderBytes, sizeof long_size);
      size = long_size;
    }
    return key_offset(size) + size;
  }

  [[nodiscard]] size_t room_bytes() const { return room_bytes_; }

 private:
  // Bit positions in the first eight bytes.
  static constexpr int kFormatShift = 16;
  static constexpr int kKeySizeShift = 24;

  // Bits of the format byte.
  static constexpr uint8_t kCasMask = 0x03;
  static constexpr uint8_t kCasNone = 0, kCas32 = 1, kCas48 = 2, kCasWhole = 3;
  static constexpr uint8_t kCasWidths[] = {0, 4, 6, 8};
  static constexpr uint8_t kHasExpiry = 0x04;
  static constexpr uint8_t kHasFlags = 0x08;
  static constexpr uint8_t kHasExtension = 0x10;
  static constexpr int kUnusedShift = 5;

  static constexpr size_t kFlagsBytes = 4;

  // Every number that callers can choose must fit into the bits that a record has for it.
  static_assert(kSmallRecordBytesMax / kRecordAlignment < 1 << kFormatShift);
  static_assert(fits(kKeyBytesMax, sizeof(uint16_t)));
  static_assert(fits(kShortCasMax, kCasWidths[kCas48]));
  static_assert(fits(kNeverMs - 1, kExpiryBytes));
  // With the room for appends.
  static_assert(kItemBytesMaxMax + kItemBytesMaxMax / 2 < Extension::kUnusedMax);
  // How many unused bytes the format byte can express, plus one.
  static constexpr size_t kShortUnusedEnd = size_t{1} << (8 - kUnusedShift);
  static_assert(kShortUnusedEnd == kRecordAlignment, "what rounding leaves unused needs no extension");

  [[nodiscard]] static constexpr size_t key_offset(size_t key_bytes) {
    return kRecordHeaderBytes + (key_bytes < 256 ? 0 : sizeof(uint16_t));
  }
  [[nodiscard]] static constexpr uint8_t cas_code(const Content& content) {
    if (content.is_cas_whole) return kCasWhole;
    if (content.cas == 0) return kCasNone;
    return content.cas <= UINT32_MAX ? kCas32 : kCas48;
  }
  [[nodiscard]] static constexpr size_t cas_width(uint8_t code) { return kCasWidths[code]; }

  // The layout of a content in the room.
  struct Layout {
    uint8_t format = 0;
    size_t value_offset = 0;
    uint32_t unused = 0;  // bytes after the value
  };
  // `keeps_extension`: keeps it even if nothing needs it, if there is room, so that the value stays where it is.
  [[nodiscard]] Layout layout_of(size_t key_bytes, const Content& content, bool keeps_extension = false) const {
    Layout layout{.format = cas_code(content)};
    size_t end = key_offset(key_bytes) + key_bytes + cas_width(layout.format);
    if (content.deadline_ms < kNeverMs) {
      layout.format |= kHasExpiry;
      end += kExpiryBytes;
    }
    if (content.flags != 0) {
      layout.format |= kHasFlags;
      end += kFlagsBytes;
    }
    assert(end + content.value_bytes() <= room_bytes_);
    const size_t unused = room_bytes_ - end - content.value_bytes();
    const bool needs_extension = unused >= kShortUnusedEnd || content.marks != 0;
    if (!needs_extension && !(keeps_extension && unused >= Extension::bytes(content.marks))) {
      layout.format |= static_cast<uint8_t>(unused << kUnusedShift);
    } else {
      layout.format |= kHasExtension;
      end += Extension::bytes(content.marks);
    }
    layout.value_offset = end;
    layout.unused = static_cast<uint32_t>(room_bytes_ - end - content.value_bytes());
    return layout;
  }
  void put(const Content& content) {
    const size_t key_bytes = key().size();
    const Layout layout = layout_of(key_bytes, content, has_extension() && content.is_joined());
    std::byte* const value_at = memory_ + layout.value_offset;
    std::byte* const tail_at = value_at + content.value.size();
    const bool is_value_own = is_inside(content.value.data());
    const bool is_tail_own = is_inside(content.tail.data());
    assert(!is_value_own || !is_tail_own);
    // Before anything overwrites them.
    if (is_value_own) atomic_move(content.value, value_at);
    if (is_tail_own) atomic_move(content.tail, tail_at);
    ByteWriter writer(memory_ + key_offset(key_bytes) + key_bytes);
    put_fields(writer, layout, content);
    if (!is_value_own) writer.put(content.value.data(), content.value.size());
    writer.finish();
    if (!is_tail_own && !content.tail.empty()) atomic_write(content.tail, tail_at);
    const uint64_t word = load_word(memory_);
    store_word(memory_, (word & ~(uint64_t{0xff} << kFormatShift)) | uint64_t{layout.format} << kFormatShift);
  }
  static void put_fields(ByteWriter& writer, const Layout& layout, const Content& content) {
    writer.put_low(content.cas, cas_width(layout.format & kCasMask));
    if ((layout.format & kHasExpiry) != 0) {
      writer.put_low(static_cast<uint64_t>(content.deadline_ms), kExpiryBytes);
    }
    if ((layout.format & kHasFlags) != 0) writer.put_low(content.flags, kFlagsBytes);
    if ((layout.format & kHasExtension) == 0) return;
    Extension::put(writer, content, layout.unused);
  }
  [[nodiscard]] bool has_extension() const { return (static_cast<uint8_t>(memory_[2]) & kHasExtension) != 0; }
  [[nodiscard]] bool is_inside(const char* byte) const {
    const auto* const at = reinterpret_cast<const std::byte*>(byte);
    return std::greater_equal<>{}(at, memory_) && std::less<>{}(at, memory_ + room_bytes_);
  }

  std::byte* memory_;
  size_t room_bytes_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ITEM_RECORD_H_
