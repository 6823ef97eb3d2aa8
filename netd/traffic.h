// What dispatch reports about each request for an item: for the counters of size classes, the statistics of key
// prefixes, and the clients that watch.
#ifndef NETD_TRAFFIC_H_
#define NETD_TRAFFIC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "larder/arguments.h"
#include "larder/result.h"
#include "netd/class_counters.h"
#include "netd/request.h"
#include "netd/server_state.h"
#include "netd/session.h"

namespace netd {

// One per worker. Sizes are those of values; no size: there was no item. As in memcached, the statistics of
// prefixes do not include the meta commands.
class Traffic {
 public:
  Traffic(ServerState& server, size_t worker)
      : server_(server), classes_(server.class_counters(worker)), prefixes_(server.prefix_stats(worker)) {}

  // Call before the cache looks for an item, whatever for. If clients watch fetchers, it looks for the item once
  // more, and reports the result.
  void looks_up(const Session& session, std::string_view key) {
    if (is_reading_watched()) tell_lookup(session, key);
  }
  [[nodiscard]] bool is_reading_watched() const { return server_.watch_hub().wants(kWatchFetchers); }

  // Reports that a command has done what `counter` counts to an item.
  void count(std::string_view key, size_t value_bytes, ClassCounter counter) {
    classes_.add(class_of(key, value_bytes), counter);
  }

  // get, gets: kGetHits; gat, gats: kTouchHits.
  void got(std::string_view key, std::optional<size_t> value_bytes, ClassCounter hits) {
    if (value_bytes) count(key, *value_bytes, hits);
    if (counts_prefixes()) prefixes_.count_get(key, value_bytes.has_value());
  }
  // Whether `got` must be called for misses.
  [[nodiscard]] bool counts_prefixes() const { return server_.detail_enabled.load(std::memory_order_relaxed); }

  // set, add, replace, append, prepend, cas, ms: the result for the value that the client sent.
  void stored(const Session& session, const Request& request, const larder::StoreOptions& options,
              const larder::StoreOutcome& outcome);

  // ma has created an item.
  void created(const Session& session, const Request& request, size_t value_bytes);

  // delete, md.
  void deleted(const Request& request, std::optional<size_t> value_bytes);

 private:
  void tell_lookup(const Session& session, std::string_view key);
  void tell_store(const Session& session, std::string_view key, std::string_view status, std::string_view word,
                  int32_t exptime, size_t value_bytes);

  ServerState& server_;
  ClassCounters& classes_;
  PrefixStats& prefixes_;
};

}  // namespace netd

#endif  // NETD_TRAFFIC_H_
