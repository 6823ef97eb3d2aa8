// /api/v1/stats: the statistics as JSON, for programs and for the page. netd/PROTOCOL.md describes the fields.
#ifndef NETD_HTTP_STATS_JSON_H_
#define NETD_HTTP_STATS_JSON_H_

#include <string>

#include "netd/http/snapshot.h"

namespace netd::http {

// `shows_keys`: false has hashes in place of the names of keys.
[[nodiscard]] std::string stats_json(const Snapshot& snapshot, bool shows_keys);

}  // namespace netd::http

#endif  // NETD_HTTP_STATS_JSON_H_
