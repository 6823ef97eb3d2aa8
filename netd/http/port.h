// The HTTP port: takes clients, reads requests and sends replies, on a thread of its own.
//
// Nothing here may cost the data port's clients anything. So the thread has a low priority; it serves at most
// kClientsMax clients, and one more takes the place of the one whose last request was longest ago; requests have no
// bodies and at most kRequestBytesMax bytes; and a request, like a reply, has kTimeMax to get through as a whole,
// however slowly.
//
// The protocol is Boost.Beast's. cpp-httplib gives each client a thread, and times each of its reads: as many
// clients as there are threads keep out all others by sending a byte now and then.
#ifndef NETD_HTTP_PORT_H_
#define NETD_HTTP_PORT_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "netd/listen_socket.h"
#include "netd/server_state.h"

namespace netd::http {

class Port {
 public:
  static constexpr size_t kClientsMax = 32;
  static constexpr size_t kRequestBytesMax = 8 << 10;
  static constexpr std::chrono::seconds kTimeMax{20};

  // Serves clients until its end. `server` must outlive it. Throws std::exception when the system is short of
  // something.
  Port(ServerState& server, std::vector<ListenSocket> sockets);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

 private:
  class Loop;
  const std::unique_ptr<Loop> loop_;
};

}  // namespace netd::http

#endif  // NETD_HTTP_PORT_H_
