// Cache::store: what becomes of an item that is stored over, for every mode.
#ifndef LARDER_INTERNAL_COMMANDS_STORE_H_
#define LARDER_INTERNAL_COMMANDS_STORE_H_

#include <cstdint>
#include <string_view>

#include "larder/arguments.h"
#include "larder/internal/engine/engine.h"
#include "larder/result.h"

namespace larder::internal {

// Cache::store and set_multi, of a key that can have an item.
[[nodiscard]] StoreOutcome store(Engine& engine, const Engine::Target& target, std::string_view value,
                                 const StoreOptions& options);

// `value` is within its bounds. Does not remove the item when there was no room. `marks`: kMarkGrace,
// kMarkAbsent, or neither.
[[nodiscard]] StoreOutcome store_item(Engine& engine, const Engine::Target& target, std::string_view value,
                                      const StoreOptions& options,
                                      Placeholders placeholders = Placeholders::kHidden, Marks marks = 0);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_STORE_H_
