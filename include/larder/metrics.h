// What a cache counts and holds, for systems that collect metrics: as Prometheus reads it, or one by one, under
// names that follow OpenTelemetry's rules.
//
//   larder::write_prometheus(out, cache, "shop");  // larder_cache_operations_total{cache="shop",…} 7
//   const auto observe = [](const larder::Metric& metric) { /* … */ };
//   larder::for_each_metric(cache.stats(), observe);
#ifndef LARDER_METRICS_H_
#define LARDER_METRICS_H_

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>

#include "larder/api.h"
#include "larder/function_ref.h"
#include "larder/stats.h"

namespace larder {

class Cache;

// One number. Its strings are literals.
struct Metric {
  std::string_view name;         // in OpenTelemetry's way, "larder.cache.operations"
  std::string_view unit;         // "{operation}", "{item}", "By"
  std::string_view description;  // one sentence
  bool is_counter = false;       // only ever counts up, but for reset_stats; otherwise what is so now
  // What tells metrics of one name apart; empty if there is one alone.
  std::string_view attribute;        // "operation"
  std::string_view attribute_value;  // "get"
  std::string_view outcome;          // "hit"; empty if it has no attribute of this name
  uint64_t value = 0;
};

// Calls visitor(metric) for each number of `stats`; those of one name follow each other.
LARDER_API void for_each_metric(const Stats& stats, FunctionRef<void(const Metric& metric)> visitor);

// Writes them in Prometheus' text format, version 0.0.4: dots become underscores, and counters end in _total, bytes
// in _bytes. `cache_name`: the value of the label `cache`, in UTF-8; empty: there is no such label. If
// several caches are to be written, see the other one: a name may stand in an exposition once.
LARDER_API void write_prometheus(std::ostream& out, const Cache& cache, std::string_view cache_name = {});

// The same for several caches, whose names differ.
struct NamedStats {
  std::string_view cache_name;
  Stats stats;
};
LARDER_API void write_prometheus(std::ostream& out, std::span<const NamedStats> caches);

}  // namespace larder

#endif  // LARDER_METRICS_H_
