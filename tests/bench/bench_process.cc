#include "bench_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "program.h"

namespace larder::bench {
namespace {

constexpr std::string_view kIsProcess = "--process";
constexpr size_t kChunk = 2'048;  // operations that a thread takes at a time; a multiple of kBatch
constexpr size_t kTries = 2;
constexpr double kUndisturbed = 0.05;  // Round::others_share
static_assert(kChunk % kBatch == 0);

// CPU seconds since the machine started that other programs had, or that its host kept from it.
double cpu_seconds_of_others() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/stat", "r"), std::fclose);
  unsigned long user, nice, system, idle, waiting, interrupt, soft_interrupt, stolen;
  if (!file || std::fscanf(file.get(), "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &system, &idle,
                           &waiting, &interrupt, &soft_interrupt, &stolen) != 8) {
    fail("cannot read /proc/stat");
  }
  const unsigned long all = user + nice + system + interrupt + soft_interrupt + stolen;
  rusage own;
  getrusage(RUSAGE_SELF, &own);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return static_cast<double>(all) / static_cast<double>(sysconf(_SC_CLK_TCK)) - seconds(own.ru_utime) -
         seconds(own.ru_stime);
}

// Does operations from `first` on with so many threads, each on a core of its own as far as there are cores: some
// that are not counted, for a core that was idle is slow for a while, and then those that are. Threads take
// operations from one counter, so that one whose core is slower does less. Waiting for each other they stay awake.
Round run_round(Work& work, size_t threads, size_t first, size_t uncounted, size_t counted) {
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> begins(threads);
  std::vector<Clock::time_point> ends(threads);
  const size_t first_counted = first + uncounted;
  std::atomic<size_t> next_uncounted = first;
  std::atomic<size_t> next_counted = first_counted;
  std::atomic<size_t> ready = 0;
  const auto take = [&](std::atomic<size_t>& from, size_t to) {
    for (size_t at = from.fetch_add(kChunk); at < to; at = from.fetch_add(kChunk)) {
      work.run(at, std::min(at + kChunk, to));
    }
  };
  const auto run = [&](size_t thread) {
    pin_to(static_cast<int>(thread % std::thread::hardware_concurrency()));
    take(next_uncounted, first_counted);
    for (++ready; ready < threads;) std::this_thread::yield();
    begins[thread] = Clock::now();
    take(next_counted, first_counted + counted);
    ends[thread] = Clock::now();
  };
  const auto begin = Clock::now();
  const double others_before = cpu_seconds_of_others();
  std::vector<std::thread> workers;
  for (size_t thread = 0; thread < threads; ++thread) workers.emplace_back(run, thread);
  for (std::thread& worker : workers) worker.join();
  const double others = cpu_seconds_of_others() - others_before;
  const auto seconds = [](Clock::duration duration) { return std::chrono::duration<double>(duration).count(); };
  const double took =
      seconds(*std::max_element(ends.begin(), ends.end()) - *std::min_element(begins.begin(), begins.end()));
  return {.ns = took * 1e9 / static_cast<double>(counted),
          .others_share = std::max(0.0, others / seconds(Clock::now() - begin))};
}

}  // namespace

BenchProcess::BenchProcess(const Load& load, size_t items, const std::vector<std::string_view>& contenders) {
  std::vector<std::string> arguments = {program_invocation_short_name, std::string(kIsProcess),
                                        std::to_string(items), load.title};
  arguments.insert(arguments.end(), contenders.begin(), contenders.end());
  std::array<int, 2> sockets;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) fail("no socket for a process");
  pid_ = fork();
  if (pid_ < 0) fail("cannot fork");
  if (pid_ == 0) {
    end_with_bench();
    dup2(sockets[1], STDIN_FILENO);
    dup2(sockets[1], STDOUT_FILENO);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    execv("/proc/self/exe", pointers.data());
    fail("cannot run this program again");
  }
  close(sockets[1]);
  questions_ = fdopen(sockets[0], "w");
  answers_ = fdopen(fcntl(sockets[0], F_DUPFD_CLOEXEC, 0), "r");
  (void)read_line();
}

BenchProcess::~BenchProcess() {
  std::fclose(answers_);
  std::fclose(questions_);
  waitpid(pid_, nullptr, 0);
}

std::string BenchProcess::read_line() {
  std::array<char, 64> line;
  if (std::fgets(line.data(), line.size(), answers_) == nullptr) fail("a process that measures has ended");
  return line.data();
}

Round BenchProcess::measure(size_t contender, size_t threads) {
  fmt::print(questions_, "{} {}\n", contender, threads);
  std::fflush(questions_);
  const std::string answer = read_line();
  Round round;
  if (std::sscanf(answer.c_str(), "%lf %lf", &round.ns, &round.others_share) != 2) fail(answer);
  return round;
}

bool is_bench_process(int argc, char** argv) { return argc > 4 && argv[1] == kIsProcess; }

void serve_measurements(int argc, char** argv) {
  const std::vector<Load> loads = all_loads(number_argument(argc, argv, 2, 0));
  const auto load =
      std::find_if(loads.begin(), loads.end(), [&](const Load& each) { return each.title == argv[3]; });
  if (load == loads.end()) fail("no such load");
  const std::vector<std::unique_ptr<Work>> works = fill(*load, {argv + 4, argv + argc});
  std::vector<size_t> done(works.size(), 0);
  const size_t counted = load->operations / kChunk * kChunk;
  const size_t uncounted = counted / 4 / kChunk * kChunk;
  fmt::print("ready\n");
  std::fflush(stdout);
  size_t contender;
  size_t threads;
  while (std::scanf("%zu %zu", &contender, &threads) == 2) {
    Round best{.ns = 0, .others_share = std::numeric_limits<double>::infinity()};
    for (size_t i = 0; i < kTries && best.others_share > kUndisturbed; ++i) {
      const Round round = run_round(*works[contender], threads, done[contender], uncounted, counted);
      if (round.others_share < best.others_share) best = round;
      done[contender] += uncounted + counted;
    }
    fmt::print("{} {}\n", best.ns, best.others_share);
    std::fflush(stdout);
  }
  // The system frees millions of items faster than their owners do.
  _exit(0);
}

}  // namespace larder::bench
