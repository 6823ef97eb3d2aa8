#ifndef LARDER_INTERNAL_COMMANDS_RENEWAL_INL_H_
#define LARDER_INTERNAL_COMMANDS_RENEWAL_INL_H_

#include "larder/api.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/read.h"
#include "larder/internal/engine/counters.h"
#include "larder/renewal.h"

namespace larder::internal {

inline void count_read(Engine& engine, const KeyRef& key, const ReadOptions& options, const Reading* reading) {
  if (reading == nullptr) return engine.count_get(key, false);
  if (reading->is_created) {
    engine.counters(key).add(Counter::kVivified);
    engine.counters(key).add(Counter::kItemsStored);
  } else if (options.expiry) {
    return engine.counters(key).add(Counter::kTouchHits);
  }
  engine.count_get(key, true);
  if (reading->is_created) {
    engine.curve().follow_miss(key.hash);
  } else {
    const int64_t deadline_ms = reading->item.ttl_ms == kNeverExpires ? kNeverMs : engine.now_ms() + reading->item.ttl_ms;
    engine.curve().follow_hit(key, reading->item.value.size(), deadline_ms);
  }
}

}  // namespace larder::internal

namespace larder {

LARDER_INLINE bool read(Cache& cache, std::string_view key, const ReadOptions& options, ReadVisitor visitor) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  if (!internal::is_key(key)) return false;
  const internal::KeyRef ref = engine.ref(key);
  engine.note_request(ref, options.expiry ? internal::RequestKind::kWrite : internal::RequestKind::kRead);
  bool is_found = false;
  internal::read_item(engine, ref, options, internal::Reader::kAnyone, [&](const Reading* reading) {
    internal::count_read(engine, ref, options, reading);
    is_found = reading != nullptr;
    if (is_found) visitor(*reading);
  });
  return is_found;
}

LARDER_INLINE EraseResult invalidate(Cache& cache, std::string_view key, const InvalidateOptions& options) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  if (!internal::is_key(key)) return EraseResult::kNotFound;
  return internal::erase_with(engine, engine.ref(key), options.expected,
                              [&](const internal::StoredItem& item, int64_t now_ms) {
                                return internal::invalidation(engine, item, options, now_ms);
                              });
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_RENEWAL_INL_H_
