// A whole connection: a socket whose other end a client holds that says whatever the input is, a small cache, and a
// judge that knows what has to be replied.
//
// The input is what the client sends, but for these pairs of bytes:
//
//   \.  waits until what has been sent is answered, so that what follows arrives on its own
//   \_  the same, but does not read the replies
//   \+a … \+z  waits, and then 2^0 … 2^25 ms go by
//   \*a … \*q  2^0 … 2^16 bytes of a value
//   \#  waits, and stands for the CAS number that was shown last
//   \w  somebody else begins to watch everything, and takes nothing of what is told
//
// When the server closes the connection, the client goes on with another.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "judge.h"
#include "larder/serving.h"
#include "netd/commands.h"
#include "netd/connection.h"
#include "require.h"
#include "unit/netd/server_fixture.h"

namespace netd::fuzz {
namespace {

constexpr size_t kMemoryLimitBytes = size_t{1} << 20;
constexpr size_t kItemBytesMax = size_t{80} << 10;
// When less has been sent, nothing is evicted.
constexpr size_t kSentBytesWithoutEviction = size_t{64} << 10;
// Fillers end here: an input has to be run in little time.
constexpr size_t kSentBytesMax = size_t{2} << 20;
constexpr int kSocketBytes = 4 << 10;

Options small_server() {
  Options options;
  options.memory_limit_bytes = kMemoryLimitBytes;
  options.item_bytes_max = kItemBytesMax;
  options.threads = 1;
  return options;
}

// What a worker does for its connections.
class Service {
 public:
  explicit Service(ServerFixture& server) : server_(server) {}

  // Returns the client's end of a new connection.
  UniqueFd connect() {
    std::array<int, 2> ends{};
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0, "there are sockets");
    UniqueFd client(ends[0]);
    UniqueFd fd(ends[1]);
    // So that replies have to wait for the client to read.
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBytes, sizeof kSocketBytes);
    connection_ = std::make_unique<Connection>(context_, std::move(fd), 0);
    connection_->start();
    return client;
  }

  // Does what there is to do. False if that was nothing.
  bool serve() { return loop_.poll(); }

  [[nodiscard]] bool is_connected() const { return connection_ != nullptr; }
  void disconnect() { connection_.reset(); }

 private:
  ServerFixture& server_;
  EventLoop loop_;
  BufferPool pool_{[this](int64_t bytes) { return server_.state.connection_memory().charge(bytes); }};
  ConnectionContext context_{
      loop_,
      server_.state,
      server_.state.worker_counters(0),
      server_.state.latency(0),
      pool_,
      server_.dispatch,
      [this](Connection&) { disconnect(); },
      [] {},
      [] {},
      [this](Connection& connection) { loop_.post([&connection] { connection.take_turn(); }); }};
  std::unique_ptr<Connection> connection_;
};

// Says what it is told to, and has the judge look at what comes back.
class Client {
 public:
  explicit Client(ServerFixture& server) : service_(server), judge_(server.clock, kItemBytesMax) { connect(); }

  void send(std::string_view bytes) {
    bytes = bytes.substr(0, kSentBytesMax - sent_bytes_);
    sent_bytes_ += bytes.size();
    outgoing_ += bytes;
  }

  void wait() {
    do {
      exchange(/*reads=*/true);
      judge();
      require(is_closed_ == at_end_ || !is_judging(), "a connection ends when it is to, and not before");
      require(at_end_ || has_sent_all(), "a server whose replies are read goes on reading");
      if (at_end_) reconnect();
    } while (!has_sent_all());
    outgoing_.clear();
    outgoing_begin_ = 0;
  }

  void wait_without_reading() { exchange(/*reads=*/false); }

  // Closes its sending half: what is owed is still sent, and then the connection ends.
  void finish() {
    wait();
    shutdown(socket_.get(), SHUT_WR);
    exchange(/*reads=*/true);
    judge();
    require(at_end_, "a connection ends when its client has nothing more to say");
    disconnect();
  }

  [[nodiscard]] uint64_t last_cas() const { return judge_.last_cas(); }

 private:
  void connect() {
    socket_ = service_.connect();
    parser_.emplace(ParserLimits{.item_bytes_max = kItemBytesMax});
    requests_.clear();
    replies_.clear();
    bytes_to_skip_ = 0;
    is_closed_ = false;
    at_end_ = false;
  }

  void disconnect() {
    socket_ = UniqueFd();
    service_.serve();
    require(!service_.is_connected(), "a connection ends with its client");
  }

