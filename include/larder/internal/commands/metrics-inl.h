#ifndef LARDER_INTERNAL_COMMANDS_METRICS_INL_H_
#define LARDER_INTERNAL_COMMANDS_METRICS_INL_H_

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "larder/api.h"
#include "larder/cache.h"
#include "larder/latency.h"
#include "larder/metrics.h"

namespace larder {
namespace internal {

struct MetricOf {
  Metric metric;
  uint64_t Stats::*value;
};

inline constexpr std::string_view kOperations = "larder.cache.operations";
inline constexpr std::string_view kOperationsText = "Operations, by what they were and what came of them.";
inline constexpr std::string_view kMissesText = "Gets that missed for a reason that is known.";
inline constexpr std::string_view kRemovedText = "Items that were removed to make room, or had expired.";
inline constexpr std::string_view kMemoryText = "Memory, by what it is used for.";

constexpr MetricOf operation(std::string_view name, std::string_view outcome, uint64_t Stats::*value) {
  return {{.name = kOperations,
           .unit = "{operation}",
           .description = kOperationsText,
           .is_counter = true,
           .attribute = "operation",
           .attribute_value = name,
           .outcome = outcome},
          value};
}
constexpr MetricOf one_of(std::string_view name, std::string_view unit, std::string_view description,
                          bool is_counter, std::string_view attribute, std::string_view attribute_value,
                          uint64_t Stats::*value) {
  return {{.name = name,
           .unit = unit,
           .description = description,
           .is_counter = is_counter,
           .attribute = attribute,
           .attribute_value = attribute_value,
           .outcome = {}},
          value};
}
constexpr MetricOf memory(std::string_view use, uint64_t Stats::*value) {
  return one_of("larder.cache.memory.usage", "By", kMemoryText, false, "use", use, value);
}

inline constexpr std::array kMetrics = std::to_array<MetricOf>({
    operation("get", "hit", &Stats::get_hits),
    operation("get", "miss", &Stats::get_misses),
    operation("touch", "hit", &Stats::touch_hits),
    operation("touch", "miss", &Stats::touch_misses),
    operation("cas", "hit", &Stats::cas_hits),
    operation("cas", "miss", &Stats::cas_misses),
    operation("cas", "badval", &Stats::cas_badval),
    operation("incr", "hit", &Stats::incr_hits),
    operation("incr", "miss", &Stats::incr_misses),
    operation("decr", "hit", &Stats::decr_hits),
    operation("decr", "miss", &Stats::decr_misses),
    operation("erase", "hit", &Stats::erase_hits),
    operation("erase", "miss", &Stats::erase_misses),
    operation("store", "accepted", &Stats::stores),
    operation("store", "too_large", &Stats::store_too_large),
    operation("store", "no_memory", &Stats::store_no_memory),
    operation("flush", "", &Stats::flushes),
    one_of("larder.cache.misses", "{operation}", kMissesText, true, "reason", "expired", &Stats::get_expired),
    one_of("larder.cache.misses", "{operation}", kMissesText, true, "reason", "flushed", &Stats::get_flushed),
    one_of("larder.cache.misses", "{operation}", kMissesText, true, "reason", "evicted", &Stats::get_evicted),
    one_of("larder.cache.items.removed", "{item}", kRemovedText, true, "reason", "evicted", &Stats::evictions),
    one_of("larder.cache.items.removed", "{item}", kRemovedText, true, "reason", "expired", &Stats::expired),
    one_of("larder.cache.items.evicted_unread", "{item}", "The part of the evicted items that had never been read.",
           true, "", "", &Stats::evicted_unfetched),
    one_of("larder.cache.items.returned", "{item}", "Stores of keys that had been evicted recently.", true, "", "",
           &Stats::ghost_hits),
    one_of("larder.cache.items", "{item}", "Items that are there.", false, "", "", &Stats::items),
    one_of("larder.cache.items.size", "By", "What the items take, with their headers.", false, "", "",
           &Stats::item_bytes),
    one_of("larder.cache.memory.limit", "By", "The memory limit, of everything.", false, "", "",
           &Stats::memory_limit_bytes),
    memory("live", &Stats::live_bytes),
    memory("dead", &Stats::dead_bytes),
    memory("free", &Stats::free_bytes),
    memory("large", &Stats::large_bytes),
    memory("index", &Stats::index_bytes),
    memory("ghost", &Stats::ghost_bytes),
    memory("curve", &Stats::curve_bytes),
    memory("hot_keys", &Stats::hot_key_bytes),
    memory("removal_log", &Stats::removal_log_bytes),
    memory("handles", &Stats::handle_bytes),
    memory("external", &Stats::external_bytes),
    memory("other", &Stats::other_bytes),
    one_of("larder.cache.handles", "{handle}", "Handles that hold an item in place.", false, "", "",
           &Stats::handles),
    one_of("larder.cache.handles.size", "By", "Memory that handles keep from being reused.", false, "", "",
           &Stats::pinned_bytes),
});

// As Prometheus calls it.
LARDER_INLINE std::string prometheus_name(const Metric& metric) {
  std::string name(metric.name);
  for (char& c : name) c = c == '.' ? '_' : c;
  if (metric.unit == "By") name += "_bytes";
  if (metric.is_counter) name += "_total";
  return name;
}

LARDER_INLINE void write_label(std::ostream& out, char& separator, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out << separator << name << "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out << '\\';
    if (c == '\n') {
      out << "\\n";
    } else {
      out << c;
    }
  }
  out << '"';
  separator = ',';
}

// Whatever the locale is.
LARDER_INLINE std::string in_seconds(std::chrono::nanoseconds time) {
  std::array<char, 32> digits;
  const double s = std::chrono::duration<double>(time).count();
  return std::string(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), s).ptr);
}

}  // namespace internal

