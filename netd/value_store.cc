#include "netd/value_store.h"

namespace netd {
namespace {

// What is appended to a value is written where it ends, but for now and then, when the value is moved to where it
// has room to grow.
constexpr uint64_t kBytesPerAppended = 9;

uint64_t work_of(const Request& request, const larder::StoreOptions& options, const larder::StoreOutcome& outcome) {
  if (options.mode == larder::StoreMode::kAppend) return kBytesPerAppended * request.value.size();
  return outcome.value_bytes;
}

}  // namespace

larder::StoreOutcome ValueStore::store(const Request& request, const Session& session,
                                       const larder::StoreOptions& options) {
  const larder::StoreOutcome outcome = try_store(request, options);
  traffic_.stored(session, request, options, outcome);
  if (outcome.result == larder::StoreResult::kStored) bytes_written_ += work_of(request, options, outcome);
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
