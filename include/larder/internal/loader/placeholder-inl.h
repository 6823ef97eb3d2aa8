#ifndef LARDER_INTERNAL_LOADER_PLACEHOLDER_INL_H_
#define LARDER_INTERNAL_LOADER_PLACEHOLDER_INL_H_

#include "larder/api.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/read.h"
#include "larder/internal/commands/store.h"
#include "larder/internal/loader/placeholder.h"

namespace larder::internal {

LARDER_INLINE bool look_as_loader(Engine& engine, std::string_view key, Engine::Visitor visitor) {
  return is_key(key) && engine.read(engine.ref(key), Engine::Lookup::kLoaderGet, visitor);
}

LARDER_INLINE size_t look_as_loader(Engine& engine, std::span<const std::string_view> keys,
                                    FunctionRef<void(size_t index, const ItemView& item)> visitor) {
  return engine.get_many(keys, visitor, Engine::Lookup::kLoaderGet);
}

LARDER_INLINE std::optional<ItemDetails> inspect_as_loader(Engine& engine, std::string_view key) {
  return engine.inspect(engine.ref(key), engine.now_ms(), Placeholders::kShown);
}

LARDER_INLINE bool claim_item(Engine& engine, std::string_view key, const ReadOptions& options,
                              ReadVisitor visitor) {
  bool is_found = false;
  read_item(engine, engine.ref(key), options, Reader::kLoader, [&](const Reading* reading) {
    is_found = reading != nullptr;
    if (is_found) visitor(*reading);
  });
  return is_found;
}

LARDER_INLINE StoreResult store_loaded(Engine& engine, std::string_view key, std::optional<std::string_view> value,
                                       bool has_grace, const StoreOptions& options, uint64_t erasures) {
  const std::string_view bytes = value.value_or(std::string_view());
  if (!is_key(key)) return StoreResult::kBadKey;
  const KeyRef ref = engine.ref(key);
  if (const StoreResult result = check_size(engine, ref, bytes); result != StoreResult::kStored) return result;
  const auto marks = static_cast<Marks>((value ? 0 : kMarkAbsent) | (has_grace ? kMarkGrace : 0));
  return store_item(engine, engine.begin_change(ref), bytes, options, Placeholders::kShown, marks, erasures).result;
}

LARDER_INLINE EraseResult give_back_item(Engine& engine, std::string_view key, const InvalidateOptions& options) {
  if (!is_key(key)) return EraseResult::kNotFound;
  const auto decide = [&](const StoredItem& item, int64_t now_ms) {
    return invalidation(engine, item, options, now_ms);
  };
  return erase_with(engine, engine.ref(key), options.expected, decide, Placeholders::kShown);
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_LOADER_PLACEHOLDER_INL_H_
