#include "netd/http/stats_json.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "netd/key_text.h"

namespace netd::http {
namespace {

using Json = nlohmann::ordered_json;

// Four digits are enough for a plot; what is not known is null.
Json rounded(float value) {
  if (!std::isfinite(value)) return nullptr;
  double number = 0;
  (void)absl::SimpleAtod(fmt::format("{:.4g}", value), &number);
  return number;
}

// Numbers where there are numbers.
Json object_of(const StatLines& lines) {
  Json object = Json::object();
  for (const auto& [name, value] : lines.all()) {
    const bool is_whole = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
    uint64_t whole = 0;
    const std::optional<double> number = lines.number(name);
    if (is_whole && absl::SimpleAtoi(value, &whole)) {
      object[name] = whole;
    } else if (number && std::isfinite(*number)) {
      object[name] = *number;
    } else {
      object[name] = value;
    }
  }
  return object;
}

Json memory(const Snapshot& snapshot) {
  Json uses = Json::object();
  for (const auto& [use, bytes] : memory_uses(snapshot.cache)) uses[use] = bytes;
  return {{"limit_bytes", snapshot.cache.memory_limit_bytes},
          {"used_bytes", snapshot.cache.memory_used_bytes},
          {"uses", std::move(uses)}};
}

Json sizing(const larder::MissRatioCurve& curve) {
  Json sizes = Json::array();
  for (const larder::MissRatio& size : curve.sizes) {
    Json entry = {{"factor", size.factor},
                  {"limit_bytes", size.memory_limit_bytes},
                  {"state", std::string(larder::to_string(size.state))}};
    if (size.has_value()) {
      entry["miss_ratio"] = size.miss_ratio;
      entry["error"] = size.error;
    }
    sizes.push_back(std::move(entry));
  }
  return {{"miss_ratio", curve.miss_ratio},
          {"gets", curve.gets},
          {"seconds", curve.seconds},
          {"sizes", std::move(sizes)},
          {"summary", larder::to_string(curve)}};
}

Json hot_keys(const Snapshot& snapshot, bool shows_keys) {
  Json keys = Json::array();
  for (const larder::HotKey& key : snapshot.hot_keys) {
    keys.push_back({{"key", shows_keys ? percent_encoded(key.key) : fmt::format("#{:016x}", key.key_hash)},
                    {"share", key.share},
                    {"error", key.error},
                    {"reads_share", key.reads_share},
                    {"writes_share", key.writes_share}});
  }
  return keys;
}

Json classes(const Snapshot& snapshot) {
  Json all = Json::object();
  for (const auto& [item_class, lines] : snapshot.classes.of_class) {
    all[fmt::format("{}", item_class)] = object_of(lines);
  }
  return all;
}

Json namespaces(const Snapshot& snapshot) {
  Json all = Json::array();
  for (const larder::NamespaceStats& space : snapshot.namespaces) {
    all.push_back({{"prefix", absl::CHexEscape(space.prefix)},
                   {"items", space.stats.items},
                   {"item_bytes", space.stats.item_bytes},
                   {"limit_bytes", space.stats.memory_limit_bytes},
                   {"get_hits", space.stats.get_hits},
                   {"get_misses", space.stats.get_misses},
                   {"stores", space.stats.stores},
                   {"evictions", space.stats.evictions}});
  }
  return all;
}

Json latency(const Snapshot& snapshot) {
  Json bounds = Json::array();
  for (size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) bounds.push_back(LatencyHistogram::bound_s(i));
  return {{"bounds_s", std::move(bounds)},
          {"counts", snapshot.latency.counts},
          {"sum_s", static_cast<double>(snapshot.latency.sum_ns) / 1e9}};
}

}  // namespace

std::string history_json(const History& history, size_t span, int64_t now_s) {
  constexpr std::array<const char*, History::kSeries> kNames = {"gets_per_s",
                                                                "hits_per_s",
                                                                "stores_per_s",
                                                                "evictions_per_s",
                                                                "expirations_per_s",
                                                                "bytes_read_per_s",
                                                                "bytes_written_per_s",
                                                                "cores",
                                                                "p50_s",
                                                                "p99_s",
                                                                "items",
                                                                "memory_used_bytes",
                                                                "connections"};
  const std::vector<History::Point> points = history.points(span);
  Json series = Json::object();
  for (size_t i = 0; i < kNames.size(); ++i) {
    Json values = Json::array();
    for (const History::Point& point : points) values.push_back(rounded(point[i]));
    series[kNames[i]] = std::move(values);
  }
  const Json all = {{"span", History::kSpans[span].name},
                    {"period_s", History::kSpans[span].period_s},
                    {"end_s", now_s},
                    {"series", std::move(series)}};
  return all.dump() + "\n";
}

std::string explain_json(const StatLines& lines) {
  constexpr std::string_view kPrefix = "why:";
  const Json given = object_of(lines);
  Json all = Json::object();
  for (const auto& [name, value] : given.items()) {
    all[name.substr(name.starts_with(kPrefix) ? kPrefix.size() : 0)] = value == "-" ? Json() : value;
  }
  return all.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string stats_json(const Snapshot& snapshot, bool shows_keys) {
  Json connections = Json::object();
  for (const auto& [state, count] : snapshot.connections) connections[std::string(state)] = count;
  const Json all = {{"general", object_of(snapshot.general)},
                    {"settings", object_of(snapshot.settings)},
                    {"memory", memory(snapshot)},
                    {"sizing", sizing(snapshot.curve)},
                    {"hot_keys", hot_keys(snapshot, shows_keys)},
                    {"classes", classes(snapshot)},
                    {"namespaces", namespaces(snapshot)},
                    {"connections", std::move(connections)},
                    {"latency", latency(snapshot)}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace netd::http
