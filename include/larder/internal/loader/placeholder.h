// What loaders store in a cache besides values, and how they find it again: placeholders and absent markers.
//
// For everybody else these keys are missing (content.h, kMarksHidden). A lookup that finds one counts as a miss.
#ifndef LARDER_INTERNAL_LOADER_PLACEHOLDER_H_
#define LARDER_INTERNAL_LOADER_PLACEHOLDER_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "larder/arguments.h"
#include "larder/function_ref.h"
#include "larder/internal/engine/engine.h"
#include "larder/item.h"
#include "larder/item_details.h"
#include "larder/renewal.h"
#include "larder/result.h"

namespace larder::internal {

bool look_as_loader(Engine& engine, std::string_view key, Engine::Visitor visitor);
size_t look_as_loader(Engine& engine, std::span<const std::string_view> keys,
                      FunctionRef<void(size_t index, const ItemView& item)> visitor);
[[nodiscard]] std::optional<ItemDetails> inspect_as_loader(Engine& engine, std::string_view key);

// Like `read` with `vivify`, but creates a placeholder, and counts nothing.
bool claim_item(Engine& engine, std::string_view key, const ReadOptions& options, ReadVisitor visitor);

// Stores a value, or an absent marker if there is none. `has_grace`: ItemView::has_grace. `erasures`: as in
// store.h.
StoreResult store_loaded(Engine& engine, std::string_view key, std::optional<std::string_view> value,
                         bool has_grace, const StoreOptions& options, uint64_t erasures);

// Lets the next reader win the item.
EraseResult give_back_item(Engine& engine, std::string_view key, const InvalidateOptions& options);

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_LOADER_PLACEHOLDER_H_
