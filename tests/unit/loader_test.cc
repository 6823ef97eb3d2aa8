// Loader, over bytes: what is particular to it; what it does for typed callers is in loading_cache_test.cc.
#include "larder/loader.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "larder/renewal.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

std::string loaded(std::string_view value) { return std::string("loaded ").append(value); }

// Loads `value`, and tells what was shown or loaded.
std::string get_or_load(Loader& loader, std::string_view key, const LoadOptions& options, std::string_view value) {
  std::string got;
  const auto load = [&](std::span<const size_t> wanted, Loader::Deliver deliver) {
    CHECK(std::vector<size_t>(wanted.begin(), wanted.end()) == std::vector<size_t>{0});
    got = loaded(value);
    deliver(0, value);
    return absl::OkStatus();
  };
  const auto show = [&](size_t, std::string_view bytes) {
    got = bytes;
    return true;
  };
  const absl::Status status = loader.get_or_load(key, options, load, show);
  return status.ok() ? got : std::string(status.message());
}

TEST_CASE("what is delivered is stored, and shown to the next caller") {
  TestCache cache;
  Loader loader(*cache, 1, true);
  CHECK(get_or_load(loader, "k", {}, "v") == "loaded v");
  CHECK(get_or_load(loader, "k", {}, "w") == "v");
  CHECK(cache->peek("k")->is_key_binary);
  CHECK_FALSE(cache->peek("k")->is_won);
}

TEST_CASE("the longest key and the longest value are loaded, the next longer are not kept") {
  TestCache cache;
  Loader loader(*cache, 1);
  const std::string key(kKeyBytesMax, 'k'), value(kItemBytesMax, 'v');
  CHECK(get_or_load(loader, key, {}, value) == loaded(value));
  CHECK(get_or_load(loader, key, {}, "w") == value);
  CHECK(get_or_load(loader, key + 'k', {}, "w").find("kKeyBytesMax") != std::string::npos);
  CHECK(get_or_load(loader, "", {}, "w").find("kKeyBytesMax") != std::string::npos);
  CHECK(get_or_load(loader, "k", {}, value + 'v') == loaded(value + 'v'));
  CHECK_FALSE(cache->contains("k"));
  CHECK(loader.stats().not_stored == 1);
}

