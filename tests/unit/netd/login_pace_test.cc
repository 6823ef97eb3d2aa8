#include "netd/login_pace.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace netd {
namespace {

sockaddr_storage ipv4(const char* text) {
  sockaddr_storage peer{};
  peer.ss_family = AF_INET;
  inet_pton(AF_INET, text, &reinterpret_cast<sockaddr_in&>(peer).sin_addr);
  return peer;
}

sockaddr_storage ipv6(const char* text) {
  sockaddr_storage peer{};
  peer.ss_family = AF_INET6;
  inet_pton(AF_INET6, text, &reinterpret_cast<sockaddr_in6&>(peer).sin6_addr);
  return peer;
}

// Wrong attempts within `duration_ms`, each made as soon as it may be.
int attempts_within(LoginPace& pace, const sockaddr_storage& peer, int64_t start_ms, int64_t duration_ms) {
  int attempts = 0;
  for (int64_t now_ms = start_ms; now_ms < start_ms + duration_ms; now_ms += pace.wait_ms(peer, now_ms)) {
    pace.note_wrong(peer, now_ms);
    ++attempts;
  }
  return attempts;
}

constexpr int kFree = LoginPace::kFreeMs / LoginPace::kWrongMs;

TEST_CASE("a few wrong attempts are free, then there is one in each interval") {
  LoginPace pace;
  CHECK(pace.wait_ms(ipv4("192.0.2.1"), 1000) == 0);
  CHECK(attempts_within(pace, ipv4("192.0.2.1"), 1000, 1) == kFree);
  CHECK(pace.wait_ms(ipv4("192.0.2.1"), 1000) == LoginPace::kWrongMs);
  CHECK(pace.wait_ms(ipv4("192.0.2.1"), 1000 + LoginPace::kWrongMs - 1) == 1);
  CHECK(attempts_within(pace, ipv4("192.0.2.1"), 1000 + LoginPace::kWrongMs, 100 * LoginPace::kWrongMs) == 100);
}

TEST_CASE("after a while without wrong attempts the next few are free again") {
  LoginPace pace;
  CHECK(attempts_within(pace, ipv4("192.0.2.1"), 0, 1) == kFree);
  CHECK(attempts_within(pace, ipv4("192.0.2.1"), LoginPace::kFreeMs, 1) == kFree);
}

TEST_CASE("other sources do not wait") {
  LoginPace pace;
  CHECK(attempts_within(pace, ipv4("192.0.2.1"), 0, 1) == kFree);
  CHECK(attempts_within(pace, ipv6("2001:db8:1::1"), 0, 1) == kFree);
  CHECK(pace.wait_ms(ipv4("192.0.2.2"), 0) == 0);
  CHECK(pace.wait_ms(ipv6("2001:db8:2::1"), 0) == 0);
  sockaddr_storage local{};
  local.ss_family = AF_UNIX;
  CHECK(pace.wait_ms(local, 0) == 0);
}

TEST_CASE("another port, or another address of the same IPv6 network, is the same source") {
  LoginPace pace;
  sockaddr_storage peer = ipv4("192.0.2.1");
  CHECK(attempts_within(pace, peer, 0, 1) == kFree);
  reinterpret_cast<sockaddr_in&>(peer).sin_port = 1;
  CHECK(pace.wait_ms(peer, 0) == LoginPace::kWrongMs);
  CHECK(attempts_within(pace, ipv6("2001:db8::1"), 0, 1) == kFree);
  CHECK(pace.wait_ms(ipv6("2001:db8::ffff:1"), 0) == LoginPace::kWrongMs);
}

}  // namespace
}  // namespace netd
