// Stores the values that clients send, and handles those that could not be received.
#ifndef NETD_VALUE_STORE_H_
#define NETD_VALUE_STORE_H_

#include <cstdint>
#include <string_view>

#include "larder/cache.h"
#include "netd/request.h"
#include "netd/session.h"
#include "netd/traffic.h"

namespace netd {

class ValueStore {
 public:
  // Keeps references.
  ValueStore(larder::Cache& cache, Traffic& traffic) : cache_(cache), traffic_(traffic) {}

  // A value that is too large, or that there was no memory for: removes the old item if the command would have
  // replaced any item, and otherwise leaves it unchanged.
  [[nodiscard]] larder::StoreOutcome store(const Request& request, const Session& session,
                                           const larder::StoreOptions& options);

  // About how many bytes of values have been written so far, including existing values that had to be moved.
  [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

 private:
  larder::StoreOutcome try_store(const Request& request, const larder::StoreOptions& options);

  larder::Cache& cache_;
  Traffic& traffic_;
  uint64_t bytes_written_ = 0;
};

}  // namespace netd

#endif  // NETD_VALUE_STORE_H_