TEST_CASE("a value that is too large takes the place of none that is older") {
  TestCache cache;
  Loader loader(*cache, 1);
  const LoadOptions options{.ttl = 10s, .stale_grace = 10s};
  (void)get_or_load(loader, "k", options, "v");
  cache.clock.advance_ms(10'000);
  const std::string value(kItemBytesMax + 1, 'v');
  CHECK(get_or_load(loader, "k", options, value) == loaded(value));
  CHECK_FALSE(cache->contains("k"));
}

TEST_CASE("keys that a load leaves out fail, and what was not wanted is not taken") {
  TestCache cache;
  Loader loader(*cache, 1);
  (void)cache->set("b", "there");
  const std::vector<std::string_view> keys = {"a", "b", "c"};
  std::vector<std::string> shown(3);
  const auto load = [](std::span<const size_t> wanted, Loader::Deliver deliver) {
    CHECK(wanted.size() == 2);
    for (const size_t index : {size_t{1}, size_t{2}, size_t{3}}) deliver(index, "loaded");
    deliver(2, "twice");
    return absl::OkStatus();
  };
  const auto show = [&](size_t index, std::string_view bytes) {
    shown[index] = bytes;
    return true;
  };
  const std::vector<absl::Status> statuses = loader.get_or_load_multi(keys, {}, load, show);
  CHECK(absl::IsInternal(statuses[0]));
  CHECK(statuses[1].ok());
  CHECK(statuses[2].ok());
  CHECK(shown[1] == "there");
  CHECK_FALSE(cache->contains("a"));
  CHECK(cache.value("b") == "there");
  CHECK(cache.value("c") == "loaded");
}

TEST_CASE("jitter takes up to its share off a ttl, as the seed has it") {
  const auto ttls = [](uint64_t seed, double jitter) {
    TestCache cache;
    Loader loader(*cache, seed);
    std::vector<int64_t> found;
    for (int i = 0; i < 100; ++i) {
      const std::string key = std::to_string(i);
      (void)get_or_load(loader, key, {.ttl = 1000s, .ttl_jitter = jitter, .stale_grace = 10s}, "v");
      found.push_back(cache->peek(key)->ttl_ms);
    }
    return found;
  };
  const std::vector<int64_t> some = ttls(1, 0.2);
  CHECK(some == ttls(1, 0.2));
  CHECK(some != ttls(2, 0.2));
  for (const int64_t ttl : some) CHECK((ttl > 810'000 && ttl <= 1'010'000));
  CHECK(std::set<int64_t>(some.begin(), some.end()).size() > 90);
  for (const int64_t ttl : ttls(1, 0)) CHECK(ttl == 1'010'000);
  for (const int64_t ttl : ttls(1, 7)) CHECK((ttl > 10'000 && ttl <= 1'010'000));
  for (const int64_t ttl : ttls(1, -1)) CHECK(ttl == 1'010'000);
  for (const int64_t ttl : ttls(1, std::numeric_limits<double>::quiet_NaN())) CHECK(ttl == 1'010'000);
}

TEST_CASE("durations out of range are taken for the nearest that is in it") {
  TestCache cache;
  Loader loader(*cache, 1);
  constexpr auto kLongest = std::chrono::milliseconds::max();
  const LoadOptions longest{.ttl = kLongest,
                            .ttl_jitter = 1,
                            .refresh_ahead = kLongest,
                            .stale_grace = kLongest,
                            .absent_ttl = kLongest,
                            .load_timeout = kLongest};
  CHECK(get_or_load(loader, "k", longest, "v") == "loaded v");
  CHECK(cache->peek("k")->ttl_ms == kNeverExpires);
  CHECK(get_or_load(loader, "k", longest, "w") == "v");
  constexpr auto kLeast = std::chrono::milliseconds::min();
  const LoadOptions least{
      .ttl = kLeast, .refresh_ahead = kLeast, .stale_grace = kLeast, .absent_ttl = kLeast, .load_timeout = kLeast};
  CHECK(get_or_load(loader, "k", least, "w") == "v");
  CHECK(get_or_load(loader, "l", least, "w") == "loaded w");
  CHECK_FALSE(cache->contains("l"));
}

TEST_CASE("a cache without CAS numbers is loaded into all the same") {
  TestCache cache(Options{.memory_limit_bytes = size_t{8} << 20, .cas = false, .seed = 1});
  Loader loader(*cache, 1);
  const LoadOptions options{.ttl = 10s, .refresh_ahead = 5s};
  CHECK(get_or_load(loader, "k", options, "v") == "loaded v");
  CHECK(get_or_load(loader, "k", options, "w") == "v");
  cache.clock.advance_ms(6'000);
  CHECK(get_or_load(loader, "k", options, "w") == "loaded w");
  const auto fail = [](auto, auto) { return absl::UnavailableError("down"); };
  CHECK_FALSE(loader.get_or_load("l", options, fail, [](auto...) { return true; }).ok());
  CHECK_FALSE(cache->contains("l"));
}

TEST_CASE("a full cache that evicts nothing is loaded past") {
  TestCache cache(
      Options{.memory_limit_bytes = kMemoryLimitBytesMin, .item_bytes_max = 64 << 10, .eviction = false});
  Loader loader(*cache, 1);
  const std::string value(1000, 'v');
  for (int i = 0; cache->set(std::to_string(i), value) == StoreResult::kStored; ++i) {
  }
  for (int i = 0; cache->set(std::to_string(-1 - i), "") == StoreResult::kStored; ++i) {
  }
  const uint64_t vivified = cache->stats().vivified;
  CHECK(get_or_load(loader, "k", {}, value) == loaded(value));
  CHECK(cache->stats().vivified == vivified);
  CHECK_FALSE(cache->contains("k"));
  CHECK(loader.stats().not_stored == 1);
  // An old value must not outlive one that finds no room, nor be lost because there is none to note the win.
  CHECK(invalidate(*cache, "0") == EraseResult::kErased);
  CHECK(get_or_load(loader, "0", {}, "w") == "loaded w");
}

TEST_CASE("who comes after an erasure is not given what a leader had found before it") {
  TestCache cache;
  Loader loader(*cache, 1);
  (void)cache->set("k", "old");
  CHECK(invalidate(*cache, "k") == EraseResult::kErased);
  std::optional<std::jthread> other;
  std::string seen;
  int shown = 0;
  const auto show = [&](size_t, std::string_view bytes) {
    seen = bytes;
    if (++shown == 1) (void)cache->set("k", "new");
    if (shown == 2) {
      // It leads, and has found the new value.
      CHECK(cache->erase("k") == EraseResult::kErased);
      other.emplace([&] { CHECK(get_or_load(loader, "k", {.load_timeout = 24h}, "newest") == "loaded newest"); });
      while (loader.stats().waits == 0) std::this_thread::yield();
    }
    return true;
  };
  const auto load = [](auto...) { return absl::InternalError("not needed"); };
  CHECK(loader.get_or_load("k", {}, load, show).ok());
  other.reset();
  CHECK(seen == "new");
  CHECK(cache.value("k") == "newest");
}

TEST_CASE("a load that shows an exception of the caller's own lands all the same") {
  TestCache cache;
  Loader loader(*cache, 1);
  (void)cache->set("a", "v");
  CHECK(invalidate(*cache, "a") == EraseResult::kErased);
  int shown = 0;
  const auto load = [](auto, Loader::Deliver deliver) {
    deliver(0, "w");
    return absl::OkStatus();
  };
  // The second time it is shown, it has been won.
  CHECK_THROWS_AS((void)loader.get_or_load("a", {}, load,
                                           [&](auto...) {
                                             if (++shown == 2) throw 1;
                                             return true;
                                           }),
                  int);
  CHECK(get_or_load(loader, "a", {.load_timeout = 20ms}, "w") == "loaded w");
}

}  // namespace
}  // namespace larder
