#include "netd/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "larder/serving.h"
#include "netd/auth_parser.h"
#include "netd/request_log.h"
#include "netd/retrieval.h"

namespace netd {
namespace {

// How often in one turn something is received, or the output is full, so that a client that sends one endless
// value, or asks for many long ones, gives way to others too.
constexpr size_t kPassesPerTurn = 16;

// A buffer grows at most to so many times what has arrived: a long value takes memory when it comes, not when it is
// announced. To less when it comes slowly, or when memory is scarce.
constexpr size_t kGrowthMax = 8;
constexpr size_t kCautiousGrowthMax = 2;
constexpr size_t kLastGrowthMax = 4;

// What counts as progress while a connection holds memory: so much that the memory would be moved in half a minute,
// if that is once a second.
constexpr size_t kProgressBytesMin = 2 << 10;
constexpr size_t kProgressDivisor = 32;

// To write so many bytes to an item is so much work as a lookup.
constexpr uint64_t kBytesPerLookup = 32 << 10;

// How long a value without memory waits until it asks again.
constexpr std::chrono::milliseconds kMemoryWait(20);

// A value that is refused anyway need not be received.
size_t item_bytes_max(const Options& options) { return options.read_only ? 0 : options.item_bytes_max; }

}  // namespace

Connection::Connection(ConnectionContext& context, UniqueFd fd, size_t place)
    : index(place),
      context_(context),
      socket_(context.loop, std::move(fd), context.counters, [this] { take_turn(); }),
      parser_(
          {.item_bytes_max = item_bytes_max(context.server.options()), .has_cas = context.server.options().cas}),
      in_(context.pool),
      out_(context.pool),
      entry_(socket_.fd(), ConnectionState::kReading, context.server.clock().monotonic_ms()) {
  session_.fd = socket_.fd();
  session_.authenticated = !context.server.auth_file().is_required();
  if (!session_.authenticated) {
    session_.wake_login =
        std::make_unique<const std::function<void()>>(waker([this] { context_.loop.expire(login_timer_); }));
  }
  out_.set_outlet(
      {.keep = [this](const larder::ItemView& item) { return larder::keep(context_.server.cache(), item); },
       // Whatever keeps the bytes from going now is met again by `send`.
       .send =
           [this](const Buffer::Pieces& pieces) {
             return static_cast<size_t>(std::max<ssize_t>(socket_.transmit(pieces), 0));
           }});
  context_.server.connection_table().add(entry_);
  tell("conn_new", {});
}

Connection::~Connection() {
  tell("conn_close", end_reason_);
  context_.server.connection_table().remove(entry_);
  if (session_.watcher != nullptr) context_.server.watch_hub().remove(session_.watcher);
}

// To those who watch connections.
void Connection::tell(std::string_view event, std::string_view reason) {
  WatchHub& hub = context_.server.watch_hub();
  if (!hub.wants(kWatchConnections)) return;
  try {
    hub.tell(kWatchConnections, context_.server.clock().unix_ms(), connection_event(session_.fd, event, reason));
  } catch (const std::bad_alloc&) {
    context_.counters.add(Counter::kMallocFails);  // The line is lost.
  }
}

void Connection::start() { wait(Waiting::kForInput); }

void Connection::finish() {
  if (mode_ == Mode::kServing) mode_ = Mode::kFinishing;
  if (waiting_ == Waiting::kForInput) socket_.cancel();
}

void Connection::abandon(std::string_view reason) {
  mode_ = Mode::kAbandoned;
  end_reason_ = reason;
  in_.release();
  out_.release();
  if (waiting_ != Waiting::kForTurn) socket_.cancel();
}

void Connection::revoke(std::string_view reason, std::string_view error) {
  const bool can_be_told = waiting_ != Waiting::kForOutput && out_.empty() && !is_watching() && !lingering_;
  if (!can_be_told || ::send(session_.fd, error.data(), error.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return abandon(reason);
  }
  end_reason_ = reason;
  in_.release();
  session_.login.reset();  // While it lingers it is in nobody's way.
  closing_ = refused_ = true;
  socket_.cancel();
}

// The system takes bytes from us in large portions only, so that a slow client seems to take none for long; what
// it has acknowledged of those that the system holds tells more.
int64_t Connection::stalled_ms() {
  const int64_t now_ms = context_.server.clock().monotonic_ms();
  const int unsent_bytes_before = std::exchange(unsent_bytes_, socket_.unsent_bytes());
  if (unsent_bytes_ != unsent_bytes_before) sent_ms_ = now_ms;
  return now_ms - sent_ms_;
}

int64_t Connection::held_ms() {
  return is_sending() ? stalled_ms() : context_.server.clock().monotonic_ms() - holding_since_ms_;
}

void Connection::note_taking() {
  if (session_.report != nullptr) session_.report->note_taking();
}

int64_t Connection::idle_since_ms() const {
  const int64_t last_request_ms = entry_.last_request_ms.load(std::memory_order_relaxed);
  return lingering_ ? last_request_ms : std::max(last_request_ms, received_ms_);
}

void Connection::take_turn() {
  ConnectionContext& context = context_;
  bool goes_on = false;
  waiting_ = Waiting::kForTurn;
  context.pool.set_short(context.server.connection_memory().is_short());
  entry_.state.store(ConnectionState::kRunning, std::memory_order_relaxed);
  try {
    goes_on = mode_ != Mode::kAbandoned && (is_watching() ? run_watching_turn() : run_turn());
  } catch (const std::bad_alloc&) {
    context_.counters.add(Counter::kMallocFails);
    end_reason_ = "error";
  }
  if (!goes_on) context.destroy(*this);
  context.end_turn();
}

// True when an operation is under way again, false when the connection is over.
bool Connection::run_turn() {
  size_t requests_left = context_.server.options().requests_per_turn_max;
  size_t passes_left = kPassesPerTurn;
  // The next connection has the batch for its own.
  const absl::Cleanup drop_rest = [this] {
    if (context_.batch.empty()) return;
    context_.batch.drop_rest();
    parser_.restart();
  };
  socket_.begin_turn();
  while (true) {
    const size_t requests_before = requests_left;
    const Pause pause = answer_requests(requests_left);
    if (requests_left < requests_before) {
      entry_.last_request_ms.store(context_.server.clock().monotonic_ms(), std::memory_order_relaxed);
      holding_since_ms_ = kNotHolding;
    }
    if (!socket_.send(out_)) return false;
    if (!out_.empty()) return wait(Waiting::kForOutput);
    if (requests_left < requests_before) note_latency();
    if (is_watching()) return run_watching_turn();
    switch (pause) {
      case Pause::kEnd:
        return refused_ ? linger() : false;
      case Pause::kYield:
        return yield();
      case Pause::kLogin:
        return wait_to_log_in();
      case Pause::kMemory:
        return wait_for_memory();
      case Pause::kOutputFull:
        if (passes_left-- == 0) return yield();
        break;
      case Pause::kInput:
        if (socket_.is_drained()) return rest();
        if (passes_left-- == 0) return yield();
        if (!socket_.receive(in_)) return false;
        break;
    }
  }
}

void Connection::note_latency() {
  if (const auto since = context_.loop.sampled_since()) {
    context_.latency.add(std::chrono::steady_clock::now() - *since);
  }
}

Connection::Pause Connection::answer_requests(size_t& requests_left) {
  while (true) {
    if (closing_) return Pause::kEnd;
    if (is_watching()) return Pause::kInput;
    if (is_full(out_)) return Pause::kOutputFull;
    if (unfinished_ == nullptr) {
      if (!skip() || in_.empty()) return Pause::kInput;
      if (requests_left == 0) return Pause::kYield;
      if (!next_request(requests_left)) return lacks_memory_ ? Pause::kMemory : Pause::kInput;
      --requests_left;
    }
    requests_left -= std::min(requests_left, answer());
    if (session_.login_wait_ms > 0) return Pause::kLogin;
    if (unfinished_ != nullptr && !is_full(out_)) return Pause::kYield;
  }
}

// False when more of the request has to be received first.
bool Connection::next_request(size_t requests_max) {
  if (context_.batch.empty()) {
    if (!parse(requests_max)) return false;
    context_.batch.prefetch(context_.server.cache());
  }
  const Parser::Result& parsed = context_.batch.advance();
  at_start_ = is_resumed_ = false;
  memory_waits_left_ = kMemoryWaitsMax;
  in_.consume(parsed.bytes_consumed);
  bytes_to_skip_ = parsed.bytes_to_skip;
  return true;
}

bool Connection::parse(size_t requests_max) {
  const auto parse_unknown = [this](std::string_view input, Request& request) {
    return parse_unauthenticated(input, at_start_, request);
  };
  const auto parse_known = [this](std::string_view input, Request& request) {
    return parser_.next(input, request);
  };
  const auto give_up = [this](std::string_view input, Request& request) { return parser_.give_up(input, request); };
  RequestBatch& batch = context_.batch;
  const Parser::Result first = session_.authenticated ? batch.fill(in_.content(), requests_max, parse_known)
                                                      : batch.fill(in_.content(), 1, parse_unknown);
  awaits_value_ = first.bytes_wanted > 0;
  lacks_memory_ = false;
  if (first.complete) return true;
  // The last step is longer: while the content is moved it takes its memory twice.
  const bool is_cautious = is_resumed_ || context_.server.connection_memory().is_scarce();
  const bool is_last = first.bytes_wanted <= kLastGrowthMax * in_.size();
  const size_t bytes_max = (is_cautious && !is_last ? kCautiousGrowthMax : kGrowthMax) * in_.size();
  const size_t bytes_wanted =
      std::max(std::min(first.bytes_wanted, bytes_max), in_.size() + ClientSocket::kReadBytesMin);
  if (in_.try_reserve(bytes_wanted - in_.size())) return false;
  lacks_memory_ = memory_waits_left_ > 0;
  if (lacks_memory_) return false;
  if (!session_.authenticated) throw std::bad_alloc();
  batch.fill(in_.content(), 1, give_up);
  return true;
}

// How many lookups it was worth besides one.
size_t Connection::answer() {
  Request& request = unfinished_ != nullptr ? *unfinished_ : context_.batch.current();
  const RequestLog log(context_.server, session_.fd, request, unfinished_ != nullptr, out_);
  const uint64_t bytes_written_before = context_.dispatch.bytes_written();
  const uint64_t administrative_before = context_.dispatch.administrative_requests();
  const Dispatch::Outcome outcome = context_.dispatch.run(request, session_, out_);
  closing_ = outcome == Dispatch::Outcome::kClose;
  refused_ = closing_ && !request.refusal.empty();
  if (outcome != Dispatch::Outcome::kUnfinished && outcome != Dispatch::Outcome::kLater) {
    unfinished_.reset();
  } else if (unfinished_ == nullptr) {
    unfinished_ = std::make_unique<Request>(std::move(request));
  }
  if (outcome == Dispatch::Outcome::kWatch) begin_watching();
  if (context_.dispatch.administrative_requests() != administrative_before) return SIZE_MAX;
  return static_cast<size_t>((context_.dispatch.bytes_written() - bytes_written_before) / kBytesPerLookup);
}

void Connection::begin_watching() {
  session_.watcher->on_wake(waker([this] {
    if (waiting_ == Waiting::kForInput) socket_.cancel();
  }));
}

// From whichever thread something happens on, to this connection's.
std::function<void()> Connection::waker(std::function<void()> wake) {
  if (alive_ == nullptr) alive_ = std::make_shared<char>();
  return [&loop = context_.loop, wake = std::move(wake), gone_or_alive = std::weak_ptr<char>(alive_)] {
    loop.post([wake, gone_or_alive] {
      if (!gone_or_alive.expired()) wake();
    });
  };
}

// What a watcher says goes unheard; it gets what its queue holds, as fast as it takes it.
bool Connection::run_watching_turn() {
  for (size_t reads_left = kPassesPerTurn; reads_left > 0; --reads_left) {
    in_.consume(in_.size());
    if (!socket_.receive(in_)) return false;
    if (socket_.is_drained()) break;
  }
  if (!socket_.is_drained()) return yield();
  for (size_t parts_left = kPassesPerTurn;; --parts_left) {
    if (!socket_.send(out_)) return false;
    if (!out_.empty()) return wait(Waiting::kForOutput);
    if (parts_left == 0) return yield();
    if (!session_.watcher->take(out_)) break;
  }
  if (mode_ == Mode::kFinishing) return false;
  return wait(Waiting::kForInput);
}

// True when nothing is left to be skipped.
bool Connection::skip() {
  const size_t bytes = std::min(bytes_to_skip_, in_.size());
  in_.consume(bytes);
  bytes_to_skip_ -= bytes;
  return bytes_to_skip_ == 0;
}

// Before it waits for its client.
void Connection::note_holding() {
  // What is answered in part looks at its request where that lies.
  if (unfinished_ == nullptr) in_.trim();
  out_.trim();
  const size_t bytes = held_bytes();
  if (bytes == 0) {
    holding_since_ms_ = kNotHolding;
    return;
  }
  if (holding_since_ms_ == kNotHolding ||
      socket_.moved_bytes() >= std::max(kProgressBytesMin, bytes / kProgressDivisor)) {
    holding_since_ms_ = context_.server.clock().monotonic_ms();
    socket_.reset_moved_bytes();
  }
  if (bytes > kFloorBytes) context_.watch();
}

bool Connection::wait(Waiting waiting) {
  note_holding();
  waiting_ = waiting;
  if (is_sending()) {
    sent_ms_ = context_.server.clock().monotonic_ms();
    context_.watch();
  }
  const ConnectionState input_state = is_watching()   ? ConnectionState::kWatching
                                      : lingering_    ? ConnectionState::kClosing
                                      : awaits_value_ ? ConnectionState::kReadingValue
                                                      : ConnectionState::kReading;
  entry_.state.store(waiting == Waiting::kForInput ? input_state : ConnectionState::kWriting,
                     std::memory_order_relaxed);
  waiting == Waiting::kForInput ? socket_.await_input() : socket_.await_output();
  return true;
}

// Everything that arrived has been answered, as far as it is complete.
bool Connection::rest() {
  const bool between_requests = in_.empty() && bytes_to_skip_ == 0;
  // Over TCP, what a client goes on sending to a closed connection would cost it the replies that are on their way.
  if (mode_ == Mode::kFinishing && between_requests)
    return socket_.is_tcp() && socket_.unsent_bytes() > 0 ? linger() : false;
  // Of whole requests run_turn has taken note.
  if (!between_requests) received_ms_ = context_.server.clock().monotonic_ms();
  is_resumed_ = !between_requests;
  return wait(Waiting::kForInput);
}

// A client that is sent away should get to read why: if it were closed with input unread, the reply would be lost
// on the way. So what it still sends is thrown away, until it has read the end of the stream and closes, too.
bool Connection::linger() {
  if (!std::exchange(lingering_, true)) {
    socket_.shut_down();
    entry_.last_request_ms.store(context_.server.clock().monotonic_ms(), std::memory_order_relaxed);
    context_.watch();
  }
  for (size_t reads_left = kPassesPerTurn; reads_left > 0; --reads_left) {
    in_.consume(in_.size());
    if (!socket_.receive(in_)) return false;
    if (socket_.is_drained()) {
      in_.consume(in_.size());
      return wait(Waiting::kForInput);
    }
  }
  return yield();
}

// Lets other connections of the worker have a turn.
bool Connection::yield() {
  context_.counters.add(Counter::kYields);
  waiting_ = Waiting::kForTurn;
  if (session_.report != nullptr) {
    context_.queue_report(*this);
  } else {
    socket_.yield();
  }
  return true;
}

// Until then nothing is received. The wait is too short to be worth an end before its time; but should the client
// not wait, its attempt must not be in the way of others'.
bool Connection::wait_to_log_in() {
  note_holding();
  waiting_ = Waiting::kForTimer;
  login_timer_ = context_.loop.call_after(std::chrono::milliseconds(session_.login_wait_ms), [this] {
    pollfd client{.fd = session_.fd, .events = POLLRDHUP, .revents = 0};
    if (::poll(&client, 1, 0) > 0 && mode_ == Mode::kServing) abandon("normal");
    take_turn();
  });
  return true;
}

// Not for long: then the value is refused.
bool Connection::wait_for_memory() {
  --memory_waits_left_;
  note_holding();
  // It is not its client that is waited for.
  holding_since_ms_ = context_.server.clock().monotonic_ms();
  waiting_ = Waiting::kForTimer;
  context_.loop.call_after(kMemoryWait, [this] { take_turn(); });
  return true;
}

}  // namespace netd
