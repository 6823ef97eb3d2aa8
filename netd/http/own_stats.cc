#include "netd/http/own_stats.h"


#include "netd/buffer.h"
#include "netd/settings_text.h"
#include "netd/shared_reports.h"
#include "netd/stats_text.h"
#include "netd/why_text.h"

namespace netd::http {
namespace {


// What `append` appends.
template <class Append>
StatLines lines_of(Append&& append) {
  BufferPool pool([](int64_t) { return true; });
  Buffer out(pool);
  append(out);
  return StatLines(out.content());
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

ClassSurvey::ClassSurvey(ServerState& server)
    : items_{.report = server.shared_reports().join(SharedReportKind::kItems), .text = {}},
      slabs_{.report = server.shared_reports().join(SharedReportKind::kSlabs), .text = {}} {}

std::optional<ClassStats> ClassSurvey::step() {
  step(items_.report != nullptr ? items_ : slabs_);
  if (items_.report != nullptr || slabs_.report != nullptr) return std::nullopt;
  ClassStats stats;
  stats.add(items_.text);
  stats.add(slabs_.text);
  return stats;
}

void ClassSurvey::step(Part& part) {
  if (part.report == nullptr) return;
  BufferPool pool([](int64_t) { return true; });
  Buffer out(pool);
  const bool is_complete = part.report->append_part(out);
  part.text += out.content();
  if (is_complete) part.report.reset();
}

}  // namespace netd::http
