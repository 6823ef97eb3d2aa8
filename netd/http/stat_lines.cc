#include "netd/http/stat_lines.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "absl/strings/numbers.h"
#include "netd/buffer.h"
#include "netd/numbers.h"
#include "netd/report.h"
#include "netd/settings_text.h"
#include "netd/shared_reports.h"
#include "netd/stats_text.h"
#include "netd/tokens.h"
#include "netd/why_text.h"

namespace netd::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kStat = "STAT";
constexpr std::string_view kItemsPrefix = "items:";
constexpr std::chrono::microseconds kPause(200);

// Calls `take` with each name and value.
void parse(std::string_view text, const std::function<void(std::string_view name, std::string_view value)>& take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(kLineEnd), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + kLineEnd.size(), text.size()));
    if (take_token(line) != kStat) continue;
    const std::string_view name = take_token(line);
    take(name, line.substr(std::min(line.find_first_not_of(' '), line.size())));
  }
}

// What `append` appends.
template <class Append>
StatLines lines_of(Append&& append, std::string_view prefix = {}) {
  BufferPool pool([](int64_t) { return true; });
  Buffer out(pool);
  append(out);
  StatLines lines;
  parse(out.content(), [&](std::string_view name, std::string_view value) {
    lines.add(name.starts_with(prefix) ? name.substr(prefix.size()) : name, value);
  });
  return lines;
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

void add_class_line(std::string_view name, std::string_view value, ClassStats& stats) {
  const size_t colon = name.find(':');
  const std::optional<uint32_t> item_class = parse_u32(name.substr(0, colon));
  if (colon == std::string_view::npos || !item_class) return stats.totals.add(name, value);
  stats.of_class[static_cast<int>(*item_class)].add(name.substr(colon + 1), value);
}

}  // namespace

void StatLines::add(std::string_view name, std::string_view value) { lines_.emplace_back(name, value); }

std::string_view StatLines::text(std::string_view name) const {
  const auto line = std::ranges::find_if(lines_, [name](const auto& pair) { return pair.first == name; });
  return line == lines_.end() ? std::string_view() : std::string_view(line->second);
}

std::optional<double> StatLines::number(std::string_view name) const {
  double number = 0;
  const std::string_view value = text(name);
  if (!absl::SimpleAtod(absl::string_view(value.data(), value.size()), &number)) return std::nullopt;
  return number;
}

StatLines general_stats(const ServerState& server) {
  return lines_of([&](Buffer& out) { append_general_stats(server, out); });
}

StatLines settings_stats(const ServerState& server) {
  return lines_of([&](Buffer& out) { append_settings(server, out); });
}

StatLines why_stats(const ServerState& server, std::string_view key) {
  return lines_of([&](Buffer& out) { append_why(server, key, out); }, "why:");
}

ClassStats class_stats(ServerState& server) {
  ClassStats stats;
  parse(report_text(server, SharedReportKind::kItems), [&](std::string_view name, std::string_view value) {
    if (name.starts_with(kItemsPrefix)) add_class_line(name.substr(kItemsPrefix.size()), value, stats);
  });
  parse(report_text(server, SharedReportKind::kSlabs),
        [&](std::string_view name, std::string_view value) { add_class_line(name, value, stats); });
  return stats;
}

}  // namespace netd::http
