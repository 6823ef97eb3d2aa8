// What dispatch tells about each request on an item, for those who want to know by class, by prefix, or line by
// line: the counters of size classes, the statistics of key prefixes, the clients that watch.
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

// One per worker. Sizes are those of values; nothing stands for an item that was not there. As in memcached, the
// statistics of prefixes leave out the meta commands.
class Traffic {
 public:
  Traffic(ServerState& server, size_t worker)
      : server_(server), classes_(server.class_counters(worker)), prefixes_(server.prefix_stats(worker)) {}

  // Before the cache looks for an item, whatever it is to do with it. For those who watch fetchers, the item is
  // looked for once more, and what there is told.
  void looks_up(const Session& session, std::string_view key) {
    if (is_reading_watched()) tell_lookup(session, key);
  }
  [[nodiscard]] bool is_reading_watched() const { return server_.watch_hub().wants(kWatchFetchers); }

  // A command has done what `counter` counts with an item.
  void count(std::string_view key, size_t value_bytes, ClassCounter counter) {
    classes_.add(class_of(key, value_bytes), counter);
  }

  // get, gets: kGetHits; gat, gats: kTouchHits.
  void got(std::string_view key, std::optional<size_t> value_bytes, ClassCounter hits) {
    if (value_bytes) count(key, *value_bytes, hits);
    if (counts_prefixes()) prefixes_.count_get(key, value_bytes.has_value());
  }
  // Whether `got` wants to know of misses.
  [[nodiscard]] bool counts_prefixes() const { return server_.detail_enabled.load(std::memory_order_relaxed); }

  // set, add, replace, append, prepend, cas, ms: what came of the value that the client sent.
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
