#ifndef LARDER_INTERNAL_COMMANDS_RENEWAL_INL_H_
#define LARDER_INTERNAL_COMMANDS_RENEWAL_INL_H_

#include "larder/api.h"
#include "larder/internal/commands/cache_access.h"
#include "larder/internal/commands/erase.h"
#include "larder/internal/commands/read.h"
#include "larder/internal/engine/counters.h"
#include "larder/renewal.h"

namespace larder::internal {

inline void count_read(Counters& counters, const ReadOptions& options, const Reading* reading) {
  if (reading != nullptr && reading->is_created) {
    counters.add(Counter::kGetHits);
    counters.add(Counter::kVivified);
    counters.add(Counter::kItemsStored);
  } else if (reading != nullptr) {
    counters.add(options.expiry ? Counter::kTouchHits : Counter::kGetHits);
  } else {
    counters.add(Counter::kGetMisses);
  }
}

}  // namespace larder::internal

namespace larder {

LARDER_INLINE bool read(Cache& cache, std::string_view key, const ReadOptions& options, ReadVisitor visitor) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  if (!internal::is_key(key)) return false;
  bool is_found = false;
  internal::read_item(engine, key, options, internal::Reader::kAnyone, [&](const Reading* reading) {
    internal::count_read(engine.counters(key), options, reading);
    is_found = reading != nullptr;
    if (is_found) visitor(*reading);
  });
  return is_found;
}

LARDER_INLINE EraseResult invalidate(Cache& cache, std::string_view key, const InvalidateOptions& options) {
  internal::Engine& engine = internal::CacheAccess::engine(cache);
  return internal::erase_with(engine, key, options.expected, [&](const internal::StoredItem& item, int64_t now_ms) {
    return internal::invalidation(engine, item, options, now_ms);
  });
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_RENEWAL_INL_H_
