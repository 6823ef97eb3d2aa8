#include "netd/request_log.h"

#include <fmt/format.h>

#include <string_view>

#include "netd/log.h"

namespace netd {
namespace {

// Of a get with very many keys only the first are shown.
constexpr size_t kShownBytesMax = 1024;

}  // namespace

void RequestLog::log_request(const Request& request) const {
  log_line(fmt::format("<{} {}", fd_, request.line.substr(0, kShownBytesMax)));
}

void RequestLog::log_reply() const {
  const std::string_view reply = out_.content().substr(out_bytes_before_);
  if (!reply.empty())
    log_line(fmt::format(">{} {}", fd_, reply.substr(0, reply.find("\r\n")).substr(0, kShownBytesMax)));
}

}  // namespace netd
