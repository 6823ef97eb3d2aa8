#include "netd/http/port.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <thread>
#include <tuple>
#include <utility>

#include "netd/event_loop.h"
#include "netd/held_signals.h"
#include "netd/http/client.h"
#include "netd/http/pages.h"

namespace netd::http {
namespace {

// Of a core that others want, the thread gets a tenth of what they get.
constexpr int kNice = 10;
constexpr int kNiceMax = 19;

constexpr std::chrono::milliseconds kCheckInterval(100);
constexpr std::chrono::seconds kSecond(1);  // of the history
// Between two steps of a survey: less than half of the time is worked.
constexpr std::chrono::milliseconds kSurveyPause(1);
// Of the memory limit, what replies that are not taken may have.
constexpr size_t kHeldDivisor = 32;

}  // namespace

class Port::Loop {
 public:
  Loop(ServerState& server, std::vector<ListenSocket> sockets);
  ~Loop();

 private:
  void run();
  void accept(size_t listener);
  void add(UniqueFd fd);
  void destroy(Client& client);
  // Has timers for what is to be done and has none.
  void arm();
  void check();
  void note_second();
  void survey();
  void step_survey();
  void relieve();
  template <class Call>
  void call_for_each_client(Call&& call);

  ServerState& server_;
  const size_t held_bytes_max_;
  EventLoop loop_;
  Pages pages_;
  ClientContext context_;
  std::deque<EventLoop::Watch> listeners_;
  std::vector<std::unique_ptr<Client>> clients_;
  bool is_surveying_ = false;
  bool has_check_ = false, has_second_ = false, has_step_ = false;  // timers
  std::chrono::steady_clock::time_point next_second_ = std::chrono::steady_clock::now() + kSecond;
  std::thread thread_;
};

Port::Loop::Loop(ServerState& server, std::vector<ListenSocket> sockets)
    : server_(server),
      held_bytes_max_(std::min(kHeldBytesMax, server.options().memory_limit_bytes / kHeldDivisor)),
      pages_(server),
      context_{loop_, server, pages_, [this](Client& client) { destroy(client); }, [this] { survey(); }} {
  clients_.reserve(2 * kClientsMax);
  for (ListenSocket& socket : sockets) {
    listeners_.emplace_back(loop_, socket.take_fd(), [this, number = listeners_.size()] { accept(number); });
    listeners_.back().await_input();
  }
  const HeldSignals held_signals;
  thread_ = std::thread([this] { run(); });
}

Port::Loop::~Loop() {
  loop_.post([this] { loop_.stop(); });
  thread_.join();
}

void Port::Loop::run() {
  const auto thread = static_cast<id_t>(gettid());
  (void)setpriority(PRIO_PROCESS, thread, std::min(getpriority(PRIO_PROCESS, thread) + kNice, kNiceMax));
  while (true) {
    try {
      arm();
      return loop_.run();
    } catch (const std::exception&) {  // There was no memory; what was under way is armed again.
      server_.acceptor_counters().add(Counter::kMallocFails);
    }
  }
}

void Port::Loop::arm() {
  if (!has_check_) loop_.call_after(kCheckInterval, [this] { check(); });
  has_check_ = true;
  if (!has_second_) {
    const auto wait = next_second_ - std::chrono::steady_clock::now();
    loop_.call_after(std::chrono::ceil<std::chrono::milliseconds>(wait), [this] { note_second(); });
  }
  has_second_ = true;
  if (is_surveying_ && !has_step_) {
    loop_.call_after(kSurveyPause, [this] { step_survey(); });
    has_step_ = true;
  }
}

// A listener that cannot accept is asked again by `check`.
void Port::Loop::accept(size_t listener) {
  EventLoop::Watch& watch = listeners_[listener];
  UniqueFd fd(accept4(watch.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  try {
    if (fd) add(std::move(fd));
  } catch (const std::exception&) {
    server_.acceptor_counters().add(Counter::kMallocFails);
  }
  watch.await_input();
}

void Port::Loop::add(UniqueFd fd) {
  const auto is_alive = [](const std::unique_ptr<Client>& client) { return !client->is_abandoned(); };
  if (std::ranges::count_if(clients_, is_alive) >= static_cast<ptrdiff_t>(kClientsMax)) {
    // One that waits for its answer last of all.
    const auto oldest = std::ranges::min_element(clients_, {}, [](const std::unique_ptr<Client>& client) {
      return std::tuple(client->is_abandoned(), client->has_request(), client->active_since());
    });
    (*oldest)->abandon();
  }
  clients_.push_back(std::make_unique<Client>(context_, std::move(fd)));
  clients_.back()->start();
}

void Port::Loop::destroy(Client& client) {
  std::erase_if(clients_, [&client](const std::unique_ptr<Client>& one) { return one.get() == &client; });
}

// A client that `call` fails for is over.
template <class Call>
void Port::Loop::call_for_each_client(Call&& call) {
  for (const std::unique_ptr<Client>& client : clients_) {
    try {
      call(*client);
    } catch (const std::exception&) {
      server_.acceptor_counters().add(Counter::kMallocFails);
      client->abandon();
    }
  }
}

void Port::Loop::check() {
  has_check_ = false;
  const auto now = Client::Clock::now();
  call_for_each_client([now](Client& client) { client.check(now); });
  relieve();
  arm();
}

// Who has not taken a reply for longest goes first.
void Port::Loop::relieve() {
  const auto is_too_much = [this] {
    return pages_.held_bytes() > held_bytes_max_ || server_.connection_memory().excess_bytes() > 0;
  };
  while (is_too_much()) {
    Client* oldest = nullptr;
    for (const std::unique_ptr<Client>& client : clients_) {
      if (client->is_abandoned() || !client->has_request()) continue;
      if (oldest == nullptr || client->active_since() < oldest->active_since()) oldest = client.get();
    }
    if (oldest == nullptr) return;
    oldest->abandon();
  }
}

void Port::Loop::note_second() {
  has_second_ = false;
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_second_) {
    next_second_ = std::max(next_second_ + kSecond, now);
    pages_.note_second();
  }
  arm();
}

void Port::Loop::survey() {
  if (is_surveying_) return;
  pages_.start_survey();
  is_surveying_ = true;
  arm();
}

void Port::Loop::step_survey() {
  has_step_ = false;
  if (pages_.step_survey()) is_surveying_ = false;
  if (pages_.is_fresh()) call_for_each_client([](Client& client) { client.resume(); });
  arm();
}

Port::Port(ServerState& server, std::vector<ListenSocket> sockets)
    : loop_(std::make_unique<Loop>(server, std::move(sockets))) {}

Port::~Port() = default;

}  // namespace netd::http
