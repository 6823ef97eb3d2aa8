// The statistics as JSON, for programs and for the page. netd/PROTOCOL.md describes the fields.
#ifndef NETD_HTTP_STATS_JSON_H_
#define NETD_HTTP_STATS_JSON_H_

#include <string>

#include "netd/http/history.h"
#include "netd/http/snapshot.h"

namespace netd::http {

// /api/v1/history: the points of a span that ended at `now_s`, UNIX time.
[[nodiscard]] std::string history_json(const History& history, size_t span, int64_t now_s);

// /api/v1/explain: what why_stats says.
[[nodiscard]] std::string explain_json(const StatLines& lines);

// /api/v1/stats. `shows_keys`: false has hashes in place of the names of keys.
[[nodiscard]] std::string stats_json(const Snapshot& snapshot, bool shows_keys);

}  // namespace netd::http

#endif  // NETD_HTTP_STATS_JSON_H_
