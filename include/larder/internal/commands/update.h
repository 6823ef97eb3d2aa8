// Cache::update: an item becomes what its updater says.
#ifndef LARDER_INTERNAL_COMMANDS_UPDATE_H_
#define LARDER_INTERNAL_COMMANDS_UPDATE_H_

#include "larder/arguments.h"
#include "larder/function_ref.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/item/key_ref.h"
#include "larder/item.h"
#include "larder/result.h"

namespace larder::internal {

[[nodiscard]] UpdateOutcome update_item(Engine& engine, const KeyRef& key,
                                        FunctionRef<Update(const ItemView* item)> updater);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_UPDATE_H_
