#include "netd/http/history.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace netd::http {
namespace {

constexpr int64_t kReadingMs = 1000;
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

template <class Number>
double increase(Number from, Number to) {
  return static_cast<double>(to < from ? to : to - from);
}

// Counters start again from 0 when they are reset, all at the same time.
bool is_reset_between(const Reading& from, const Reading& to) {
  return to.gets < from.gets || to.hits < from.hits || to.stores < from.stores || to.evictions < from.evictions ||
         to.expirations < from.expirations || to.bytes_read < from.bytes_read ||
         to.bytes_written < from.bytes_written;
}

History::Point point_of(const Reading& from, const Reading& to) {
  const double elapsed_s = static_cast<double>(to.monotonic_ms - from.monotonic_ms) / 1000;
  const bool is_reset = is_reset_between(from, to);
  const auto rate = [&](uint64_t Reading::*counter) {
    return static_cast<float>(increase(is_reset ? 0 : from.*counter, to.*counter) / elapsed_s);
  };
  return {rate(&Reading::gets),
          rate(&Reading::hits),
          rate(&Reading::stores),
          rate(&Reading::evictions),
          rate(&Reading::expirations),
          rate(&Reading::bytes_read),
          rate(&Reading::bytes_written),
          static_cast<float>((to.cpu_s - from.cpu_s) / elapsed_s),
          static_cast<float>(latency_quantile(from, to, 0.5)),
          static_cast<float>(latency_quantile(from, to, 0.99)),
          static_cast<float>(to.items),
          static_cast<float>(to.memory_used_bytes),
          static_cast<float>(to.connections)};
}

History::Point unknown_point() {
  History::Point point;
  point.fill(kUnknown);
  return point;
}

}  // namespace

Reading read_now(const ServerState& server) {
  const larder::Stats cache = server.cache().stats();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.monotonic_ms = server.clock().monotonic_ms(),
          .gets = cache.get_hits + cache.get_misses,
          .hits = cache.get_hits,
          .stores = cache.stores,
          .evictions = cache.evictions,
          .expirations = cache.expired,
          .bytes_read = server.sum(Counter::kBytesRead),
          .bytes_written = server.sum(Counter::kBytesWritten),
          .cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime),
          .latency = server.latency_totals().counts,
          .items = cache.items,
          .memory_used_bytes = cache.memory_used_bytes,
          .connections = server.connections.load(std::memory_order_relaxed)};
}

History::History(const Reading& first) {
  for (size_t span = 0; span < kSpans.size(); ++span) {
    rings_[span].points.resize(kSpans[span].points, unknown_point());
    rings_[span].since = first;
  }
}

void History::push(Ring& ring, const Point& point) {
  ring.points[ring.next] = point;
  ring.next = (ring.next + 1) % ring.points.size();
  ring.count = std::min(ring.count + 1, ring.points.size());
}

void History::add(const Reading& now) {
  for (size_t span = 0; span < kSpans.size(); ++span) {
    Ring& ring = rings_[span];
    const int64_t period_ms = kSpans[span].period_s * 1000;
    // Readings do not come to the millisecond.
    const int64_t elapsed_ms = now.monotonic_ms - ring.since.monotonic_ms;
    int64_t periods = std::min((elapsed_ms + kReadingMs / 2) / period_ms, static_cast<int64_t>(ring.points.size()));
    if (periods < 1) continue;
    for (; periods > 1; --periods) push(ring, unknown_point());
    push(ring, point_of(ring.since, now));
    ring.since = now;
  }
}

std::vector<History::Point> History::points(size_t span) const {
  const Ring& ring = rings_[span];
  std::vector<Point> points;
  points.reserve(ring.count);
  const size_t size = ring.points.size();
  for (size_t i = 0; i < ring.count; ++i) points.push_back(ring.points[(ring.next + size - ring.count + i) % size]);
  return points;
}

double latency_quantile(const Reading& from, const Reading& to, double share) {
  double total = 0;
  for (size_t bucket = 0; bucket < to.latency.size(); ++bucket) {
    total += increase(from.latency[bucket], to.latency[bucket]);
  }
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (size_t bucket = 0; bucket + 1 < to.latency.size(); ++bucket) {
    sum += increase(from.latency[bucket], to.latency[bucket]);
    if (sum >= share * total) return LatencyHistogram::bound_s(bucket);
  }
  return LatencyHistogram::bound_s(to.latency.size() - 2);
}

}  // namespace netd::http
