// A server without sockets: what a client sends goes through a parser and a dispatch to a real cache whose clock
// stands still.
#ifndef TESTS_UNIT_NETD_SERVER_FIXTURE_H_
#define TESTS_UNIT_NETD_SERVER_FIXTURE_H_

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "larder/cache.h"
#include "larder/clock.h"
#include "netd/dispatch.h"
#include "netd/parser.h"
#include "netd/server_state.h"
#include "netd/session.h"

namespace netd {

class ServerFixture {
 public:
  explicit ServerFixture(const Options& given = {}) : options(given) {}

  // Sends whole requests; returns all replies.
  std::string ask(std::string_view input) {
    Buffer out(pool);
    std::string replies;
    while (!input.empty() && !closed) {
      Request request;
      const Parser::Result result = parser.next(input, request);
      if (!result.complete) return replies + "<unfinished>";
      input.remove_prefix(result.bytes_consumed + result.bytes_to_skip);
      Dispatch::Outcome outcome;
      do {
        outcome = dispatch.run(request, session, out);
        reply_bytes_max = std::max(reply_bytes_max, out.size());
        replies += out.content();
        out.consume(out.size());
      } while (outcome == Dispatch::Outcome::kUnfinished);
      closed = outcome == Dispatch::Outcome::kClose || outcome == Dispatch::Outcome::kWatch;
    }
    return replies;
  }

  const Options options;
  larder::ManualClock clock;
  WatchHub watch_hub{options.watcher_queue_bytes};
  RemovalLog removal_log{clock, watch_hub};
  AuthFile auth_file{options.auth_file};
  const std::unique_ptr<larder::Cache> cache = make_cache();
  DebugClock debug_clock;
  ServerState state{{.options = options,
                     .cache = *cache,
                     .clock = clock,
                     .debug_clock = options.debug_clock ? &debug_clock : nullptr,
                     .watch_hub = watch_hub,
                     .removal_log = removal_log,
                     .auth_file = auth_file}};
  Session session;
  BufferPool pool{[](int64_t) { return true; }};
  Parser parser{{.item_bytes_max = options.item_bytes_max, .has_cas = options.cas}};
  bool shut_down = false;
  bool closed = false;
  size_t reply_bytes_max = 0;  // the most that has been waiting to be sent at a time
  Dispatch dispatch{state, 0, [this] { shut_down = true; }};

 private:
  std::unique_ptr<larder::Cache> make_cache() {
    larder::Options cache_options;
    cache_options.memory_limit_bytes = options.memory_limit_bytes;
    cache_options.item_bytes_max = options.item_bytes_max;
    cache_options.eviction = options.eviction;
    cache_options.cas = options.cas;
    cache_options.clock = &clock;
    cache_options.seed = 1;
    cache_options.removal_listener = &removal_log;
    return *larder::Cache::create(cache_options);
  }
};

}  // namespace netd

#endif  // TESTS_UNIT_NETD_SERVER_FIXTURE_H_
