// What lookups are for, and what they find.
#ifndef LARDER_INTERNAL_ENGINE_LOOKUP_H_
#define LARDER_INTERNAL_ENGINE_LOOKUP_H_

#include <cstddef>
#include <cstdint>

#include "larder/internal/base/atomic_copy.h"
#include "larder/internal/item/record.h"

namespace larder::internal {

// What a lookup leaves behind.
enum class Lookup : uint8_t {
  kPeek,       // nothing
  kUse,        // the item's recency renewed, or a miss counted for its cause
  kGet,        // the same, and a hit or a miss counted
  kLoaderGet,  // the same. It also sees what loaders leave: that is a miss
};

// How a record is shown: short ones as copies, or all where they lie.
enum class Shown : uint8_t { kShortAsCopy, kInPlace };

enum class Seen : uint8_t { kNothing, kPlaceholder, kItem };

// Of a record.
struct RecordCopy {
  [[nodiscard]] Record record() { return {reinterpret_cast<std::byte*>(words), room_bytes}; }

  size_t room_bytes = 0;
  alignas(kRecordAlignment) uint64_t words[kCopyBytesMax / kWordBytes];
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_LOOKUP_H_
