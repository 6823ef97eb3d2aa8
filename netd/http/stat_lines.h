// The statistics that memcached's clients get, as tables: what other programs make of them, HTTP makes of the same.
#ifndef NETD_HTTP_STAT_LINES_H_
#define NETD_HTTP_STAT_LINES_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netd/server_state.h"

namespace netd::http {

// Names and values, in their order.
class StatLines {
 public:
  void add(std::string_view name, std::string_view value);
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const { return lines_; }
  // Empty if there is no such line.
  [[nodiscard]] std::string_view text(std::string_view name) const;
  // Nothing if there is no such line, or no number in it.
  [[nodiscard]] std::optional<double> number(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// `stats items` and `stats slabs`.
struct ClassStats {
  StatLines totals;                   // of slabs
  std::map<int, StatLines> of_class;  // what both say of a class
};

// `stats` and `stats settings`. All of these throw std::bad_alloc.
[[nodiscard]] StatLines general_stats(const ServerState& server);
[[nodiscard]] StatLines settings_stats(const ServerState& server);

// `stats why` without its prefix "why:".
[[nodiscard]] StatLines why_stats(const ServerState& server, std::string_view key);

// Takes up to some tenths of a second, and less than half of it works, so that clients are not delayed. Empty if
// there is no memory for it.
[[nodiscard]] ClassStats class_stats(ServerState& server);

}  // namespace netd::http

#endif  // NETD_HTTP_STAT_LINES_H_
