// ObjectCache and LoadingObjectCache, used by many threads at once: nobody sees an object that has ended or is not
// the key's, nor one that is older than what was stored before; each is told of once and ends once; loads bring
// back nothing that was erased.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "doctest/doctest.h"
#include "larder/loading_object_cache.h"
#include "larder/object_cache.h"
#include "larder/object_store.h"
#include "model/random.h"

namespace larder::model {
namespace {

using namespace std::chrono_literals;

constexpr size_t kThreads = 4;
constexpr uint64_t kKeys = 32;

// Counts failures: doctest's assertions are slow when several threads use them.
std::atomic<uint64_t> failures{0};
void check(bool is_so) {
  if (!is_so) ++failures;
}

// Knows whether it lives.
struct Living {
  static constexpr uint64_t kAlive = 0x6c6976696e67;

  Living(uint64_t own_key, uint64_t own_version) : key(own_key), version(own_version) { ++count; }
  Living(const Living&) = delete;
  Living& operator=(const Living&) = delete;
  ~Living() {
    check(state == kAlive);
    state = 0;
    --count;
  }

  uint64_t state = kAlive;
  const uint64_t key;
  const uint64_t version;
  mutable std::atomic<int> told{0};
  static inline std::atomic<int64_t> count{0};
};
using Pointer = std::shared_ptr<const Living>;

template <class Work>
void in_threads(Work&& work) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("objects are whole and not older than what was stored, and end once") {
  failures = 0;
  REQUIRE(Living::count == 0);
  {
    ObjectStore store({.weight_max = kKeys / 2});
    std::atomic<uint64_t> told{0};
    const auto listener = [&](uint64_t key, const Pointer& object, Removal) {
      check(object->state == Living::kAlive && object->key == key && object->told++ == 0);
      ++told;
    };
    ObjectCache<uint64_t, Living> cache(store, {.listener = listener});
    // Another one, whose threads evict from the first.
    ObjectCache<uint64_t, Living> other(store);
    // By key, what its thread has stored or erased last.
    std::array<std::atomic<uint64_t>, kKeys> floor{};
    const uint64_t steps = 20'000 * rounds_of_this_run();
    in_threads([&](size_t thread) {
      Random random(seed_of_this_run() + thread);
      std::vector<Pointer> held(4);
      for (uint64_t step = 1; step <= steps; ++step) {
        const uint64_t key = random.below(kKeys);
        const uint64_t least = floor[key];
        Pointer found;
        // A thread stores its own keys alone, so that it knows which version is the last.
        const bool is_own = key % kThreads == thread;
        switch (random.below(is_own ? 8 : 4)) {
          default:
            found = cache.get(key);
            break;
          case 0:
            other.set(key, std::make_shared<const Living>(key, step));
            found = other.get(key);
            check(found == nullptr || found->key == key);
            continue;
          case 4:
            (void)cache.erase(key);
            check(cache.peek(key) == nullptr);
            floor[key] = step;
            continue;
          case 5:
          case 6:
            (void)cache.set(key, std::make_shared<const Living>(key, step));
            floor[key] = step;
            break;
          case 7:
            if (const Pointer before = cache.peek(key)) {
              const StoreResult result = cache.cas(key, before, std::make_shared<const Living>(key, step));
              check(result == StoreResult::kStored || result == StoreResult::kNotFound);
              if (result == StoreResult::kStored) floor[key] = step;
            }
            break;
        }
        if (found == nullptr) continue;
        check(found->state == Living::kAlive && found->key == key && found->version >= least);
        held[random.below(held.size())] = std::move(found);
        if (random.one_in(1'000)) cache.touch(key, Expiry::after(1ms));
        if (random.one_in(5'000)) other.clear();
      }
    });
    const ObjectStoreStats stats = store.stats();
    CHECK(stats.objects <= kKeys / 2);
    CHECK(stats.held_objects == 0);
    CHECK(Living::count == static_cast<int64_t>(stats.objects));
    const ObjectCacheStats counts = cache.stats();
    const uint64_t gone = counts.evictions + counts.expirations + counts.replacements + counts.erasures;
    CHECK(told == gone);
    uint64_t left = 0;
    cache.for_each([&](uint64_t, const Pointer&) { ++left; });
    CHECK(counts.stores - gone >= left);  // Those that have expired are not shown.
    other.clear();
    CHECK(store.stats().objects == counts.stores - gone);
  }
  CHECK(Living::count == 0);
  CHECK(failures == 0);
}

TEST_CASE("caches of a store come and go while others evict") {
  failures = 0;
  {
    ObjectStore store({.weight_max = 16});
    const uint64_t steps = 500 * rounds_of_this_run();
    in_threads([&](size_t thread) {
      for (uint64_t step = 0; step < steps; ++step) {
        std::atomic<uint64_t> told{0};
        const auto listener = [&](uint64_t, const Pointer& object, Removal) {
          check(object->state == Living::kAlive);
          ++told;
        };
        ObjectCache<uint64_t, Living> cache(store, {.listener = listener});
        for (uint64_t key = 0; key < 10; ++key) cache.set(key, std::make_shared<const Living>(key, thread));
        for (uint64_t key = 0; key < 10; ++key) {
          const Pointer found = cache.get(key);
          check(found == nullptr || (found->key == key && found->version == thread));
        }
      }
    });
    CHECK(store.stats().objects == 0);
  }
  CHECK(Living::count == 0);
  CHECK(failures == 0);
}

TEST_CASE("a load brings back nothing that was erased") {
  failures = 0;
  constexpr uint64_t kLoaded = 4;
  {
    // A source of versions. Writers raise one and then erase the key.
    std::array<std::atomic<uint64_t>, kLoaded> current{}, floor{};
    LoadingObjectCache<uint64_t, Living> cache(kLoaded);
    const uint64_t steps = 5'000 * rounds_of_this_run();
    in_threads([&](size_t thread) {
      Random random(seed_of_this_run() + thread);
      for (uint64_t step = 0; step < steps; ++step) {
        const uint64_t key = random.below(kLoaded);
        if (random.one_in(10)) {
          const uint64_t version = ++current[key];
          (void)cache.erase(key);
          uint64_t seen = floor[key];
          while (seen < version && !floor[key].compare_exchange_weak(seen, version)) {
          }
          continue;
        }
        const uint64_t least = floor[key];
        const bool fails = random.one_in(20);
        const absl::StatusOr<Pointer> found =
            cache.get_or_load(key, {.load_timeout = 24h}, [&](uint64_t asked) -> absl::StatusOr<Pointer> {
              const uint64_t version = current[asked];
              std::this_thread::yield();
              if (fails) return absl::UnavailableError("down");
              return std::make_shared<const Living>(asked, version);
            });
        if (!found.ok()) {
          check(absl::IsUnavailable(found.status()));
          continue;
        }
        check((*found)->state == Living::kAlive && (*found)->key == key && (*found)->version >= least);
      }
    });
    const LoadStats stats = cache.load_stats();
    CHECK(stats.loads > 0);
    CHECK(stats.timeouts == 0);
    for (uint64_t key = 0; key < kLoaded; ++key) {
      const Pointer left = cache.peek(key);
      if (left != nullptr) CHECK(left->version == current[key]);
    }
  }
  CHECK(Living::count == 0);
  CHECK(failures == 0);
}

}  // namespace
}  // namespace larder::model
