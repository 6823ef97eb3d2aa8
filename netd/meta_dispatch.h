// Executes the meta commands.
#ifndef NETD_META_DISPATCH_H_
#define NETD_META_DISPATCH_H_

#include <string_view>

#include "larder/cache.h"
#include "netd/buffer.h"
#include "netd/counters.h"
#include "netd/meta_reply.h"
#include "netd/request.h"
#include "netd/session.h"
#include "netd/traffic.h"
#include "netd/value_store.h"

namespace netd {

class MetaDispatch {
 public:
  // Keeps references.
  MetaDispatch(larder::Cache& cache, Counters& counters, Traffic& traffic, ValueStore& values, bool is_read_only)
      : cache_(cache), counters_(counters), traffic_(traffic), values_(values), is_read_only_(is_read_only) {}

  // Executes the request of a meta command but mn, and appends the reply to `out`.
  void run(const Request& request, const Session& session, Buffer& out);

 private:
  void get(const Request& request, Buffer& out);
  void store(const Request& request, const Session& session, Buffer& out);
  void erase(const Request& request, Buffer& out);
  larder::EraseResult erase_or_invalidate(const Request& request);
  void count(const Request& request, const Session& session, Buffer& out);
  void debug(const Request& request, Buffer& out);

  larder::Cache& cache_;
  Counters& counters_;
  Traffic& traffic_;
  ValueStore& values_;
  const bool is_read_only_;
};

}  // namespace netd

#endif  // NETD_META_DISPATCH_H_
