#include "netd/memory_limit_change.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>

#include "netd/reply_words.h"
#include "server_fixture.h"

namespace netd {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kLimitBytes = 64 * kMiB;

// A server whose cache is full.
struct FullServer : ServerFixture {
  FullServer() {
    const std::string value(10'000, 'v');
    for (size_t i = 0; i < kLimitBytes / value.size(); ++i) (void)cache->set("key" + std::to_string(i), value);
  }

  [[nodiscard]] size_t limit_bytes() const { return cache->stats().memory_limit_bytes; }
};

// What one client asks for, as far as it has come.
class Change {
 public:
  Change(FullServer& server, size_t bytes)
      : out_(server.pool), change_(make_memory_limit_change(server.state, bytes, /*quiet=*/false)) {}

  // True if that was the last one it needed.
  bool take_turn() {
    if (change_ == nullptr || !change_->append_part(out_)) return false;
    change_.reset();
    return true;
  }
  void leave() { change_.reset(); }
  [[nodiscard]] std::string_view reply() const { return out_.content(); }

 private:
  Buffer out_;
  std::unique_ptr<Report> change_;
};

TEST_CASE("of two changes at once both are answered, and the limit is that of the one that was answered last") {
  for (const size_t first_bytes : {8 * kMiB, 40 * kMiB, 128 * kMiB}) {
    for (const size_t second_bytes : {8 * kMiB, 32 * kMiB, 128 * kMiB}) {
      CAPTURE(first_bytes);
      CAPTURE(second_bytes);
      FullServer server;
      Change first(server, first_bytes);
      Change second(server, second_bytes);
      size_t last_bytes = 0;
      while (first.reply().empty() || second.reply().empty()) {
        if (first.take_turn()) last_bytes = first_bytes;
        if (second.take_turn()) last_bytes = second_bytes;
      }
      CHECK(first.reply() == kReplyOk);
      CHECK(second.reply() == kReplyOk);
      CHECK(server.limit_bytes() == last_bytes);
      CHECK(server.state.connection_memory().bytes_max() == last_bytes / 2);
      CHECK(server.cache->stats().external_bytes == 0);
      CHECK(server.cache->stats().memory_used_bytes <= last_bytes);
    }
  }
}

TEST_CASE("a change whose client leaves is undone, unless another one has come since") {
  for (const bool comes : {false, true}) {
    CAPTURE(comes);
    FullServer server;
    Change lowered(server, 8 * kMiB);
    while (server.limit_bytes() == kLimitBytes) lowered.take_turn();
    REQUIRE(lowered.reply().empty());
    Change raised(server, 128 * kMiB);
    if (comes) raised.take_turn();
    CHECK(raised.reply() == (comes ? kReplyOk : ""));
    lowered.leave();
    CHECK(server.limit_bytes() == (comes ? 128 * kMiB : kLimitBytes));
    CHECK(server.cache->stats().external_bytes == 0);
  }
}

}  // namespace
}  // namespace netd
