#include "netd/datagram_port.h"

#include <sys/uio.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <iterator>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "larder/serving.h"
#include "netd/commands.h"
#include "netd/datagram.h"
#include "netd/reply_words.h"
#include "netd/request_log.h"
#include "netd/retrieval.h"

namespace netd {
namespace {

// UDP has none that is longer.
constexpr size_t kRequestBytesMax = 64 << 10;

// What is received and sent in one turn, but for the datagram and the reply that exceed it.
constexpr size_t kBytesPerTurn = 64 << 10;

// A longer value is not sent.
constexpr size_t kValueBytesMax = 1 << 20;

}  // namespace

DatagramPort::DatagramPort(ConnectionContext& context, UniqueFd fd)
    : context_(context),
      watch_(context.loop, std::move(fd), [this] { take_turn(); }),
      entry_(watch_.fd(), ConnectionState::kReading, context.server.clock().monotonic_ms()),
      in_(context.pool),
      out_(context.pool) {
  session_.fd = watch_.fd();
  session_.authenticated = true;
  // What will not be sent need not be copied.
  out_.set_outlet({.keep =
                       [this](const larder::ItemView& item) {
                         const bool is_too_long = item.value.size() > kValueBytesMax;
                         return is_too_long ? larder::keep(context_.server.cache(), item) : larder::Handle();
                       },
                   .send = [](const Buffer::Pieces&) { return size_t{0}; }});
  context_.server.connection_table().add(entry_);
}

DatagramPort::~DatagramPort() { context_.server.connection_table().remove(entry_); }

void DatagramPort::stop() {
  stopped_ = true;
  watch_.cancel();
}

void DatagramPort::wait() { std::exchange(has_no_room_, false) ? watch_.await_output() : watch_.await_input(); }

void DatagramPort::take_turn() {
  if (stopped_) return;
  try {
    answer_datagrams();
  } catch (const std::bad_alloc&) {
    context_.counters.add(Counter::kMallocFails);
    drop_rest();
  }
  context_.end_turn();
  if (has_no_room_) return wait();
  if (!in_.empty() || unfinished_) {
    context_.counters.add(Counter::kYields);
    return watch_.call_soon();
  }
  in_.release();
  out_.release();
  wait();
}

// As many requests as have a turn.
void DatagramPort::answer_datagrams() {
  turn_bytes_ = 0;
  for (size_t left = context_.server.options().requests_per_turn_max; left > 0; --left) {
    if (in_.empty() && !unfinished_ && !receive()) return;
    answer_next();
    if (unfinished_ || has_no_room_ || turn_bytes_ >= kBytesPerTurn) return;
  }
}

// False when there is no datagram to be had. One that holds no request leaves in_ empty.
bool DatagramPort::receive() {
  if (!in_.try_reserve(kRequestBytesMax)) {
    // Left where it is, it would wake us again at once.
    (void)::recv(watch_.fd(), nullptr, 0, 0);
    throw std::bad_alloc();
  }
  const std::span<char> room = in_.room();
  peer_bytes_ = sizeof peer_;
  const ssize_t count =
      ::recvfrom(watch_.fd(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&peer_), &peer_bytes_);
  if (count < 0) return false;
  turn_bytes_ += static_cast<size_t>(count);
  context_.counters.add(Counter::kBytesRead, static_cast<uint64_t>(count));
  entry_.last_request_ms.store(context_.server.clock().monotonic_ms(), std::memory_order_relaxed);
  const std::optional<uint16_t> id = request_id_of({room.data(), static_cast<size_t>(count)});
  if (!id) return true;
  request_id_ = *id;
  in_.commit(static_cast<size_t>(count));
  in_.consume(kDatagramHeaderBytes);
  const Options& options = context_.server.options();
  parser_.emplace(ParserLimits{.item_bytes_max = options.item_bytes_max, .has_cas = options.cas});
  return true;
}

void DatagramPort::answer_next() {
  if (!unfinished_) {
    if (in_.empty()) return;
    const Parser::Result result = parser_->next(in_.content(), request_);
    if (!result.complete) return drop_rest();
    in_.consume(std::min(result.bytes_consumed + result.bytes_to_skip, in_.size()));
    if (request_.command->effect.needs_connection(request_)) refuse(request_, kErrorNotOverUdp);
  }
  Dispatch::Outcome outcome;
  {
    const RequestLog log(context_.server, session_.fd, request_, unfinished_, out_);
    const uint64_t bytes_written_before = context_.dispatch.bytes_written();
    outcome = context_.dispatch.run(request_, session_, out_);
    turn_bytes_ += static_cast<size_t>(context_.dispatch.bytes_written() - bytes_written_before);
  }
  assert(session_.report == nullptr && session_.watcher == nullptr);
  unfinished_ = outcome == Dispatch::Outcome::kUnfinished;
  if (unfinished_ && !is_full(out_)) return;
  const bool is_too_long = out_.holds_value() || out_.size() > kReplyBytesMax + kValueBytesMax;
  if (outcome == Dispatch::Outcome::kDone && !is_too_long) return send_reply();
  drop_rest();
}

// What is left of the datagram, and of the reply.
void DatagramPort::drop_rest() {
  unfinished_ = false;
  in_.consume(in_.size());
  out_.consume(out_.size());
}

void DatagramPort::send_reply() {
  split_reply(request_id_, out_.content(), [this](const DatagramHeader& header, std::string_view part) {
    iovec pieces[] = {{const_cast<char*>(header.data()), header.size()},
                      {const_cast<char*>(part.data()), part.size()}};
    msghdr message{};
    message.msg_name = &peer_;
    message.msg_namelen = peer_bytes_;
    message.msg_iov = pieces;
    message.msg_iovlen = std::size(pieces);
    // What the system has no room for is lost, as datagrams may be; nothing more is answered until there is some.
    const ssize_t count = ::sendmsg(watch_.fd(), &message, MSG_NOSIGNAL);
    has_no_room_ = count < 0 && errno == EAGAIN;
    if (count <= 0) return false;
    turn_bytes_ += static_cast<size_t>(count);
    context_.counters.add(Counter::kBytesWritten, static_cast<uint64_t>(count));
    return true;
  });
  out_.consume(out_.size());
}

}  // namespace netd
