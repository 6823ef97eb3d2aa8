// A change of an item on its way: what was there, what is to be, and what it lacks.
#ifndef LARDER_INTERNAL_ENGINE_CHANGE_H_
#define LARDER_INTERNAL_ENGINE_CHANGE_H_

#include <cstddef>
#include <cstdint>

#include "larder/internal/index/position.h"
#include "larder/internal/item/content.h"
#include "larder/internal/item/key_ref.h"

namespace larder::internal {

// An item under its stripe's lock: where its slot lies, and what its record says.
struct Found {
  explicit operator bool() const { return static_cast<bool>(position); }

  SlotPosition position;
  Content content;
};

// A record on its way into the log.
struct Change {
  const KeyRef& key;
  Content content;
  bool is_replacement;       // of the value; otherwise that stays
  bool is_appended = false;  // to the value that is there
  bool may_spare = true;     // room for more may be left behind what is appended
};

enum class Shortage : uint8_t { kNone, kSegment, kAccount, kLarge, kLargeRoom, kQuota, kNever };
// What a store found too little of, and how much of it it needs; kLarge: room in the account, for a large item;
// kLargeRoom: address space for one, or memory that the system grants; kQuota: of a namespace's bytes, or of the
// number of items; kNever: no room will help.
struct Attempt {
  Shortage shortage = Shortage::kNone;
  size_t bytes = 0;
  uint32_t space = 0;      // kQuota
  uint64_t cas = 0;        // kNone: of what was stored
  bool has_spare = false;  // less would do: it was to have room to grow
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ENGINE_CHANGE_H_
