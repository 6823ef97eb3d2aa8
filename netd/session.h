// The state of a client between its requests.
#ifndef NETD_SESSION_H_
#define NETD_SESSION_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "netd/login_pace.h"
#include "netd/report.h"
#include "netd/watch_hub.h"

namespace netd {

// Owned by its connection, and used only on that connection's thread.
struct Session {
  int fd = -1;                       // the client's number in logs
  bool authenticated = false;        // used only with -Y
  bool has_failed_to_log_in = false;
  std::unique_ptr<LoginPace::Attempt> login;  // the attempt under way
  int64_t login_wait_ms = 0;                  // until it may be checked
  // Called, from any thread, when that may be sooner. Only set where clients have to log in.
  std::unique_ptr<const std::function<void()>> wake_login;
  std::unique_ptr<Report> report;    // the rest of the reply to the last request, if it is incomplete
  std::shared_ptr<Watcher> watcher;  // set by `watch`
};

}  // namespace netd

#endif  // NETD_SESSION_H_
