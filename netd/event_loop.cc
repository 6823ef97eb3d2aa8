#include "netd/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

namespace netd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kEventsMax = 64;

// Of a descriptor that nobody waits for epoll would report an error again and again, asked for or not; like this
// once.
constexpr uint32_t kNoEvents = EPOLLET;

int checked(int result) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), "epoll");
  return result;
}

int control(int epoll, int operation, int fd, uint32_t events, EventLoop::Watch* watch) {
  epoll_event event{.events = events, .data = {.ptr = watch}};
  return ::epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace

EventLoop::Watch::Watch(EventLoop& loop, UniqueFd fd, std::function<void()> handler)
    : loop_(loop), fd_(std::move(fd)), handler_(std::move(handler)), events_(EPOLLIN) {
  // Those whose turn is over included.
  const size_t due_max = 2 * (loop_.watches_ + 1);
  if (loop_.due_.capacity() < due_max) loop_.due_.reserve(2 * due_max);
  checked(control(loop_.epoll_.get(), EPOLL_CTL_ADD, fd_.get(), events_, this));
  ++loop_.watches_;
}

EventLoop::Watch::~Watch() {
  if (is_due_) std::erase(loop_.due_, this);
  // A copy of the descriptor in another process would keep it registered.
  (void)::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_.get(), nullptr);
  --loop_.watches_;
}

void EventLoop::Watch::await_input() { await(EPOLLIN); }

void EventLoop::Watch::await_output() { await(EPOLLOUT); }

void EventLoop::Watch::await(uint32_t events) {
  if (events_ != events) set_events(events);
  awaited_ = events;
}

void EventLoop::Watch::set_events(uint32_t events) {
  (void)control(loop_.epoll_.get(), EPOLL_CTL_MOD, fd_.get(), events, this);  // allocates nothing, cannot fail
  events_ = events;
}

void EventLoop::Watch::call_soon() {
  loop_.due_.push_back(this);
  is_due_ = true;
}

void EventLoop::Watch::cancel() {
  if (std::exchange(awaited_, 0) != 0) call_soon();
}

// After it, there may be no watch.
void EventLoop::Watch::take_turn() {
  awaited_ = 0;
  is_due_ = false;
  handler_();
}

EventLoop::EventLoop()
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC))), wake_(checked(::eventfd(0, EFD_CLOEXEC))) {
  // Edge-triggered, it need not be read.
  checked(control(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), EPOLLIN | EPOLLET, nullptr));
}

EventLoop::~EventLoop() = default;

void EventLoop::post(Handler handler) {
  bool was_asleep = false;
  {
    const larder::internal::MutexLock lock(mutex_);
    posted_.push_back(std::move(handler));
    was_asleep = std::exchange(is_asleep_, false);
  }
  if (was_asleep) (void)::eventfd_write(wake_.get(), 1);
}

EventLoop::TimerId EventLoop::call_after(std::chrono::milliseconds time, Handler handler) {
  const TimerId id(Clock::now() + time, ++last_timer_);
  timers_.emplace(id, std::move(handler));
  return id;
}

void EventLoop::expire(const TimerId& id) {
  auto timer = timers_.extract(id);
  if (timer.empty()) return;
  timer.key().first = Clock::time_point::min();
  timers_.insert(std::move(timer));
}

void EventLoop::run() {
  while (!is_stopped_) run_round();
}

bool EventLoop::do_round(bool waits) {
  const bool has_posted = run_posted();
  const bool had_timers = run_timers();
  const bool had_due = run_due();
  if (is_stopped_) return true;
  const bool sleeps = waits && !has_posted && !had_timers && !had_due && may_sleep();
  const bool had_ready = run_ready(sleeps);
  return has_posted || had_timers || had_due || had_ready;
}

bool EventLoop::run_posted() {
  {
    const larder::internal::MutexLock lock(mutex_);
    running_.swap(posted_);
  }
  for (Handler& handler : running_) {
    if (!is_stopped_) handler();
  }
  const bool any = !running_.empty();
  running_.clear();
  return any;
}

bool EventLoop::run_timers() {
  if (timers_.empty()) return false;
  const TimerId last(Clock::now(), last_timer_);
  bool any = false;
  while (!is_stopped_ && !timers_.empty() && timers_.begin()->first <= last) {
    auto timer = timers_.extract(timers_.begin());
    timer.mapped()();
    any = true;
  }
  return any;
}

bool EventLoop::run_due() {
  const size_t count = due_.size();
  for (size_t i = 0; i < count && !is_stopped_; ++i) due_[i]->take_turn();
  due_.erase(due_.begin(), due_.begin() + static_cast<ptrdiff_t>(count));
  return count > 0;
}

bool EventLoop::run_ready(bool sleeps) {
  std::array<epoll_event, kEventsMax> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, sleeps ? timeout_ms() : 0);
  if (sleeps) {
    const larder::internal::MutexLock lock(mutex_);
    is_asleep_ = false;
  }
  sampled_since_.reset();
  if (count > 0 && ++rounds_ % kSampledRounds == 0) sampled_since_ = Clock::now();
  for (int i = 0; i < count && !is_stopped_; ++i) {
    auto* const watch = static_cast<Watch*>(events[static_cast<size_t>(i)].data.ptr);
    if (watch == nullptr) continue;
    if (watch->awaited_ != 0) {
      watch->take_turn();
    } else if (!watch->is_due_ && watch->events_ != kNoEvents) {
      watch->set_events(kNoEvents);
    }
  }
  return count > 0;
}

// From now on who posts wakes it.
bool EventLoop::may_sleep() {
  const larder::internal::MutexLock lock(mutex_);
  is_asleep_ = posted_.empty();
  return is_asleep_;
}

int EventLoop::timeout_ms() const {
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX));
}

}  // namespace netd
