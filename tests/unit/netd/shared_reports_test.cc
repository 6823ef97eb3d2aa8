#include "netd/shared_reports.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "server_fixture.h"

namespace netd {
namespace {

// What one who asks gets, as far as it has come.
class Asker {
 public:
  Asker(ServerFixture& server, SharedReportKind kind)
      : out_(server.pool), report_(server.state.shared_reports().join(kind)) {}

  // False: it has got everything.
  bool take_turn() {
    if (report_ == nullptr) return false;
    if (report_->append_part(out_)) report_.reset();
    CHECK(out_.size() <= BufferPool::kBlockBytes);
    text_ += out_.content();
    out_.consume(out_.size());
    return report_ != nullptr;
  }
  void take_turns() {
    while (take_turn()) {
    }
  }
  void leave() { report_.reset(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Buffer out_;
  std::unique_ptr<Report> report_;
  std::string text_;
};

// Enough for a report to need many steps.
constexpr int kItems = 20'000;

void fill(ServerFixture& server, const std::string& prefix = "key", int items = kItems) {
  for (int i = 0; i < items; ++i) (void)server.cache->set(prefix + std::to_string(i), "value");
}

TEST_CASE("all who ask at the same time get the same report, whole, whoever's turns it is made in") {
  ServerFixture server;
  fill(server);
  const std::string alone = server.ask("stats items\r\n");
  CHECK(alone.find("STAT items:1:number " + std::to_string(kItems) + "\r\n") != std::string::npos);
  CHECK(alone.ends_with("END\r\n"));
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 10; ++i) askers.push_back(std::make_unique<Asker>(server, SharedReportKind::kItems));
  // One has most of the turns, another has none until all is made.
  for (int turns = 0; turns < 1000; ++turns) askers[turns % 10 == 0 ? 1 : 0]->take_turn();
  for (const std::unique_ptr<Asker>& asker : askers) {
    asker->take_turns();
    CHECK(asker->text() == alone);
  }
}

TEST_CASE("who asks while a report is being made gets the next, which tells of what came before it was asked for") {
  ServerFixture server;
  fill(server);
  Asker early(server, SharedReportKind::kItems);
  early.take_turn();  // The first step. When there is another one depends on how long it took.
  REQUIRE(early.text().empty());
  // So many that some are where the report has been already.
  fill(server, "new");
  Asker late(server, SharedReportKind::kItems);
  late.take_turns();
  early.take_turns();
  CHECK(late.text().find("STAT items:1:number " + std::to_string(2 * kItems) + "\r\n") != std::string::npos);
  CHECK(early.text().ends_with("END\r\n"));
}

TEST_CASE("a kind of report that is asked for again and again keeps no other kind waiting") {
  ServerFixture server;
  fill(server, "key", 2000);
  constexpr int kStepsMax = 100;  // more than any of these reports takes
  constexpr auto kKinds = static_cast<int>(SharedReportKind::kCount);
  for (int again = 0; again < kKinds; ++again) {
    for (int other = 0; other < kKinds; ++other) {
      if (other == again) continue;
      CAPTURE(again);
      CAPTURE(other);
      Asker waits(server, static_cast<SharedReportKind>(other));
      // Each of these takes a step at least, and lets the other one have a step first.
      for (int i = 0; i < kStepsMax; ++i) Asker(server, static_cast<SharedReportKind>(again)).take_turns();
      waits.take_turn();
      CHECK(waits.text().ends_with("END\r\n"));
    }
  }
}

TEST_CASE("those who leave hold nobody up, and what nobody waits for is not made") {
  ServerFixture server;
  fill(server);
  Asker leaves(server, SharedReportKind::kSizes);
  leaves.take_turn();
  Asker stays(server, SharedReportKind::kSizes);
  leaves.leave();
  stays.take_turns();
  CHECK(stays.text() == server.ask("stats sizes\r\n"));
}

TEST_CASE("what a report takes is charged, and given back when the last has got it") {
  ServerFixture server;
  fill(server);
  for (int i = 0; i < 500; ++i) (void)server.cache->set("long" + std::to_string(i), std::string(32 * i, 'v'));
  {
    Asker first(server, SharedReportKind::kSizes);
    Asker last(server, SharedReportKind::kSizes);
    first.take_turns();
    CHECK(server.state.connection_memory().used_bytes() >= first.text().size());
    last.take_turns();
    CHECK(last.text() == first.text());
  }
  CHECK(server.state.connection_memory().used_bytes() == 0);
}

TEST_CASE("however long a report is, nobody gets more of it in a turn than fits in an ordinary block") {
  ServerFixture server;
  for (size_t i = 0; i < PrefixStats::kPrefixesMax; ++i) {
    server.state.prefix_stats(0).count_set("prefix" + std::to_string(i) + ":");
  }
  Asker asker(server, SharedReportKind::kPrefixes);
  asker.take_turns();
  CHECK(asker.text() == server.ask("stats detail dump\r\n"));
  CHECK(asker.text().size() > 4 * BufferPool::kBlockBytes);
}

TEST_CASE("a report that finds no memory is an error for all who wait for it, and the next is none") {
  ServerFixture server;
  // More than 64 KiB, which are never refused.
  for (size_t i = 0; i < PrefixStats::kPrefixesMax; ++i) {
    server.state.prefix_stats(0).count_set("prefix" + std::to_string(i) + ":");
  }
  Asker first(server, SharedReportKind::kPrefixes);
  Asker second(server, SharedReportKind::kPrefixes);
  ConnectionMemory& memory = server.state.connection_memory();
  const size_t bytes = memory.bytes_max() / 4 * 3 - memory.used_bytes();
  REQUIRE(memory.take(bytes));
  first.take_turns();
  second.take_turns();
  CHECK(first.text() == "SERVER_ERROR out of memory\r\n");
  CHECK(second.text() == first.text());
  memory.give(bytes);
  CHECK(server.ask("stats detail dump\r\n").size() > 64 << 10);
}

}  // namespace
}  // namespace netd
