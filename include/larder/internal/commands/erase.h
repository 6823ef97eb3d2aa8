// Cache::erase and its kin: what is removed, and what is kept for readers until it is renewed.
#ifndef LARDER_INTERNAL_COMMANDS_ERASE_H_
#define LARDER_INTERNAL_COMMANDS_ERASE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "larder/arguments.h"
#include "larder/internal/engine/decision.h"
#include "larder/internal/engine/engine.h"
#include "larder/item.h"
#include "larder/options.h"
#include "larder/result.h"

namespace larder::internal {

[[nodiscard]] inline bool is_key(std::string_view key) { return !key.empty() && key.size() <= kKeyBytesMax; }

// Removes the item, if there is one. Needs no room.
void remove_item(Engine& engine, std::string_view key);

// Cache::invalidate: what becomes of the item.
[[nodiscard]] Decision invalidation(const Engine& engine, const StoredItem& item, const InvalidateOptions& options,
                                    int64_t now_ms);

// `decide` is asked about the item, if it is there and has the CAS number that it should. A load of a key that is
// missing is void, unless a number was given.
EraseResult erase_with(Engine& engine, std::string_view key, std::optional<uint64_t> expected,
                       absl::FunctionRef<Decision(const StoredItem& item, int64_t now_ms)> decide,
                       Placeholders placeholders = Placeholders::kHidden);

// How many items were removed: 0 or 1.
size_t erase_one_if(Engine& engine, std::string_view key,
                    absl::FunctionRef<bool(const ItemView* item)> is_unwanted);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_ERASE_H_
