// A record: an item as it lies in a segment.
//
//   offset  size  what
//   0       2     room: bit 15 dead; bits 0..14 the record's room in 8-byte units, 0 for a large item,
//                 whose segment knows its room
//   2       1     format: which of the fields below are there, and how many octets at the end are unused
//   3       1     key size 1..255, or 0: then two octets of key size follow
//   4       …     key
//           0,4,6,8  CAS number (as wide as it needs; see kCas…)
//           0,5   expiry: milliseconds since the cache was made
//           0,4   client flags
//           0,5   extension: an octet kept for later and four octets: how many octets at the end are unused
//           …     value
//           …     unused, up to the room
//
// Room, key size and key never change while the record is there: the cleaner reads them without the stripe's
// lock. Everything else changes under the lock, in place, when the new content fits in the room.
// Records start at multiples of 8; all integers are in the machine's byte order.
#ifndef LARDER_INTERNAL_RECORD_H_
#define LARDER_INTERNAL_RECORD_H_

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "larder/internal/arena.h"

namespace larder::internal {

inline constexpr size_t kRecordAlignment = 8;
inline constexpr size_t kRecordHeaderBytes = 4;
inline constexpr size_t kSmallRecordBytesMax = 0x7fff * kRecordAlignment;

// Addresses of records are below this: what a slot of the index can hold.
inline constexpr size_t kAddressBytesMax = size_t{1} << 43;

// "Never", as a deadline in milliseconds since the cache was made. Every other deadline is below it.
inline constexpr int64_t kNeverMs = int64_t{1} << 40;

// What a record holds besides its key.
struct Content {
  std::string_view value;
  uint32_t flags = 0;
  int64_t deadline_ms = kNeverMs;
  uint64_t cas = 0;  // the stripe's count, or a whole number if is_cas_whole
  bool is_cas_whole = false;
};

// A record in memory, whose room is known.
class Record {
 public:
  // `room_bytes`: as in the record, or what the segment of a large item says.
  Record(std::byte* memory, size_t room_bytes) : memory_(memory), room_bytes_(room_bytes) {}

  // How many octets a record of that content takes, rounded up to kRecordAlignment.
  [[nodiscard]] static size_t bytes_needed(size_t key_bytes, const Content& content) {
    const size_t fields = cas_width(cas_code(content)) + (content.deadline_ms < kNeverMs ? kExpiryBytes : 0) +
                          (content.flags != 0 ? kFlagsBytes : 0);
    return round_up(key_offset(key_bytes) + key_bytes + fields + content.value.size(), kRecordAlignment);
  }

  // The room a record that is not large was written with.
  [[nodiscard]] static size_t room_at(std::byte* memory) {
    return (load_room(memory) & kRoomMask) * kRecordAlignment;
  }
  // Whether no slot points at the record any more. A hint when read without the stripe's lock: it may be late.
  [[nodiscard]] static bool is_dead_at(std::byte* memory) { return (load_room(memory) & kDeadBit) != 0; }

  // Writes a whole record into fresh room of `room_bytes` ≥ bytes_needed. `is_large`: the segment keeps the room.
  static Record create(std::byte* memory, size_t room_bytes, bool is_large, std::string_view key,
                       const Content& content) {
    store_room(memory, is_large ? 0 : static_cast<uint16_t>(room_bytes / kRecordAlignment));
    if (key.size() < 256) {
      memory[3] = static_cast<std::byte>(key.size());
    } else {
      memory[3] = std::byte{0};
      const auto size = static_cast<uint16_t>(key.size());
      std::memcpy(memory + kRecordHeaderBytes, &size, sizeof size);
    }
    std::memcpy(memory + key_offset(key.size()), key.data(), key.size());
    Record record(memory, room_bytes);
    record.rewrite(content);
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
    std::memcpy(&content.cas, field, width);
    content.is_cas_whole = code == kCasWhole;
    field += width;
    if ((format & kHasExpiry) != 0) {
      content.deadline_ms = 0;
      std::memcpy(&content.deadline_ms, field, kExpiryBytes);
      field += kExpiryBytes;
    }
    if ((format & kHasFlags) != 0) {
      std::memcpy(&content.flags, field, kFlagsBytes);
      field += kFlagsBytes;
    }
    uint32_t unused = format >> kUnusedShift;
    if ((format & kHasExtension) != 0) {
      std::memcpy(&unused, field + 1, sizeof unused);
      field += kExtensionBytes;
    }
    content.value = {reinterpret_cast<const char*>(field),
                     static_cast<size_t>(memory_ + room_bytes_ - field) - unused};
    return content;
  }

