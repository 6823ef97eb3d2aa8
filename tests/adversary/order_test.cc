// Orders of requests that ruin caches: scans, loops that are larger than the cache, keys that never come back, one
// key that everybody wants.
#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "adversary/subject.h"

namespace larder::adversary {
namespace {

constexpr size_t kLimit = (kIsSanitized ? 2 : 4) * kMiB;
constexpr size_t kValueBytes = 200;

// How many items of kValueBytes the cache holds when it is full.
uint64_t items_that_fit() {
  Subject subject(kLimit);
  for (uint64_t i = 0; i < kLimit / 100; ++i) subject.set(key_of('k', i), kValueBytes);
  return subject->stats().items;
}

// First in, first out: the least that a cache may make of a loop.
class Fifo {
 public:
  explicit Fifo(uint64_t items_max) : items_max_(items_max) {}

  bool get_or_set(uint64_t number) {
    if (!numbers_.insert(number).second) return true;
    order_.push_back(number);
    if (order_.size() > items_max_) {
      numbers_.erase(order_.front());
      order_.pop_front();
    }
    return false;
  }

 private:
  const uint64_t items_max_;
  std::unordered_set<uint64_t> numbers_;
  std::deque<uint64_t> order_;
};

TEST_CASE("a scan of four times the cache pushes out hardly anything of what was read before it") {
  const uint64_t fit = items_that_fit();
  Subject subject(kLimit);
  const uint64_t hot = fit / 2;
  for (int pass = 0; pass < 6; ++pass) {
    for (uint64_t i = 0; i < hot; ++i) (void)subject.get_or_set(key_of('h', i), kValueBytes);
  }
  // So that the hot ones have been looked at for eviction once, and have moved to main.
  for (uint64_t i = 0; i < fit; ++i) (void)subject.get_or_set(key_of('w', i), kValueBytes);
  for (uint64_t i = 0; i < hot; ++i) (void)subject.get_or_set(key_of('h', i), kValueBytes);
  for (uint64_t i = 0; i < 4 * fit; ++i) (void)subject.get_or_set(key_of('s', i), kValueBytes);
  uint64_t left = 0;
  for (uint64_t i = 0; i < hot; ++i) left += subject.get(key_of('h', i)) ? 1 : 0;
  MESSAGE("hot items left after the scan: ", left, " of ", hot);
  CHECK(left >= hot * 95 / 100);
  subject.check();
}

TEST_CASE("a loop that fits is all hits from its second round on") {
  const uint64_t length = items_that_fit() * 95 / 100;
  Subject subject(kLimit);
  for (uint64_t i = 0; i < length; ++i) CHECK(!subject.get_or_set(key_of('l', i), kValueBytes));
  for (uint64_t i = 0; i < 3 * length; ++i) REQUIRE(subject.get_or_set(key_of('l', i % length), kValueBytes));
  subject.check();
}

TEST_CASE("a loop larger than the cache, with some noise, gets no fewer hits than first in, first out would give") {
  const uint64_t fit = items_that_fit();
  for (const uint64_t percent : {105, 120, 200, 400}) {
    Subject subject(kLimit);
    Fifo fifo(fit);
    model::Random random(seed());
    const uint64_t length = fit * percent / 100;
    uint64_t hits = 0;
    uint64_t fifo_hits = 0;
    const uint64_t requests = (kIsSanitized ? 6 : 12) * length;
    for (uint64_t i = 0; i < requests; ++i) {
      const uint64_t number = random.one_in(10) ? random.below(length) : i % length;
      hits += subject.get_or_set(key_of('l', number), kValueBytes) ? 1 : 0;
      fifo_hits += fifo.get_or_set(number) ? 1 : 0;
    }
    MESSAGE("a loop of ", percent, " % of the cache: ", hits * 1000 / requests, " hits in 1000 requests, FIFO ",
            fifo_hits * 1000 / requests);
    CHECK(hits * 100 >= fifo_hits * 97);
    subject.check();
  }
}

// Stores each of the next keys of a queue, and reads the one that was stored half a cache ago. The share of hits,
// in percent.
uint64_t hits_of_queue(Subject& subject, uint64_t& next, uint64_t requests, uint64_t fit) {
  uint64_t hits = 0;
  for (uint64_t i = 0; i < requests; ++i, ++next) {
    subject.set(key_of('q', next), kValueBytes);
    hits += next >= fit / 2 && subject.get(key_of('q', next - fit / 2)) ? 1 : 0;
  }
  return hits * 100 / requests;
}

TEST_CASE("a loop of several times the cache gets most of the hits that a part that stayed would get") {
  const uint64_t fit = items_that_fit();
  for (const uint64_t times : {3, 8}) {
    Subject subject(kLimit);
    uint64_t hits = 0;
    for (int pass = 0; pass < 5; ++pass) {
      hits = 0;
      for (uint64_t i = 0; i < times * fit; ++i) hits += subject.get_or_set(key_of('l', i), kValueBytes) ? 1 : 0;
    }
    MESSAGE("a loop of ", times, " times the cache: ", hits * 1000 / (times * fit), " hits in 1000 requests");
    CHECK(hits * 100 >= fit * 70);
    subject.check();
  }
}

TEST_CASE("after a loop, however long, what comes next gets the hits that it would have got before") {
  const uint64_t fit = items_that_fit();
  for (const int passes : {0, 2, 10}) {
    Subject subject(kLimit);
    for (int pass = 0; pass < passes; ++pass) {
      for (uint64_t i = 0; i < 3 * fit; ++i) (void)subject.get_or_set(key_of('l', i), kValueBytes);
    }
    uint64_t next = 0;
    (void)hits_of_queue(subject, next, 5 * fit, fit);
    const uint64_t percent = hits_of_queue(subject, next, fit, fit);
    MESSAGE("after ", passes, " passes: ", percent, " % hits");
    CHECK(percent >= 95);
    subject.check();
  }
}

TEST_CASE("stores in a loop that nobody asks for take no room from those that are read, whatever else is missing") {
  const uint64_t fit = items_that_fit();
  Subject subject(kLimit);
  uint64_t reads = 0;
  uint64_t hits = 0;
  for (uint64_t i = 0; i < 12 * fit; ++i) {
    subject.set(key_of('q', i % (3 * fit)), kValueBytes);
    CHECK_FALSE(subject.get(key_of('n', i)));
    if (i < fit || i % 50 != 0) continue;
    ++reads;
    hits += subject.get(key_of('q', (i - fit * 2 / 5) % (3 * fit))) ? 1 : 0;
  }
  MESSAGE(hits, " hits of ", reads, " reads");
  CHECK(hits * 100 >= reads * 95);
  subject.check();
}

TEST_CASE("of keys that never come back the newest are there, as many as fit") {
  Subject subject(kLimit);
  const uint64_t keys = 10 * kLimit / kValueBytes;
  for (uint64_t i = 0; i < keys; ++i) REQUIRE(!subject.get_or_set(key_of('u', i), kValueBytes));
  const Stats stats = subject->stats();
  CHECK(stats.get_hits == 0);
  CHECK(stats.item_bytes >= kLimit * 85 / 100);
  const uint64_t newest = stats.items * 9 / 10;
  uint64_t there = 0;
  for (uint64_t i = keys - newest; i < keys; ++i) there += subject->contains(key_of('u', i)) ? 1 : 0;
  MESSAGE("of the newest ", newest, " keys there are ", there);
  CHECK(there >= newest * 99 / 100);
  subject.check();
}

TEST_CASE("the one hot key is never missed, whatever streams by and however often it is overwritten") {
  Subject subject(kLimit);
  model::Random random(seed());
  const std::string hot = key_of('h', 0);
  subject.set(hot, kValueBytes);
  for (uint64_t i = 0; i < 20 * kLimit / kValueBytes; ++i) {
    REQUIRE(subject.get(hot));
    if (random.one_in(4)) subject.set(hot, random.below(4 * kValueBytes));
    subject.set(key_of('u', i), random.below(2 * kValueBytes));
  }
  CHECK(subject->stats().evictions > 10'000);
  subject.check();
}

TEST_CASE("one hot key for everybody: no increment is lost while a stream of others goes by") {
  constexpr int kThreads = 3;
  constexpr uint64_t kIncrements = kIsSanitized ? 20'000 : 200'000;
  Subject subject(kLimit);
  const std::string hot = "counter";
  REQUIRE(subject->set(hot, "0") == StoreResult::kStored);
  std::atomic<uint64_t> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::string value;
      for (uint64_t i = 0; i < kIncrements; ++i) {
        if (subject->incr(hot).status != CounterStatus::kDone) ++failures;
        if (!subject->get(hot, value)) ++failures;
        if (i % 4 != 0) continue;
        const std::string other = key_of(static_cast<char>('a' + t), i);
        if (subject->set(other, Subject::value_of(other, kValueBytes)) != StoreResult::kStored) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(subject->get(hot)->value == std::to_string(kThreads * kIncrements));
  subject.check();
}

}  // namespace
}  // namespace larder::adversary
