// What a loader leaves in a cache, the placeholder of a load that is under way and the mark of what there is not,
// was an item to all who knew nothing of it: an append became the whole value and the loaded one was dropped, touch
// made ten seconds of absence thirty minutes, add refused a row that had just been created, listeners heard of a
// replacement with every load, and walks and counts had them all.
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/loading_cache.h"
#include "larder/renewal.h"
#include "larder/serving.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kKey = "space:k";
constexpr LoadOptions kOptions{.ttl = 1h, .stale_grace = 1h, .absent_ttl = 10s};

// Remembers what it is told.
class Listener : public RemovalListener {
 public:
  void removed(const RemovedItem& item, Removal why) override {
    absl::StrAppend(&told, "told of ", std::string(item.key), "=", std::string(item.value), " ",
                    static_cast<int>(why), " ");
  }
  [[nodiscard]] bool wants_values() const override { return true; }

  std::string told;
};

std::string text(bool answer) { return answer ? "true" : "false"; }
std::string text(StoreResult result) { return std::string(to_string(result)); }
std::string text(EraseResult result) { return std::string(to_string(result)); }
std::string text(const CounterResult& result) {
  return absl::StrCat(std::string(to_string(result.status)), " ", result.value, " ");
}
std::string text(const std::optional<Item>& item) {
  if (!item) return "nothing";
  return absl::StrCat("'", item->value, "' ", item->flags, " ", item->ttl_ms, item->is_stale ? " stale" : "",
                      item->is_won ? " won" : "");
}

// A way to use a cache, and what it answers.
struct Operation {
  const char* name;
  std::function<std::string(Cache& cache)> run;
  // Whether it makes a value that was being loaded, or an absence, one of the past.
  bool is_change = false;
};

Operation reading(const char* name, const ReadOptions& options) {
  return {name, [options](Cache& cache) {
            std::string seen;
            read(cache, kKey, options, [&](const Reading& reading) { seen = reading.item.value; });
            return seen;
          }};
}

Operation storing(const char* name, const StoreOptions& options, bool is_change) {
  return {name, [options](Cache& cache) { return text(cache.store(kKey, "7", options).result); }, is_change};
}

Operation counting(const char* name, const CounterOptions& options, bool is_change) {
  return {name,
          [options](Cache& cache) {
            const std::string up = text(cache.incr(kKey, 1, options));
            return up + text(cache.decr(kKey, 1, options));
          },
          is_change};
}

Operation updating(const char* name, const Update& update, bool is_change) {
  return {name,
          [update](Cache& cache) {
            bool is_there = false;
            const UpdateOutcome outcome = cache.update(kKey, [&](const ItemView* item) {
              is_there = item != nullptr;
              return update;
            });
            return absl::StrCat(text(is_there), static_cast<int>(outcome.status));
          },
          is_change};
}

