#include "netd/http/pages.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "netd/http/exposition.h"
#include "netd/http/health.h"
#include "netd/http/memcached_metrics.h"
#include "netd/http/own_metrics.h"
#include "netd/http/own_stats.h"
#include "netd/http/page_files.h"
#include "netd/http/stats_json.h"
#include "netd/key_text.h"
#include "netd/parser.h"

namespace netd::http {
namespace {

// The value of a field of a query, decoded; nothing if there is no such field.
std::optional<std::string> query_field(std::string_view query, std::string_view name) {
  for (const absl::string_view field : absl::StrSplit(absl::string_view(query.data(), query.size()), '&')) {
    const std::string_view text(field.data(), field.size());
    if (text.substr(0, text.find('=')) != name) continue;
    return percent_decoded(text.substr(std::min(text.find('='), text.size() - 1) + 1));
  }
  return std::nullopt;
}

constexpr std::string_view kOpenMetricsType = "application/openmetrics-text";
constexpr std::string_view kOverview =
    "/metrics       for Prometheus\n"
    "/healthz       200: ready for clients; 503: not, and why\n"
    "/api/v1/stats, /api/v1/history, /api/v1/explain\n"
    "               the same as JSON\n"
    "/              for people\n";

Reply typed_reply(std::string type, std::string text) {
  Reply reply = text_reply(200, std::move(text));
  reply.type = std::move(type);
  return reply;
}

}  // namespace

Pages::Pages(ServerState& server) : server_(server), history_(read_now(server)) {
  (void)server.connection_memory().take(History::kBytes);
}

Pages::~Pages() { server_.connection_memory().give(History::kBytes); }

Reply Pages::answer(const Request& request) {
  const std::string path = request.path();
  if (path == "/healthz") return health(server_);
  if (path == "/metrics") return metrics(request.accept.find(kOpenMetricsType) != std::string::npos);
  if (path == "/api/v1/stats") return stats();
  if (path == "/api/v1/history") return history(request.query());
  if (path == "/api/v1/explain") return explain(request.query());
  if (const PageFile* const file = find_page_file(path)) return typed_reply(file->type, std::string(file->content));
  return text_reply(404, "There is nothing here. There are:\n" + std::string(kOverview));
}

Reply Pages::history(std::string_view query) const {
  const std::string name = query_field(query, "span").value_or(History::kSpans[0].name);
  for (size_t span = 0; span < History::kSpans.size(); ++span) {
    if (name == History::kSpans[span].name) {
      return typed_reply("application/json", history_json(history_, span, server_.clock().unix_ms() / 1000));
    }
  }
  return text_reply(400, "span: '" + name + "' is none of 10m, 2h, 24h\n");
}

Reply Pages::explain(std::string_view query) const {
  if (!server_.options().dump_enabled) return text_reply(403, "With -X, nothing is told of keys.\n");
  const std::optional<std::string> key = query_field(query, "key");
  if (!key || key->empty() || key->size() > kClientKeyBytesMax) {
    return text_reply(400, "key: has to have 1 to 250 bytes, as %xx where they are none of A-Z a-z 0-9 - . _ ~\n");
  }
  return typed_reply("application/json", explain_json(why_stats(server_, *key)));
}

Pages::Made& Pages::made() {
  const auto now = std::chrono::steady_clock::now();
  if (!made_ || now - made_->when >= kFreshTime) {
    made_.reset();
    if (!classes_made_ || now - *classes_made_ >= kClassesFreshTime) {
      classes_ = class_stats(server_);
      classes_made_ = std::chrono::steady_clock::now();
    }
    Snapshot snapshot = take_snapshot(server_);
    snapshot.classes = classes_;
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
