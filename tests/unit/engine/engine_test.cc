#include "larder/internal/engine/engine.h"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "doctest/doctest.h"
#include "larder/item_details.h"

namespace larder::internal {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::system_clock;

struct TestEngine {
  explicit TestEngine(bool eviction = true) {
    clock.advance_ms(123'456);  // what the clock shows when the engine is made is its moment 0
    absl::StatusOr<std::unique_ptr<Engine>> made = Engine::create({.memory_limit_bytes = size_t{1} << 20,
                                                                   .item_bytes_max = size_t{64} << 10,
                                                                   .eviction = eviction,
                                                                   .clock = &clock,
                                                                   .seed = 1});
    REQUIRE(made.ok());
    engine = *std::move(made);
  }
  Engine* operator->() { return engine.get(); }

  [[nodiscard]] bool set(std::string_view key, std::string_view value, int64_t deadline_ms = kNeverMs) {
    const std::optional<uint64_t> cas = engine->mutate(engine->ref(key), engine->now_ms(), [&](const StoredItem*) {
      return Decision{.kind = Decision::Kind::kReplace, .content = {.value = value, .deadline_ms = deadline_ms}};
    });
    return cas.has_value();
  }

  [[nodiscard]] std::string value(std::string_view key) {
    std::string found = "(none)";
    engine->read(engine->ref(key), Engine::Lookup::kPeek, [&](const ItemView& item) { found = item.value; });
    return found;
  }

  ManualClock clock;
  std::unique_ptr<Engine> engine;
};

// --- time --------------------------------------------------------------------------------------------------

TEST_CASE("an engine's time begins when it is made") {
  TestEngine engine;
  CHECK(engine->now_ms() == 0);
  engine.clock.advance_ms(5);
  CHECK(engine->now_ms() == 5);
}

TEST_CASE("a duration ends so long after now") {
  TestEngine engine;
  CHECK(engine->deadline_of(1s, 0) == 1000);
  CHECK(engine->deadline_of(1s, 500) == 1500);
  CHECK(engine->deadline_of(1ns, 500) == 501);
}

TEST_CASE("a moment ends so long after now as the wall clock is away from it") {
  TestEngine engine;
  const auto at = [&](milliseconds later) {
    return Expiry::at(system_clock::time_point(milliseconds(engine.clock.unix_ms()) + later));
  };
  CHECK(engine->deadline_of(at(1ms), 500) == 501);
  CHECK(engine->deadline_of(at(7s), 500) == 7500);
  CHECK(engine->deadline_of(at(0s), 500) == 500);
  CHECK(engine->deadline_of(at(-1ms), 500) == 500);
}

TEST_CASE("what is not in the future ends now") {
  TestEngine engine;
  for (const Expiry& past : {Expiry::after(0s), Expiry::after(-1ms), Expiry::after(std::chrono::hours::min()),
                             Expiry::at(system_clock::time_point()), Expiry::at(system_clock::time_point::min())}) {
    CHECK(engine->deadline_of(past, 77) == 77);
  }
}

TEST_CASE("time left is that until the deadline, and none when that is past") {
  TestEngine engine;
  CHECK(engine->ttl_until(1500, 1000) == 500);
  CHECK(engine->ttl_until(1500, 1500) == 0);
  CHECK(engine->ttl_until(1500, 1501) == 0);  // not -1, which is kNeverExpires
  CHECK(engine->ttl_until(kNeverMs, 1501) == kNeverExpires);
}

TEST_CASE("never, and everything from about 34 years on, is never") {
  TestEngine engine;
  CHECK(engine->deadline_of(Expiry::never(), 77) == kNeverMs);
  CHECK(engine->deadline_of(milliseconds(kNeverMs - 78), 77) == kNeverMs - 1);
  CHECK(engine->deadline_of(milliseconds(kNeverMs - 77), 77) == kNeverMs);
  CHECK(engine->deadline_of(milliseconds(kNeverMs), 77) == kNeverMs);
  CHECK(engine->deadline_of(milliseconds::max(), 77) == kNeverMs);
  CHECK(engine->deadline_of(std::chrono::hours::max(), 77) == kNeverMs);
  CHECK(engine->deadline_of(system_clock::time_point::max(), 77) == kNeverMs);
  CHECK(kNeverMs > int64_t{34} * 365 * 86'400 * 1000);
}

TEST_CASE("a flush that has become due takes effect when the time is asked for, and once") {
  TestEngine engine;
  CHECK(engine.set("key", "before"));
  engine->flush_all(100);
  engine.clock.advance_ms(99);
  CHECK(engine->now_ms() == 99);
  CHECK(engine->stats().items == 1);
  engine.clock.advance_ms(1);
  CHECK(engine->now_ms() == 100);
  CHECK(engine->stats().items == 0);
  CHECK(engine.set("key", "after"));
  engine.clock.advance_ms(1000);
  CHECK(engine->now_ms() == 1100);
  CHECK(engine.value("key") == "after");
}

TEST_CASE("a flush without a delay, or with less than none, takes effect at once") {
  TestEngine engine;
  for (const int64_t delay_ms : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    CHECK(engine.set("key", "value"));
    engine->flush_all(delay_ms);
    CHECK(engine->stats().items == 0);
  }
}

// --- deciding ----------------------------------------------------------------------------------------------

TEST_CASE("a decision is shown what is there, or that nothing is") {
  TestEngine engine;
  int asked = 0;
  CHECK(engine->mutate(engine->ref("key"), 0, [&](const StoredItem* item) {
    ++asked;
    CHECK(item == nullptr);
    return Decision{.kind = Decision::Kind::kReplace, .content = {.value = "value", .flags = 7, .deadline_ms = 50}};
  }));
  CHECK(engine->mutate(engine->ref("key"), 20, [&](const StoredItem* item) {
    ++asked;
    REQUIRE(item != nullptr);
    CHECK(item->key == "key");
    CHECK(item->content.value == "value");
    CHECK(item->content.flags == 7);
    CHECK(item->content.deadline_ms == 50);
    CHECK(item->cas != 0);
    CHECK(engine->view(*item, 20).ttl_ms == 30);
    return Decision{};
  }));
  CHECK(asked == 2);
}

TEST_CASE("to leave an item leaves it, to remove it removes it") {
  TestEngine engine;
  CHECK(engine.set("key", "value"));
  CHECK(engine->mutate(engine->ref("key"), 0, [](const StoredItem*) { return Decision{}; }));
  CHECK(engine.value("key") == "value");
  const auto remove = [](const StoredItem*) { return Decision{.kind = Decision::Kind::kRemove}; };
  CHECK(engine->mutate(engine->ref("key"), 0, remove));
  CHECK(engine.value("key") == "(none)");
  CHECK(engine->mutate(engine->ref("key"), 0, remove));
}

TEST_CASE("a number changes with the value, and stays when a decision says the value does") {
  TestEngine engine;
  const auto number = [&] {
    uint64_t cas = 0;
    engine->read(engine->ref("key"), Engine::Lookup::kPeek, [&](const ItemView& item) { cas = item.cas; });
    return cas;
  };
  CHECK(engine.set("key", "value"));
  const uint64_t first = number();
  CHECK(engine->mutate(engine->ref("key"), 0, [](const StoredItem* item) {
    return Decision{.kind = Decision::Kind::kReplace,
                    .content = {.value = item->content.value, .deadline_ms = 1000},
                    .keeps_cas = true};
  }));
  CHECK(number() == first);
  CHECK(engine.value("key") == "value");
  CHECK(engine.set("key", "value"));
  CHECK(number() != first);
}

TEST_CASE("a decision whose content finds no room answers so and leaves the item") {
  TestEngine engine(false);
  const std::string value(2000, 'v');
  size_t stored = 0;
  while (engine.set("key" + std::to_string(stored), value)) ++stored;
  CHECK(stored > 100);
  const std::string longer(5000, 'w');
  int asked = 0;
  CHECK_FALSE(engine->mutate(engine->ref("key0"), 0, [&](const StoredItem* item) {
    ++asked;
    CHECK(item != nullptr);
    return Decision{.kind = Decision::Kind::kReplace, .content = {.value = longer}};
  }));
  CHECK(asked >= 1);
  CHECK((engine.value("key0") == value));
  CHECK(engine->assert_valid().ToString() == "OK");
}

TEST_CASE("a decision is asked again when room had to be made, and the last answer holds") {
  TestEngine engine;
  int most = 0;
  for (int i = 0; i < 2000; ++i) {
    int asked = 0;
    CHECK(engine->mutate(engine->ref("key" + std::to_string(i)), 0, [&](const StoredItem*) {
      ++asked;
      return Decision{.kind = Decision::Kind::kReplace,
                      .content = {.value = std::string_view("123456789").substr(0, asked)}};
    }));
    CHECK(engine.value("key" + std::to_string(i)).size() == static_cast<size_t>(asked));
    const std::string large(30'000, 'v');
    CHECK(engine.set("large" + std::to_string(i), large));
    most = std::max(most, asked);
  }
  CHECK(most <= 9);
  CHECK(engine->stats().evictions > 0);
}

// --- looking -----------------------------------------------------------------------------------------------

TEST_CASE("a look without a trace does not count as a use") {
  for (const Engine::Lookup lookup : {Engine::Lookup::kPeek, Engine::Lookup::kUse}) {
    TestEngine engine;
    const std::string value(1000, 'v');
    CHECK(engine.set("key", value));
    for (int i = 0; i < 3; ++i) CHECK(engine->read(engine->ref("key"), lookup, [](const ItemView&) {}));
    for (int i = 0; engine->stats().evictions + engine->stats().items_promoted < 8; ++i) {
      REQUIRE(engine.set("other" + std::to_string(i), value));
    }
    CHECK((engine.value("key") != "(none)") == (lookup == Engine::Lookup::kUse));
  }
}

// Longer than what is copied to be shown: a visitor sees it where it lies.
const std::string kLongValue(12'000, 'v');

TEST_CASE("a visited item stays in its memory until the visitor is done") {
  for (const std::string& value : {std::string("value"), kLongValue}) {
    TestEngine engine;
    CHECK(engine.set("key", value));
    CHECK(engine->read(engine->ref("key"), Engine::Lookup::kUse, [&](const ItemView& item) {
      CHECK(engine.set("key", std::string(value.size(), 'o')));
      CHECK(item.value == value);
    }));
    CHECK(engine.value("key") == std::string(value.size(), 'o'));
  }
}

TEST_CASE("a value of the same size is written where the old one was when nobody looks") {
  TestEngine engine;
  const auto where = [&] {
    const char* data = nullptr;
    engine->read(engine->ref("key"), Engine::Lookup::kPeek,
                 [&](const ItemView& item) { data = item.value.data(); });
    return data;
  };
  CHECK(engine.set("key", kLongValue));
  const char* const before = where();
  CHECK(engine.set("key", std::string(kLongValue.size(), 'o')));
  CHECK(where() == before);
  CHECK(engine->stats().dead_bytes == 0);
}

TEST_CASE("a get counts a hit or a miss, a use and a look without a trace count neither") {
  TestEngine engine;
  CHECK(engine.set("key", "value"));
  const auto nothing = [](const ItemView&) {};
  for (const Engine::Lookup lookup : {Engine::Lookup::kPeek, Engine::Lookup::kUse}) {
    CHECK(engine->read(engine->ref("key"), lookup, nothing));
    CHECK_FALSE(engine->read(engine->ref("missing"), lookup, nothing));
  }
  CHECK(engine->stats().get_hits == 0);
  CHECK(engine->stats().get_misses == 0);
  CHECK(engine->read(engine->ref("key"), Engine::Lookup::kGet, nothing));
  CHECK_FALSE(engine->read(engine->ref("missing"), Engine::Lookup::kLoaderGet, nothing));
  const std::vector<std::string_view> keys = {"key", "", "missing", "key"};
  CHECK(engine->get_many(keys, [](size_t, const ItemView&) {}) == 2);
  std::string value;
  CHECK(engine->get_value(engine->ref("key"), value));
  CHECK(engine->hold(engine->ref("key")));
  CHECK_FALSE(engine->hold(engine->ref("missing")));
  CHECK(engine->stats().get_hits == 5);
  CHECK(engine->stats().get_misses == 3);
}

// --- checking ----------------------------------------------------------------------------------------------

// Large, even where a page of 64 KiB is the shortest segment.
const std::string kLargeValue(20'000, 'v');

// The bytes of its record, which is shown where it lies: four of header, three of key, four of CAS number and five
// that tell what is unused come before its value.
char* record_of(TestEngine& engine) {
  char* record = nullptr;
  engine->read(engine->ref("key"), Engine::Lookup::kPeek,
               [&](const ItemView& item) { record = const_cast<char*>(item.value.data()) - 16; });
  REQUIRE(record != nullptr);
  return record;
}

struct Overwriting {
  [[nodiscard]] std::optional<uint64_t> overwrite(std::string_view key, const Content& content) {
    Engine::Target target = engine->begin_change(engine->ref(key));
    return engine->overwrite(target, content, engine->now_ms());
  }
  // Returns its number.
  uint64_t store(std::string_view key, const Content& content) {
    const std::optional<uint64_t> cas = engine->mutate(engine->ref(key), engine->now_ms(), [&](const StoredItem*) {
      return Decision{.kind = Decision::Kind::kReplace, .content = content};
    });
    REQUIRE(cas.has_value());
    return *cas;
  }
  [[nodiscard]] uint64_t cas(std::string_view key) {
    return engine->inspect(engine->ref(key), engine->now_ms())->cas;
  }

  TestEngine engine;
};

TEST_CASE("what fits where an item lies is written over it, with the next number and all that was given") {
  Overwriting of;
  const uint64_t old_cas = of.store("key", {.value = "old value", .flags = 1, .deadline_ms = 5000});
  const std::optional<uint64_t> cas = of.overwrite("key", {.value = "new value", .flags = 7, .deadline_ms = 9000});
  REQUIRE(cas.has_value());
  CHECK(*cas > old_cas);
  const std::optional<ItemDetails> item = of.engine->inspect(of.engine->ref("key"), 0);
  REQUIRE(item.has_value());
  CHECK(item->cas == *cas);
  CHECK(item->flags == 7);
  CHECK(item->ttl_ms == 9000);
  CHECK(of.engine.value("key") == "new value");
  CHECK(of.engine->assert_valid().ok());
}

TEST_CASE("what is there with marks, expired, long, flushed, of another size or not at all is not written over") {
  Overwriting of;
  CHECK_FALSE(of.overwrite("key", {.value = "value"}).has_value());
  CHECK(of.engine.value("key") == "(none)");

  const std::string room(80, 'r');
  const auto is_refused = [&](const Content& old, std::string_view value) {
    const uint64_t cas = of.store("key", old);
    const bool has_failed = !of.overwrite("key", {.value = value}).has_value();
    return has_failed && of.engine.value("key") == old.value && of.cas("key") == cas;
  };
  CHECK_FALSE(is_refused({.value = room}, room));
  CHECK(is_refused({.value = room, .marks = kMarkStale}, room));
  CHECK(is_refused({.value = room, .marks = kMarkTracked}, room));
  CHECK(is_refused({.value = room}, room + room));
  CHECK(is_refused({.value = room}, "much shorter"));
  const std::string longer(20'000, 'l');
  CHECK(is_refused({.value = longer}, longer));

  of.store("key", {.value = room, .deadline_ms = 10});
  of.engine.clock.advance_ms(10);
  CHECK_FALSE(of.overwrite("key", {.value = room}).has_value());
  of.store("key", {.value = room});
  of.engine->flush_all(0);
  CHECK_FALSE(of.overwrite("key", {.value = room}).has_value());
  CHECK(of.engine.value("key") == "(none)");
  CHECK(of.engine->assert_valid().ok());
}

TEST_CASE("what somebody looks at where it lies is not written over") {
  Overwriting of;
  of.store("key", {.value = "old value"});
  {
    const Handle handle = of.engine->hold(of.engine->ref("key"));
    CHECK_FALSE(of.overwrite("key", {.value = "new value"}).has_value());
    CHECK(of.engine.value("key") == "old value");
  }
  CHECK(of.overwrite("key", {.value = "new value"}).has_value());
  CHECK(of.engine.value("key") == "new value");
}

TEST_CASE("a record whose key was written over is found out") {
  TestEngine engine;
  CHECK(engine.set("key", kLargeValue));
  CHECK(engine->assert_valid().ok());
  char& byte_of_key = record_of(engine)[4];
  REQUIRE(byte_of_key == 'k');
  byte_of_key = 'K';
  CHECK(engine->assert_valid().code() == absl::StatusCode::kInternal);
  byte_of_key = 'k';
  CHECK(engine->assert_valid().ok());
}

TEST_CASE("a record with a deadline that its segment does not know of is found out") {
  TestEngine engine;
  CHECK(engine.set("key", kLargeValue));
  char& format = record_of(engine)[2];
  format = static_cast<char>(format ^ 0x04);  // an expiry
  CHECK(engine->assert_valid().code() == absl::StatusCode::kInternal);
  format = static_cast<char>(format ^ 0x04);
  CHECK(engine->assert_valid().ok());
}

}  // namespace
}  // namespace larder::internal
