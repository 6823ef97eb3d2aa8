#ifndef LARDER_INTERNAL_COMMANDS_SERVING_INL_H_
#define LARDER_INTERNAL_COMMANDS_SERVING_INL_H_

#include "larder/api.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/touch.h"
#include "larder/internal/engine/counters.h"
#include "larder/internal/engine/engine.h"
#include "larder/serving.h"

namespace larder {

LARDER_INLINE std::optional<ItemDetails> inspect(const Cache& cache, std::string_view key) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  return internal::is_key(key) ? engine.inspect(engine.ref(key), engine.now_ms()) : std::nullopt;
}

LARDER_INLINE Presence presence(const Cache& cache, std::string_view key) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  return internal::is_key(key) ? engine.presence(engine.ref(key), engine.now_ms()) : Presence::kMissing;
}

LARDER_INLINE bool scan(const Cache& cache, ScanCursor& cursor, size_t items_max,
                        FunctionRef<void(const ItemInfo& item)> visitor) {
  return internal::CacheAccess::engine(cache).scan(cursor, items_max, visitor);
}

LARDER_INLINE std::vector<NamespaceStats> namespace_stats(const Cache& cache) {
  return internal::CacheAccess::engine(cache).namespace_stats();
}

LARDER_INLINE void reset_stats(Cache& cache) { internal::CacheAccess::engine(cache).reset_counters(); }

LARDER_INLINE void prefetch(const Cache& cache, std::span<const std::string_view> keys) {
  internal::CacheAccess::engine(cache).prefetch(keys);
}

LARDER_INLINE Handle keep(Cache& cache, const ItemView& item) {
  return internal::CacheAccess::engine(cache).keep(item);
}

LARDER_INLINE bool visit_and_touch(Cache& cache, std::string_view key, Expiry expiry, Cache::Visitor visitor) {
  return internal::visit_and_touch_item(internal::CacheAccess::engine(cache), key, expiry, visitor);
}

LARDER_INLINE bool touch(Cache& cache, std::string_view key, Expiry expiry, Cache::Visitor visitor) {
  return internal::touch_item(internal::CacheAccess::engine(cache), key, expiry, visitor);
}

LARDER_INLINE EraseResult erase(Cache& cache, std::string_view key, std::optional<uint64_t> cas,
                                Cache::Visitor visitor) {
  return internal::erase_item(internal::CacheAccess::engine(cache), key, cas, visitor);
}

LARDER_INLINE size_t erase_if(Cache& cache, ScanCursor& cursor, size_t items_max, Cache::Predicate is_unwanted) {
  return internal::erase_step(internal::CacheAccess::engine(cache), cursor, items_max, is_unwanted);
}

LARDER_INLINE size_t erase_prefix(Cache& cache, std::string_view prefix) {
  return internal::whole_walk(
      [&](ScanCursor& cursor) { return erase_prefix(cache, cursor, internal::kItemsPerStep, prefix); });
}

LARDER_INLINE size_t erase_prefix(Cache& cache, ScanCursor& cursor, size_t items_max, std::string_view prefix) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  size_t erased = 0;
  const auto erase = [&](const ItemInfo& item) {
    if (!item.key.starts_with(prefix)) return;
    erased += internal::erase_one_if(engine, engine.ref(item.key), [](const ItemView*) { return true; });
  };
  // Loads that are under way must not bring back what was erased.
  engine.scan(cursor, items_max, erase, internal::Placeholders::kShown);
  return erased;
}

LARDER_INLINE StoreResult reject(Cache& cache, std::string_view key, const StoreOptions& options,
                                 StoreResult reason) {
  if (!internal::is_key(key)) return StoreResult::kBadKey;
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  const internal::KeyRef ref = engine.ref(key);
  engine.counters(ref).add(reason == StoreResult::kTooLarge ? internal::Counter::kStoreTooLarge
                                                            : internal::Counter::kStoreNoMemory);
  internal::remove_replaced(engine, ref, options);
  return reason;
}

LARDER_INLINE absl::Status check_memory_limit(const Cache& cache, size_t bytes) {
  return internal::CacheAccess::engine(cache).check_memory_limit(bytes);
}

LARDER_INLINE size_t memory_limit_bytes_min(const Cache& cache) {
  return internal::CacheAccess::engine(cache).memory_limit_bytes_min();
}

LARDER_INLINE void add_external_bytes(Cache& cache, int64_t bytes) {
  internal::CacheAccess::engine(cache).add_external_bytes(bytes);
}

LARDER_INLINE void charge_external_bytes(Cache& cache, size_t bytes) {
  internal::CacheAccess::engine(cache).charge_external_bytes(bytes);
}

LARDER_INLINE size_t bytes_over_limit(const Cache& cache) {
  return internal::CacheAccess::engine(cache).bytes_over_limit();
}

LARDER_INLINE absl::Status assert_valid(const Cache& cache) {
  return internal::CacheAccess::engine(cache).assert_valid();
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_SERVING_INL_H_
