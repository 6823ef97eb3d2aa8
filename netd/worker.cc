#include "netd/worker.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "netd/log.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr std::chrono::milliseconds kWatchInterval(500);
constexpr int64_t kLingerMsMax = 2000;

// What a connection takes besides its buffers, what is allocated for it in other places included.
constexpr size_t kConnectionBytes = sizeof(Connection) + 512;

// Buffers that are not in use are kept up to this part of the memory limit, and no more than so many bytes.
constexpr size_t kKeptDivisor = 64;
constexpr size_t kKeptBytesMax = size_t{2} << 20;

// When memory for buffers is short, whoever holds more than the floor and has made no progress for so long loses
// it. That is looked into so often.
constexpr int64_t kStalledMs = 1000;
constexpr int64_t kReclaimIntervalMs = 50;
constexpr int64_t kForcedReclaimIntervalMs = 5;

// With so much more in use than may be, whoever holds most for longest loses it; with so much, what is in use
// cannot be taken from anybody, and no more clients are served. So much is left free for the next.
constexpr size_t kExcessDivisor = 8;
constexpr size_t kSpareDivisor = 16;

}  // namespace

Worker::Worker(ServerState& server, size_t number, const Requests& requests)
    : server_(server),
      counters_(server.worker_counters(number)),
      pool_([this](int64_t bytes) { return charge(bytes); },
            std::min(server.options().memory_limit_bytes / kKeptDivisor, kKeptBytesMax)),
      dispatch_(server, number, requests.shut_down),
      context_{loop_,
               server_,
               counters_,
               server_.latency(number),
               pool_,
               dispatch_,
               [this](Connection& connection) { destroy(connection); },
               [this] { watch(); },
               [this] { end_turn(); },
               [this](Connection& connection) { reports_.push_back(&connection); }},
      reclaim_from_all_(requests.reclaim) {}

Worker::~Worker() { join(); }

void Worker::serve_datagrams(UniqueFd fd) {
  datagram_ports_.emplace_back(context_, std::move(fd));
  datagram_ports_.back().start();
}

void Worker::start() {
  if (server_.options().idle_timeout_s > 0) watch();
  thread_ = std::thread([this] { loop_.run(); });
}

void Worker::adopt(UniqueFd fd) {
  loop_.post([this, client = std::move(fd)]() mutable { add(std::move(client)); });
}

