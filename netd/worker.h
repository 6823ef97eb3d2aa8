// One thread and the connections it serves.
#ifndef NETD_WORKER_H_
#define NETD_WORKER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "netd/buffer.h"
#include "netd/connection.h"
#include "netd/datagram_port.h"
#include "netd/dispatch.h"
#include "netd/event_loop.h"
#include "netd/server_state.h"
#include "netd/unique_fd.h"

namespace netd {

class Worker {
 public:
  // What a worker calls in the server, from its own thread.
  struct Requests {
    std::function<void()> shut_down;
    std::function<void(size_t used_bytes_max)> reclaim;  // calls `reclaim` of all workers
  };

  // Worker `number` of `server`. Throws StartError.
  Worker(ServerState& server, size_t number, const Requests& requests);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Serves a UDP socket too. Before `start`.
  void serve_datagrams(UniqueFd fd);

  // Starts the thread.
  void start();

  // Hands over a client that is already counted in ServerState::connections. From any thread.
  void adopt(UniqueFd fd);

  // Makes every connection answer what it has received and end, within `grace`. From any thread.
  void stop(std::chrono::milliseconds grace);

  // Closes connections that hold memory and have done nothing for a while, until no more than that is in use. From
  // any thread.
  void reclaim(size_t used_bytes_max);

  // Waits until the thread has ended.
  void join();

 private:
  // These run on the worker's thread.
  void add(UniqueFd fd);
  void turn_away(std::string_view reason);
  void destroy(Connection& connection);
  void finish_all(std::chrono::milliseconds grace);
  void watch();
  bool abandon_overdue();
  bool charge(int64_t bytes);
  void end_turn();
  void post_report_turn();
  void relieve();
  void reclaim_stalled(size_t used_bytes_max);
  void reclaim_excess();
  void close_holders(size_t held_bytes_min, int64_t held_ms_min, size_t used_bytes_max);

  ServerState& server_;
  Counters& counters_;
  EventLoop loop_;
  BufferPool pool_;
  Dispatch dispatch_;
  ConnectionContext context_;
  const std::function<void(size_t used_bytes_max)> reclaim_from_all_;
  std::vector<std::unique_ptr<Connection>> connections_;
  struct Holder {
    Connection* connection;
    double weight;
  };
  std::vector<Holder> holders_;      // for close_holders: has room for all connections
  std::deque<Connection*> reports_;  // connections whose next turn is for a part of a report
  bool report_turn_posted_ = false;
  int64_t next_reclaim_ms_ = 0;
  int64_t next_forced_reclaim_ms_ = 0;
  std::atomic<bool> is_asked_to_reclaim_{false};
  std::deque<DatagramPort> datagram_ports_;
  bool watching_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace netd

#endif  // NETD_WORKER_H_
