// Cache::touch and Cache::get_and_touch: another expiry for an item.
#ifndef LARDER_INTERNAL_COMMANDS_TOUCH_H_
#define LARDER_INTERNAL_COMMANDS_TOUCH_H_

#include <string_view>

#include "larder/expiry.h"
#include "larder/function_ref.h"
#include "larder/internal/engine/engine.h"
#include "larder/item.h"

namespace larder::internal {

// Both: false when there is none. The visitor of the first is called under the lock, the other one's is not. `key`
// may be out of bounds.
bool touch_item(Engine& engine, std::string_view key, Expiry expiry, Engine::Visitor visitor);
bool visit_and_touch_item(Engine& engine, std::string_view key, Expiry expiry, Engine::Visitor visitor);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_TOUCH_H_
