#include "netd/http/health.h"

#include <fmt/format.h>

namespace netd::http {

Reply health(const ServerState& server) {
  const ConnectionMemory& memory = server.connection_memory();
  const uint64_t connections = server.connections.load(std::memory_order_relaxed);
  std::string_view status = "ready";
  if (server.draining.load(std::memory_order_relaxed)) {
    status = "draining";
  } else if (!memory.has_room_for_clients()) {
    status = "no memory for connections";
  }
  Reply reply = text_reply(status == "ready" ? 200 : 503,
                           fmt::format(R"({{"status":"{}","connections":{},"connections_max":{}}})"
                                       "\n",
                                       status, connections, server.options().connections_max));
  reply.type = "application/json";
  return reply;
}

}  // namespace netd::http
