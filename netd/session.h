// What there is to know about one client between its requests.
#ifndef NETD_SESSION_H_
#define NETD_SESSION_H_

#include <cstdint>
#include <memory>

#include "netd/report.h"
#include "netd/watch_hub.h"

namespace netd {

// Owned by its connection, and used by that one's thread alone.
struct Session {
  int fd = -1;                       // the client's number in logs
  bool authenticated = false;        // looked at only with -Y
  int64_t login_wait_ms = 0;         // until the attempt under way may be looked at
  std::unique_ptr<Report> report;    // the rest of the reply to the last request, if it is not complete
  std::shared_ptr<Watcher> watcher;  // from `watch` on
};

}  // namespace netd

#endif  // NETD_SESSION_H_
