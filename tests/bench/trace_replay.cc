// Miss ratios on a recorded trace of requests.
//
//   trace_replay TRACE --limit BYTES     a Cache with this memory limit, items as recorded
//   trace_replay TRACE --bytes BYTES     the policy alone: a Cache that never holds more than so many bytes of
//                                        keys and values, whatever memory that takes
//   trace_replay TRACE --objects COUNT   the same, with every object of the same size
//   trace_replay TRACE --socket PATH [--seconds S]
//                                        a server at this UNIX socket; with --seconds the trace's time is
//                                        compressed into so many, its expiry times likewise
//
// A get that misses stores the object; sets store and are not counted. The cache starts empty. Prints one line of
// `name value` pairs.
//
// With --bytes and --objects, small caches are made larger, and all objects with them, so that what a cache costs
// of itself does not matter; keys and values are then filled up so that record headers are part of the bytes asked
// for.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "fmt/format.h"
#include "larder/cache.h"
#include "make_cache.h"
#include "program.h"
#include "trace.h"

namespace larder::bench {
namespace {

// What a replay counts.
struct Result {
  void count(const Request& request, bool is_hit) {
    const uint64_t bytes = request.key_bytes + request.value_bytes;
    ++gets;
    get_bytes += bytes;
    if (is_hit) return;
    ++misses;
    missed_bytes += bytes;
  }
  [[nodiscard]] std::string ratios() const {
    return fmt::format("gets {} miss_ratio {:.4f} byte_miss_ratio {:.4f}", gets,
                       static_cast<double>(misses) / static_cast<double>(gets),
                       static_cast<double>(missed_bytes) / static_cast<double>(get_bytes));
  }

  uint64_t gets = 0, misses = 0, get_bytes = 0, missed_bytes = 0;
  uint64_t most_item_bytes = 0;  // the cache's, at any moment
  Stats stats;                   // at the end
};

// How large an object of the trace becomes as an item.
struct Sizes {
  static constexpr size_t kHeaderBytes = 4;
  static constexpr size_t kExpiryBytes = 5;

  [[nodiscard]] size_t value_bytes(const Request& request, size_t key_bytes) const {
    if (!are_scaled) return request.value_bytes;
    const size_t record = object_bytes != 0 ? object_bytes : scale * (request.key_bytes + request.value_bytes);
    const size_t others = key_bytes + kHeaderBytes + (request.ttl_s != 0 ? kExpiryBytes : 0);
    return record > others ? record - others : 0;
  }