  // Replaces the content where the record lies; the caller has made sure that bytes_needed fits in the room.
  // `content.value` may be the record's own value.
  void rewrite(const Content& content) {
    const std::string_view record_key = key();
    const size_t fields_offset = key_offset(record_key.size()) + record_key.size();
    const uint8_t code = cas_code(content);
    uint8_t format = code;
    size_t value_offset = fields_offset + cas_width(code);
    if (content.deadline_ms < kNeverMs) {
      format |= kHasExpiry;
      value_offset += kExpiryBytes;
    }
    if (content.flags != 0) {
      format |= kHasFlags;
      value_offset += kFlagsBytes;
    }
    assert(value_offset + content.value.size() <= room_bytes_);
    auto unused = static_cast<uint32_t>(room_bytes_ - value_offset - content.value.size());
    if (unused < 8) {
      format |= static_cast<uint8_t>(unused << kUnusedShift);
    } else {
      format |= kHasExtension;
      value_offset += kExtensionBytes;
      unused -= kExtensionBytes;
    }
    // The value first: it may lie where the fields will be written.
    if (!content.value.empty()) std::memmove(memory_ + value_offset, content.value.data(), content.value.size());
    std::byte* field = memory_ + fields_offset;
    field = put(field, &content.cas, cas_width(code));
    if ((format & kHasExpiry) != 0) field = put(field, &content.deadline_ms, kExpiryBytes);
    if ((format & kHasFlags) != 0) field = put(field, &content.flags, kFlagsBytes);
    if ((format & kHasExtension) != 0) {
      *field++ = std::byte{0};
      put(field, &unused, sizeof unused);
    }
    memory_[2] = static_cast<std::byte>(format);
  }

  // Octets that the content uses of the room, rounded up: what counts as live.
  [[nodiscard]] size_t live_bytes() const { return bytes_needed(key().size(), content()); }

  void mark_dead() { store_room(memory_, static_cast<uint16_t>(load_room(memory_) | kDeadBit)); }

  [[nodiscard]] size_t room_bytes() const { return room_bytes_; }

 private:
  static constexpr uint16_t kDeadBit = 0x8000;
  static constexpr uint16_t kRoomMask = 0x7fff;

  // Bits of the format octet.
  static constexpr uint8_t kCasMask = 0x03;
  static constexpr uint8_t kCasNone = 0, kCas32 = 1, kCas48 = 2, kCasWhole = 3;
  static constexpr uint8_t kHasExpiry = 0x04;
  static constexpr uint8_t kHasFlags = 0x08;
  static constexpr uint8_t kHasExtension = 0x10;
  static constexpr int kUnusedShift = 5;

  static constexpr size_t kExpiryBytes = 5;
  static constexpr size_t kFlagsBytes = 4;
  static constexpr size_t kExtensionBytes = 5;

  [[nodiscard]] static constexpr size_t key_offset(size_t key_bytes) {
    return kRecordHeaderBytes + (key_bytes < 256 ? 0 : sizeof(uint16_t));
  }
  [[nodiscard]] static constexpr uint8_t cas_code(const Content& content) {
    if (content.is_cas_whole) return kCasWhole;
    if (content.cas == 0) return kCasNone;
    return content.cas <= UINT32_MAX ? kCas32 : kCas48;
  }
  [[nodiscard]] static constexpr size_t cas_width(uint8_t code) {
    constexpr uint8_t kWidths[] = {0, 4, 6, 8};
    return kWidths[code];
  }
  static std::byte* put(std::byte* field, const void* from, size_t bytes) {
    std::memcpy(field, from, bytes);
    return field + bytes;
  }

  // Relaxed: the dead bit is only a hint to those who read it without the lock, and the room under it never
  // changes.
  [[nodiscard]] static uint16_t load_room(std::byte* memory) {
    return std::atomic_ref(*reinterpret_cast<uint16_t*>(memory)).load(std::memory_order_relaxed);
  }
  static void store_room(std::byte* memory, uint16_t room) {
    std::atomic_ref(*reinterpret_cast<uint16_t*>(memory)).store(room, std::memory_order_relaxed);
  }

  std::byte* memory_;
  size_t room_bytes_;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_RECORD_H_