void Worker::stop(std::chrono::milliseconds grace) {
  loop_.post([this, grace] { finish_all(grace); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::add(UniqueFd fd) {
  ConnectionMemory& memory = server_.connection_memory();
  if (!memory.has_room_for_clients()) {
    (void)::send(fd.get(), kErrorNoMemory.data(), kErrorNoMemory.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return turn_away("too little memory");
  }
  (void)memory.take(kConnectionBytes);
  try {
    if (holders_.capacity() <= connections_.size()) holders_.reserve(2 * (connections_.size() + 1));
    connections_.push_back(std::make_unique<Connection>(context_, std::move(fd), connections_.size()));
    connections_.back()->start();
  } catch (const std::exception& error) {  // no memory, or none of what the system sets aside for epoll
    memory.give(kConnectionBytes);
    turn_away(error.what());
  }
}

void Worker::turn_away(std::string_view reason) {
  if (server_.verbosity.load(std::memory_order_relaxed) > 0) {
    log_line(fmt::format("netd: cannot serve a connection: {}", reason));
  }
  counters_.add(Counter::kMallocFails);
  server_.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Worker::destroy(Connection& connection) {
  const size_t index = connection.index;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index = index;
  connections_.pop_back();
  server_.connection_memory().give(kConnectionBytes);
  server_.connections.fetch_sub(1, std::memory_order_relaxed);
  if (stopping_ && connections_.empty()) loop_.stop();
}

void Worker::finish_all(std::chrono::milliseconds grace) {
  stopping_ = true;
  for (DatagramPort& port : datagram_ports_) port.stop();
  if (connections_.empty()) return loop_.stop();
  for (const std::unique_ptr<Connection>& connection : connections_) connection->finish();
  loop_.call_after(grace, [this] { loop_.stop(); });
}

// Looks after connections that may have to be abandoned and buffers that nobody needs, as long as there can be any.
void Worker::watch() {
  if (std::exchange(watching_, true)) return;
  loop_.call_after(kWatchInterval, [this] {
    watching_ = false;
    const bool any_waited_for = abandon_overdue();
    const bool keeps_much = pool_.trim_unused();
    if (any_waited_for || keeps_much || server_.options().idle_timeout_s > 0) watch();
  });
}

// True when others may follow soon.
bool Worker::abandon_overdue() {
  const Options& options = server_.options();
  const int64_t now_ms = server_.clock().monotonic_ms();
  const int64_t idle_ms_max = int64_t{options.idle_timeout_s} * 1000;
  const int64_t stalled_ms_max = int64_t{options.send_timeout_s} * 1000;
  const int64_t request_ms_max = int64_t{options.request_timeout_s} * 1000;
  bool any_waited_for = false;
  for (const std::unique_ptr<Connection>& connection : connections_) {
    const int64_t idle_ms = now_ms - connection->idle_since_ms();
    any_waited_for = any_waited_for || connection->is_holding(Connection::kFloorBytes);
    if (connection->is_lingering()) {
      any_waited_for = true;
      if (idle_ms > kLingerMsMax) connection->abandon("normal");
    } else if (connection->is_sending()) {
      any_waited_for = true;
      const int64_t stalled_ms = connection->stalled_ms();
      if (stalled_ms < kWatchInterval.count()) connection->note_taking();
      if (stalled_ms_max > 0 && stalled_ms > stalled_ms_max) {
        connection->abandon("send_timeout");
        counters_.add(Counter::kSendTimeouts);
      }
    } else if (idle_ms_max > 0 && idle_ms > idle_ms_max && !connection->is_watching()) {
      connection->abandon("idle_timeout");
      counters_.add(Counter::kIdleKicks);
    } else if (request_ms_max > 0 && connection->is_holding(Connection::kFloorBytes) &&
               connection->held_ms() > request_ms_max) {
      connection->revoke("request_timeout", kErrorRequestTimeout);
      counters_.add(Counter::kRequestTimeouts);
    }
  }
  return any_waited_for;
}

bool Worker::charge(int64_t bytes) {
  ConnectionMemory& memory = server_.connection_memory();
  if (memory.charge(bytes)) return true;
  const size_t large_bytes_max = memory.large_bytes_max();
  const size_t used_bytes_max = large_bytes_max - std::min(large_bytes_max, static_cast<size_t>(bytes));
  reclaim_stalled(used_bytes_max - used_bytes_max / kSpareDivisor);
  return memory.charge(bytes);
}

void Worker::end_turn() {
  try {
    if (!reports_.empty() && !report_turn_posted_) post_report_turn();
    if (pool_.kept_bytes() > BufferPool::kKeptBytesMin) watch();
    server_.connection_memory().settle();
    if (server_.connection_memory().excess_bytes() > 0) relieve();
  } catch (const std::bad_alloc&) {
    counters_.add(Counter::kMallocFails);  // The next turn tries again.
  }
}

// Posted by the end of a turn. One report goes on in each round of turns: however many are asked for, others wait
// for a part of one.
void Worker::post_report_turn() {
  loop_.post([this] {
    report_turn_posted_ = false;
    Connection& connection = *reports_.front();
    reports_.pop_front();
    connection.take_turn();
  });
  report_turn_posted_ = true;
}

// More is in use than may be.
void Worker::relieve() {
  const ConnectionMemory& memory = server_.connection_memory();
  pool_.trim(0);
  reclaim_stalled(memory.bytes_max() - memory.bytes_max() / kSpareDivisor);
  reclaim_excess();
}

void Worker::reclaim(size_t used_bytes_max) {
  if (is_asked_to_reclaim_.exchange(true, std::memory_order_relaxed)) return;
  try {
    loop_.post([this, used_bytes_max] {
      is_asked_to_reclaim_.store(false, std::memory_order_relaxed);
      close_holders(Connection::kFloorBytes, kStalledMs, used_bytes_max);
    });
  } catch (const std::bad_alloc&) {
    is_asked_to_reclaim_.store(false, std::memory_order_relaxed);
    throw;
  }
}

void Worker::reclaim_stalled(size_t used_bytes_max) {
  const int64_t now_ms = server_.clock().monotonic_ms();
  if (now_ms < next_reclaim_ms_) return;
  next_reclaim_ms_ = now_ms + kReclaimIntervalMs;
  close_holders(Connection::kFloorBytes, kStalledMs, used_bytes_max);
  if (server_.connection_memory().used_bytes() > used_bytes_max) reclaim_from_all_(used_bytes_max);
}

void Worker::reclaim_excess() {
  const ConnectionMemory& memory = server_.connection_memory();
  if (memory.excess_bytes() <= memory.bytes_max() / kExcessDivisor) return;
  const int64_t now_ms = server_.clock().monotonic_ms();
  if (now_ms < next_forced_reclaim_ms_) return;
  // What the floor is, is left to everybody as long as that can be.
  const uint64_t floor_bytes =
      server_.connections.load(std::memory_order_relaxed) * (kConnectionBytes + Connection::kFloorBytes);
  close_holders(floor_bytes <= memory.bytes_max() ? Connection::kFloorBytes : 0, 0, memory.bytes_max());
  // Others hold it.
  if (memory.excess_bytes() > 0) next_forced_reclaim_ms_ = now_ms + kForcedReclaimIntervalMs;
}

// Of this worker's, those first that have held most for longest. Other workers' may have held more for longer.
void Worker::close_holders(size_t held_bytes_min, int64_t held_ms_min, size_t used_bytes_max) {
  const ConnectionMemory& memory = server_.connection_memory();
  pool_.trim(0);
  holders_.clear();
  for (const std::unique_ptr<Connection>& connection : connections_) {
    if (!connection->is_holding(held_bytes_min)) continue;
    const int64_t held_ms = connection->held_ms();
    if (held_ms < held_ms_min) continue;
    holders_.push_back(
        {.connection = connection.get(),
         .weight = static_cast<double>(held_ms + 1) * static_cast<double>(connection->held_bytes())});
  }
  std::ranges::sort(holders_, std::greater(), &Holder::weight);
  for (const Holder& holder : holders_) {
    if (memory.used_bytes() <= used_bytes_max) return;
    holder.connection->revoke("memory", kErrorNoMemoryReading);
    pool_.trim(0);
    counters_.add(Counter::kMemoryKicks);
  }
}

}  // namespace netd
