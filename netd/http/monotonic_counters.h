// Counters that are made of others by subtraction.
//
// Those are read one after the other while they change, so that the difference may be a little lower than the last
// time. Prometheus takes that for a restart, and counts all of it once more.
#ifndef NETD_HTTP_MONOTONIC_COUNTERS_H_
#define NETD_HTTP_MONOTONIC_COUNTERS_H_

#include <algorithm>
#include <map>
#include <string>

namespace netd::http {

// For one thread.
class MonotonicCounters {
 public:
  // `value`, or what it was told to be before if that is more. It begins anew when `base`, a counter that it is a
  // part of, does.
  double at_least(const std::string& name, double value, double base) {
    Last& last = last_[name];
    if (base < last.base) last = {};
    last.base = base;
    last.value = std::max({last.value, value, 0.0});
    return last.value;
  }

 private:
  struct Last {
    double value = 0;
    double base = 0;
  };
  std::map<std::string, Last> last_;
};

}  // namespace netd::http

#endif  // NETD_HTTP_MONOTONIC_COUNTERS_H_
