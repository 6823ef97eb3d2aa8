// LoadingCache against a simple oracle, and against what must hold however many threads load, erase and win at
// once.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/loading_cache.h"
#include "larder/renewal.h"
#include "larder/serving.h"
#include "model/random.h"

namespace larder::model {
namespace {

using namespace std::chrono_literals;
using Numbers = LoadingCache<uint64_t, uint64_t>;

// --- one thread --------------------------------------------------------------------------------------------

constexpr LoadOptions kOptions{.ttl = 100ms, .refresh_ahead = 20ms, .stale_grace = 200ms, .absent_ttl = 50ms};

// What is in the cache under a key, if it is not evicted.
struct Entry {
  std::optional<uint64_t> value;  // nothing: known to be absent
  int64_t fresh_until_ms = INT64_MAX;
  int64_t kept_until_ms = INT64_MAX;
  bool is_stale = false;
};

class Oracle {
 public:
  // What get_or_load answers at `now_ms` if a load answers `source`, and whether it loads.
  struct Answer {
    absl::StatusOr<uint64_t> outcome;
    bool has_loaded;
  };
  Answer get_or_load(uint64_t key, const absl::StatusOr<uint64_t>& source, int64_t now_ms) {
    const auto found = find(key, now_ms);
    const absl::StatusOr<uint64_t> none = absl::NotFoundError("");
    absl::StatusOr<uint64_t> old = none;
    if (found != entries.end()) {
      const Entry& entry = found->second;
      if (entry.value) old = *entry.value;
      const int64_t left_ms = entry.fresh_until_ms - now_ms;
      const bool is_due = entry.value && left_ms < kOptions.refresh_ahead.count();
      if (!entry.is_stale && left_ms > 0 && !is_due) return {old, false};
    }
    if (!source.ok() && !absl::IsNotFound(source.status())) {
      return {found != entries.end() ? old : source, true};
    }
    Entry made;
    if (source.ok()) made.value = *source;
    made.fresh_until_ms = now_ms + (source.ok() ? *kOptions.ttl : kOptions.absent_ttl).count();
    made.kept_until_ms = made.fresh_until_ms + kOptions.stale_grace.count();
    entries[key] = made;
    return {source, true};
  }

  // The value, if there is one: nobody but the loader knows of absences.
  Entry* value_of(uint64_t key, int64_t now_ms) {
    const auto found = find(key, now_ms);
    return found != entries.end() && found->second.value ? &found->second : nullptr;
  }

  void invalidate(uint64_t key, int64_t now_ms) {
    if (Entry* const entry = value_of(key, now_ms); entry != nullptr) {
      entry->is_stale = true;
    } else {
      entries.erase(key);
    }
  }

  std::map<uint64_t, Entry>::iterator find(uint64_t key, int64_t now_ms) {
    const auto found = entries.find(key);
    if (found == entries.end() || found->second.kept_until_ms > now_ms) return found;
    entries.erase(found);
    return entries.end();
  }

  std::map<uint64_t, Entry> entries;
};

TEST_CASE("random loads, failures, stores, removals and waits go as the oracle says") {
  Random random(seed_of_this_run());
  ManualClock clock;
  const std::unique_ptr<Cache> cache = *Cache::create({.clock = &clock, .seed = 1});
  Numbers numbers(*cache, "n:", 1);
  Oracle oracle;
  const uint64_t steps = 30'000 * rounds_of_this_run();
  for (uint64_t step = 0; step < steps; ++step) {
    const uint64_t key = random.below(8);
    const int64_t now_ms = clock.monotonic_ms();
    CAPTURE(step);
    switch (random.below(16)) {
      case 0:
        CHECK((numbers.erase(key) == EraseResult::kErased) == (oracle.value_of(key, now_ms) != nullptr));
        oracle.entries.erase(key);
        break;
      case 1:
        (void)numbers.invalidate(key);
        oracle.invalidate(key, now_ms);
        break;
      case 2:
        if (random.one_in(2)) {
          (void)numbers.set(key, step);
          oracle.entries[key] = {.value = step};
        } else {
          const auto ttl_ms = static_cast<int64_t>(1 + random.below(300));
          Entry* entry = oracle.value_of(key, now_ms);
          CHECK(numbers.touch(key, std::chrono::milliseconds(ttl_ms)) == (entry != nullptr));
          if (entry != nullptr) entry->fresh_until_ms = entry->kept_until_ms = now_ms + ttl_ms;
        }
        break;
      case 3:
        if (random.one_in(20)) {
          cache->flush_all();
          oracle.entries.clear();
        }
        break;
      case 4:
      case 5:
      case 6:
        clock.advance_ms(static_cast<int64_t>(random.below(60)));
        break;
      default: {
        absl::StatusOr<uint64_t> source = step;
        if (random.one_in(3)) source = absl::UnavailableError("down");
        if (random.one_in(5)) source = absl::NotFoundError("none");
        bool has_loaded = false;
        const absl::StatusOr<uint64_t> outcome = numbers.get_or_load(key, kOptions, [&](uint64_t asked) {
          CHECK(asked == key);
          has_loaded = true;
          return source;
        });
        const Oracle::Answer expected = oracle.get_or_load(key, source, now_ms);
        REQUIRE(has_loaded == expected.has_loaded);
        REQUIRE(outcome.status().code() == expected.outcome.status().code());
        if (outcome.ok()) REQUIRE(*outcome == *expected.outcome);
      }
    }
  }
  CHECK(assert_valid(*cache).ToString() == "OK");
}

// --- many threads ------------------------------------------------------------------------------------------

constexpr size_t kKeys = 4;
constexpr size_t kThreads = 4;
// However long a machine takes to let another thread go on.
constexpr auto kPatience = 24h;
constexpr LoadOptions kPatient{.load_timeout = kPatience};

// A source of versions, in front of which there is a cache. Writers raise a version and then erase the key.
class Versions {
 public:
  explicit Versions(size_t memory_limit_bytes)
      : cache(*Cache::create({.memory_limit_bytes = memory_limit_bytes, .item_bytes_max = 64 << 10})) {}

