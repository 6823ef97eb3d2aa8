// Where the memory goes: what an item costs besides its key and value, and how much is dead, free or expired in
// steady state.
//
//   density_bench MEMCACHED [limit in MiB]
//
// First, a cache is filled with unique keys until it has evicted as much as it holds. The overhead of an item is
// (growth of the process's resident memory − bytes of keys and values) ÷ items. memcached, started here with -m
// and its other settings as they are, is filled in the same way over a UNIX socket; its resident memory is compared
// with what it was before the first item. Each measurement has a process of its own.
//
// Then streams of writes on a cache alone: what is dead, free and expired, sampled in the second half, in
// hundredths of the limit.
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "larder/cache.h"
#include "make_cache.h"
#include "program.h"

namespace larder::bench {
namespace {

constexpr size_t kKeyBytes = 24;
constexpr uint64_t kSeed = 42;

uint64_t resident_bytes(pid_t pid) {
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  std::ifstream(fmt::format("/proc/{}/statm", pid)) >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string key_of(uint64_t number) { return fmt::format("{:0{}}", number, kKeyBytes); }

double percent_of(uint64_t part, uint64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// Runs `work` in a process of its own, whose memory nobody has used before.
void in_a_process(const std::function<void()>& work) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) fail("no process");
  if (pid == 0) {
    end_with_bench();
    work();
    std::fflush(nullptr);
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) fail("a measurement did not end well");
}

void print_overhead(std::string_view name, size_t value_bytes, uint64_t items, uint64_t growth) {
  const uint64_t payload = items * (kKeyBytes + value_bytes);
  fmt::print("{:<10} values of {:>3}: {:>8} items, resident memory +{:.1f} MiB: {:.1f} bytes an item\n", name,
             value_bytes, items, static_cast<double>(growth) / (1 << 20),
             (static_cast<double>(growth) - static_cast<double>(payload)) / static_cast<double>(items));
}

void measure_larder(size_t limit_bytes, size_t value_bytes) {
  const std::string value(value_bytes, 'v');
  const uint64_t before = resident_bytes(getpid());
  const std::unique_ptr<Cache> cache = make_cache({.memory_limit_bytes = limit_bytes, .seed = kSeed});
  constexpr uint64_t kLookEvery = 10'000;
  for (uint64_t i = 0;; ++i) {
    if (cache->set(key_of(i), value) != StoreResult::kStored) fail("a store failed");
    if (i % kLookEvery != 0) continue;
    const Stats stats = cache->stats();
    if (stats.evictions > stats.items) break;
  }
  const uint64_t growth = resident_bytes(getpid()) - before;
  const Stats stats = cache->stats();
  print_overhead("larder", value_bytes, stats.items, growth);
  const auto an_item = [&](uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(stats.items);
  };
  fmt::print(
      "           of which bytes an item: record header and rounding {:.1f}, dead {:.1f}, free {:.1f}, index "
      "{:.1f}, ghost {:.1f}, large {:.1f}, other {:.1f}; outside the account {:.1f}\n",
      an_item(stats.live_bytes) - static_cast<double>(kKeyBytes + value_bytes), an_item(stats.dead_bytes),
      an_item(stats.free_bytes), an_item(stats.index_bytes), an_item(stats.ghost_bytes), an_item(stats.large_bytes),
      an_item(stats.other_bytes),
      (static_cast<double>(growth) - static_cast<double>(stats.memory_used_bytes)) /
          static_cast<double>(stats.items));
}

// --- memcached ---------------------------------------------------------------------------------------------

class Memcached {
 public:
  Memcached(const std::string& program, size_t limit_mib)
      : folder_(std::filesystem::temp_directory_path() / fmt::format("larder-density-{}", getpid())) {
    std::filesystem::create_directory(folder_);
    const std::string path = folder_ / "socket";
    const std::string limit = std::to_string(limit_mib);
    std::fflush(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      end_with_bench();
      execlp(program.c_str(), program.c_str(), "-u", "root", "-m", limit.c_str(), "-s", path.c_str(), nullptr);
      _exit(127);
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    for (int i = 0; i < 200; ++i) {
      socket_ = socket(AF_UNIX, SOCK_STREAM, 0);
      if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      close(socket_);
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    stop();
    fail(program + " does not start");
  }
  ~Memcached() {
    close(socket_);
    stop();
  }
  Memcached(const Memcached&) = delete;
  Memcached& operator=(const Memcached&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  // Sends commands of which the last has a reply that ends in `end`, and returns all replies.
  std::string exchange(std::string_view commands, std::string_view end) {
    while (!commands.empty()) {
      const ssize_t sent = send(socket_, commands.data(), commands.size(), MSG_NOSIGNAL);
      if (sent <= 0) fail("memcached has closed the connection");
      commands.remove_prefix(static_cast<size_t>(sent));
    }
    std::string replies;
    while (!replies.ends_with(end)) {
      char buffer[1 << 14];
      const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) fail("memcached has closed the connection");
      replies.append(buffer, static_cast<size_t>(got));
    }
    return replies;
  }

  uint64_t stat(std::string_view name) {
    const std::string replies = exchange("stats\r\n", "END\r\n");
    const size_t at = replies.find(fmt::format("STAT {} ", name));
    if (at == std::string::npos) fail(fmt::format("memcached has no {}", name));
    return std::strtoull(replies.c_str() + replies.find(' ', at + 5), nullptr, 10);
  }

 private:
  void stop() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }

  const std::filesystem::path folder_;
  pid_t pid_ = 0;
  int socket_ = -1;
};

void measure_memcached(const std::string& program, size_t limit_mib, size_t value_bytes) {
  Memcached server(program, limit_mib);
  const std::string value(value_bytes, 'v');
  (void)server.exchange("mn\r\n", "MN\r\n");
  const uint64_t before = resident_bytes(server.pid());
  constexpr uint64_t kBatch = 1'000;
  for (uint64_t first = 0;; first += kBatch) {
    std::string commands;
    for (uint64_t i = first; i < first + kBatch; ++i) {
      commands += fmt::format("set {} 0 0 {} noreply\r\n{}\r\n", key_of(i), value_bytes, value);
    }
    (void)server.exchange(commands + "mn\r\n", "MN\r\n");
    if (first % (kBatch * 50) != 0) continue;
    if (server.stat("evictions") > server.stat("curr_items")) break;
  }
  const uint64_t items = server.stat("curr_items");
  print_overhead("memcached", value_bytes, items, resident_bytes(server.pid()) - before);
}

// --- steady state ------------------------------------------------------------------------------------------

struct Stream {
  std::string title;
  size_t value_bytes_mean;
  double fits;  // keys, as a share of those that fit
  bool varies;  // sizes of 50 to 150 % of the mean, anew at every set
  std::function<Expiry(uint64_t dice)> expiry;
};

// Expired items are those that the cache counts and a walk does not show.
uint64_t expired_bytes(const Cache& cache) {
  uint64_t shown = 0;
  uint64_t shown_payload = 0;
  cache.for_each([&](const ItemView& item) {
    ++shown;
    shown_payload += item.key.size() + item.value.size();
    return true;
  });
  const Stats stats = cache.stats();
  const uint64_t expired = stats.items - std::min(stats.items, shown);
  return stats.items == 0 ? 0 : expired * stats.item_bytes / stats.items;
}

void measure_stream(size_t limit_bytes, const Stream& stream) {
  ManualClock clock;
  const std::unique_ptr<Cache> cache =
      make_cache({.memory_limit_bytes = limit_bytes, .clock = &clock, .seed = kSeed});
  std::mt19937_64 random(kSeed);
  const std::string filling(2 * stream.value_bytes_mean, 'v');
  const auto keys = static_cast<uint64_t>(stream.fits * static_cast<double>(limit_bytes) /
                                          static_cast<double>(kKeyBytes + stream.value_bytes_mean + 16));
  const auto set = [&](uint64_t number) {
    const size_t mean = stream.value_bytes_mean;
    const size_t bytes = stream.varies ? mean / 2 + random() % (mean + 1) : mean;
    SetOptions options;
    options.expiry = stream.expiry(random());
    (void)cache->set(key_of(number), std::string_view(filling).substr(0, bytes), options);
  };
  // So many requests for each item that fits, in 40 seconds.
  const auto operations = static_cast<uint64_t>(15 * static_cast<double>(keys) / stream.fits);
  constexpr uint64_t kSeconds = 40;
  constexpr int kSamples = 20;
  std::vector<double> dead, room, expired;
  uint64_t hits = 0;
  std::uniform_real_distribution<double> share(0, 1);
  std::string out;
  for (uint64_t i = 1; i <= operations; ++i) {
    clock.advance_ms(static_cast<int64_t>(i * kSeconds * 1000 / operations) - clock.monotonic_ms());
    const uint64_t number = random() % 2 == 0
                                ? random() % keys
                                : static_cast<uint64_t>(std::pow(static_cast<double>(keys), share(random)));
    const bool is_hit = cache->get(key_of(number), out);
    hits += is_hit ? 1 : 0;
    if (!is_hit || random() % 2 == 0) set(number);
    if (i < operations / 2 || i % (operations / 2 / kSamples) != 0) continue;
    const Stats stats = cache->stats();
    dead.push_back(percent_of(stats.dead_bytes, limit_bytes));
    room.push_back(percent_of(stats.free_bytes, limit_bytes));
    expired.push_back(percent_of(expired_bytes(*cache), limit_bytes));
  }
  const auto mean = [](const std::vector<double>& of) {
    double sum = 0;
    for (const double value : of) sum += value;
    return sum / static_cast<double>(of.size());
  };
  const auto most = [](const std::vector<double>& of) { return *std::max_element(of.begin(), of.end()); };
  const Stats stats = cache->stats();
  fmt::print(
      "{:<60} dead {:4.1f} + free {:4.1f} = {:4.1f} % (at most {:.1f} + {:.1f}); expired {:4.1f} % (at most "
      "{:.1f}); hits {:.1f} %, evictions {}\n",
      stream.title, mean(dead), mean(room), mean(dead) + mean(room), most(dead), most(room), mean(expired),
      most(expired), percent_of(hits, operations), stats.evictions);
}

void run(const std::string& memcached, size_t limit_mib) {
  const size_t limit_bytes = limit_mib << 20;
  fmt::print("limit {} MiB, keys of {} bytes, unique keys until as many are evicted as are held, seed {}\n",
             limit_mib, kKeyBytes, kSeed);
  for (const size_t value_bytes : {16, 100, 230}) {
    in_a_process([&] { measure_larder(limit_bytes, value_bytes); });
    in_a_process([&] { measure_memcached(memcached, limit_mib, value_bytes); });
  }

  const auto never = [](uint64_t) { return Expiry::never(); };
  const auto seconds = [](int64_t n) { return Expiry::after(std::chrono::seconds(n)); };
  fmt::print(
      "\nsteady state: get, and set when it missed or else in one case of two; half of the requests uniform, "
      "half log-uniform; hundredths of the limit, mean of 20 samples\n");
  const std::vector<Stream> streams = {
      {"sizes of 100, keys 1.5 times what fits", 100, 1.5, false, never},
      {"sizes of 100 +-50 %, keys 1.5 times what fits", 100, 1.5, true, never},
      {"sizes of 230 +-50 %, keys 1.5 times what fits", 230, 1.5, true, never},
      {"sizes of 1000 +-50 %, keys 1.5 times what fits", 1000, 1.5, true, never},
      {"sizes of 100 +-50 %, keys 4 times what fits", 100, 4, true, never},
      {"sizes of 100 +-50 %, all live 2 s", 100, 1.5, true, [&](uint64_t) { return seconds(2); }},
      {"sizes of 100 +-50 %, all live 10 s", 100, 1.5, true, [&](uint64_t) { return seconds(10); }},
      {"sizes of 100 +-50 %, half live 2 s, half 50 s", 100, 1.5, true,
       [&](uint64_t dice) { return seconds(dice % 2 == 0 ? 2 : 50); }},
      {"sizes of 100 +-50 %, half live 10 s, half for ever", 100, 1.5, true,
       [&](uint64_t dice) { return dice % 2 == 0 ? seconds(10) : Expiry::never(); }},
  };
  for (const Stream& stream : streams) in_a_process([&] { measure_stream(limit_bytes / 8, stream); });
  fmt::print("(these with a limit of {} MiB)\n", limit_mib / 8);
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::print_by_lines();
  if (argc < 2) larder::bench::fail("usage: density_bench MEMCACHED [limit in MiB]");
  larder::bench::run(argv[1], larder::bench::number_argument(argc, argv, 2, 256));
}
