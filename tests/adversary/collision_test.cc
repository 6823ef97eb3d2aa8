// Keys that collide, chosen by somebody who knows the seed.
//
// Of a key of eight bytes the hash is a chain of steps that can each be undone, so that there is one key for each
// hash that one may wish for. The steps are those of XXH3 for inputs of four to eight bytes; the test makes sure
// that the keys it finds do have the hashes it wanted.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "adversary/subject.h"
#include "larder/internal/base/hash.h"

namespace larder::adversary {
namespace {

class Forger {
 public:
  // What the seed does to a key is one exclusive or, which any key gives away.
  Forger() : mask_(undo(internal::hash_key(to_key(0), seed()))) {}

  [[nodiscard]] std::string key_with(uint64_t hash) const {
    std::string key = to_key(undo(hash) ^ mask_);
    REQUIRE(internal::hash_key(key, seed()) == hash);
    return key;
  }

 private:
  static constexpr uint64_t kKeyBytes = 8;
  static constexpr uint64_t kMultiplier = 0x9fb21c651e98df25;
  static constexpr uint64_t inverse(uint64_t odd) {
    uint64_t result = odd;  // right in three bits; each step doubles them
    for (int i = 0; i < 5; ++i) result *= 2 - odd * result;
    return result;
  }

  // h ^= rotl(h, 49) ^ rotl(h, 24); h *= m; h ^= (h >> 35) + length; h *= m; h ^= h >> 28: backwards.
  static uint64_t undo(uint64_t hash) {
    hash ^= (hash >> 28) ^ (hash >> 56);
    hash *= inverse(kMultiplier);
    hash ^= (hash >> 35) + kKeyBytes;
    hash *= inverse(kMultiplier);
    // As a polynomial over two elements modulo x^64 + 1, the step is p with p^64 = 1: its inverse is p^63.
    for (int power = 1; power < 64; power *= 2) {
      hash ^= std::rotl(hash, 49 * power % 64) ^ std::rotl(hash, 24 * power % 64);
    }
    return hash;
  }

  // The first four bytes of the key are the upper half of the number that is hashed.
  static std::string to_key(uint64_t number) {
    number = std::rotl(number, 32);
    std::string key(sizeof number, '\0');
    std::memcpy(key.data(), &number, sizeof number);
    return key;
  }

