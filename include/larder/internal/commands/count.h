// Cache::incr and Cache::decr: what becomes of an item that holds a number.
#ifndef LARDER_INTERNAL_COMMANDS_COUNT_H_
#define LARDER_INTERNAL_COMMANDS_COUNT_H_

#include <cstdint>
#include <string_view>

#include "larder/arguments.h"
#include "larder/internal/engine/engine.h"
#include "larder/result.h"

namespace larder::internal {

using Arithmetic = uint64_t (*)(uint64_t number, uint64_t delta);

// `key` is within its bounds.
[[nodiscard]] CounterResult count_item(Engine& engine, const KeyRef& key, uint64_t delta,
                                       const CounterOptions& options, Arithmetic arithmetic);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_COUNT_H_
