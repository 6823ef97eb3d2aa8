// What is at which path of the HTTP port.
#ifndef NETD_HTTP_PAGES_H_
#define NETD_HTTP_PAGES_H_

#include <chrono>
#include <optional>
#include <string>

#include "netd/http/message.h"
#include "netd/http/snapshot.h"
#include "netd/server_state.h"

namespace netd::http {

// For one thread.
class Pages {
 public:
  explicit Pages(ServerState& server) : server_(server) {}

  // Answers a request that guard.h does not refuse. Throws std::bad_alloc.
  [[nodiscard]] Reply answer(const Request& request);

  // Whether a request needs no credentials: a probe has none.
  [[nodiscard]] static bool is_public(const Request& request) { return request.path() == "/healthz"; }

 private:
  // However many ask, statistics are taken no more often than once in this time.
  static constexpr std::chrono::milliseconds kFreshTime{500};

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

  ServerState& server_;
  std::optional<Made> made_;
};

}  // namespace netd::http

#endif  // NETD_HTTP_PAGES_H_