  bool are_scaled = false;
  size_t scale = 1;
  size_t object_bytes = 0;  // 0: as recorded, times scale
};

constexpr size_t kRequestsBetweenSamples = 500;

Result replay(const std::vector<Request>& trace, const Sizes& sizes, size_t limit_bytes) {
  ManualClock clock;
  Options options;
  options.memory_limit_bytes = limit_bytes;
  options.item_bytes_max = std::min(limit_bytes / 4, kItemBytesMaxMax);
  options.cas = !sizes.are_scaled;
  options.clock = &clock;
  options.seed = 1;
  const std::unique_ptr<Cache> made = make_cache(options);
  Cache& cache = *made;

  Result result;
  size_t value_bytes_max = 0;
  for (const Request& request : trace) value_bytes_max = std::max(value_bytes_max, sizes.value_bytes(request, 0));
  const std::string filling(value_bytes_max, 'v');
  size_t at = 0;
  for (const Request& request : trace) {
    clock.advance_ms(int64_t{request.time_s} * 1000 - clock.monotonic_ms());
    const std::string key = request.key();
    if (request.kind == Request::Kind::kErase) (void)cache.erase(key);
    if (request.kind == Request::Kind::kErase) continue;
    if (request.kind == Request::Kind::kGet) {
      const bool is_hit = cache.visit(key, [](const ItemView&) {});
      result.count(request, is_hit);
      if (is_hit) continue;
    }
    SetOptions set_options;
    if (request.ttl_s != 0) set_options.expiry = std::chrono::seconds(request.ttl_s);
    // What is larger than the cache takes is not stored.
    (void)cache.set(key, std::string_view(filling).substr(0, sizes.value_bytes(request, key.size())), set_options);
    if (++at % kRequestsBetweenSamples == 0) {
      result.most_item_bytes = std::max(result.most_item_bytes, cache.stats().item_bytes);
    }
  }
  result.stats = cache.stats();
  return result;
}

void replay_with_limit(const std::vector<Request>& trace, size_t limit_bytes) {
  const Result result = replay(trace, {}, limit_bytes);
  const Stats& stats = result.stats;
  fmt::print("{} limit_bytes {} items {} item_bytes {} dead_bytes {} free_bytes {} index_bytes {} ghost_bytes {}\n",
             result.ratios(), limit_bytes, stats.items, stats.item_bytes, stats.dead_bytes, stats.free_bytes,
             stats.index_bytes, stats.ghost_bytes);
}

// Finds the limit at which the cache holds just so much.
void replay_holding(const std::vector<Request>& trace, const Sizes& sizes, size_t held_bytes) {
  constexpr int kTrials = 6;
  constexpr double kPrecision = 0.01;
  double limit = static_cast<double>(held_bytes) * 1.1 + (1 << 20);
  for (int trial = 1;; ++trial) {
    const Result result = replay(trace, sizes, static_cast<size_t>(limit));
    const double share = static_cast<double>(result.most_item_bytes) / static_cast<double>(held_bytes);
    if ((share <= 1 && share > 1 - kPrecision) || trial == kTrials) {
      fmt::print("{} held_bytes {} of {} scale {} limit_bytes {:.0f} promoted {} moved {} ghost_hits {}\n",
                 result.ratios(), result.most_item_bytes, held_bytes, sizes.scale, limit,
                 result.stats.items_promoted, result.stats.items_moved, result.stats.ghost_hits);
      return;
    }
    limit *= (1 - kPrecision / 2) / share;
  }
}

// --- through a server --------------------------------------------------------------------------------------

// Sends commands in batches and reads the replies to each batch.
class Client {
 public:
  explicit Client(const std::string& path) : socket_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail("the socket's path is too long");
    path.copy(address.sun_path, path.size());
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      fail(fmt::format("nobody listens at {}", path));
    }
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The replies to commands whose last is `mn`.
  std::string_view exchange(const std::string& commands) {
    constexpr std::string_view kEnd = "MN\r\n";
    for (size_t sent = 0; sent < commands.size();) {
      const ssize_t n = send(socket_, commands.data() + sent, commands.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) fail("the server has closed the connection");
      sent += static_cast<size_t>(n);
    }
    size_t received = 0;
    while (!std::string_view(replies_.data(), received).ends_with(kEnd)) {
      constexpr size_t kReadBytes = size_t{256} << 10;
      if (replies_.size() < received + kReadBytes) replies_.resize(received + kReadBytes);
      const ssize_t n = recv(socket_, replies_.data() + received, kReadBytes, 0);
      if (n <= 0) fail("the server has closed the connection");
      received += static_cast<size_t>(n);
    }
    return std::string_view(replies_.data(), received);
  }

 private:
  const int socket_;
  std::string
      replies_;  // never smaller than before, as is each buffer here: fresh memory costs more than what is sent
};

class RemoteReplay {
 public:
  RemoteReplay(const std::string& socket_path, double compression)
      : client_(socket_path), compression_(compression) {}

  void add(const Request& request) {
    // Within a batch every key stands once: what is missed is stored before it is asked for again.
    if (keys_.size() == kBatch || keys_.contains(request.number)) finish_batch();
    keys_.insert(request.number);
    batch_.push_back(&request);
  }

  Result finish() {
    finish_batch();
    return result_;
  }

 private:
  static constexpr size_t kBatch = 64;

