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

Pages::Pages(ServerState& server)
    : server_(server),
      started_s_(static_cast<double>(server.clock().unix_ms() -
                                     (server.clock().monotonic_ms() - server.started_monotonic_ms())) /
                 1000),
      history_(read_now(server)) {
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

bool Pages::is_ready_for(const Request& request) const {
  const std::string path = request.path();
  return (path != "/metrics" && path != "/api/v1/stats") || is_fresh();
}

bool Pages::is_fresh() const {
  if (!classes_made_ms_) return false;
  const int64_t now = now_ms();
  return now - *classes_made_ms_ < kClassesFreshMs || (survey_ && now - survey_started_ms_ >= kSurveyMsMax);
}

void Pages::start_survey() {
  survey_.emplace(server_);
  survey_started_ms_ = now_ms();
}

bool Pages::step_survey() {
  std::optional<ClassStats> classes = survey_->step();
  if (!classes) return false;
  classes_ = *std::move(classes);
  classes_made_ms_ = now_ms();
  survey_.reset();
  return true;
}

Reply Pages::charged_reply(std::string type, std::string text) {
  const size_t bytes = text.size();
  ConnectionMemory& memory = server_.connection_memory();
  const bool is_charged = memory.take(bytes);
  reply_bytes_ += bytes;
  Reply reply{.status = 200, .type = std::move(type), .body = nullptr};
  reply.body = std::shared_ptr<const std::string>(new std::string(std::move(text)),
                                                  [this, &memory, bytes, is_charged](const std::string* body) {
                                                    delete body;
                                                    reply_bytes_ -= bytes;
                                                    if (is_charged) memory.give(bytes);
                                                  });
  made_bytes_ += bytes;
  return reply;
}

Pages::Made& Pages::made() {
  if (!made_ || now_ms() - made_->when_ms >= kFreshMs) {
    made_.reset();
    made_bytes_ = 0;
    Snapshot snapshot = take_snapshot(server_);
    snapshot.classes = classes_;
    snapshot.started_s = started_s_;
    made_.emplace(Made{.when_ms = now_ms(),
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
    add_memcached_metrics(snapshot.general, snapshot.settings, snapshot.classes, counters_, out);
    add_own_metrics(snapshot, counters_, out);
    reply = charged_reply(is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                  : "text/plain; version=0.0.4; charset=utf-8",
                          out.finish());
  }
  return *reply;
}

Reply Pages::stats() {
  std::optional<Reply>& reply = made().stats;
  if (!reply) {
    reply = charged_reply("application/json", stats_json(made_->snapshot, server_.options().dump_enabled));
  }
  return *reply;
}

}  // namespace netd::http
