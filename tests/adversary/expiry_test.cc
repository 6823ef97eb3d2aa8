// A time to live of a second on everything, and everything deleted.
//
// How much is held that has expired is the difference between the items that the cache counts and those that a walk
// over it shows; all are of one size.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "adversary/subject.h"

namespace larder::adversary {
namespace {

using std::chrono::milliseconds;

constexpr size_t kLimit = (kIsSanitized ? 2 : 8) * kMiB;
constexpr size_t kValueBytes = 100;
constexpr size_t kRecordBytes = 136;  // with a key of 16 bytes, a CAS number and an expiry

uint64_t items_shown(Subject& subject) {
  uint64_t shown = 0;
  subject->for_each([&](const ItemView&) { return ++shown, true; });
  return shown;
}

// In hundredths of the limit.
double expired_share(Subject& subject) {
  const Stats stats = subject->stats();
  const uint64_t expired = stats.items - items_shown(subject);
  return 100.0 * static_cast<double>(expired) * static_cast<double>(stats.item_bytes) /
         static_cast<double>(stats.items) / static_cast<double>(kLimit);
}

milliseconds a_second() { return milliseconds(1000); }

class Stream {
 public:
  // Stores `share` of the limit in each second.
  Stream(Subject& subject, double share)
      : subject_(subject), items_a_ms_(static_cast<double>(kLimit) * share / kRecordBytes / 1000) {}

  template <class Expiry>
  void run(milliseconds duration, bool is_maintained, Expiry&& expiry) {
    for (int64_t ms = 0; ms < duration.count(); ++ms) {
      subject_.clock().advance_ms(1);
      for (due_ += items_a_ms_; due_ >= 1; --due_) {
        const std::string key = key_of('t', number_++);
        subject_.set(key, kValueBytes, {.expiry = expiry()});
        (void)subject_.get(key_of('t', number_ - 1 - random_.below(std::min<uint64_t>(number_, 1000))));
      }
      for (int steps = 0; is_maintained && steps < 4 && subject_->maintain(64 * kKiB); ++steps) {
      }
    }
  }

 private:
  Subject& subject_;
  const double items_a_ms_;
  model::Random random_{seed()};
  double due_ = 0;
  uint64_t number_ = 0;
};

// Looks five times, after `between` each.
template <class Expiry>
void check_expired(Subject& subject, Stream& stream, milliseconds between, bool is_maintained, Expiry&& expiry) {
  for (int sample = 0; sample < 5; ++sample) {
    stream.run(between, is_maintained, expiry);
    const double expired = expired_share(subject);
    MESSAGE("expired and still held: ", expired, " %; evictions: ", subject->stats().evictions);
    CHECK(expired <= 3);
  }
}

TEST_CASE("what has expired never costs a live item its place: TTLs of a second, up to 80 % of the memory live") {
  for (const double share : {0.2, 0.5, 0.8}) {
    Subject subject(kLimit);
    Stream stream(subject, share);
    stream.run(milliseconds(5000), false, a_second);
    const Stats stats = subject->stats();
    MESSAGE("stored in a second: ", share, " of the limit; expired and still held: ", expired_share(subject), " %");
    CHECK(stats.evictions == 0);
    CHECK(stats.expired > 0);
    subject.check();
  }
}

TEST_CASE("with more than fits stored in a second, expired items hold less than 3 % of the memory") {
  for (const double share : {1.0, 1.5, 3.0}) {
    CAPTURE(share);
    Subject subject(kLimit);
    Stream stream(subject, share);
    stream.run(milliseconds(4000), false, a_second);
    check_expired(subject, stream, milliseconds(130), false, a_second);
    CHECK(subject->stats().evictions > 100);
    subject.check();
  }
}

TEST_CASE("an owner that calls maintain finds less than 3 % of the memory held by what has expired") {
  for (const double share : {0.2, 0.5, 0.8}) {
    CAPTURE(share);
    Subject subject(kLimit);
    Stream stream(subject, share);
    stream.run(milliseconds(3000), true, a_second);
    check_expired(subject, stream, milliseconds(130), true, a_second);
    subject.check();
  }
}

// Half of what is stored lives a second, half 50 seconds. They are stored in segments of their own, but what the
// cleaner keeps of both when memory is tight shares its one survivors' segment (Log::append_survivor).
TEST_CASE("times to live of a second do no harm among those of a minute") {
  Subject subject(kLimit);
  model::Random random(seed());
  Stream stream(subject, 0.3);
  const auto expiry = [&] { return milliseconds(random.one_in(2) ? 1000 : 50'000); };
  stream.run(milliseconds(20'000), false, expiry);
  check_expired(subject, stream, milliseconds(1300), false, expiry);
  subject.check();
}

TEST_CASE("after everything was deleted as much fits as before, again and again") {
  Subject subject(kLimit);
  model::Random random(seed());
  const Stats empty = subject->stats();
  uint64_t first_items = 0;
  for (int round = 0; round < 4; ++round) {
    const size_t value_bytes = round == 2 ? 20'000 : kValueBytes;
    const uint64_t keys = 2 * kLimit / (value_bytes + 32);
    for (uint64_t i = 0; i < keys; ++i) subject.set(key_of('d', i), value_bytes);
    const Stats full = subject->stats();
    CHECK(full.item_bytes > kLimit * 8 / 10);
    if (round == 0) first_items = full.items;
    if (value_bytes == kValueBytes) CHECK(full.items >= first_items * 98 / 100);

    std::vector<uint64_t> order(keys);
    for (uint64_t i = 0; i < keys; ++i) order[i] = i;
    for (uint64_t i = keys; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    uint64_t erased = 0;
    for (const uint64_t i : order) erased += subject->erase(key_of('d', i)) == EraseResult::kErased ? 1 : 0;
    // Erasing, too, helps the cleaner to get a segment free, which may evict what would have been erased next.
    CHECK(erased >= full.items * 99 / 100);
    const Stats after = subject->stats();
    CHECK(after.items == 0);
    CHECK(after.live_bytes == 0);
    CHECK(after.large_bytes <= kLimit / 128);
    CHECK(after.index_bytes <= empty.index_bytes + 64 * kKiB);
    subject.check();
  }
}

}  // namespace
}  // namespace larder::adversary