const Operation kOperations[] = {
    {"get", [](Cache& cache) { return text(cache.get(kKey)); }},
    {"get into a string",
     [](Cache& cache) {
       std::string value;
       return text(cache.get(kKey, value));
     }},
    {"visit", [](Cache& cache) { return text(cache.visit(kKey, [](const ItemView&) {})); }},
    {"peek", [](Cache& cache) { return text(cache.peek(kKey)); }},
    {"contains", [](Cache& cache) { return text(cache.contains(kKey)); }},
    {"inspect", [](Cache& cache) { return text(inspect(cache, kKey).has_value()); }},
    {"presence", [](Cache& cache) { return text(presence(cache, kKey) == Presence::kMissing); }},
    {"hold", [](Cache& cache) { return text(static_cast<bool>(cache.hold(kKey))); }},
    {"get_multi", [](Cache& cache) { return text(cache.get_multi(std::array{kKey})[0]); }},
    reading("read", {}),
    reading("read that may win", {.recache = 3h}),
    reading("read with an expiry", {.expiry = 5min}),
    reading("read with history", {.wants_history = true}),
    reading("read without a trace", {.marks_used = false}),
    {"touch", [](Cache& cache) { return text(cache.touch(kKey, 5min)); }},
    {"touch with a past expiry", [](Cache& cache) { return text(cache.touch(kKey, -1s)); }},
    {"get_and_touch", [](Cache& cache) { return text(cache.get_and_touch(kKey, 5min)); }},
    storing("set", {}, true),
    storing("set with a past expiry", {.item = {.expiry = -1s}}, true),
    storing("add", {.mode = StoreMode::kAdd}, true),
    storing("replace", {.mode = StoreMode::kReplace}, false),
    storing("append", {.mode = StoreMode::kAppend}, false),
    storing("prepend", {.mode = StoreMode::kPrepend}, false),
    storing("append that creates", {.mode = StoreMode::kAppend, .vivify = Expiry::after(5min)}, true),
    storing("cas", {.expected = 1}, false),
    storing("late cas", {.expected = 1, .takes_older = true}, false),
    {"set_multi",
     [](Cache& cache) {
       const SetEntry entry{.key = kKey, .value = "7"};
       return text(cache.set_multi(std::span(&entry, 1))[0]);
     },
     true},
    counting("incr and decr", {}, false),
    counting("incr and decr that create", {.initial = 3}, true),
    updating("update that leaves it", Update::leave(), false),
    updating("update that erases it", Update::erase(), true),
    updating("update that stores", Update::store("7"), true),
    {"erase", [](Cache& cache) { return text(cache.erase(kKey)); }, true},
    {"erase with a number", [](Cache& cache) { return text(cache.erase(kKey, 1)); }},
    {"erase_multi", [](Cache& cache) { return absl::StrCat(cache.erase_multi(std::array{kKey})); }, true},
    {"reject", [](Cache& cache) { return text(reject(cache, kKey, {}, StoreResult::kTooLarge)); }, true},
    {"invalidate", [](Cache& cache) { return text(invalidate(cache, kKey)); }, true},
    {"empty", [](Cache& cache) { return text(invalidate(cache, kKey, {.is_stale = false, .is_empty = true})); },
     true},
    {"erase_if", [](Cache& cache) { return absl::StrCat(cache.erase_if([](const ItemView&) { return true; })); }},
    {"erase_prefix", [](Cache& cache) { return absl::StrCat(erase_prefix(cache, "spa")); }, true},
    {"flush_namespace", [](Cache& cache) { return text(cache.flush_namespace("space:")); }, true},
    {"for_each",
     [](Cache& cache) {
       int items = 0;
       cache.for_each([&](const ItemView&) { return ++items > 0; });
       return absl::StrCat(items);
     }},
    {"scan",
     [](Cache& cache) {
       ScanCursor cursor;
       int items = 0;
       while (scan(cache, cursor, 1, [&](const ItemInfo&) { ++items; })) {
       }
       return absl::StrCat(items);
     }},
};

// A cache that is used in one way, and what can be seen of that.
class Trial {
 public:
  // All counters, and the gauges that tell of items.
  [[nodiscard]] std::vector<uint64_t> numbers() const {
    std::vector<uint64_t> all;
    const auto add = [&](const Stats& s) {
      all.insert(
          all.end(),
          {s.get_hits,          s.get_misses,   s.get_expired, s.get_flushed,     s.get_evicted,     s.vivified,
           s.touch_hits,        s.touch_misses, s.stores,      s.store_too_large, s.store_no_memory, s.cas_hits,
           s.cas_misses,        s.cas_badval,   s.incr_hits,   s.incr_misses,     s.decr_hits,       s.decr_misses,
           s.erase_hits,        s.erase_misses, s.flushes,     s.items_stored,    s.evictions,       s.expired,
           s.expired_unfetched, s.items});
    };
    add(cache->stats());
    for (const NamespaceStats& of : namespace_stats(*cache)) add(of.stats);
    return all;
  }

  [[nodiscard]] std::string outcome_of(const Operation& operation) {
    CHECK(cache->stats().items == 0);
    CHECK(cache->stats().item_bytes == 0);
    reset_stats(*cache);
    listener.told.clear();
    const std::string answer = operation.run(*cache);
    const std::string counts = absl::StrJoin(numbers(), " ");
    CHECK((cache->stats().item_bytes > 0) == (cache->stats().items > 0));
    CHECK(assert_valid(*cache).ToString() == "OK");
    return absl::StrCat(answer, "; then ", text(cache->peek(kKey)), "; ", listener.told, "; ", counts);
  }

