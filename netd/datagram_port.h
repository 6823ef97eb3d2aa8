// A UDP port (-U): each request in a datagram is answered by separate datagrams (see datagram.h).
//
// A sender can forge its address, so little is done for a datagram: a request that is not complete within it is
// dropped, and so is a reply that reaches 64 KiB before it is complete, or a value of more than 1 MiB. Requests
// that take more than lookups are refused. One client's reply is made at a time, a part each turn; meanwhile
// further datagrams wait in the socket, or are lost if that is full. A turn is bounded in requests, keys and
// bytes.
#ifndef NETD_DATAGRAM_PORT_H_
#define NETD_DATAGRAM_PORT_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "netd/buffer.h"
#include "netd/connection.h"
#include "netd/connection_table.h"
#include "netd/event_loop.h"
#include "netd/parser.h"
#include "netd/request.h"
#include "netd/session.h"
#include "netd/unique_fd.h"

namespace netd {

// Runs only on its worker's thread.
class DatagramPort {
 public:
  // fd: bound and non-blocking.
  DatagramPort(ConnectionContext& context, UniqueFd fd);
  ~DatagramPort();
  DatagramPort(const DatagramPort&) = delete;
  DatagramPort& operator=(const DatagramPort&) = delete;

  void start() { wait(); }
  // Stops answering.
  void stop();

 private:
  void wait();
  void take_turn();
  void answer_datagrams();
  bool receive();
  void answer_next();
  void drop_rest();
  void send_reply();

  ConnectionContext& context_;
  EventLoop::Watch watch_;
  ConnectionEntry entry_;
  Buffer in_;
  Buffer out_;
  std::optional<Parser> parser_;  // for the datagram in in_
  Request request_;
  Session session_;
  uint16_t request_id_ = 0;
  sockaddr_storage peer_{};
  socklen_t peer_bytes_ = 0;
  size_t turn_bytes_ = 0;     // received, sent and written to items in this turn
  bool has_no_room_ = false;  // the system did not accept the last datagram
  bool unfinished_ = false;   // request_ was answered in part
  bool stopped_ = false;
};

}  // namespace netd

#endif  // NETD_DATAGRAM_PORT_H_
