// What all clients of a load share: where the server is, how long to go on, and what came of it.
#ifndef LARDER_TESTS_SOAK_LOAD_H_
#define LARDER_TESTS_SOAK_LOAD_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "bench/histogram.h"
#include "fmt/core.h"

namespace larder::soak {

using Clock = std::chrono::steady_clock;

// Where clients say they are, in 127.0.0.0/24: those who guess passwords keep only themselves from logging in.
inline constexpr uint8_t kGoodHost = 1;
inline constexpr uint8_t kHostileHost = 2;
inline constexpr uint8_t kGuessingHost = 3;

struct Load {
  uint16_t port;
  std::string user;  // "name password"; empty: none has to be given
  Clock::time_point end;
  uint64_t good_clients;
  uint64_t requests_per_s_max;  // of each good client
  uint64_t lost_max;            // connections of good clients

  // Relaxed: counts, looked at when all is over.
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> hits{0};
  std::atomic<uint64_t> misses{0};
  std::atomic<uint64_t> refused_for_memory{0};
  std::atomic<uint64_t> connections{0};
  std::atomic<uint64_t> hostile_acts{0};
  std::atomic<uint64_t> lost{0};
  std::atomic<uint64_t> wrong{0};

  std::mutex mutex{};
  bench::Histogram waits{};  // in ns, of good clients for all answers to a batch; guarded by mutex

  [[nodiscard]] bool goes_on() const { return Clock::now() < end && wrong.load(std::memory_order_relaxed) == 0; }

  // A wrong answer. The others stop, too.
  void fail(const std::string& what) {
    wrong.fetch_add(1, std::memory_order_relaxed);
    fmt::print(stderr, "wrong: {}\n", what);
  }
  // A good client's connection, by no wish of its own.
  void lose(const std::string& why) {
    fmt::print(stderr, "lost: {}, on a client that keeps to the protocol\n", why);
    if (lost.fetch_add(1, std::memory_order_relaxed) >= lost_max) fail("too many connections are lost");
  }
};

inline void add(std::atomic<uint64_t>& count, uint64_t n = 1) { count.fetch_add(n, std::memory_order_relaxed); }

}  // namespace larder::soak

#endif  // LARDER_TESTS_SOAK_LOAD_H_
