// Accepts new clients, up to the limit, and distributes them over the workers in turn.
#ifndef NETD_ACCEPTOR_H_
#define NETD_ACCEPTOR_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <span>

#include "netd/asio.h"
#include "netd/connection_table.h"
#include "netd/listen_socket.h"
#include "netd/server_state.h"
#include "netd/unique_fd.h"

namespace netd {

// Runs on the thread of `io`. Above the limit, a client gets an error and is closed or, with no_maxconns_fast,
// waits to be accepted; it also waits while the system has no descriptor or memory for it.
class Acceptor {
 public:
  using HandOver = std::function<void(UniqueFd client)>;

  // The sockets must outlive it.
  Acceptor(asio::io_context& io, ServerState& server, std::span<const ListenSocket> sockets, HandOver hand_over);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void start();
  void stop();

 private:
  struct Listener {
    Listener(asio::io_context& io, int fd, int64_t now_ms)
        : descriptor(io, fd), entry(fd, ConnectionState::kListening, now_ms) {}

    Descriptor descriptor;
    ConnectionEntry entry;
    bool waiting = false;
  };

  void wait(Listener& listener);
  void accept_from(Listener& listener);
  bool accept_one(Listener& listener);
  void welcome(UniqueFd client);
  void reject(UniqueFd client);
  [[nodiscard]] bool full() const;
  void pause();
  void try_resume();

  ServerState& server_;
  Counters& counters_;
  const HandOver hand_over_;
  std::deque<Listener> listeners_;
  Timer pause_timer_;
  std::chrono::steady_clock::time_point paused_at_;
  bool paused_ = false;
  bool stopped_ = false;
};

}  // namespace netd

#endif  // NETD_ACCEPTOR_H_