  [[nodiscard]] bool is_absence_known() {
    bool has_loaded = false;
    const auto load = [&](std::string_view) {
      has_loaded = true;
      return "loaded";
    };
    const bool is_absent = absl::IsNotFound(loading.get_or_load(kKey, kOptions, load).status());
    CHECK((is_absent || has_loaded || cache->contains(kKey)));
    return is_absent;
  }

  ManualClock clock;
  Listener listener;
  const std::unique_ptr<Cache> cache = *Cache::create(
      {.clock = &clock, .seed = 1, .removal_listener = &listener, .namespaces = {{.prefix = "space:"}}});
  LoadingCache<> loading{*cache};
};

absl::StatusOr<std::string> find_nothing(std::string_view) { return absl::NotFoundError("no row"); }

TEST_CASE("to all who do not load, a key is missing while it is loaded") {
  for (const Operation& operation : kOperations) {
    CAPTURE(operation.name);
    Trial missing, trial;
    std::string outcome;
    const auto load = [&](std::string_view) {
      outcome = trial.outcome_of(operation);
      return "loaded";
    };
    CHECK(*trial.loading.get_or_load(kKey, kOptions, load) == "loaded");
    CHECK(outcome == missing.outcome_of(operation));
    // What happened meanwhile is not undone.
    const std::string value = missing.cache->contains(kKey) ? missing.cache->peek(kKey)->value : "loaded";
    const bool is_stored = operation.is_change ? missing.cache->contains(kKey) : true;
    CHECK(trial.cache->contains(kKey) == is_stored);
    if (is_stored) CHECK(trial.cache->peek(kKey)->value == value);
    CHECK(trial.loading.load_stats().not_stored == (operation.is_change ? 1 : 0));
    CHECK(trial.listener.told == missing.listener.told);
    CHECK(assert_valid(*trial.cache).ToString() == "OK");
  }
}

TEST_CASE("to all who do not load, a key that is known to be absent is missing") {
  for (const Operation& operation : kOperations) {
    CAPTURE(operation.name);
    Trial missing, trial;
    CHECK(absl::IsNotFound(trial.loading.get_or_load(kKey, kOptions, find_nothing).status()));
    CHECK(trial.outcome_of(operation) == missing.outcome_of(operation));
    CHECK(trial.is_absence_known() == !operation.is_change);
  }
}

