#include "netd/login_pace.h"

#include <netinet/in.h>

#include <algorithm>
#include <functional>
#include <string_view>

namespace netd {
namespace {

constexpr size_t kSubnetBytes = 8;

template <class Address>
std::string_view octets_of(const Address& address, size_t bytes) {
  return {reinterpret_cast<const char*>(&address), bytes};
}

size_t hash_of_source(const sockaddr_storage& peer) {
  std::string_view source;
  if (peer.ss_family == AF_INET) {
    source = octets_of(reinterpret_cast<const sockaddr_in&>(peer).sin_addr, sizeof(in_addr));
  } else if (peer.ss_family == AF_INET6) {
    source = octets_of(reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, kSubnetBytes);
  }
  return std::hash<std::string_view>()(source);
}

}  // namespace

int64_t LoginPace::wait_ms(const sockaddr_storage& peer, int64_t now_ms) const {
  const auto& paid_off_ms = paid_off_ms_[hash_of_source(peer) % paid_off_ms_.size()];
  return std::max<int64_t>(paid_off_ms.load(std::memory_order_relaxed) - kFreeMs + kWrongMs - now_ms, 0);
}

void LoginPace::note_wrong(const sockaddr_storage& peer, int64_t now_ms) {
  auto& paid_off_ms = paid_off_ms_[hash_of_source(peer) % paid_off_ms_.size()];
  int64_t before = paid_off_ms.load(std::memory_order_relaxed);
  while (
      !paid_off_ms.compare_exchange_weak(before, std::max(before, now_ms) + kWrongMs, std::memory_order_relaxed)) {
  }
}

}  // namespace netd
