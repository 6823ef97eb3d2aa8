// Cache::erase and its kin: what is removed, and what is kept for readers until it is renewed.
#ifndef LARDER_INTERNAL_COMMANDS_ERASE_H_
#define LARDER_INTERNAL_COMMANDS_ERASE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/arguments.h"
#include "larder/function_ref.h"
#include "larder/internal/engine/decision.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/item/key_ref.h"
#include "larder/item.h"
#include "larder/options.h"
#include "larder/renewal.h"
#include "larder/result.h"
#include "larder/scan.h"

namespace larder::internal {

// Removes the item, if there is one. Needs no room.
void remove_item(Engine& engine, const KeyRef& key);

// What a store with these options would have replaced, now that it has failed: an old value must not outlive that.
inline void remove_replaced(Engine& engine, const KeyRef& key, const StoreOptions& options) {
  if (options.mode == StoreMode::kSet && !options.expected) remove_item(engine, key);
}

// `invalidate`: what becomes of the item.
[[nodiscard]] Decision invalidation(const Engine& engine, const StoredItem& item, const InvalidateOptions& options,
                                    int64_t now_ms);

// `decide` is asked about the item, if it is there and has the CAS number that it should. If it is missing, what a
// load under way finds is not stored, unless a number was given.
EraseResult erase_with(Engine& engine, const KeyRef& key, std::optional<uint64_t> expected,
                       FunctionRef<Decision(const StoredItem& item, int64_t now_ms)> decide,
                       Placeholders placeholders = Placeholders::kHidden);

// Cache::erase; shows the item to `visitor` under the lock, before it goes. `key` may be out of bounds.
EraseResult erase_item(Engine& engine, std::string_view key, std::optional<uint64_t> cas, Engine::Visitor visitor);

// One step of a walk that removes what is unwanted; how many items it has removed.
size_t erase_step(Engine& engine, ScanCursor& cursor, size_t items_max,
                  FunctionRef<bool(const ItemView& item)> is_unwanted);

// How many items were removed: 0 or 1.
size_t erase_one_if(Engine& engine, const KeyRef& key, FunctionRef<bool(const ItemView* item)> is_unwanted);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_ERASE_H_
