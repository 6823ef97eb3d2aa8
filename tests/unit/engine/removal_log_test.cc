#include "larder/internal/engine/removal_log.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/internal/base/page_size.h"

namespace larder::internal {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

struct Subject {
  explicit Subject(size_t limit_bytes, size_t space_count = 1)
      : account(limit_bytes),
        space(AddressSpace::reserve(limit_bytes, RemovalLog::address_bytes).value()),
        log(account, space, 0, static_cast<uint32_t>(space_count)) {}

  // Of a random key: its tag is the upper bits of its hash.
  struct Key {
    uint64_t hash;
    [[nodiscard]] uint32_t tag() const { return static_cast<uint32_t>(hash >> 40 & (Slot::kTagCount - 1)); }
  };
  Key random_key() { return {random()}; }
  Key random_key(int level) {
    for (;;) {
      const Key key = random_key();
      if (std::countr_zero(key.tag() | 1u << RemovalLog::kLevelMax) == level) return key;
    }
  }
  // As callers do: only what is followed.
  void add(const Key& key, const RemovalLog::Gone& gone = {}) {
    if (log.follows(key.tag())) log.add(key.hash, key.tag(), gone, now_s);
  }
  RemovalLog::Answer find(const Key& key) { return log.find(key.hash, key.tag(), now_s); }

