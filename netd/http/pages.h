// What is at which path of the HTTP port.
#ifndef NETD_HTTP_PAGES_H_
#define NETD_HTTP_PAGES_H_

#include <chrono>
#include <optional>
#include <string>

#include "netd/http/history.h"
#include "netd/http/message.h"
#include "netd/http/snapshot.h"
#include "netd/server_state.h"

namespace netd::http {

// For one thread.
class Pages {
 public:
  explicit Pages(ServerState& server);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // Answers a request that guard.h does not refuse. Throws std::bad_alloc.
  [[nodiscard]] Reply answer(const Request& request);

  // To be called once a second, for the history.
  void note_second() { history_.add(read_now(server_)); }

  // Whether a request needs no credentials: a probe has none.
  [[nodiscard]] static bool is_public(const Request& request) { return request.path() == "/healthz"; }

 private:
  // However many ask, statistics are taken no more often than once in this time; those by size class, which look at
  // many items, than once in the second one.
  static constexpr std::chrono::milliseconds kFreshTime{500};
  static constexpr std::chrono::seconds kClassesFreshTime{5};

  // What is made of one snapshot, as soon as somebody asks for it.
  struct Made {
    std::chrono::steady_clock::time_point when;
    Snapshot snapshot;
    std::optional<Reply> metrics;
    std::optional<Reply> open_metrics;
    std::optional<Reply> stats;
  };

  [[nodiscard]] Made& made();
  [[nodiscard]] Reply metrics(bool is_open);
  [[nodiscard]] Reply stats();
  [[nodiscard]] Reply history(std::string_view query) const;
  [[nodiscard]] Reply explain(std::string_view query) const;

  ServerState& server_;
  History history_;
  std::optional<Made> made_;
  ClassStats classes_;
  std::optional<std::chrono::steady_clock::time_point> classes_made_;
};

}  // namespace netd::http

#endif  // NETD_HTTP_PAGES_H_
