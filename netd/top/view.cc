#include "netd/top/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace netd::top {
namespace {

// Counters start again from 0 when they are reset, or the server is.
double rate(const StatLines& before, const StatLines& now, std::string_view name, double elapsed_s) {
  const double from = before.number_or_0(name);
  const double to = now.number_or_0(name);
  return (to < from ? to : to - from) / elapsed_s;
}

struct Rates {
  Rates(const Sample& before, const Sample& now) {
    const double elapsed_s = std::max(std::chrono::duration<double>(now.when - before.when).count(), 1e-3);
    const auto of = [&](std::string_view name) { return rate(before.general, now.general, name, elapsed_s); };
    gets = of("cmd_get");
    hits = of("get_hits");
    stores = of("cmd_set");
    deletes = of("delete_hits") + of("delete_misses");
    evictions = of("evictions");
    expirations = of("reclaimed") + of("crawler_reclaimed");
    bytes_read = of("bytes_read");
    bytes_written = of("bytes_written");
    cores = of("rusage_user") + of("rusage_system");
  }

  [[nodiscard]] std::string hit_ratio() const { return gets > 0 ? fmt::format("{:.1f}%", 100 * hits / gets) : "-"; }

  double gets, hits, stores, deletes, evictions, expirations, bytes_read, bytes_written, cores;
};

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

std::string bar(double share, size_t columns) {
  const auto filled = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(columns) + 0.5);
  return fmt::format("[{}{}]", std::string(filled, '|'), std::string(columns - filled, ' '));
}

struct ClassRow {
  double size, items, memory, hits, stores, evictions, idle_s;

  [[nodiscard]] double key(SortBy by) const {
    switch (by) {
      case SortBy::kItems:
        return items;
      case SortBy::kMemory:
        return memory;
      case SortBy::kHits:
        return hits;
      case SortBy::kStores:
        return stores;
      case SortBy::kEvictions:
        return evictions;
      case SortBy::kSize:
      case SortBy::kCount:
        break;
    }
    return -size;
  }
};

constexpr std::array<std::string_view, static_cast<size_t>(SortBy::kCount)> kSortNames = {
    "size", "items", "memory", "hits/s", "stores/s", "evict/s"};

std::vector<ClassRow> class_rows(const Sample& before, const Sample& now, SortBy by) {
  const double elapsed_s = std::max(std::chrono::duration<double>(now.when - before.when).count(), 1e-3);
  const StatLines nothing{};
  std::vector<ClassRow> rows;
  for (const auto& of_class : now.classes.of_class) {
    const StatLines& table = of_class.second;
    const auto earlier = before.classes.of_class.find(of_class.first);
    const StatLines& from = earlier == before.classes.of_class.end() ? nothing : earlier->second;
    const auto of = [&](std::string_view name) { return rate(from, table, name, elapsed_s); };
    rows.push_back({.size = table.number_or_0("chunk_size"),
                    .items = table.number_or_0("number"),
                    .memory = table.number_or_0("mem_requested"),
                    .hits = of("get_hits"),
                    .stores = of("cmd_set"),
                    .evictions = of("evicted"),
                    .idle_s = table.number_or_0("evicted_time")});
  }
  std::ranges::stable_sort(rows, std::greater(), [by](const ClassRow& row) { return row.key(by); });
  return rows;
}

std::string class_headings(SortBy by) {
  std::string text;
  for (size_t i = 0; i < kSortNames.size(); ++i) {
    const bool is_sorted = i == static_cast<size_t>(by);
    text += fmt::format("{:>10}", fmt::format("{}{}", kSortNames[i], is_sorted ? "*" : ""));
  }
  return text + fmt::format("{:>12}", "evict idle");
}

}  // namespace

