// What dispatch tells about each request on an item, for those who want to know by class, by prefix, or line by
// line: the counters of size classes, the statistics of key prefixes, the clients that watch.
#ifndef NETD_TRAFFIC_H_
#define NETD_TRAFFIC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/result.h"
#include "netd/class_counters.h"
#include "netd/request.h"
#include "netd/server_state.h"
#include "netd/session.h"

namespace netd {

// One per worker. Sizes are those of values; nothing stands for an item that was not there.
class Traffic {
 public:
  Traffic(ServerState& server, size_t worker)
      : server_(server), classes_(server.class_counters(worker)), prefixes_(server.prefix_stats(worker)) {}

  // get, gets, and what reads likewise.
  void got(const Session& session, std::string_view key, std::optional<size_t> value_bytes) {
    if (value_bytes) count(key, *value_bytes, ClassCounter::kGetHits);
    if (is_reading_observed()) observe_get(session, key, value_bytes);
  }
  // gat, gats.
  void got_and_touched(const Session& session, std::string_view key, std::optional<size_t> value_bytes) {
    if (value_bytes) count(key, *value_bytes, ClassCounter::kTouchHits);
    if (is_reading_observed()) observe_get(session, key, value_bytes);
  }
  void touched(std::string_view key, size_t value_bytes) { count(key, value_bytes, ClassCounter::kTouchHits); }

  // Whether `got` and `got_and_touched` want to know of misses.
  [[nodiscard]] bool is_reading_observed() const {
    return server_.detail_enabled.load(std::memory_order_relaxed) || server_.watch_hub().wants(kWatchFetchers);
  }

  // set, add, replace, append, prepend, cas: what came of a value that may be stored.
  void stored(const Session& session, const Request& request, larder::StoreResult result);
  // … and of one that was refused before the cache saw it: "too_large", "no_memory".
  void refused(const Session& session, const Request& request, std::string_view status);

  // delete, with the word that names it ("delete").
  void deleted(std::string_view word, std::string_view key, std::optional<size_t> value_bytes);

  // incr, decr that found a number.
  void counted(std::string_view key, size_t digits, bool up) {
    count(key, digits, up ? ClassCounter::kIncrHits : ClassCounter::kDecrHits);
  }

 private:
  void count(std::string_view key, size_t value_bytes, ClassCounter counter) {
    classes_.add(class_of(key.size() + value_bytes), counter);
  }
  void observe_get(const Session& session, std::string_view key, std::optional<size_t> value_bytes);
  void tell_store(const Session& session, const Request& request, std::string_view status);

  ServerState& server_;
  ClassCounters& classes_;
  PrefixStats& prefixes_;
};

}  // namespace netd

#endif  // NETD_TRAFFIC_H_
