#include "netd/value_store.h"

namespace netd {

larder::StoreOutcome ValueStore::store(const Request& request, const Session& session,
                                       const larder::StoreOptions& options) {
  const larder::StoreOutcome outcome = try_store(request, options);
  traffic_.stored(session, request, options, outcome);
  if (outcome.result == larder::StoreResult::kStored) bytes_written_ += outcome.value_bytes;
  return outcome;
}

larder::StoreOutcome ValueStore::try_store(const Request& request, const larder::StoreOptions& options) {
  if (request.no_memory) return refuse_no_memory(item_key(request), options);
  return cache_.store(item_key(request), request.too_large ? oversized_value_.view() : request.value, options);
}

larder::StoreOutcome ValueStore::refuse_no_memory(std::string_view key, const larder::StoreOptions& options) {
  counters_.add(Counter::kNoMemory);
  if (options.mode == larder::StoreMode::kSet && !options.expected) {
    cache_.discard(key);
  }
  return {.result = larder::StoreResult::kNoMemory};
}

}  // namespace netd