  void finish_batch() {
    if (batch_.empty()) return;
    commands_.clear();
    for (const Request* request : batch_) {
      if (request->kind == Request::Kind::kGet) commands_ += fmt::format("get {}\r\n", request->key());
    }
    std::string_view replies = client_.exchange(commands_ += "mn\r\n");
    commands_.clear();
    for (const Request* request : batch_) {
      if (request->kind == Request::Kind::kErase) commands_ += fmt::format("delete {} noreply\r\n", request->key());
      if (request->kind == Request::Kind::kGet) {
        const bool is_hit = take_reply(replies);
        result_.count(*request, is_hit);
        if (is_hit) continue;
      }
      if (request->kind == Request::Kind::kErase) continue;
      const auto ttl = request->ttl_s == 0 ? 0 : std::max(1L, std::lround(request->ttl_s / compression_));
      commands_ += fmt::format("set {} 0 {} {} noreply\r\n", request->key(), ttl, request->value_bytes);
      commands_.append(request->value_bytes, 'v').append("\r\n");
    }
    if (!commands_.empty()) client_.exchange(commands_ += "mn\r\n");
    batch_.clear();
    keys_.clear();
  }

  // Takes the reply to one get; true if it was a hit.
  static bool take_reply(std::string_view& replies) {
    const size_t line_end = replies.find("\r\n");
    const std::string_view line = replies.substr(0, line_end);
    const bool is_hit = line.starts_with("VALUE ");
    if (!is_hit && line != "END") fail(fmt::format("unexpected reply: {}", line));
    size_t bytes = line_end + 2;
    if (is_hit) {
      bytes += std::strtoull(line.data() + line.rfind(' '), nullptr, 10) + std::string_view("\r\nEND\r\n").size();
    }
    replies.remove_prefix(bytes);
    return is_hit;
  }

  Client client_;
  const double compression_;  // seconds of the trace in one of ours
  std::unordered_set<uint32_t> keys_;
  std::vector<const Request*> batch_;
  std::string commands_;
  Result result_;
};

void replay_remotely(const std::vector<Request>& trace, const std::string& socket_path, double seconds) {
  const double compression = seconds > 0 ? (trace.back().time_s + 1) / seconds : 1;
  RemoteReplay replay(socket_path, compression);
  const auto begin = std::chrono::steady_clock::now();
  uint32_t time_s = 0;
  for (const Request& request : trace) {
    if (seconds > 0 && request.time_s != time_s) {
      time_s = request.time_s;
      std::this_thread::sleep_until(begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                std::chrono::duration<double>(time_s / compression)));
    }
    replay.add(request);
  }
  const Result result = replay.finish();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} seconds {:.1f}\n", result.ratios(), took.count());
}

void run(const std::string& path, std::string_view mode, const std::string& argument, double seconds) {
  const std::vector<Request> trace = read_trace(path);
  if (trace.empty()) fail("no requests");
  if (mode == "--socket") return replay_remotely(trace, argument, seconds);
  const size_t number = std::strtoull(argument.c_str(), nullptr, 10);
  if (number == 0) fail(fmt::format("{}: '{}' is not a size", mode, argument));
  if (mode == "--limit") return replay_with_limit(trace, number);

  constexpr size_t kHeldBytesMin = size_t{32} << 20;
  constexpr size_t kAlignment = 8;
  Sizes sizes{.are_scaled = true};
  if (mode == "--objects") {
    sizes.object_bytes = std::max<size_t>(64, kHeldBytesMin / number) / kAlignment * kAlignment;
    return replay_holding(trace, sizes, number * sizes.object_bytes);
  }
  if (mode == "--bytes") {
    sizes.scale = std::max<size_t>(kAlignment, (kHeldBytesMin + number - 1) / number) / kAlignment * kAlignment;
    if (number >= kHeldBytesMin) sizes.scale = 1;
    return replay_holding(trace, sizes, number * sizes.scale);
  }
  fail(fmt::format("'{}' is none of --limit, --bytes, --objects, --socket", mode));
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  if (argc != 4 && !(argc == 6 && std::string_view(argv[4]) == "--seconds")) {
    larder::bench::fail("usage: trace_replay TRACE --limit|--bytes|--objects|--socket ARGUMENT [--seconds S]");
  }
  larder::bench::run(argv[1], argv[2], argv[3], argc == 6 ? std::strtod(argv[5], nullptr) : 0);
}
