// A key on its way through an operation.
#ifndef LARDER_INTERNAL_ITEM_KEY_REF_H_
#define LARDER_INTERNAL_ITEM_KEY_REF_H_

#include <cstdint>
#include <string_view>

#include "larder/options.h"

namespace larder::internal {

// Whether there can be an item with this key.
[[nodiscard]] inline bool is_key(std::string_view key) { return !key.empty() && key.size() <= kKeyBytesMax; }

struct KeyRef {
  std::string_view bytes;
  uint64_t hash;  // Index::hash; says which namespace the key belongs to, too
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_ITEM_KEY_REF_H_