  void reconnect() {
    disconnect();
    connect();
  }

  [[nodiscard]] bool has_sent_all() const { return outgoing_begin_ == outgoing_.size(); }
  [[nodiscard]] bool is_judging() const { return !is_unsure_ && !judge_.has_lost_track(); }

  // Until neither side has anything to do.
  void exchange(bool reads) {
    while (send_some() || service_.serve() || (reads && receive_some())) {
    }
  }

  bool send_some() {
    const std::string_view rest = std::string_view(outgoing_).substr(outgoing_begin_);
    if (rest.empty() || at_end_) return false;
    const ssize_t count = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    requests_ += rest.substr(0, static_cast<size_t>(count));
    outgoing_begin_ += static_cast<size_t>(count);
    return true;
  }

  bool receive_some() {
    if (at_end_) return false;
    std::array<char, 16 << 10> buffer;
    const ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    at_end_ = count == 0 || (count < 0 && errno != EAGAIN);
    if (count > 0) replies_.append(buffer.data(), static_cast<size_t>(count));
    return count > 0;
  }

  // All that was sent has been answered, as far as it is complete.
  void judge() {
    const bool may_evict = sent_bytes_ >= kSentBytesWithoutEviction;
    std::string_view requests = requests_;
    std::string_view replies = replies_;
    while (!is_closed_ && is_judging()) {
      const size_t skipped = std::min(bytes_to_skip_, requests.size());
      requests.remove_prefix(skipped);
      bytes_to_skip_ -= skipped;
      // The server may have seen only the line's beginning, and found it too long.
      const size_t line_end = requests.find('\n');
      is_unsure_ = line_end != std::string_view::npos && line_end > kUnfinishedLineBytesMax;
      if (is_unsure_) break;
      Request request;
      const Parser::Result result = parser_->next(requests, request);
      if (!result.complete) break;
      judge_.judge(request, may_evict, replies);
      requests.remove_prefix(result.bytes_consumed);
      bytes_to_skip_ = result.bytes_to_skip;
      is_closed_ = request.command->action == Action::kClose;
    }
    if (is_judging()) {
      if (!replies.empty()) fail(fmt::format("nobody has asked for '{}'", replies));
      requests_.erase(0, requests_.size() - requests.size());
    }
    replies_.clear();
  }

  Service service_;
  Judge judge_;
  UniqueFd socket_;
  std::string outgoing_;
  size_t outgoing_begin_ = 0;  // what is in front of it has been sent
  std::string requests_;       // on this connection, not judged yet
  std::string replies_;
  std::optional<Parser> parser_;
  size_t bytes_to_skip_ = 0;
  size_t sent_bytes_ = 0;
  bool is_closed_ = false;
  bool at_end_ = false;
  bool is_unsure_ = false;
};

void play(std::string_view script, ServerFixture& server, Client& client) {
  while (!script.empty()) {
    const size_t literal_bytes = std::min(script.find('\\'), script.size());
    client.send(script.substr(0, literal_bytes));
    script.remove_prefix(literal_bytes);
    if (script.size() < 2) return client.send(script);
    const char action = script[1];
    const auto power = static_cast<unsigned>((script.size() > 2 ? script[2] : 'a') - 'a');
    size_t bytes = 2;
    if (action == '.') {
      client.wait();
    } else if (action == '_') {
      client.wait_without_reading();
    } else if (action == '+' && power < 26) {
      client.wait();
      server.clock.advance_ms(int64_t{1} << power);
      bytes = 3;
    } else if (action == '*' && power < 17) {
      client.send(std::string(size_t{1} << power, 'v'));
      bytes = 3;
    } else if (action == 'w') {
      (void)server.watch_hub.add(kWatchFetchers | kWatchMutations | kWatchEvictions | kWatchDeletions |
                                 kWatchConnections);
    } else if (action == '#') {
      client.wait();
      client.send(std::to_string(client.last_cas()));
    } else {
      client.send(script.substr(0, 2));
    }
    script.remove_prefix(std::min(bytes, script.size()));
  }
}

void run(std::string_view script) {
  ServerFixture server(small_server());
  {
    Client client(server);
    play(script, server, client);
    client.finish();
    if (const absl::Status status = larder::assert_valid(*server.cache); !status.ok()) fail(status.ToString());
  }
  server.state.reset_counters();  // Prefixes have some, too.
  require(server.state.connection_memory().used_bytes() == 0, "connections that are gone hold no memory");
}

}  // namespace
}  // namespace netd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netd::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