  const uint64_t mask_;
};

constexpr size_t kLimit = kMiB;
constexpr int kStripeBits = 3;  // of a cache of 1 MiB
constexpr int kTagBits = 22;
constexpr int kAimedBits = kStripeBits + kTagBits;

// The number'th hash of those with these top bits.
uint64_t hash_with(uint64_t top, int top_bits, uint64_t number) {
  const uint64_t rest = number * 0x9e3779b97f4a7c15u;  // odd: another one for each number
  return (top << (64 - top_bits)) | (rest >> top_bits);
}

// Keys of one stripe and one tag; the hashes differ only further down.
std::vector<std::string> colliding_keys(size_t count) {
  const Forger forger;
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < count; ++i) keys.push_back(forger.key_with(hash_with(0x123456, kAimedBits, i)));
  std::vector<std::string> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  REQUIRE(std::unique(sorted.begin(), sorted.end()) == sorted.end());
  return keys;
}

template <class Operation>
double microseconds_each(size_t count, Operation&& operation) {
  const auto begin = std::chrono::steady_clock::now();
  operation();
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  return took.count() / static_cast<double>(count);
}

TEST_CASE("keys that collide in stripe and tag are told apart, in whichever order they come and go") {
  Subject subject(kLimit);
  model::Random random(seed());
  const std::vector<std::string> keys = colliding_keys(500);
  std::vector<bool> is_there(keys.size());
  for (int i = 0; i < (kIsSanitized ? 5'000 : 50'000); ++i) {
    const size_t k = random.below(keys.size());
    switch (random.below(3)) {
      case 0:
        subject.set(keys[k], 1 + random.below(200));
        is_there[k] = true;
        break;
      case 1:
        REQUIRE((subject->erase(keys[k]) == EraseResult::kErased) == is_there[k]);
        is_there[k] = false;
        break;
      default:
        REQUIRE(subject.get(keys[k]) == is_there[k]);
    }
    if (i % 5'000 == 0) subject.check();
  }
  subject.check();
}

TEST_CASE("more colliding keys than an index page has slots evict each other, and nobody else") {
  Subject subject(kLimit);
  constexpr uint64_t kBystanders = 500;
  for (uint64_t i = 0; i < kBystanders; ++i) subject.set(key_of('b', i), 100);
  const std::vector<std::string> keys = colliding_keys(kIsSanitized ? 2'500 : 6'000);
  const double set_us = microseconds_each(keys.size(), [&] {
    for (const std::string& key : keys) {
      subject.set(key, 8);
      REQUIRE(subject.get(key));
    }
  });
  uint64_t there = 0;
  for (const std::string& key : keys) there += subject.get(key) ? 1 : 0;
  uint64_t bystanders = 0;
  for (uint64_t i = 0; i < kBystanders; ++i) bystanders += subject.get(key_of('b', i)) ? 1 : 0;
  MESSAGE("of ", keys.size(), " colliding keys ", there, " are there; ", set_us, " us a set and get; ", bystanders,
          " of ", kBystanders, " other keys");
  CHECK(there >= 1'000);
  CHECK(there < 2'000);
  CHECK(bystanders >= kBystanders * 95 / 100);
  subject.check();
  for (const std::string& key : keys) (void)subject->erase(key);
  CHECK(subject->stats().items == bystanders);
  subject.check();
}

TEST_CASE("keys that also collide in the ghost's memory are no reason for a wrong answer") {
  // The top bits and the fingerprint are the same; of the bits between, there are seven.
  constexpr uint64_t kKeys = 1 << (64 - kAimedBits - 32);
  const Forger forger;
  Subject subject(kLimit);
  for (int round = 0; round < 20; ++round) {
    for (uint64_t i = 0; i < kKeys; ++i) {
      const std::string key = forger.key_with((uint64_t{0x155555} << (64 - kAimedBits)) | (i << 32) | 0xabcdef01);
      (void)subject.get_or_set(key, 1'000 + i);
    }
    for (uint64_t i = 0; i < 1'500; ++i) (void)subject.get_or_set(key_of('f', round * 1'500u + i), 1'000);
    subject.check();
  }
  CHECK(subject->stats().evictions > 10'000);
}

// In each stripe, more keys than a page holds that agree in all the tag bits that a directory may consume: the
// directories grow to their full size, and never shrink again. Both caches have eight stripes. Returns how many
// stores were refused.
uint64_t make_directories_large(Subject& subject) {
  constexpr int kDeepBits = kStripeBits + 14;
  constexpr uint64_t kKeysPerStripe = 2'000;
  const Forger forger;
  uint64_t refused = 0;
  for (uint64_t stripe = 0; stripe < (1 << kStripeBits); ++stripe) {
    for (uint64_t i = 0; i < kKeysPerStripe; ++i) {
      const std::string key = forger.key_with(hash_with(stripe << 14, kDeepBits, i));
      if (subject->set(key, "v") == StoreResult::kStored) continue;
      ++refused;
      break;  // the next ones of this stripe would be, too, each after a thousand attempts
    }
  }
  subject.check();
  return refused;
}

TEST_CASE("keys that make the index split as deep as it can leave most of the memory to the items after them") {
  constexpr size_t kLargerLimit = 4 * kMiB;
  constexpr uint64_t kItems = 3 * kLargerLimit / 150;
  Subject subject(kLargerLimit);
  for (uint64_t i = 0; i < kItems; ++i) subject.set(key_of('b', i), 100);
  const Stats before = subject->stats();
  CHECK(make_directories_large(subject) == 0);
  for (uint64_t i = 0; i < kItems; ++i) subject.set(key_of('a', i), 100);
  const Stats after = subject->stats();
  MESSAGE("items before ", before.items, " and after ", after.items, "; index bytes before ", before.index_bytes,
          " and after ", after.index_bytes);
  CHECK(after.items >= before.items * 65 / 100);
  subject.check();
}

// A store whose page must split once asked the cleaner for 32 KiB, however much its directory needed to double, and
// was refused when so much was there and it still could not.
TEST_CASE("in the smallest cache, too, stores go on while directories grow") {
  Subject subject(kLimit);
  CHECK(make_directories_large(subject) == 0);
}

}  // namespace
}  // namespace larder::adversary
