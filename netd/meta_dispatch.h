// Executes the meta commands.
#ifndef NETD_META_DISPATCH_H_
#define NETD_META_DISPATCH_H_

#include <string_view>

#include "larder/cache.h"
#include "netd/buffer.h"
#include "netd/counters.h"
#include "netd/meta_reply.h"
#include "netd/request.h"
#include "netd/value_store.h"

namespace netd {

class MetaDispatch {
 public:
  // Keeps references.
  MetaDispatch(larder::Cache& cache, Counters& counters, ValueStore& values)
      : cache_(cache), counters_(counters), values_(values) {}

  // Executes a request that has `meta`, and appends the reply to `out`.
  void run(const Request& request, Buffer& out);

 private:
  void get(const Request& request, Buffer& out);
  void store(const Request& request, Buffer& out);
  void erase(const Request& request, Buffer& out);
  void count(const Request& request, Buffer& out);
  void debug(const Request& request, Buffer& out);

  larder::Cache& cache_;
  Counters& counters_;
  ValueStore& values_;
};

}  // namespace netd

#endif  // NETD_META_DISPATCH_H_
