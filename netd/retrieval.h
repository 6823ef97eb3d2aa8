// get, gets, gat and gats: as many keys as a client cares to name, answered in steps of bounded size.
#ifndef NETD_RETRIEVAL_H_
#define NETD_RETRIEVAL_H_

#include <cstddef>

#include "larder/cache.h"
#include "netd/buffer.h"
#include "netd/request.h"
#include "netd/session.h"
#include "netd/traffic.h"

namespace netd {

// A reply is continued only while less than this is waiting to be sent, and no value that is held in the cache.
inline constexpr size_t kReplyBytesMax = 64 << 10;
inline constexpr size_t kReplyBytesMaxWhenShort = 8 << 10;  // of memory
inline bool is_full(const Buffer& out) {
  return out.size() >= (out.is_short_of_memory() ? kReplyBytesMaxWhenShort : kReplyBytesMax) || out.holds_value();
}

// Answers keys from the front of `request.keys` and removes them. True when all are answered, END included; false
// when `out` is full or enough keys have been looked up for one turn: to be called again.
// `out` never exceeds kReplyBytesMax by more than one item.
[[nodiscard]] bool continue_retrieval(larder::Cache& cache, Traffic& traffic, const Session& session,
                                      Request& request, Buffer& out);

}  // namespace netd

#endif  // NETD_RETRIEVAL_H_
