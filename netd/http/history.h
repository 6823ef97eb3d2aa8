// What happened lately, for plots: a second at a time for ten minutes, ten seconds for two hours, two minutes for a
// day. The room is fixed.
#ifndef NETD_HTTP_HISTORY_H_
#define NETD_HTTP_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "netd/latency.h"
#include "netd/server_state.h"

namespace netd::http {

// Counters and gauges at a moment.
struct Reading {
  int64_t monotonic_ms = 0;
  // Counters.
  uint64_t gets = 0;
  uint64_t hits = 0;
  uint64_t stores = 0;
  uint64_t evictions = 0;
  uint64_t expirations = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
  double cpu_s = 0;  // that the process has taken
  std::array<uint64_t, LatencyHistogram::kBuckets> latency{};
  // Gauges.
  uint64_t items = 0;
  uint64_t memory_used_bytes = 0;
  uint64_t connections = 0;
};

[[nodiscard]] Reading read_now(const ServerState& server);

// For one thread.
class History {
 public:
  // What is kept of a period: rates per second, or what was at its end. NaN: not known.
  enum class Series : uint8_t {
    kGets,
    kHits,
    kStores,
    kEvictions,
    kExpirations,
    kBytesRead,
    kBytesWritten,
    kCpu,  // cores
    kP50,  // seconds; see latency.h
    kP99,
    kItems,
    kMemoryUsed,  // bytes
    kConnections,
    kCount
  };
  static constexpr size_t kSeries = static_cast<size_t>(Series::kCount);
  using Point = std::array<float, kSeries>;

  struct Span {
    const char* name;  // "10m"
    int64_t period_s;
    size_t points;
  };
  static constexpr std::array<Span, 3> kSpans = {{{"10m", 1, 600}, {"2h", 10, 720}, {"24h", 120, 720}}};
  static constexpr size_t kBytes = (kSpans[0].points + kSpans[1].points + kSpans[2].points) * sizeof(Point);
  static_assert(kBytes <= size_t{256} << 10);

  explicit History(const Reading& first);

  // To be called about once a second. What was slept through is not known.
  void add(const Reading& now);

  // The points of kSpans[span], the oldest first; the last one ended within a period.
  [[nodiscard]] std::vector<Point> points(size_t span) const;

 private:
  struct Ring {
    std::vector<Point> points;
    size_t next = 0;
    size_t count = 0;  // how many there are
    Reading since;     // when the period under way started
  };
  static void push(Ring& ring, const Point& point);

  std::array<Ring, kSpans.size()> rings_;
};

// The time that a share of those counted between two readings do not exceed; NaN if none were counted.
[[nodiscard]] double latency_quantile(const Reading& from, const Reading& to, double share);

}  // namespace netd::http

#endif  // NETD_HTTP_HISTORY_H_
