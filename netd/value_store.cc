#include "netd/value_store.h"

#include "larder/serving.h"

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
  const auto reject = [&](larder::StoreResult reason) -> larder::StoreOutcome {
    return {.result = larder::reject(cache_, item_key(request), options, reason)};
  };
  if (request.no_memory) return reject(larder::StoreResult::kNoMemory);
  if (request.too_large) return reject(larder::StoreResult::kTooLarge);
  return cache_.store(item_key(request), request.value, options);
}

}  // namespace netd
