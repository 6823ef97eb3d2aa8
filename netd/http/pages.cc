#include "netd/http/pages.h"

#include "netd/http/exposition.h"
#include "netd/http/health.h"
#include "netd/http/memcached_metrics.h"
#include "netd/http/own_metrics.h"
#include "netd/http/stats_json.h"

namespace netd::http {
namespace {

constexpr std::string_view kOpenMetricsType = "application/openmetrics-text";
constexpr std::string_view kOverview =
    "/metrics       for Prometheus\n"
    "/healthz       200: ready for clients; 503: not, and why\n"
    "/api/v1/stats  statistics as JSON\n";

Reply typed_reply(std::string type, std::string text) {
  Reply reply = text_reply(200, std::move(text));
  reply.type = std::move(type);
  return reply;
}

}  // namespace

Reply Pages::answer(const Request& request) {
  const std::string path = request.path();
  if (path == "/healthz") return health(server_);
  if (path == "/metrics") return metrics(request.accept.find(kOpenMetricsType) != std::string::npos);
  if (path == "/api/v1/stats") return stats();
  if (path == "/") return text_reply(200, std::string(kOverview));
  return text_reply(404, "There is nothing here. There are:\n" + std::string(kOverview));
}

Pages::Made& Pages::made() {
  const auto now = std::chrono::steady_clock::now();
  if (!made_ || now - made_->when >= kFreshTime) {
    made_.reset();
    Snapshot snapshot = take_snapshot(server_);
    made_.emplace(Made{.when = std::chrono::steady_clock::now(),
                       .snapshot = std::move(snapshot),
                       .metrics = {},
                       .open_metrics = {},
                       .stats = {}});
  }
  return *made_;
}

Reply Pages::metrics(bool is_open) {
  std::optional<Reply>& reply = is_open ? made().open_metrics : made().metrics;
  if (!reply) {
    const Snapshot& snapshot = made_->snapshot;
    Exposition out(is_open ? Exposition::Format::kOpenMetrics : Exposition::Format::kPrometheus);
    add_memcached_metrics(snapshot.general, snapshot.settings, snapshot.classes, out);
    add_own_metrics(snapshot, out);
    reply = typed_reply(is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8",
                        out.finish());
  }
  return *reply;
}

Reply Pages::stats() {
  std::optional<Reply>& reply = made().stats;
  if (!reply) {
    reply = typed_reply("application/json", stats_json(made_->snapshot, server_.options().dump_enabled));
  }
  return *reply;
}

}  // namespace netd::http
