#include "netd/top/top.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <system_error>
#include <thread>

#include "netd/server_place.h"
#include "netd/start_error.h"
#include "netd/top/sample.h"
#include "netd/top/terminal.h"
#include "netd/top/view.h"

namespace netd::top {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPeriod(1);
// Reports of size classes may wait for those that others have asked for.
constexpr std::chrono::seconds kAnswerTime(5);
constexpr int kLinesPerHeading = 20;

volatile std::sig_atomic_t is_over = 0;

// Asks for samples, and connects again when the server was restarted.
class Source {
 public:
  explicit Source(const Options& options) : place_(first_place(options)) {}

  [[nodiscard]] const std::string& name() const { return place_.name; }

  // Nothing, and `fault` says why, when the server does not answer.
  std::optional<Sample> next(std::string& fault) {
    try {
      const auto deadline = Clock::now() + kAnswerTime;
      if (!client_) client_.emplace(place_, deadline);
      return take_sample(*client_, deadline);
    } catch (const std::system_error& error) {
      fault = fmt::format("no answer from {}: {}", place_.name, error.code().message());
      client_.reset();
      return std::nullopt;
    }
  }

 private:
  // The first that answers, or else the first.
  static ServerPlace first_place(const Options& options) {
    const std::vector<ServerPlace> places = places_of(options);
    for (const ServerPlace& place : places) {
      try {
        (void)TextClient(place, Clock::now() + kAnswerTime);
        return place;
      } catch (const std::system_error&) {
        continue;
      }
    }
    return places.front();
  }

  const ServerPlace place_;
  std::optional<TextClient> client_;
};

Sample first_sample(Source& source) {
  std::string fault;
  std::optional<Sample> sample = source.next(fault);
  if (!sample) throw StartError(fault);
  return *std::move(sample);
}

void run_on_terminal(Source& source) {
  Sample before = first_sample(source);
  std::optional<Sample> now;
  Terminal terminal;
  Layout layout{.address = source.name()};
  std::string fault;
  auto next = Clock::now() + kPeriod;
  while (is_over == 0) {
    const Terminal::Size size = terminal.size();
    layout.columns = size.columns;
    layout.rows = size.rows - 1;
    std::vector<std::string> lines =
        now ? screen(before, *now, layout) : std::vector<std::string>{source.name() + ": a second, please"};
    lines.push_back(
        (fault.empty() ? "q: quit  s: sort classes by the next column" : fault).substr(0, layout.columns));
    terminal.show(lines);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    const char key = terminal.wait_for_key(std::max(wait, std::chrono::milliseconds(0)));
    if (key == 'q') return;
    if (key == 's') {
      layout.sort_by =
          static_cast<SortBy>((static_cast<int>(layout.sort_by) + 1) % static_cast<int>(SortBy::kCount));
    }
    if (Clock::now() < next) continue;
    next = Clock::now() + kPeriod;
    fault.clear();
    std::optional<Sample> sample = source.next(fault);
    if (!sample) continue;
    if (now) before = *std::move(now);
    now = std::move(sample);
  }
}

// False when nobody reads any more.
bool print(const std::string& text) {
  fmt::print("{}\n", text);
  return std::fflush(stdout) == 0;
}

void run_on_file(Source& source) {
  Sample before = first_sample(source);
  for (int count = 0; is_over == 0; ++count) {
    std::this_thread::sleep_for(kPeriod);
    std::string fault;
    std::optional<Sample> now = source.next(fault);
    if (!now) {
      if (!print(fault)) return;
      continue;
    }
    if (count % kLinesPerHeading == 0 && !print(line_headings())) return;
    if (!print(line(before, *now))) return;
    before = *std::move(now);
  }
}

}  // namespace

void run(const Options& options) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    std::signal(signal_number, [](int) { is_over = 1; });
  }
  Source source(options);
  Terminal::is_there() ? run_on_terminal(source) : run_on_file(source);
}

}  // namespace netd::top
