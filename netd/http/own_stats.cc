#include "netd/http/own_stats.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "netd/buffer.h"
#include "netd/report.h"
#include "netd/settings_text.h"
#include "netd/shared_reports.h"
#include "netd/stats_text.h"
#include "netd/why_text.h"

namespace netd::http {
namespace {

constexpr std::chrono::microseconds kPause(200);

// What `append` appends.
template <class Append>
StatLines lines_of(Append&& append) {
  BufferPool pool([](int64_t) { return true; });
  Buffer out(pool);
  append(out);
  return StatLines(out.content());
}

std::string report_text(ServerState& server, SharedReportKind kind) {
  BufferPool pool([](int64_t) { return true; });
  Buffer out(pool);
  std::string text;
  const std::unique_ptr<Report> report = server.shared_reports().join(kind);
  for (bool is_complete = false; !is_complete;) {
    is_complete = report->append_part(out);
    text += out.content();
    out.consume(out.size());
    if (!is_complete) std::this_thread::sleep_for(kPause);
  }
  return text;
}

}  // namespace

StatLines general_stats(const ServerState& server) {
  return lines_of([&](Buffer& out) { append_general_stats(server, out); });
}

StatLines settings_stats(const ServerState& server) {
  return lines_of([&](Buffer& out) { append_settings(server, out); });
}

StatLines why_stats(const ServerState& server, std::string_view key) {
  return lines_of([&](Buffer& out) { append_why(server, key, out); });
}

ClassStats class_stats(ServerState& server) {
  ClassStats stats;
  stats.add(report_text(server, SharedReportKind::kItems));
  stats.add(report_text(server, SharedReportKind::kSlabs));
  return stats;
}

}  // namespace netd::http