LARDER_INLINE void for_each_metric(const Stats& stats, FunctionRef<void(const Metric& metric)> visitor) {
  for (const internal::MetricOf& each : internal::kMetrics) {
    Metric metric = each.metric;
    metric.value = stats.*each.value;
    visitor(metric);
  }
}

LARDER_INLINE void write_prometheus(std::ostream& out, std::span<const NamedStats> caches) {
  for (size_t first = 0; first < internal::kMetrics.size();) {
    const Metric& metric = internal::kMetrics[first].metric;
    const std::string name = internal::prometheus_name(metric);
    out << "# HELP " << name << ' ' << metric.description << "\n# TYPE " << name << ' '
        << (metric.is_counter ? "counter" : "gauge") << '\n';
    size_t end = first;
    while (end < internal::kMetrics.size() && internal::kMetrics[end].metric.name == metric.name) ++end;
    for (const NamedStats& cache : caches) {
      for (size_t i = first; i < end; ++i) {
        const internal::MetricOf& each = internal::kMetrics[i];
        char separator = '{';
        out << name;
        internal::write_label(out, separator, "cache", cache.cache_name);
        internal::write_label(out, separator, each.metric.attribute, each.metric.attribute_value);
        internal::write_label(out, separator, "outcome", each.metric.outcome);
        // Not as the stream writes numbers: its locale may group their digits.
        out << (separator == ',' ? "} " : " ") << std::to_string(cache.stats.*each.value) << '\n';
      }
    }
    first = end;
  }
}

LARDER_INLINE void write_prometheus(std::ostream& out, const Cache& cache, std::string_view cache_name) {
  const NamedStats named{.cache_name = cache_name, .stats = cache.stats()};
  write_prometheus(out, {&named, 1});
}

LARDER_INLINE void write_prometheus(std::ostream& out, std::string_view name, const LatencyHistogram& histogram,
                                    std::string_view cache_name) {
  const auto write = [&](std::string_view suffix, std::string_view bound, const std::string& value) {
    char separator = '{';
    out << name << suffix;
    internal::write_label(out, separator, "cache", cache_name);
    internal::write_label(out, separator, "le", bound);
    out << (separator == ',' ? "} " : " ") << value << '\n';
  };
  out << "# TYPE " << name << " histogram\n";
  uint64_t count = 0;
  for (size_t bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) {
    count += histogram.count(bucket);
    const bool is_last = bucket + 1 == LatencyHistogram::kBuckets;
    write("_bucket", is_last ? "+Inf" : internal::in_seconds(LatencyHistogram::bound(bucket)), std::to_string(count));
  }
  write("_sum", "", internal::in_seconds(histogram.sum()));
  write("_count", "", std::to_string(count));
}

}  // namespace larder

#endif  // LARDER_INTERNAL_COMMANDS_METRICS_INL_H_
