#include "netd/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "netd/unique_fd.h"

// In the place of the system's. Lets others go first between what log_line has seen and what it does, as a system
// may.
extern "C" int poll(pollfd* descriptors, nfds_t count, int timeout_ms) {
  const timespec timeout{.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1'000'000L};
  const int result = ppoll(descriptors, count, timeout_ms < 0 ? nullptr : &timeout, nullptr);
  for (int i = 0; i < 10; ++i) std::this_thread::yield();
  return result;
}

namespace netd {
namespace {

// In the place of stderr as long as it lives, a pipe with room for one page.
class LogPipe {
 public:
  LogPipe() : before_(dup(STDERR_FILENO)) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    out_ = UniqueFd(ends[0]);
    const UniqueFd in(ends[1]);
    REQUIRE(fcntl(in.get(), F_SETPIPE_SZ, 1) > 0);
    dup2(in.get(), STDERR_FILENO);
  }
  ~LogPipe() { dup2(before_.get(), STDERR_FILENO); }
  LogPipe(const LogPipe&) = delete;
  LogPipe& operator=(const LogPipe&) = delete;

  // What is in it.
  std::string take() {
    std::string text;
    for (pollfd input{.fd = out_.get(), .events = POLLIN, .revents = 0}; poll(&input, 1, 0) == 1;) {
      std::array<char, 8192> part;
      text.append(part.data(), static_cast<size_t>(read(out_.get(), part.data(), part.size())));
    }
    return text;
  }

 private:
  const UniqueFd before_;
  UniqueFd out_;
};

std::string logged(std::string_view line) {
  LogPipe pipe;
  log_line(line);
  return pipe.take();
}

TEST_CASE("a line is written as it is") {
  CHECK(logged("a b ~\xa0\xff") == "a b ~\xa0\xff\n");
  CHECK(logged("") == "\n");
}

TEST_CASE("what a terminal would take for a command is not written") {
  CHECK(logged("\x1b[2J \r\n\t\x7f") == "?[2J ????\n");
  CHECK(logged("\x9b"
               "2J \x80\x9f") == "?2J ??\n");
  CHECK(logged("\xc2\x9b"
               "2J") == "\xc2?2J\n");  // the same in UTF-8
}

TEST_CASE("a line is no longer than what a pipe takes as a whole") {
  CHECK(logged(std::string(4095, 'x')) == std::string(4095, 'x') + '\n');
  CHECK(logged(std::string(4096, 'x')) == std::string(4095, 'x') + '\n');
  CHECK(logged(std::string(100'000, 'x')) == std::string(4095, 'x') + '\n');
}

TEST_CASE("a line for which there is no room is lost") {
  LogPipe pipe;
  log_line("first");
  log_line(std::string(4095, 'x'));
  CHECK(pipe.take() == "first\n");
  warn("last");
  CHECK(pipe.take() == "netd: warning: last\n");
}

TEST_CASE("of lines that come at once none waits for room that another has taken") {
  constexpr int kThreads = 3;
  constexpr int kRounds = 2000;
  LogPipe pipe;
  const std::string line(4000, 'x');
  std::atomic<int> started{0};  // rounds
  std::atomic<int> done{0};     // lines
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 1; round <= kRounds; ++round) {
        while (started < round) std::this_thread::yield();
        log_line(line);
        ++done;
      }
    });
  }
  bool has_waited = false;
  for (int round = 1; round <= kRounds; ++round) {
    ++started;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(has_waited ? 0 : 60);
    while (done < round * kThreads && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    has_waited = has_waited || done < round * kThreads;
    // Whoever does wait is let go.
    while (done < round * kThreads) (void)pipe.take();
    (void)pipe.take();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(has_waited);
}

}  // namespace
}  // namespace netd