TEST_CASE("no operation changes how long an absence is known") {
  for (const Operation& operation : kOperations) {
    if (operation.is_change) continue;
    CAPTURE(operation.name);
    Trial trial;
    constexpr LoadOptions kNoGrace{.absent_ttl = 10s};
    CHECK(absl::IsNotFound(trial.loading.get_or_load(kKey, kNoGrace, find_nothing).status()));
    (void)trial.outcome_of(operation);
    trial.clock.advance_ms(9'999);
    CHECK(absl::IsNotFound(trial.loading.get_or_load(kKey, kNoGrace, [](auto) { return "loaded"; }).status()));
    trial.clock.advance_ms(1);
    CHECK(*trial.loading.get_or_load(kKey, kNoGrace, [](auto) { return "loaded"; }) == "loaded");
  }
}

TEST_CASE("a listener hears nothing of loads, but of the values that they bring") {
  Trial trial;
  const auto load = [&](std::string_view value) {
    (void)trial.loading.get_or_load(kKey, kOptions, [&](std::string_view) { return std::string(value); });
  };
  load("one");
  CHECK(trial.listener.told.empty());
  trial.clock.advance_ms(3'600'000);
  load("two");
  CHECK(trial.listener.told == "told of space:k=one 2 ");
  // Gone from where the values come from: the old one has been erased, not replaced by another.
  trial.listener.told.clear();
  trial.clock.advance_ms(3'600'000);
  (void)trial.loading.get_or_load(kKey, kOptions, find_nothing);
  CHECK(trial.listener.told == "told of space:k=two 3 ");
  // And nothing of what has expired, or is flushed.
  trial.listener.told.clear();
  trial.clock.advance_ms(2 * 3'600'000);
  CHECK_FALSE(trial.cache->contains(kKey));
  (void)trial.loading.get_or_load(kKey, kOptions, find_nothing);
  trial.cache->flush_all();
  while (trial.cache->maintain()) {
  }
  CHECK_FALSE(trial.cache->get(kKey));
  CHECK(trial.listener.told.empty());
  CHECK(trial.cache->stats().expired == 0);
  CHECK(assert_valid(*trial.cache).ToString() == "OK");
}

TEST_CASE("a reader who would renew sees that a load is under way, and for how long it may be waited for") {
  Trial trial;
  const ReadOptions renewing{.expiry = 5min, .vivify = SetOptions{.expiry = 30s}, .recache = 3h};
  const auto load = [&](std::string_view) {
    int shown = 0;
    trial.clock.advance_ms(1'000);
    CHECK(read(*trial.cache, kKey, renewing, [&](const Reading& reading) {
      ++shown;
      CHECK_FALSE(reading.has_won);
      CHECK_FALSE(reading.is_created);
      CHECK(reading.item.is_won);
      CHECK(reading.item.value.empty());
      CHECK(reading.item.flags == 0);
      CHECK(reading.item.ttl_ms == 29'000);
      CHECK(reading.previous_ttl_ms == 29'000);
      // All that it can be used for is to be compared with.
      CHECK(trial.cache->cas(kKey, "7", reading.item.cas) == StoreResult::kNotFound);
      CHECK(trial.cache->erase(kKey, reading.item.cas) == EraseResult::kNotFound);
    }));
    CHECK(shown == 1);
    return "loaded";
  };
  CHECK(*trial.loading.get_or_load(kKey, kOptions, load) == "loaded");
  CHECK(trial.cache->peek(kKey)->value == "loaded");
}

TEST_CASE(
    "a reader who would renew wins what is known to be absent, or a load that is late, as if it were missing") {
  for (const bool is_load : {true, false}) {
    Trial trial;
    const auto read = [&] {
      CHECK(larder::read(*trial.cache, kKey, {.vivify = SetOptions{.flags = 5, .expiry = 30s}}, [](const Reading& reading) {
        CHECK(reading.has_won);
        CHECK(reading.is_created);
      }));
    };
    const auto load = [&](std::string_view key) -> absl::StatusOr<std::string> {
      if (!is_load) return find_nothing(key);
      trial.clock.advance_ms(30'000);
      read();
      return "loaded";
    };
    (void)trial.loading.get_or_load(kKey, kOptions, load);
    if (!is_load) read();
    // As with memcached, it is an item.
    CHECK(text(trial.cache->get(kKey)) == "'' 5 30000 won");
    CHECK(trial.cache->stats().items == 1);
  }
}

TEST_CASE("absences of a limited namespace stay within its limit, and make room for its items") {
  ManualClock clock;
  constexpr size_t kLimit = 100'000;
  const std::unique_ptr<Cache> cache =
      *Cache::create({.item_bytes_max = 10'000,
                      .clock = &clock,
                      .seed = 1,
                      .namespaces = {{.prefix = "space:", .item_bytes_limit = kLimit}}});
  LoadingCache<int, std::string> loading(*cache, "space:");
  const uint64_t live_bytes = cache->stats().live_bytes;
  for (int i = 0; i < 20'000; ++i) {
    (void)loading.get_or_load(i, {.absent_ttl = 1h}, [](int) { return std::optional<std::string>(); });
  }
  CHECK(cache->stats().items == 0);
  CHECK(cache->stats().evictions == 0);
  CHECK(cache->stats().live_bytes - live_bytes <= kLimit);
  CHECK(assert_valid(*cache).ToString() == "OK");
  CHECK(cache->set("space:k", std::string(10'000, 'v')) == StoreResult::kStored);
  CHECK(cache->contains("space:k"));
  CHECK(assert_valid(*cache).ToString() == "OK");
}

}  // namespace
}  // namespace larder
