// The HTTP port: accepts clients and serves them, on a thread of its own.
//
// Nothing here may cost the data port's clients anything. So the thread has a low priority; it serves at most
// kClientsMax clients, and one more takes the place of the one that has been silent for longest; replies that are
// not taken have at most kHeldBytesMax, or a part of the memory limit if that is less; and what takes long is done
// in steps, between which probes of /healthz are answered.
//
// Requests are parsed by Boost.Beast. Libraries that serve on their own were no match: cpp-httplib gives each
// client a thread, and times each of its reads, so that as many clients as there are threads keep out all others by
// sending a byte now and then; and what Boost's Asio has in common with the other Asio cannot be compiled beside
// it.
#ifndef NETD_HTTP_PORT_H_
#define NETD_HTTP_PORT_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "netd/listen_socket.h"
#include "netd/server_state.h"

namespace netd::http {

class Port {
 public:
  static constexpr size_t kClientsMax = 32;
  static constexpr size_t kHeldBytesMax = size_t{1} << 20;

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
