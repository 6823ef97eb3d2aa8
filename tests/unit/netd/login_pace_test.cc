#include "netd/login_pace.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

sockaddr_storage local() {
  sockaddr_storage peer{};
  peer.ss_family = AF_UNIX;
  return peer;
}

std::string source(const sockaddr_storage& peer) { return login_source(peer, static_cast<uid_t>(-1)); }

constexpr uint32_t kSeed = 1;
const std::string kSource = source(ipv4("192.0.2.1"));

std::unique_ptr<LoginPace::Attempt> enter(LoginPace& pace, const std::string& from, bool is_first) {
  return pace.enter(from, is_first, [] {});
}

// Of a new connection.
int64_t wait_ms(LoginPace& pace, const std::string& from, int64_t now_ms) {
  return pace.wait_ms(*enter(pace, from, true), now_ms);
}

// Wrong attempts within `duration_ms`, each made as soon as it may be.
int attempts_within(LoginPace& pace, const std::string& from, int64_t start_ms, int64_t duration_ms) {
  int attempts = 0;
  for (int64_t now_ms = start_ms; now_ms < start_ms + duration_ms; now_ms += wait_ms(pace, from, now_ms)) {
    pace.note_wrong(*enter(pace, from, true), now_ms);
    ++attempts;
  }
  return attempts;
}

constexpr int kFree = LoginPace::kFreeMs / LoginPace::kWrongMs;

TEST_CASE("a few wrong attempts are free, then there is one in each interval") {
  LoginPace pace(kSeed);
  CHECK(wait_ms(pace, kSource, 1000) == 0);
  CHECK(attempts_within(pace, kSource, 1000, 1) == kFree);
  CHECK(wait_ms(pace, kSource, 1000) == LoginPace::kWrongMs);
  CHECK(wait_ms(pace, kSource, 1000 + LoginPace::kWrongMs - 1) == 1);
  CHECK(attempts_within(pace, kSource, 1000 + LoginPace::kWrongMs, 100 * LoginPace::kWrongMs) == 100);
}

TEST_CASE("after a while without wrong attempts the next few are free again") {
  LoginPace pace(kSeed);
  CHECK(attempts_within(pace, kSource, 0, 1) == kFree);
  CHECK(attempts_within(pace, kSource, LoginPace::kFreeMs, 1) == kFree);
}

TEST_CASE("other sources do not wait") {
  LoginPace pace(kSeed);
  CHECK(attempts_within(pace, kSource, 0, 1) == kFree);
  CHECK(attempts_within(pace, source(ipv6("2001:db8:1::1")), 0, 1) == kFree);
  CHECK(attempts_within(pace, login_source(local(), 1000), 0, 1) == kFree);
  // One in a thousand may share a queue with one of these.
  int waiting = 0;
  for (int i = 2; i < 100; ++i) {
    waiting += wait_ms(pace, source(ipv4(("192.0.2." + std::to_string(i)).c_str())), 0) > 0 ? 1 : 0;
    waiting += wait_ms(pace, source(ipv6(("2001:db8:" + std::to_string(i) + "::1").c_str())), 0) > 0 ? 1 : 0;
    waiting += wait_ms(pace, login_source(local(), static_cast<uid_t>(1000 + i)), 0) > 0 ? 1 : 0;
  }
  CHECK(waiting < 15);
}

TEST_CASE("another port, or another address of the same IPv6 network, is the same source") {
  sockaddr_storage peer = ipv4("192.0.2.1");
  reinterpret_cast<sockaddr_in&>(peer).sin_port = 1;
  CHECK(source(peer) == kSource);
  CHECK(source(ipv4("192.0.2.2")) != kSource);
  CHECK(source(ipv6("2001:db8::1")) == source(ipv6("2001:db8::ffff:1")));
  CHECK(source(ipv6("2001:db8::1")) != source(ipv6("2001:db8:0:1::1")));
}

TEST_CASE("at a UNIX socket the user is the source, whatever it is of others") {
  CHECK(login_source(local(), 1000) == login_source(local(), 1000));
  CHECK(login_source(local(), 1000) != login_source(local(), 1001));
  CHECK(login_source(ipv4("192.0.2.1"), 1000) == login_source(ipv4("192.0.2.1"), 1001));
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK(login_source(ends[0]) == login_source(local(), geteuid()));
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("first attempts are looked at before later ones, the newest first, and those in their order") {
  LoginPace pace(kSeed);
  std::vector<std::pair<std::string, std::unique_ptr<LoginPace::Attempt>>> attempts;
  const auto add = [&](const std::string& name, bool is_first) {
    attempts.emplace_back(name, enter(pace, kSource, is_first));
  };
  add("later 1", false);
  add("first 1", true);
  add("later 2", false);
  add("first 2", true);
  add("first 3", true);
  for (const std::string name : {"first 3", "first 2", "first 1", "later 1", "later 2"}) {
    CAPTURE(name);
    const auto may_go = [&](const auto& attempt) { return pace.wait_ms(*attempt.second, 0) == 0; };
    REQUIRE(std::ranges::count_if(attempts, may_go) == 1);
    const auto found = std::ranges::find_if(attempts, may_go);
    CHECK(found->first == name);
    attempts.erase(found);
  }
}

TEST_CASE("who comes to be in front is woken, and nobody else") {
  LoginPace pace(kSeed);
  std::string woken;
  const auto add = [&](char name, bool is_first) {
    return pace.enter(kSource, is_first, [&woken, name] { woken += name; });
  };
  auto a = add('a', true);
  auto b = add('b', true);
  auto c = add('c', true);
  auto d = add('d', false);
  b.reset();
  CHECK(woken.empty());
  c.reset();
  CHECK(woken == "a");
  auto e = add('e', true);
  e.reset();
  CHECK(woken == "aa");
  a.reset();
  CHECK(woken == "aad");
  d.reset();
  CHECK(woken == "aad");
}

TEST_CASE("of later attempts only a few wait, and any number of first ones") {
  LoginPace pace(kSeed);
  std::vector<std::unique_ptr<LoginPace::Attempt>> attempts;
  for (size_t i = 0; i < LoginPace::kLaterMax; ++i) {
    attempts.push_back(enter(pace, kSource, false));
    CHECK(attempts.back() != nullptr);
  }
  CHECK(enter(pace, kSource, false) == nullptr);
  for (int i = 0; i < 1000; ++i) attempts.push_back(enter(pace, kSource, true));
  CHECK(attempts.back() != nullptr);
  attempts.erase(attempts.begin());
  CHECK(enter(pace, kSource, false) != nullptr);
}

TEST_CASE("whoever knows the password waits for no more than one interval beside many that guess") {
  LoginPace pace(kSeed);
  std::vector<std::unique_ptr<LoginPace::Attempt>> guesses;
  CHECK(attempts_within(pace, kSource, 0, 1) == kFree);
  for (int i = 0; i < 200; ++i) guesses.push_back(enter(pace, kSource, true));
  for (int64_t now_ms = 0; now_ms < 100 * LoginPace::kWrongMs; now_ms += LoginPace::kWrongMs) {
    const auto right = enter(pace, kSource, true);
    CHECK(pace.wait_ms(*right, now_ms) == LoginPace::kWrongMs);
    CHECK(pace.wait_ms(*right, now_ms + LoginPace::kWrongMs) == 0);
    // It costs nothing, so that the next guess may be looked at as soon as it has gone.
    pace.note_wrong(*guesses.back(), now_ms + LoginPace::kWrongMs);
    guesses.pop_back();
  }
}

}  // namespace
}  // namespace netd
