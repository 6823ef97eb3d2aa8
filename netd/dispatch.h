// Executes requests: those on one key are left to Executor, those for the values of many to retrieval.h, those of
// operators to Administration, and what remains is done here.
#ifndef NETD_DISPATCH_H_
#define NETD_DISPATCH_H_

#include <cstdint>
#include <functional>

#include "netd/administration.h"
#include "netd/buffer.h"
#include "netd/counters.h"
#include "netd/executor.h"
#include "netd/request.h"
#include "netd/server_state.h"
#include "netd/session.h"
#include "netd/traffic.h"

namespace netd {

// One per worker.
class Dispatch {
 public:
  enum class Outcome : uint8_t {
    kDone,
    kUnfinished,  // only part of the reply is there: call `run` again with the same request, when there is room
    kLater,       // nothing is done yet: call `run` again with the same request after session.login_wait_ms
    kClose,       // send the reply, and close the connection
    kWatch,       // from now on the connection sends what session.watcher has, and reads no more requests
  };

  // `shut_down` is called from the worker's thread when a client may and does ask for it.
  Dispatch(ServerState& server, size_t worker, std::function<void()> shut_down);

  // Executes `request` and appends the reply to `out`.
  [[nodiscard]] Outcome run(Request& request, Session& session, Buffer& out);

  // As Executor::bytes_written.
  [[nodiscard]] uint64_t bytes_written() const { return executor_.bytes_written(); }

  // How many requests so far have asked for more work than a few lookups are, or for a part of a report.
  [[nodiscard]] uint64_t administrative_requests() const { return administrative_requests_; }

 private:
  Outcome run_report(Session& session, Buffer& out);
  Outcome administer(const Request& request, Session& session, Buffer& out);
  void flush_all(const Request& request, Buffer& out);
  void set_verbosity(const Request& request, Buffer& out);
  Outcome authenticate(Request& request, Session& session, Buffer& out);
  Outcome shut_down(const Request& request, Buffer& out);

  ServerState& server_;
  larder::Cache& cache_;
  Counters& counters_;
  Traffic traffic_;
  Executor executor_;
  Administration administration_;
  const std::function<void()> shut_down_;
  uint64_t administrative_requests_ = 0;
};

}  // namespace netd

#endif  // NETD_DISPATCH_H_
