// The statistics that memcached's clients get of this server: what other programs make of them, HTTP makes of the
// same.
#ifndef NETD_HTTP_OWN_STATS_H_
#define NETD_HTTP_OWN_STATS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "netd/report.h"
#include "netd/server_state.h"
#include "netd/stat_lines.h"

namespace netd::http {

// `stats` and `stats settings`. All of these throw std::bad_alloc.
[[nodiscard]] StatLines general_stats(const ServerState& server);
[[nodiscard]] StatLines settings_stats(const ServerState& server);

// `stats why`.
[[nodiscard]] StatLines why_stats(const ServerState& server, std::string_view key);

// Makes ClassStats in steps of about a millisecond at most: of many items it looks at a sample.
class ClassSurvey {
 public:
  explicit ClassSurvey(ServerState& server);

  // One step. Nothing until the last one has been made. Throws std::bad_alloc.
  [[nodiscard]] std::optional<ClassStats> step();

 private:
  struct Part {
    std::unique_ptr<Report> report;  // null: it is complete
    std::string text;
  };
  static void step(Part& part);

  Part items_;
  Part slabs_;
};

}  // namespace netd::http

#endif  // NETD_HTTP_OWN_STATS_H_