  void write(uint64_t key) {
    const uint64_t version = ++current[key];
    // Also ends a load of a key that is missing, which nobody is told of.
    (void)numbers.erase(key);
    ++removals;
    uint64_t seen = floor[key];
    while (seen < version && !floor[key].compare_exchange_weak(seen, version)) {
    }
  }

  // A caller of the loader. Whatever was written before it asks, it must see.
  void read(uint64_t key, bool fails) {
    const uint64_t least = floor[key];
    const absl::StatusOr<uint64_t> version =
        numbers.get_or_load(key, kPatient, [&](uint64_t) -> absl::StatusOr<uint64_t> {
          ++loads;
          if (fails) ++removals;
          if (fails) return absl::UnavailableError("down");
          return load(key);
        });
    if (version.ok()) check(*version >= least);
  }

  // The same for two keys at once.
  void read_both(uint64_t one, uint64_t other) {
    const std::array<uint64_t, 2> keys = {one, other}, least = {floor[one], floor[other]};
    const auto versions = numbers.get_or_load_multi(keys, kPatient, [&](std::span<const uint64_t> missing) {
      std::vector<std::optional<uint64_t>> loaded;
      for (const uint64_t key : missing) loaded.push_back(load(key));
      loads += missing.size();
      return loaded;
    });
    for (size_t i = 0; i < 2; ++i) {
      if (versions[i].ok()) check(*versions[i] >= least[i]);
    }
  }

  // A client of a server, that asks with meta commands.
  void read_elsewhere(uint64_t key, bool fails) {
    const std::string name = std::to_string(key);
    const uint64_t least = floor[key];
    bool has_won = false;
    uint64_t cas = 0;
    larder::read(*cache, name, {.vivify = SetOptions{.expiry = kPatience}}, [&](const Reading& reading) {
      has_won = reading.has_won;
      cas = reading.item.cas;
      if (!reading.item.is_won) check(*Codec<uint64_t>::decode(reading.item.value) >= least);
    });
    if (!has_won) return;
    ++loads;
    const uint64_t version = load(key);
    if (fails) {
      if (cache->erase(name, cas) == EraseResult::kErased) ++removals;
    } else {
      (void)cache->cas(name, Codec<uint64_t>::view(version), cas);
    }
  }

  void run(uint64_t seed, uint64_t steps, bool evicts) {
    std::vector<std::jthread> threads;
    for (size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([this, seed, steps, evicts, thread] {
        Random random(seed + thread);
        const std::string filling(2000, 'f');
        for (uint64_t step = 0; step < steps; ++step) {
          const uint64_t key = random.below(kKeys);
          switch (random.below(12)) {
            case 0:
              write(key);
              break;
            case 1:
              read_elsewhere(key, random.one_in(4));
              break;
            case 2:
              read_both(key, random.below(kKeys));
              break;
            default:
              read(key, random.one_in(8));
          }
          if (evicts) (void)cache->set("filling:" + std::to_string(random.below(10'000)), filling);
        }
      });
    }
  }

  const std::unique_ptr<Cache> cache;
  Numbers numbers{*cache};
  std::array<std::atomic<uint64_t>, kKeys> current{}, floor{};
  std::atomic<uint64_t> loads{0}, removals{0}, violations{0};

 private:
  uint64_t load(uint64_t key) {
    const uint64_t version = current[key];
    std::this_thread::yield();
    return version;
  }
  void check(bool holds) { violations += holds ? 0 : 1; }
};

TEST_CASE("however many ask, here or elsewhere, a key is loaded once each time it is removed") {
  Versions versions(size_t{64} << 20);
  versions.run(seed_of_this_run(), 3'000 * rounds_of_this_run(), false);
  CHECK(versions.violations == 0);
  CHECK(versions.loads > kKeys);
  CHECK(versions.loads <= kKeys + versions.removals);
  CHECK(versions.numbers.load_stats().timeouts == 0);
  CHECK(versions.cache->stats().evictions == 0);
  CHECK(assert_valid(*versions.cache).ToString() == "OK");
}

TEST_CASE("nobody is given what is older than the last removal, in a cache that evicts what is won, too") {
  Versions versions(kMemoryLimitBytesMin);
  versions.run(seed_of_this_run(), 3'000 * rounds_of_this_run(), true);
  CHECK(versions.violations == 0);
  CHECK(versions.cache->stats().evictions > 0);
  CHECK(versions.numbers.load_stats().timeouts == 0);
  CHECK(assert_valid(*versions.cache).ToString() == "OK");
}

}  // namespace
}  // namespace larder::model
