#include "larder/internal/policy/eviction_sample.h"

#include <random>

#include "doctest/doctest.h"

namespace larder::internal {
namespace {

uint64_t hash_of(uint64_t number) { return std::mt19937_64(number)(); }

TEST_CASE("evictions of a loop are all known from the second round on, whatever the cache's size") {
  for (const uint64_t items : {100u, 3'000u, 100'000u}) {
    CAPTURE(items);
    Account account(size_t{1} << 20);
    EvictionSample sample(&account);
    const uint64_t length = 5 * items;
    EvictionSample::Counts before;
    for (uint64_t i = 0; i < 6 * length; ++i) {
      sample.note_miss(hash_of(i % length));
      sample.note_miss(hash_of(length + i));  // never stored
      sample.note_eviction(hash_of(i % length));
      if (i % (items / 4) != 0) continue;
      const EvictionSample::Counts now = sample.look();
      const uint64_t evicted = now.evicted - before.evicted;
      const uint64_t again = now.again - before.again;
      const uint64_t asked_for = now.asked_for - before.asked_for;
      before = now;
      if (i >= items * 3) CHECK(evicted <= 64);
      if (i < length) CHECK(again <= 2);
      if (i >= 3 * length) CHECK(evicted >= 2);
      if (i >= 3 * length) CHECK(again == evicted);
      // One in a hundred of those never stored is taken for known.
      if (i >= 3 * length) CHECK(asked_for >= evicted);
      if (i >= 3 * length) CHECK(asked_for <= evicted + 8);
    }
  }
}

TEST_CASE("chance alone does not change which keys are in the sample") {
  constexpr uint64_t kItems = 15'000;
  constexpr uint64_t kLength = 8 * kItems + 617;  // each look sees others
  for (uint64_t keys = 0; keys < 40; ++keys) {
    CAPTURE(keys);
    const auto key_hash = [&](uint64_t number) {
      uint64_t hash = (keys * kLength + number + 1) * 0x9e3779b97f4a7c15u;
      hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
      hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
      return hash ^ hash >> 31;
    };
    Account account(size_t{1} << 20);
    EvictionSample sample(&account);
    EvictionSample::Counts before;
    for (uint64_t i = 0; i < 8 * kLength; ++i) {
      sample.note_eviction(key_hash(i % kLength));
      if (i % (kItems / 4) != 0) continue;
      const EvictionSample::Counts now = sample.look();
      const uint64_t evicted = now.evicted - before.evicted;
      if (i >= 2 * kLength) CHECK(now.again - before.again == evicted);
      before = now;
    }
  }
}

TEST_CASE("its memory is charged as soon as it has some, and not before; without memory it knows nothing") {
  Account account(size_t{64} << 10);
  {
    EvictionSample sample(&account);
    CHECK(account.used() == 0);
    (void)sample.look();
    CHECK(account.used() >= size_t{4} << 10);
  }
  CHECK(account.used() == 0);
  account.set_limit(0);
  EvictionSample sample(&account);
  for (int round = 0; round < 10; ++round) {
    for (uint64_t i = 0; i < 10'000; ++i) {
      sample.note_miss(hash_of(i));
      sample.note_eviction(hash_of(i));
    }
    const EvictionSample::Counts counts = sample.look();
    CHECK(counts.again == 0);
    CHECK(counts.asked_for == 0);
  }
  CHECK(account.used() == 0);
}

}  // namespace
}  // namespace larder::internal
