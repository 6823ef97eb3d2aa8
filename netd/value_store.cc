#include "netd/value_store.h"

namespace netd {

larder::StoreOutcome ValueStore::store(const Request& request, std::string_view key,
                                       const larder::StoreOptions& options) {
  if (request.no_memory) return refuse_no_memory(key, options);
  return cache_.store(key, request.too_large ? oversized_value_.view() : request.value, options);
}

larder::StoreOutcome ValueStore::refuse_no_memory(std::string_view key, const larder::StoreOptions& options) {
  counters_.add(Counter::kNoMemory);
  if (options.mode == larder::StoreMode::kSet && !options.expected) {
    cache_.discard(key);
  }
  return {.result = larder::StoreResult::kNoMemory};
}

}  // namespace netd
