// Sizes that change over time. Memory that was cut up for one size must serve the next: no store may fail while
// anything can be evicted, and hit ratio and bytes held must be what a cache that saw nothing before gets.
#include <string>

#include "adversary/subject.h"

namespace larder::adversary {
namespace {

struct Phase {
  uint64_t hits_per_1000;
  uint64_t item_bytes;
  uint64_t memory_used_bytes;
  uint64_t index_bytes;
};

// Requests keys of one family, the lower numbers more often. What is returned is as at the end, the hits those of
// the last fifth.
Phase request(Subject& subject, char family, size_t value_bytes, uint64_t keys, uint64_t requests) {
  model::Random random(seed());
  uint64_t hits = 0;
  for (uint64_t i = 0; i < requests; ++i) {
    const uint64_t number = random.below(1 + random.below(1 + random.below(keys)));
    const bool is_hit = subject.get_or_set(key_of(family, number), value_bytes);
    if (i >= requests * 4 / 5 && is_hit) ++hits;
  }
  subject.check();
  const Stats stats = subject->stats();
  CHECK(stats.store_no_memory == 0);
  const Phase phase{.hits_per_1000 = hits * 1000 / (requests / 5),
                    .item_bytes = stats.item_bytes,
                    .memory_used_bytes = stats.memory_used_bytes,
                    .index_bytes = stats.index_bytes};
  MESSAGE("values of ", value_bytes, ": ", phase.hits_per_1000, " hits in 1000, items ",
          phase.item_bytes * 100 / stats.memory_limit_bytes, " %, index ",
          phase.index_bytes * 100 / stats.memory_limit_bytes, " % of the limit");
  return phase;
}

void check_is_as_good(const Phase& phase, const Phase& fresh) {
  CHECK(phase.hits_per_1000 * 100 >= fresh.hits_per_1000 * 97);
  CHECK(phase.item_bytes * 100 >= fresh.item_bytes * 90);
}

TEST_CASE("small items, then items of 100 KiB, then small ones: each time as good as a fresh cache") {
  constexpr size_t kLimit = (kIsSanitized ? 8 : 16) * kMiB;
  constexpr size_t kSmall = 50;
  constexpr size_t kLarge = 100 * kKiB;
  constexpr uint64_t kSmallKeys = 4 * kLimit / kSmall / 3;
  constexpr uint64_t kLargeKeys = 4 * kLimit / kLarge;
  constexpr uint64_t kSmallRequests = 2 * kSmallKeys;
  // Of the last fifth of 2,000 the share of hits errs by 2.3 hundredths: as much as is to be seen.
  constexpr uint64_t kLargeRequests = kIsSanitized ? 16'000 : 32'000;
  const auto fresh = [&](char family, size_t value_bytes, uint64_t keys, uint64_t requests) {
    Subject subject(kLimit);
    return request(subject, family, value_bytes, keys, requests);
  };
  const Phase fresh_small = fresh('s', kSmall, kSmallKeys, kSmallRequests);
  const Phase fresh_large = fresh('l', kLarge, kLargeKeys, kLargeRequests);
  CHECK(fresh_small.memory_used_bytes > kLimit * 9 / 10);
  CHECK(fresh_large.item_bytes > kLimit * 85 / 100);

  Subject subject(kLimit);
  (void)request(subject, 's', kSmall, kSmallKeys, kSmallRequests);
  // What was read often before gives way only when main has been gone through: measured in the second half.
  (void)request(subject, 'l', kLarge, kLargeKeys, kLargeRequests);
  check_is_as_good(request(subject, 'l', kLarge, kLargeKeys, kLargeRequests), fresh_large);
  (void)request(subject, 's', kSmall, kSmallKeys, kSmallRequests);
  check_is_as_good(request(subject, 's', kSmall, kSmallKeys, kSmallRequests), fresh_small);
}

TEST_CASE("sizes that creep upwards byte by byte never make a store fail, nor leave the memory unused") {
  constexpr size_t kLimit = 8 * kMiB;
  Subject subject(kLimit);
  model::Random random(seed());
  uint64_t number = 0;
  for (size_t value_bytes = 1; value_bytes < kLimit / 8; value_bytes += 1 + value_bytes / 16) {
    for (size_t stored = 0; stored < kLimit / 2; stored += value_bytes + 64) {
      subject.set(key_of('c', number++), value_bytes);
      if (random.one_in(8)) (void)subject->erase(key_of('c', random.below(number)));
    }
    const Stats stats = subject->stats();
    REQUIRE(stats.memory_used_bytes <= stats.memory_limit_bytes);
    if (value_bytes > 200 && value_bytes < 100'000) CHECK(stats.item_bytes > kLimit * 3 / 4);
  }
  subject.check();
}

TEST_CASE("values that grow and shrink where they are do not fill the memory with what is dead") {
  constexpr size_t kLimit = 4 * kMiB;
  constexpr uint64_t kKeys = 10'000;
  Subject subject(kLimit);
  model::Random random(seed());
  for (uint64_t i = 0; i < 40 * kKeys; ++i) {
    // Bytes of keys and values: 1.4 to 4.5 MiB.
    const size_t value_bytes = i / (5 * kKeys) % 2 == 0 ? 20 + random.below(200) : 100 + random.below(600);
    subject.set(key_of('g', random.below(kKeys)), value_bytes);
  }
  const Stats stats = subject->stats();
  MESSAGE("dead ", stats.dead_bytes * 1000 / kLimit, " free ", stats.free_bytes * 1000 / kLimit,
          " thousandths of the limit");
  CHECK(stats.dead_bytes < kLimit / 4);
  subject.check();
}

TEST_CASE("a cache of 4 MiB takes values of 1 MiB, one after another, and holds three of them") {
  Subject subject(4 * kMiB);
  for (uint64_t i = 0; i < 200; ++i) {
    subject.set(key_of('m', i), kMiB);
    REQUIRE(subject.get(key_of('m', i)));
    if (i < 3) continue;
    uint64_t there = 0;
    for (uint64_t j = i - 3; j <= i; ++j) there += subject->contains(key_of('m', j)) ? 1 : 0;
    REQUIRE(there >= 2);
  }
  CHECK(subject->stats().items >= 3);
  subject.check();
}

TEST_CASE("values of 1 MiB in a cache of 4 MiB leave small items that are read a place") {
  constexpr uint64_t kSmallItems = 100;
  Subject subject(4 * kMiB);
  uint64_t hits = 0;
  constexpr uint64_t kRounds = 200;
  for (uint64_t i = 0; i < kRounds; ++i) {
    for (uint64_t j = 0; j < kSmallItems; ++j) hits += subject.get_or_set(key_of('s', j), 100) ? 1 : 0;
    subject.set(key_of('m', i), kMiB);
    if (i % 3 == 0) (void)subject->erase(key_of('m', i));
  }
  MESSAGE("hits in 1000: ", hits * 1000 / (kRounds * kSmallItems));
  CHECK(hits * 100 >= kRounds * kSmallItems * 90);
  subject.check();
}

}  // namespace
}  // namespace larder::adversary
