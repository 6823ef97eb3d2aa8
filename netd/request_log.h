// What -vv shows of a request and its reply.
#ifndef NETD_REQUEST_LOG_H_
#define NETD_REQUEST_LOG_H_

#include <cstddef>

#include "netd/buffer.h"
#include "netd/request.h"
#include "netd/server_state.h"

namespace netd {

// Lives while a request is executed: logs `<fd` and the command line when made, and `>fd` and the first line of
// what has been appended to `out` since when destroyed. With `continued`, or below -vv, it does nothing.
class RequestLog {
 public:
  RequestLog(const ServerState& server, int fd, const Request& request, bool continued, Buffer& out)
      : enabled_(!continued && server.verbosity.load(std::memory_order_relaxed) >= kVerbosityRequests),
        fd_(fd),
        out_(out),
        out_bytes_before_(out.content().size()) {
    if (!enabled_) return;
    out_.set_collecting(true);
    log_request(request);
  }
  ~RequestLog() {
    if (!enabled_) return;
    log_reply();
    out_.set_collecting(false);
  }
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

 private:
  static constexpr uint32_t kVerbosityRequests = 2;

  void log_request(const Request& request) const;
  void log_reply() const;

  const bool enabled_;
  const int fd_;
  Buffer& out_;
  const size_t out_bytes_before_;
};

}  // namespace netd

#endif  // NETD_REQUEST_LOG_H_
