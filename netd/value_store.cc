#include "netd/value_store.h"

#include <chrono>

namespace netd {

larder::StoreOutcome ValueStore::store(const Request& request, std::string_view key,
                                       const larder::StoreOptions& options) {
  if (request.no_memory) return refuse_no_memory(key, options);
  return cache_.store(key, request.too_large ? oversized_value_.view() : request.value, options);
}

// What has expired removes the old item, and is not counted as a deletion.
larder::StoreOutcome ValueStore::refuse_no_memory(std::string_view key, const larder::StoreOptions& options) {
  counters_.add(Counter::kNoMemory);
  if (options.mode == larder::StoreMode::kSet && !options.expected) {
    (void)cache_.set(key, {}, {.expiry = larder::Expiry::after(std::chrono::seconds(-1))});
  }
  return {.result = larder::StoreResult::kNoMemory};
}

}  // namespace netd