  Account account;
  AddressSpace space;
  RemovalLog log;
  std::mt19937_64 random{1};
  uint32_t now_s = 1000;
};

TEST_CASE("a log takes a 512th of the limit, at most 1 MiB, in powers of two and whole pages") {
  struct Size {
    size_t limit, bytes;
  };
  for (const Size& size :
       {Size{64 * kMiB, kMiB / 8}, {96 * kMiB, kMiB / 8}, {512 * kMiB, kMiB}, {2048 * kMiB, kMiB}}) {
    const auto limit = size.limit;
    const auto bytes = size.bytes;
    CAPTURE(limit);
    const Subject subject(limit);
    CHECK(subject.account.used(Use::kRemovalLog) == round_up(bytes, os_page_bytes()));
    CHECK(subject.account.used() == subject.account.used(Use::kRemovalLog));
    CHECK(subject.log.bytes_at(limit) == subject.account.used());
  }
}

TEST_CASE("a limit of fewer than 128 pages has no log, and neither has what is asked there") {
  Subject subject(128 * os_page_bytes());
  CHECK(subject.account.used(Use::kRemovalLog) == os_page_bytes());
  const Subject::Key key = subject.random_key(RemovalLog::kLevelMax);
  subject.add(key);
  CHECK(subject.find(key).entry);
  subject.account.set_limit(128 * os_page_bytes() - 1);
  subject.log.resize(subject.now_s);
  CHECK(subject.account.used() == 0);
  CHECK(subject.log.follows(key.tag()));
  subject.add(key);
  CHECK_FALSE(subject.find(key).is_followed);
  CHECK(subject.find(key).share_followed == 0);
  CHECK_FALSE(subject.find(key).entry);
  subject.account.set_limit(128 * os_page_bytes());
  subject.log.resize(subject.now_s);
  CHECK(subject.account.used(Use::kRemovalLog) == os_page_bytes());
  CHECK_FALSE(subject.find(key).entry);
  CHECK(subject.find(key).share_followed == 1);
}

TEST_CASE("what was noted of a removal is found until it is noted again") {
  Subject subject(8 * kMiB);
  const Subject::Key key = subject.random_key();
  CHECK_FALSE(subject.find(key).entry);
  CHECK(subject.find(key).is_followed);
  CHECK(subject.find(key).share_followed == 1);
  CHECK(subject.find(key).reach_s == 1000);
  for (const Removal why : {Removal::kEvicted, Removal::kExpired, Removal::kErased, Removal::kFlushed}) {
    for (const bool is_so : {false, true}) {
      subject.add(key, {.why = why,
                        .lived_s = is_so ? std::optional<uint32_t>(7) : std::nullopt,
                        .was_read = is_so,
                        .chain = is_so ? Chain::kMain : Chain::kSmall,
                        .is_large = is_so});
      subject.now_s += 5;
      const RemovalLog::Answer answer = subject.find(key);
      REQUIRE(answer.entry);
      CHECK(answer.entry->age_s == 5);
      CHECK(answer.entry->gone.why == why);
      CHECK(answer.entry->gone.lived_s.has_value() == is_so);
      CHECK(answer.entry->gone.was_read == is_so);
      CHECK((answer.entry->gone.chain == Chain::kMain) == is_so);
      CHECK(answer.entry->gone.is_large == is_so);
    }
  }
}

TEST_CASE("how long an item lived is noted exactly up to 15 s, and to a sixteenth above") {
  Subject subject(8 * kMiB);
  const Subject::Key key = subject.random_key();
  const auto noted = [&](uint32_t lived_s) {
    subject.add(key, {.lived_s = lived_s});
    return *subject.find(key).entry->gone.lived_s;
  };
  for (uint32_t seconds = 0; seconds <= 15; ++seconds) CHECK(noted(seconds) == seconds);
  for (uint64_t seconds = 16; seconds < uint64_t{1} << 32; seconds += seconds / 100 + 1) {
    CAPTURE(seconds);
    CHECK(noted(static_cast<uint32_t>(seconds)) == doctest::Approx(static_cast<double>(seconds)).epsilon(1.0 / 15));
  }
  CHECK(noted(UINT32_MAX) == UINT32_MAX);
}

TEST_CASE("a removal of another thread whose time is a second ahead is new, and not one of years ago") {
  Subject subject(8 * kMiB);
  const Subject::Key key = subject.random_key();
  subject.add(key);
  --subject.now_s;
  REQUIRE(subject.find(key).entry);
  CHECK(subject.find(key).entry->age_s == 0);
}

TEST_CASE("a removal of years ago is that old, and what is newer overwrites it") {
  constexpr uint32_t kYearS = 365 * 86400;
  for (const double years : {1.0, 4.3, 5.0, 7.9, 8.5}) {
    CAPTURE(years);
    Subject subject(8 * kMiB);
    const Subject::Key key = subject.random_key();
    subject.add(key);
    const auto age_s = static_cast<uint32_t>(years * kYearS);
    subject.now_s += age_s;
    REQUIRE(subject.find(key).entry);
    CHECK(subject.find(key).entry->age_s == age_s);
    // More in its set: those whose upper bits are alike.
    for (uint64_t i = 1; i <= 16; ++i, ++subject.now_s) subject.add({key.hash ^ i << 20});
    CHECK_FALSE(subject.find(key).entry);
  }
}

TEST_CASE("of few removals everything is known, however long ago they were") {
  Subject subject(64 * kMiB);  // 16384 entries
  std::vector<Subject::Key> keys;
  for (int i = 0; i < 3000; ++i) {
    keys.push_back(subject.random_key());
    subject.add(keys.back());
  }
  subject.now_s += 1'000'000;
  size_t known = 0;
  for (const Subject::Key& key : keys) known += subject.find(key).entry ? 1 : 0;
  CHECK(known >= 2990);
  CHECK(subject.find(keys[0]).share_followed == 1);
  CHECK(subject.find(keys[0]).reach_s == 1'001'000);
}

TEST_CASE("keys that were never removed are hardly ever taken for one that was") {
  Subject subject(64 * kMiB);
  for (int i = 0; i < 40'000; ++i) subject.add(subject.random_key());
  size_t mistaken = 0;
  constexpr size_t kAsked = 2'000'000;
  for (size_t i = 0; i < kAsked; ++i) mistaken += subject.find(subject.random_key()).entry ? 1 : 0;
  const double share = static_cast<double>(mistaken) / kAsked;
  CAPTURE(share);
  CHECK(share <= RemovalLog::kCollisionChance);
  CHECK(share > RemovalLog::kCollisionChance / 20);
}

// So many removals in so many seconds, evenly.
void remove(Subject& subject, size_t count, uint32_t seconds) {
  const uint32_t begin_s = subject.now_s;
  for (size_t i = 0; i < count; ++i) {
    subject.now_s = begin_s + static_cast<uint32_t>(i * seconds / count);
    subject.add(subject.random_key());
  }
  subject.now_s = begin_s + seconds;
}

TEST_CASE("the more removals there are, the fewer are followed, so that the log reaches ten minutes back") {
  for (const int per_second : {10, 100, 1000, 10'000}) {
    Subject subject(8 * kMiB);  // 2048 entries: more than ten minutes of 3 a second
    CAPTURE(per_second);
    remove(subject, static_cast<size_t>(per_second) * 3000, 3000);
    const Subject::Key key = subject.random_key(RemovalLog::kLevelMax);
    const RemovalLog::Answer answer = subject.find(key);
    const double wanted = 2048.0 / 600 / per_second;
    CAPTURE(answer.share_followed);
    CHECK(answer.share_followed >= std::max(wanted / 3, 1.0 / 1024));
    CHECK(answer.share_followed <= std::max(wanted * 1.2, 1.0 / 1024));
    CHECK(answer.is_followed);

    // The removals of followed keys that came lately are known, nearly all of them.
    size_t known = 0;
    std::vector<Subject::Key> keys;
    for (int i = 0; i < 100; ++i) {
      keys.push_back(subject.random_key(RemovalLog::kLevelMax));
      subject.add(keys.back());
    }
    remove(subject, static_cast<size_t>(per_second) * 300, 300);
    for (const Subject::Key& of : keys) {
      const RemovalLog::Answer now = subject.find(of);
      known += now.entry ? 1 : 0;
      if (!now.entry) CHECK(now.reach_s <= 300);
    }
    if (answer.share_followed > 1.0 / 1024) CHECK(known >= 95);
  }
}

TEST_CASE("no fewer than one key in 1024 is followed, and then the log reaches less far back") {
  if (os_page_bytes() > kMiB / 128) return;  // there is no log
  Subject subject(1 * kMiB);                 // 256 entries
  remove(subject, 3'000'000, 300);
  const RemovalLog::Answer answer = subject.find(subject.random_key(RemovalLog::kLevelMax));
  CHECK(answer.share_followed == 1.0 / 1024);
  CHECK(answer.reach_s < 200);
  CHECK(answer.reach_s > 2);
  CHECK_FALSE(subject.find(subject.random_key(RemovalLog::kLevelMax - 1)).is_followed);
}

TEST_CASE("a key that is no longer followed is unknown, since a later removal of it would be missing") {
  if (os_page_bytes() > kMiB / 128) return;  // there is no log
  Subject subject(1 * kMiB);
  const Subject::Key key = subject.random_key(0);
  const Subject::Key rare = subject.random_key(RemovalLog::kLevelMax);
  subject.add(key);
  subject.add(rare);
  while (subject.log.follows(key.tag())) subject.add(subject.random_key());
  CHECK_FALSE(subject.find(key).entry);
  CHECK_FALSE(subject.find(key).is_followed);
  CHECK(subject.find(rare).is_followed);
  CHECK(subject.find(rare).share_followed == 0.5);
}

TEST_CASE("when removals become few, more are followed again, from then on") {
  if (os_page_bytes() > kMiB / 128) return;  // there is no log
  Subject subject(1 * kMiB);
  remove(subject, 20'000, 600);
  const Subject::Key key = subject.random_key(1);
  REQUIRE_FALSE(subject.log.follows(key.tag()));
  const double share_before = subject.find(key).share_followed;
  constexpr uint32_t kStepS = 240;
  int steps = 0;
  for (; !subject.log.follows(key.tag()) && steps < 10'000; ++steps) remove(subject, 30, kStepS);
  CAPTURE(steps);
  CHECK(subject.log.follows(key.tag()));
  CHECK(subject.find(key).share_followed > share_before);
  // What is known of it begins then.
  CHECK(subject.find(key).reach_s <= kStepS);
  subject.now_s += 100;
  CHECK(subject.find(key).reach_s >= 100);
  CHECK(subject.find(key).reach_s <= 100 + kStepS);
}

TEST_CASE("after a burst of removals, within a few times ten minutes as many are followed as there is room for") {
  for (const double per_second : {1.0, 10.0, 100.0}) {
    CAPTURE(per_second);
    Subject subject(8 * kMiB);  // 2048 entries
    remove(subject, 12'000'000, 300);
    const Subject::Key key = subject.random_key(RemovalLog::kLevelMax);
    REQUIRE(subject.find(key).share_followed == 1.0 / 1024);
    const double wanted = std::min(1.0, 2048.0 / 600 / per_second);
    const uint32_t begin_s = subject.now_s;
    while (subject.find(key).share_followed < wanted / 3 && subject.now_s - begin_s < 100'000) {
      remove(subject, static_cast<size_t>(60 * per_second), 60);
    }
    CHECK(subject.now_s - begin_s <= 6 * RemovalLog::kReachS);
    // And it stays so.
    remove(subject, static_cast<size_t>(3000 * per_second), 3000);
    CHECK(subject.find(key).share_followed >= wanted / 3);
    CHECK(subject.find(key).share_followed <= wanted * 1.2);
  }
}

TEST_CASE("after a burst, all are followed again even if nothing is removed, by who looks at the time") {
  Subject subject(8 * kMiB);
  remove(subject, 12'000'000, 300);
  const Subject::Key key = subject.random_key(0);
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(subject.find(key).is_followed);
    subject.now_s += RemovalLog::kReachS;
    subject.log.follow_traffic(subject.now_s);
  }
  CHECK(subject.find(key).is_followed);
  CHECK(subject.find(key).share_followed == 1);
  CHECK(subject.find(key).reach_s == 0);
}

TEST_CASE("a log follows the limit, charges the difference, forgets what it knew and begins with all keys") {
  Subject subject(64 * kMiB);
  const Subject::Key key = subject.random_key();
  for (const size_t limit : {64 * kMiB / 10, 640 * kMiB, 8192 * kMiB, 64 * kMiB}) {
    CAPTURE(limit);
    subject.add(key);
    CHECK(subject.find(key).entry);
    subject.account.set_limit(limit);
    const size_t bytes = subject.log.bytes_at(limit);
    subject.now_s += 10;
    const size_t before = subject.account.used();
    subject.log.resize(subject.now_s);
    CHECK(subject.account.used(Use::kRemovalLog) == bytes);
    CHECK(subject.account.used() == bytes);
    if (bytes == before) continue;
    CHECK_FALSE(subject.find(key).entry);
    CHECK(subject.find(key).reach_s == 0);
    CHECK(subject.find(key).share_followed == 1);
  }
}

TEST_CASE("each namespace has its own last flush") {
  Subject subject(8 * kMiB, 3);
  for (uint32_t of = 0; of < 3; ++of) CHECK_FALSE(subject.log.flushed_ms(of));
  subject.log.note_flush(1, 0);
  subject.log.note_flush(2, 7);
  CHECK_FALSE(subject.log.flushed_ms(0));
  CHECK(subject.log.flushed_ms(1) == 0);
  CHECK(subject.log.flushed_ms(2) == 7);
}

}  // namespace
}  // namespace larder::internal
