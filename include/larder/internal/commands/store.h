// Cache::store: what becomes of an item that is stored over, for every mode.
#ifndef LARDER_INTERNAL_COMMANDS_STORE_H_
#define LARDER_INTERNAL_COMMANDS_STORE_H_

#include <cstdint>
#include <string_view>

#include "larder/arguments.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/item/key_ref.h"
#include "larder/result.h"

namespace larder::internal {

// `value` is within its bounds. Does not remove the item when there was no room. `marks`: kMarkGrace,
// kMarkAbsent, or neither.
[[nodiscard]] StoreOutcome store_item(Engine& engine, const KeyRef& key, std::string_view value,
                                      const StoreOptions& options,
                                      Placeholders placeholders = Placeholders::kHidden, uint8_t marks = 0);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_STORE_H_
