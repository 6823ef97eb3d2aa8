// What a worker's thread waits for: descriptors, timers, and what other threads have it do.
//
// Not Asio, which the main thread uses: before it waits for input, Asio either tries to receive some, mostly in
// vain, or calls epoll_ctl, so that a request costs a system call more, besides queues and locks. Here a descriptor
// stays registered, and a request costs one call that receives and one that sends: a get that comes alone takes 10 %
// fewer instructions, and 5 % less time with the system's included. An epoll descriptor of our own for Asio to wait
// for would cost three calls a round, which a client that is alone would pay for with each of its requests.
//
// epoll is level-triggered, so that what a short receive has left is reported again, whatever it was that made it
// short: urgent data, descriptors that were passed, the end of the stream.
//
// In a round each of these has one turn: what was posted, timers that are due, descriptors whose turn was asked
// for, and up to kEventsMax descriptors that are ready. epoll reports those first that it reported least lately.
#ifndef NETD_EVENT_LOOP_H_
#define NETD_EVENT_LOOP_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "larder/internal/base/mutex.h"
#include "netd/unique_fd.h"

namespace netd {

// Of one thread, except for `post`.
class EventLoop {
 public:
  using Handler = absl::AnyInvocable<void()>;
  using TimerId = std::pair<std::chrono::steady_clock::time_point, uint64_t>;

  // A descriptor that is waited for. Its handler may destroy it, and nobody else while a handler runs.
  class Watch {
   public:
    // `fd` is non-blocking. `handler` has one turn for each wait, and for each `call_soon`. Throws
    // std::system_error when the system has no room for one more, and std::bad_alloc.
    Watch(EventLoop& loop, UniqueFd fd, std::function<void()> handler);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }

    // Until there is something to receive or room to send, or the connection has an end. Not while it waits.
    void await_input();
    void await_output();

    // A turn in the next round. Not while it waits.
    void call_soon();

    // A turn in the next round instead of the wait, if it waits. Neither allocates.
    void cancel();

   private:
    friend EventLoop;
    void await(uint32_t events);
    void set_events(uint32_t events);
    void take_turn();

    EventLoop& loop_;
    const UniqueFd fd_;
    const std::function<void()> handler_;
    uint32_t awaited_ = 0;  // EPOLLIN or EPOLLOUT
    uint32_t events_ = 0;   // that epoll reports
    bool is_due_ = false;   // in EventLoop::due_
  };

  // Throws std::system_error.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // From any thread; also after the end, when the handler is destroyed with the loop. Throws std::bad_alloc.
  void post(Handler handler);

  // The handler is called after that time at the earliest. Throws std::bad_alloc.
  TimerId call_after(std::chrono::milliseconds time, Handler handler);
  // Its time has come, if it has not yet.
  void expire(const TimerId& id);

  // Until `stop`, which a handler calls.
  void run();
  void stop() { is_stopped_ = true; }

  // One round, for which it waits.
  void run_round() { (void)do_round(/*waits=*/true); }
  // When this round started, in one of kSampledRounds, for those who take the time of turns.
  static constexpr uint32_t kSampledRounds = 32;
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> sampled_since() const {
    return sampled_since_;
  }
  // One round. False when there is nothing to do.
  bool poll() { return do_round(/*waits=*/false); }

 private:
  bool do_round(bool waits);
  bool run_posted();
  bool run_timers();
  bool run_due();
  bool run_ready(bool sleeps);
  [[nodiscard]] bool may_sleep();
  [[nodiscard]] int timeout_ms() const;

  const UniqueFd epoll_;
  const UniqueFd wake_;  // an eventfd
  larder::internal::Mutex mutex_;
  std::vector<Handler> posted_ ABSL_GUARDED_BY(mutex_);
  bool is_asleep_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Handler> running_;  // taken from posted_
  std::map<TimerId, Handler> timers_;
  uint64_t last_timer_ = 0;
  size_t watches_ = 0;
  std::vector<Watch*> due_;  // has room for all of them
  uint32_t rounds_ = 0;
  std::optional<std::chrono::steady_clock::time_point> sampled_since_;
  bool is_stopped_ = false;
};

}  // namespace netd

#endif  // NETD_EVENT_LOOP_H_
