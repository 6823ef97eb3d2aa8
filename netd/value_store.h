// Stores the values that clients send, and does what has to be done about those that could not be received.
#ifndef NETD_VALUE_STORE_H_
#define NETD_VALUE_STORE_H_

#include <cstdint>
#include <string_view>

#include "larder/cache.h"
#include "netd/counters.h"
#include "netd/oversized_value.h"
#include "netd/request.h"
#include "netd/session.h"
#include "netd/traffic.h"

namespace netd {

class ValueStore {
 public:
  // Keeps references. Throws StartError.
  ValueStore(larder::Cache& cache, Counters& counters, Traffic& traffic, size_t value_bytes_max)
      : cache_(cache), counters_(counters), traffic_(traffic), oversized_value_(value_bytes_max) {}

  // A value that is too large, or for which there was no memory, leaves nothing of the old item behind if it was to
  // be stored whatever there was, and otherwise all of it.
  [[nodiscard]] larder::StoreOutcome store(const Request& request, const Session& session,
                                           const larder::StoreOptions& options);

  // About how many bytes of values have been written so far, those that were there included that had to be moved.
  [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

 private:
  larder::StoreOutcome try_store(const Request& request, const larder::StoreOptions& options);
  larder::StoreOutcome refuse_no_memory(std::string_view key, const larder::StoreOptions& options);

  larder::Cache& cache_;
  Counters& counters_;
  Traffic& traffic_;
  const OversizedValue oversized_value_;
  uint64_t bytes_written_ = 0;
};

}  // namespace netd

#endif  // NETD_VALUE_STORE_H_
