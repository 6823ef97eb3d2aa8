// A load of good and hostile clients at once, for a server on the loopback interface.
//
//   load PORT SECONDS GOOD RATE HOSTILE LOST [USER]
//
// GOOD and HOSTILE are how many clients there are of each kind, a thread each, and RATE how many requests each good
// one makes in a second at most; LOST how many connections the server may close on good ones, as it may on who
// pauses for a second when memory is short; USER is "name password" where the server wants one. Ends with 1 at the
// first wrong answer to a good client.
#include "load.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "good_client.h"
#include "hostile_client.h"

namespace larder::soak {
namespace {

// Hostile clients have hundreds of connections each.
void allow_all_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run(uint16_t port, uint64_t seconds, uint64_t good, uint64_t rate, uint64_t hostile, uint64_t lost,
        std::string user) {
  allow_all_descriptors();
  const Clock::time_point begin = Clock::now();
  Load load{.port = port,
            .user = std::move(user),
            .end = begin + std::chrono::seconds(seconds),
            .good_clients = good,
            .requests_per_s_max = rate,
            .lost_max = lost};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < good; ++i) threads.emplace_back([&load, i] { GoodClient(load, i).run(); });
  for (uint64_t i = 0; i < hostile; ++i) threads.emplace_back([&load, i] { HostileClient(load, i).run(); });
  for (std::thread& thread : threads) thread.join();
  const double took_s = std::chrono::duration<double>(Clock::now() - begin).count();
  fmt::print(
      "{:.0f} s, {} requests of {} good clients on {} connections ({:.0f}/s): {} hits, {} misses, {} refused for "
      "memory; {} hostile acts; {} connections lost, {} wrong answers\n",
      took_s, load.requests.load(), good, load.connections.load(),
      static_cast<double>(load.requests.load()) / took_s, load.hits.load(), load.misses.load(),
      load.refused_for_memory.load(), load.hostile_acts.load(), load.lost.load(), load.wrong.load());
  const auto wait_ms = [&](double share) { return static_cast<double>(load.waits.percentile(share)) / 1e6; };
  fmt::print(
      "a good client waited for a batch {:.1f} ms in the middle, {:.1f} ms 999 times in 1000, {:.1f} ms at most\n",
      wait_ms(0.5), wait_ms(0.999), wait_ms(1));
  return load.wrong.load() == 0 && load.hits.load() > 0 ? 0 : 1;
}

}  // namespace
}  // namespace larder::soak

int main(int argc, char** argv) {
  if (argc < 7) {
    fmt::print(stderr, "usage: load PORT SECONDS GOOD RATE HOSTILE LOST [USER]\n");
    return 64;
  }
  const auto number = [&](int place) { return std::strtoull(argv[place], nullptr, 10); };
  return larder::soak::run(static_cast<uint16_t>(number(1)), number(2), number(3), number(4), number(5), number(6),
                           argc > 7 ? argv[7] : "");
}
