// Cache::store: what becomes of an item that is stored over, for every mode.
#ifndef LARDER_INTERNAL_COMMANDS_STORE_H_
#define LARDER_INTERNAL_COMMANDS_STORE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/arguments.h"
#include "larder/internal/engine/engine.h"
#include "larder/result.h"

namespace larder::internal {

// Cache::store and set_multi, of a key that can have an item.
[[nodiscard]] StoreOutcome store(Engine& engine, const Engine::Target& target, std::string_view value,
                                 const StoreOptions& options);

// `value` is within its bounds. Does not remove the item when there was no room. `marks`: kMarkGrace,
// kMarkAbsent, or neither. `erasures`: its tags are erased by what comes after so many, and not by what comes after
// this call.
[[nodiscard]] StoreOutcome store_item(Engine& engine, const Engine::Target& target, std::string_view value,
                                      const StoreOptions& options,
                                      Placeholders placeholders = Placeholders::kHidden, Marks marks = 0,
                                      std::optional<uint64_t> erasures = {});

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_STORE_H_
