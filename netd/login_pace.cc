#include "netd/login_pace.h"

#include <netinet/in.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <new>
#include <utility>

namespace netd {
namespace {

constexpr size_t kSubnetBytes = 8;
// For those that others are in front of. They may have gone, too, and are looked after by who asks for them.
constexpr int64_t kOthersFirstMs = LoginPace::kWrongMs;

// The first `bytes` of `number`, behind what tells it from others.
template <class Number>
std::string bytes_of(char kind, const Number& number, size_t bytes = sizeof(Number)) {
  std::string text(1, kind);
  text.append(reinterpret_cast<const char*>(&number), bytes);
  return text;
}

}  // namespace

std::string login_source(const sockaddr_storage& peer, uid_t uid) {
  switch (peer.ss_family) {
    case AF_INET:
      return bytes_of('4', reinterpret_cast<const sockaddr_in&>(peer).sin_addr);
    case AF_INET6:
      return bytes_of('6', reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, kSubnetBytes);
    default:
      return bytes_of('u', uid);
  }
}

std::string login_source(int fd) {
  sockaddr_storage peer{};
  socklen_t peer_bytes = sizeof peer;
  (void)::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_bytes);
  ucred credentials{.pid = 0, .uid = static_cast<uid_t>(-1), .gid = 0};
  socklen_t credentials_bytes = sizeof credentials;
  (void)::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_bytes);
  return login_source(peer, credentials.uid);
}

LoginPace::Attempt::Attempt(LoginPace& pace, size_t queue, bool is_first, std::function<void()> wake)
    : pace_(pace), queue_(queue), is_first_(is_first), wake_(std::move(wake)) {
  Queue& own = pace.queues_[queue];
  wrong_before_ = own.wrong_count;
  place_ = own.attempts.insert(is_first ? own.attempts.begin() : own.attempts.end(), this);
  if (!is_first) ++own.later_count;
}

LoginPace::LoginPace(uint32_t seed) : seed_(seed) {}

std::unique_ptr<LoginPace::Attempt> LoginPace::enter(std::string_view source, bool is_first,
                                                     std::function<void()> wake) {
  const size_t queue = std::hash<std::string>()(bytes_of('s', seed_).append(source)) % kQueues;
  const larder::internal::MutexLock lock(mutex_);
  if (!is_first && queues_[queue].later_count == kLaterMax) return nullptr;
  std::unique_ptr<Attempt> attempt(new Attempt(*this, queue, is_first, std::move(wake)));
  if (queues_[queue].next() != attempt.get()) wake_next(queues_[queue]);
  return attempt;
}

int64_t LoginPace::wait_ms(const Attempt& attempt, int64_t now_ms) const {
  const larder::internal::MutexLock lock(mutex_);
  const Queue& queue = queues_[attempt.queue_];
  if (queue.next() != &attempt) return kOthersFirstMs;
  return std::max<int64_t>(queue.paid_off_ms - kFreeMs + kWrongMs - now_ms, 0);
}

void LoginPace::note_wrong(const Attempt& attempt, int64_t now_ms) {
  const larder::internal::MutexLock lock(mutex_);
  Queue& queue = queues_[attempt.queue_];
  queue.paid_off_ms = std::max(queue.paid_off_ms, now_ms) + kWrongMs;
  ++queue.wrong_count;
}

void LoginPace::leave(const Attempt& attempt) {
  const larder::internal::MutexLock lock(mutex_);
  Queue& queue = queues_[attempt.queue_];
  queue.attempts.erase(attempt.place_);
  if (!attempt.is_first_) --queue.later_count;
  if (!queue.attempts.empty()) wake_next(queue);
}

void LoginPace::wake_next(const Queue& queue) {
  try {
    queue.next()->wake_();
  } catch (const std::bad_alloc&) {
    // It asks again soon, as all do that wait for others.
  }
}

LoginPace::Attempt* LoginPace::Queue::next() const {
  const auto second = std::next(attempts.begin());
  const bool is_seconds_turn = wrong_count % 2 == 1 && second != attempts.end() && (*second)->is_first_ &&
                               wrong_count - (*second)->wrong_before_ <= kRecentMax;
  return is_seconds_turn ? *second : attempts.front();
}

}  // namespace netd
