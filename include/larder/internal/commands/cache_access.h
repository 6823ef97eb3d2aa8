// What the functions of a cache, and those beside it, share.
#ifndef LARDER_INTERNAL_COMMANDS_CACHE_ACCESS_H_
#define LARDER_INTERNAL_COMMANDS_CACHE_ACCESS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "larder/cache.h"
#include "larder/function_ref.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/engine.h"
#include "larder/internal/item/key_ref.h"
#include "larder/item.h"
#include "larder/result.h"
#include "larder/scan.h"

namespace larder::internal {

// The engine of a cache, for functions that are no members of it.
struct CacheAccess {
  [[nodiscard]] static Engine& engine(const Cache& cache) { return *cache.engine_; }
};

// Of walks that nobody has set a step for.
inline constexpr size_t kItemsPerStep = 64;

// Of a walk over everything: what its steps add up to.
inline size_t whole_walk(FunctionRef<size_t(ScanCursor& cursor)> take_step) {
  size_t sum = 0;
  for (ScanCursor cursor; !cursor.is_at_end();) sum += take_step(cursor);
  return sum;
}

inline Item item_of(const ItemView& view) {
  return {.value = std::string(view.value),
          .flags = view.flags,
          .cas = view.cas,
          .ttl_ms = view.ttl_ms,
          .is_stale = view.is_stale,
          .is_won = view.is_won,
          .is_key_binary = view.is_key_binary};
}

// kStored if the value can be stored at all; what cannot is counted.
inline StoreResult check_size(Engine& engine, const KeyRef& key, std::string_view value) {
  if (value.size() <= engine.options().item_bytes_max) return StoreResult::kStored;
  engine.counters(key).add(Counter::kStoreTooLarge);
  return StoreResult::kTooLarge;
}

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_COMMANDS_CACHE_ACCESS_H_
