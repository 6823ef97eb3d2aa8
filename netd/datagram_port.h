// A UDP port (-U): each request that a datagram holds is answered by datagrams of its own (see datagram.h).
//
// Whoever sends a datagram may give any address for his own, so little is done for it: what is not complete within
// the datagram is dropped, and so is a reply that has 64 KiB before it is complete, or a value of more than 1 MiB.
// Requests that take more than lookups are refused. One client's reply is made at a time, a part each turn; what
// arrives meanwhile waits in the socket, or is lost if that is full. A turn is bounded in requests, keys and bytes.
#ifndef NETD_DATAGRAM_PORT_H_
#define NETD_DATAGRAM_PORT_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "netd/asio.h"
#include "netd/buffer.h"
#include "netd/connection.h"
#include "netd/connection_table.h"
#include "netd/parser.h"
#include "netd/request.h"
#include "netd/session.h"
#include "netd/unique_fd.h"

namespace netd {

// Runs on its worker's thread alone.
class DatagramPort {
 public:
  // fd: bound and non-blocking.
  DatagramPort(ConnectionContext& context, UniqueFd fd);
  ~DatagramPort();
  DatagramPort(const DatagramPort&) = delete;
  DatagramPort& operator=(const DatagramPort&) = delete;

  void start() { wait(); }
  // Answers nobody any more.
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
  Descriptor descriptor_;
  ConnectionEntry entry_;
  Buffer in_;
  Buffer out_;
  std::optional<Parser> parser_;  // of the datagram in in_
  Request request_;
  Session session_;
  uint16_t request_id_ = 0;
  sockaddr_storage peer_{};
  socklen_t peer_bytes_ = 0;
  size_t turn_bytes_ = 0;     // received, sent and written to items in this turn
  bool has_no_room_ = false;  // what was sent last was not taken
  bool unfinished_ = false;   // request_ has been answered in part
  bool stopped_ = false;
};

}  // namespace netd

#endif  // NETD_DATAGRAM_PORT_H_
