// Does what requests ask for with one key. Both dialects are served alike: an operation has the same effects
// whichever asked for it, and only its reply is written in words of their own (see operation_reply.h).
#ifndef NETD_EXECUTOR_H_
#define NETD_EXECUTOR_H_

#include <cstdint>

#include "larder/cache.h"
#include "netd/buffer.h"
#include "netd/commands.h"
#include "netd/counters.h"
#include "netd/request.h"
#include "netd/server_state.h"
#include "netd/session.h"
#include "netd/traffic.h"

namespace netd {

// One per worker.
class Executor {
 public:
  // Keeps references.
  Executor(ServerState& server, size_t worker, Traffic& traffic);

  // Executes a request whose action is kRead, kStore, kErase, kCount, kTouch or kInspect, and appends the reply to
  // `out`.
  void run(const Request& request, const Session& session, Buffer& out) {
    traffic_.looks_up(session, item_key(request));
    switch (request.command->action) {
      case Action::kRead:
        return read(request, out);
      case Action::kStore:
        return store(request, session, out);
      case Action::kErase:
        return request.invalidates || request.empties ? invalidate(request, out) : erase(request, out);
      case Action::kCount:
        return count(request, session, out);
      case Action::kTouch:
        return touch(request, out);
      default:
        return inspect(request, out);
    }
  }

  // About how many bytes of values have been written so far, those that were there included that had to be moved.
  [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

 private:
  void read(const Request& request, Buffer& out);
  void store(const Request& request, const Session& session, Buffer& out);
  larder::StoreOutcome try_store(const Request& request, const larder::StoreOptions& options);
  void erase(const Request& request, Buffer& out);
  void invalidate(const Request& request, Buffer& out);
  void count(const Request& request, const Session& session, Buffer& out);
  void touch(const Request& request, Buffer& out);
  void inspect(const Request& request, Buffer& out);

  larder::Cache& cache_;
  Counters& counters_;
  Traffic& traffic_;
  const bool is_read_only_;
  uint64_t bytes_written_ = 0;
};

}  // namespace netd

#endif  // NETD_EXECUTOR_H_
