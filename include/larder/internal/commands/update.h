// Cache::update: an item becomes what its updater says.
#ifndef LARDER_INTERNAL_COMMANDS_UPDATE_H_
#define LARDER_INTERNAL_COMMANDS_UPDATE_H_

#include <string_view>

#include "larder/arguments.h"
#include "larder/function_ref.h"
#include "larder/internal/engine/engine.h"
#include "larder/item.h"
#include "larder/result.h"

namespace larder::internal {

// `key` is within its bounds.
[[nodiscard]] UpdateOutcome update_item(Engine& engine, std::string_view key,
                                        FunctionRef<Update(const ItemView* item)> updater);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_UPDATE_H_