std::string short_number(double number) {
  for (const auto& [from, unit, letter] : {std::tuple{1e12, 1e12, 'T'}, std::tuple{1e9, 1e9, 'G'},
                                           std::tuple{1e6, 1e6, 'M'}, std::tuple{1e4, 1e3, 'k'}}) {
    if (number >= from) return fmt::format("{:.{}f}{}", number / unit, number / unit < 100 ? 1 : 0, letter);
  }
  return fmt::format("{:.0f}", number);
}

std::string short_bytes(double bytes) {
  constexpr std::string_view kUnits = "BKMGTP";
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f}{}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, kUnits[unit]);
}

std::vector<std::string> screen(const Sample& before, const Sample& now, const Layout& layout) {
  const Rates rates(before, now);
  const auto stat = [&](std::string_view name) { return now.general.number_or_0(name); };
  const auto text = [&](std::string_view name) {
    const std::string_view found = now.general.text(name);
    return found.empty() ? std::string_view("?") : found;
  };
  const double limit = std::max(stat("limit_maxbytes"), 1.0);
  std::vector<std::string> lines = {
      fmt::format("{}  {}  up {}  {}/{} connections  {} threads", layout.address, text("version"),
                  duration(stat("uptime")), short_number(stat("curr_connections")),
                  short_number(stat("max_connections")), text("threads")),
      fmt::format("gets/s {:>7}  hit ratio {:>6}  stores/s {:>7}  deletes/s {:>7}", short_number(rates.gets),
                  rates.hit_ratio(), short_number(rates.stores), short_number(rates.deletes)),
      fmt::format("evicted/s {:>7}  expired/s {:>7}  in {:>6}/s  out {:>6}/s  cores {:.2f}",
                  short_number(rates.evictions), short_number(rates.expirations), short_bytes(rates.bytes_read),
                  short_bytes(rates.bytes_written), rates.cores),
      fmt::format("items {:>7}  {} {} of {}", short_number(stat("curr_items")), bar(stat("bytes") / limit, 30),
                  short_bytes(stat("bytes")), short_bytes(limit)),
      "",
      class_headings(layout.sort_by)};
  // Keys have their place below the classes.
  const size_t key_rows = now.hot_keys.empty() ? 0 : std::min<size_t>(now.hot_keys.size(), 5) + 2;
  const size_t class_rows_max =
      layout.rows > lines.size() + key_rows + 1 ? layout.rows - lines.size() - key_rows - 1 : 0;
  for (const ClassRow& row : class_rows(before, now, layout.sort_by)) {
    if (lines.size() >= 6 + class_rows_max) break;
    lines.push_back(fmt::format("{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}", short_bytes(row.size),
                                short_number(row.items), short_bytes(row.memory), short_number(row.hits),
                                short_number(row.stores), short_number(row.evictions), duration(row.idle_s)));
  }
  if (key_rows > 0) {
    lines.push_back("");
    lines.push_back("hot keys");
    for (size_t i = 0; i + 2 < key_rows; ++i) {
      lines.push_back(fmt::format("{:>9.2f}%  {}", 100 * now.hot_keys[i].share, now.hot_keys[i].name));
    }
  }
  if (lines.size() > layout.rows) lines.resize(layout.rows);
  for (std::string& line : lines) {
    if (line.size() > layout.columns) line.resize(layout.columns);
  }
  return lines;
}

std::string line_headings() {
  return fmt::format("{:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>8} {:>9} {:>6}", "gets/s", "hits", "stores/s",
                     "evict/s", "in/s", "out/s", "items", "bytes", "conns");
}

std::string line(const Sample& before, const Sample& now) {
  const Rates rates(before, now);
  const auto stat = [&](std::string_view name) { return now.general.number_or_0(name); };
  return fmt::format("{:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>8} {:>9} {:>6}", short_number(rates.gets),
                     rates.hit_ratio(), short_number(rates.stores), short_number(rates.evictions),
                     short_bytes(rates.bytes_read), short_bytes(rates.bytes_written),
                     short_number(stat("curr_items")), short_bytes(stat("bytes")),
                     short_number(stat("curr_connections")));
}

}  // namespace netd::top
