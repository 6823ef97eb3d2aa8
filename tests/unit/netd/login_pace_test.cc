#include "netd/login_pace.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
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

// Attempts that wait, by their names.
struct Waiting {
  void add(const std::string& name, bool is_first) {
    attempts[name] = pace.enter(kSource, is_first, [this, name] { woken = name; });
    if (next() != name) CHECK(woken == next());
  }
  void add_first(const std::string& name) { add(name, true); }
  void add_later(const std::string& name) { add(name, false); }

  // Whose turn it is.
  std::string next() {
    std::string names;
    for (const auto& [name, attempt] : attempts) {
      if (pace.wait_ms(*attempt, kLongAfterMs) == 0) names += name;
    }
    return names;
  }

  // It is looked at. The next one is woken.
  void look_at(const std::string& name, bool is_wrong = true) {
    if (is_wrong) pace.note_wrong(*attempts[name], 0);
    attempts.erase(name);
    if (!attempts.empty()) CHECK(woken == next());
  }

  static constexpr int64_t kLongAfterMs = 1'000'000'000'000;
  LoginPace pace{kSeed};
  std::string woken;
  std::map<std::string, std::unique_ptr<LoginPace::Attempt>> attempts;
};

TEST_CASE("first attempts have their turns before later ones, and those in their order") {
  Waiting waiting;
  waiting.add_later("later 1");
  waiting.add_first("first 1");
  waiting.add_later("later 2");
  waiting.add_first("first 2");
  for (const std::string name : {"first 2", "first 1", "later 1", "later 2"}) {
    CHECK(waiting.next() == name);
    waiting.look_at(name);
  }
}

TEST_CASE("of first attempts the newest has its turn, or every other time the one before it, if that is recent") {
  Waiting waiting;
  for (const char* const name : {"a", "b", "c", "d", "e", "f", "g", "h"}) waiting.add_first(name);
  for (const std::string name : {"h", "f", "g", "d", "e"}) {
    CHECK(waiting.next() == name);
    waiting.look_at(name);
  }
  // Those that are left came too long ago.
  waiting.add_first("new");
  for (const std::string name : {"new", "c"}) {
    CHECK(waiting.next() == name);
    waiting.look_at(name);
  }
  waiting.add_first("newer");
  waiting.add_first("newest");
  for (const std::string name : {"newer", "newest", "b", "a"}) {
    CHECK(waiting.next() == name);
    waiting.look_at(name);
  }
}

TEST_CASE("who hangs up is in nobody's way, and no turn is used up by one who is right") {
  Waiting waiting;
  for (const char* const name : {"a", "b", "c", "d"}) waiting.add_first(name);
  waiting.look_at("b", false);
  CHECK(waiting.next() == "d");
  waiting.look_at("d", false);
  CHECK(waiting.next() == "c");
  waiting.look_at("c");
  CHECK(waiting.next() == "a");
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

TEST_CASE("whoever knows the password has one of the next turns beside many that guess and connect anew") {
  for (const bool comes_first : {false, true}) {
    CAPTURE(comes_first);
    Waiting waiting;
    for (int i = 0; i < 200; ++i) waiting.add_first("guess " + std::to_string(i));
    std::string wrong = waiting.next();
    waiting.look_at(wrong);
    for (int i = 0; i < 1000; ++i) {
      // Whoever was looked at is back at once.
      if (comes_first) waiting.add_first("right");
      waiting.add_first(wrong);
      if (!comes_first) waiting.add_first("right");
      int turns = 1;
      for (; waiting.next() != "right"; ++turns) {
        wrong = waiting.next();
        waiting.look_at(wrong);
        waiting.add_first(wrong);
      }
      CHECK(turns <= 3);
      waiting.look_at("right", false);
      wrong = waiting.next();
      waiting.look_at(wrong);
    }
  }
}

}  // namespace
}  // namespace netd
