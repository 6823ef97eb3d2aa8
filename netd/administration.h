// The words for operators: statistics, dumps, `watch`, and what memcached has to tune its slabs and LRU, which netd
// answers so that tools go on.
#ifndef NETD_ADMINISTRATION_H_
#define NETD_ADMINISTRATION_H_

#include <string_view>

#include "netd/buffer.h"
#include "netd/request.h"
#include "netd/server_state.h"
#include "netd/session.h"
#include "netd/tokens.h"

namespace netd {

class Administration {
 public:
  explicit Administration(ServerState& server) : server_(server) {}

  // Appends the reply to `out`, or leaves it as session.report to be made, and sets session.watcher for `watch`.
  void run(const Request& request, Session& session, Buffer& out);

 private:
  void stats(const Request& request, Session& session, Buffer& out);
  void stats_detail(std::string_view words, Session& session, Buffer& out);
  void stats_cachedump(std::string_view words, Session& session, Buffer& out);
  void stats_hotkeys(std::string_view words, Buffer& out);
  void stats_why(std::string_view words, Buffer& out);
  [[nodiscard]] std::string_view cache_memlimit(const Request& request, Session& session);
  [[nodiscard]] std::string_view lru_crawler(std::string_view words, Session& session);
  // `words` begin with "crawl". The server crawls within a second.
  [[nodiscard]] std::string_view crawl(const Tokens& words);
  [[nodiscard]] std::string_view watch(std::string_view words, Session& session);
  [[nodiscard]] std::string_view debugtime(std::string_view words);

  ServerState& server_;
};

}  // namespace netd

#endif  // NETD_ADMINISTRATION_H_
