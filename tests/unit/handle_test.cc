#include "larder/handle.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/internal/base/page_size.h"
#include "larder/renewal.h"
#include "larder/serving.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

// In a TestCache a segment has 64 KiB; longer than a quarter of it is a large item.
constexpr size_t kSegmentBytes = size_t{64} << 10;
constexpr size_t kLengths[] = {0, 100, 12'000, 200'000};

// Which tells one value from others of its length, wherever one looks.
std::string make_value(size_t bytes, char seed) {
  std::string value(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) value[i] = static_cast<char>(seed + i * 31 % 101);
  return value;
}

// More than fits.
void store_others(TestCache& cache) {
  const std::string value(10'000, 'o');
  int stored = 0;
  for (int i = 0; i < 1000; ++i) {
    if (cache->set("other" + std::to_string(i), value) == StoreResult::kStored) ++stored;
  }
  CHECK(stored == 1000);
}

Options options(std::optional<size_t> pinned_bytes_max) {
  return {.memory_limit_bytes = size_t{8} << 20,
          .item_bytes_max = kItemBytesMax,
          .pinned_bytes_max = pinned_bytes_max,
          .seed = 1};
}

static_assert(!std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle>);
static_assert(std::is_nothrow_move_constructible_v<Handle> && std::is_nothrow_move_assignable_v<Handle>);

TEST_CASE("a handle shows the item and what is stored with it, and counts as a get") {
  TestCache cache;
  (void)cache->set("key", "value", {.flags = 7, .expiry = 10s, .is_key_binary = true});
  cache.clock.advance_ms(1000);
  const Handle handle = cache->hold("key");
  REQUIRE(handle);
  CHECK(handle->key == "key");
  CHECK((*handle).value == "value");
  CHECK(handle->flags == 7);
  CHECK(handle->cas == cache->peek("key")->cas);
  CHECK(handle->ttl_ms == 9000);
  CHECK(handle->is_key_binary);
  CHECK_FALSE(handle->is_stale);
  CHECK_FALSE(handle.is_copy());
  CHECK(cache->stats().get_hits == 1);
  CHECK(inspect(*cache, "key")->frequency == 1);
  (void)invalidate(*cache, "key");
  CHECK(cache->hold("key")->is_stale);
}

TEST_CASE("a handle to nothing is empty") {
  TestCache cache;
  const Handle missing = cache->hold("key");
  CHECK_FALSE(missing);
  CHECK(missing->key.empty());
  CHECK(cache->stats().get_misses == 1);
  CHECK_FALSE(cache->hold(""));
  CHECK_FALSE(cache->hold(std::string(kKeyBytesMax + 1, 'k')));
  (void)cache->set("key", "value", {.expiry = 1s});
  cache.clock.advance_ms(1000);
  CHECK_FALSE(cache->hold("key"));
  CHECK_FALSE(Handle());
  CHECK(cache->stats().handles == 0);
}

TEST_CASE("what a handle shows stays as it was, whatever becomes of the item") {
  const std::function<void(TestCache&, size_t)> fates[] = {
      [](TestCache& cache, size_t bytes) { (void)cache->set("key", make_value(bytes, 'n')); },
      [](TestCache& cache, size_t bytes) { (void)cache->set("key", make_value(bytes / 2, 'n')); },
      [](TestCache& cache, size_t) { (void)cache->append("key", "more"); },
      [](TestCache& cache, size_t) { (void)cache->touch("key", 5s); },
      [](TestCache& cache, size_t) { (void)invalidate(*cache, "key", {.is_stale = true, .is_empty = true}); },
      [](TestCache& cache, size_t) { read(*cache, "key", {.recache = 1h, .wants_history = true}, [](auto&&) {}); },
      [](TestCache& cache, size_t) { CHECK(cache->erase("key") == EraseResult::kErased); },
      [](TestCache& cache, size_t) { cache->flush_all(); },
      [](TestCache& cache, size_t) {
        cache.clock.advance_ms(60'000);
        CHECK_FALSE(cache->get("key"));
      },
      [](TestCache& cache, size_t) { (void)cache->set_memory_limit(memory_limit_bytes_min(*cache)); },
      [](TestCache&, size_t) {},
  };
  for (const size_t bytes : kLengths) {
    for (const auto& fate : fates) {
      TestCache cache;
      const std::string value = make_value(bytes, 'v');
      REQUIRE(cache->set("key", value, {.flags = 1, .expiry = 1min}) == StoreResult::kStored);
      const Handle handle = cache->hold("key");
      REQUIRE(handle);
      fate(cache, bytes);
      CHECK((handle->value == value));
      store_others(cache);
      CHECK(cache->stats().evictions > 0);
      CHECK(handle->key == "key");
      CHECK((handle->value == value));
      CHECK(assert_valid(*cache).ToString() == "OK");
    }
  }
}

TEST_CASE("while it is held an item is overwritten elsewhere, and in place before and after") {
  for (const size_t bytes : {size_t{100}, size_t{12'000}, size_t{200'000}}) {
    TestCache cache;
    (void)cache->set("key", make_value(bytes, 'a'));
    const char* const first = cache->hold("key")->value.data();
    (void)cache->set("key", make_value(bytes, 'b'));
    Handle handle = cache->hold("key");
    CHECK(handle->value.data() == first);
    (void)cache->set("key", make_value(bytes, 'c'));
    CHECK(cache->hold("key")->value.data() != first);
    CHECK((handle->value == make_value(bytes, 'b')));
    handle.release();
    const char* const second = cache->hold("key")->value.data();
    (void)cache->set("key", make_value(bytes, 'd'));
    CHECK(cache->hold("key")->value.data() == second);
  }
}

TEST_CASE("what is pinned is counted: a segment once, a large item by its pages") {
  TestCache cache;
  REQUIRE(cache->stats().segment_bytes == kSegmentBytes);
  (void)cache->set("a", "1");
  (void)cache->set("b", "2");
  (void)cache->set("large", std::string(200'000, 'l'));
  CHECK(cache->stats().pinned_bytes == 0);
  Handle a = cache->hold("a");
  Handle b = cache->hold("b");
  Handle again = cache->hold("b");
  CHECK(cache->stats().handles == 3);
  CHECK(cache->stats().pinned_bytes == kSegmentBytes);
  Handle large = cache->hold("large");
  CHECK(cache->stats().handles == 4);
  const size_t page_bytes = internal::os_page_bytes();
  CHECK(cache->stats().pinned_bytes == kSegmentBytes + (200'000 / page_bytes + 1) * page_bytes);
  a.release();
  b.release();
  b.release();
  large.release();
  CHECK_FALSE(large);
  CHECK(cache->stats().handles == 1);
  CHECK(cache->stats().pinned_bytes == kSegmentBytes);
  again.release();
  CHECK(cache->stats().handles == 0);
  CHECK(cache->stats().pinned_bytes == 0);
  CHECK(cache->stats().handles_copied == 0);
}

TEST_CASE("moving a handle moves what it holds, and assigning lets go of what it held") {
  TestCache cache;
  (void)cache->set("a", "1");
  (void)cache->set("large", std::string(200'000, 'l'));
  Handle a = cache->hold("a");
  Handle moved(std::move(a));
  CHECK_FALSE(a);  // NOLINT: what is moved from is empty
  CHECK(moved->value == "1");
  Handle large = cache->hold("large");
  CHECK(cache->stats().handles == 2);
  moved = std::move(large);
  CHECK(moved->value.size() == 200'000);
  CHECK(cache->stats().handles == 1);
  Handle& self = moved;
  moved = std::move(self);
  CHECK(moved->value.size() == 200'000);
  moved = Handle();
  CHECK(cache->stats().handles == 0);
}

TEST_CASE("beyond the bound, and not before, a handle has a copy, which is counted") {
  for (const size_t pinned_bytes_max : {size_t{0}, kSegmentBytes - 1, kSegmentBytes, 3 * kSegmentBytes - 1}) {
    TestCache cache(options(pinned_bytes_max));
    std::vector<std::string> keys;
    std::vector<Handle> handles;
    uint32_t segment = 0;
    for (char c = 'a'; handles.size() < 5; ++c) {
      const std::string key(1, c);
      (void)cache->set(key, make_value(10'000, c));
      if (std::exchange(segment, inspect(*cache, key)->segment) == segment) continue;
      keys.push_back(key);
      handles.push_back(cache->hold(key));
    }
    const size_t held_max = pinned_bytes_max / kSegmentBytes;
    for (size_t i = 0; i < handles.size(); ++i) {
      CHECK(handles[i].is_copy() == (i >= held_max));
      (void)cache->erase(keys[i]);
      CHECK((handles[i]->value == make_value(10'000, keys[i].front())));
      CHECK(handles[i]->key == keys[i]);
    }
    const Stats stats = cache->stats();
    CHECK(stats.handles == held_max);
    CHECK(stats.pinned_bytes == held_max * kSegmentBytes);
    CHECK(stats.handles_copied == 5 - held_max);
    CHECK(stats.handle_bytes == (5 - held_max) * 10'001);
    handles.clear();
    CHECK(cache->stats().handle_bytes == 0);
    CHECK(cache->stats().pinned_bytes == 0);
  }
}

TEST_CASE("by default an eighth of the limit may be pinned, and never more than half of it") {
  for (const std::optional<size_t> given : {std::optional<size_t>(), std::optional<size_t>(size_t{4} << 20)}) {
    TestCache cache(options(given));
    std::vector<Handle> handles;
    const auto fill = [&](size_t bytes_max) {
      for (int i = 0; cache->stats().handles_copied == 0; ++i) {
        const std::string key = "large" + std::to_string(i);
        CHECK(cache->set(key, std::string(200'000, 'l')) == StoreResult::kStored);
        handles.push_back(cache->hold(key));
      }
      CHECK(cache->stats().pinned_bytes <= bytes_max);
      CHECK(cache->stats().pinned_bytes > bytes_max - 210'000);
      handles.clear();
      reset_stats(*cache);
    };
    fill(given.value_or(size_t{1} << 20));
    REQUIRE(cache->set_memory_limit(size_t{6} << 20).ok());
    fill(given ? size_t{3} << 20 : (size_t{6} << 20) / 8);
  }
}

TEST_CASE("with as much pinned as may be, large or small, the cache takes every store and keeps its limit") {
  for (const size_t bytes : {size_t{500}, size_t{20'000}, size_t{200'000}}) {
    TestCache cache(options(size_t{4} << 20));
    std::vector<Handle> handles;
    for (int i = 0; cache->stats().handles_copied == 0; ++i) {
      const std::string key = "held" + std::to_string(i);
      REQUIRE(cache->set(key, make_value(bytes, static_cast<char>(i))) == StoreResult::kStored);
      handles.push_back(cache->hold(key));
    }
    CHECK(cache->stats().pinned_bytes > (size_t{3} << 20));
    for (int round = 0; round < 3; ++round) {
      store_others(cache);
      CHECK(cache->set("largest", std::string(kItemBytesMax, 'l')) == StoreResult::kStored);
      const Stats stats = cache->stats();
      CHECK(stats.memory_used_bytes <= stats.memory_limit_bytes);
    }
    for (size_t i = 0; i < handles.size(); ++i) {
      CHECK((handles[i]->value == make_value(bytes, static_cast<char>(i))));
    }
    CHECK(assert_valid(*cache).ToString() == "OK");
  }
}

TEST_CASE("copies make room for themselves") {
  TestCache cache(options(0));
  store_others(cache);
  (void)cache->set("key", make_value(200'000, 'v'));
  std::vector<Handle> handles;
  for (int i = 0; i < 20; ++i) {
    handles.push_back(cache->hold("key"));
    if (!handles.back()) break;  // evicted for the sake of its copies
    const Stats stats = cache->stats();
    CHECK(stats.handle_bytes == handles.size() * 200'003);
    CHECK(stats.memory_used_bytes <= stats.memory_limit_bytes);
  }
  CHECK(handles.size() > 10);
}

TEST_CASE("a limit lowered below what is pinned is reached when the handles are gone") {
  TestCache cache;
  const std::string value = make_value(190'000, 'v');
  std::vector<Handle> handles;
  for (int i = 0; i < 5; ++i) {
    (void)cache->set(std::to_string(i), value);
    handles.push_back(cache->hold(std::to_string(i)));
    CHECK_FALSE(handles.back().is_copy());
  }
  const size_t lowest = memory_limit_bytes_min(*cache);
  CHECK(absl::IsResourceExhausted(cache->set_memory_limit(lowest)));
  for (const Handle& handle : handles) CHECK((handle->value == value));
  handles.clear();
  CHECK(cache->set_memory_limit(lowest).ok());
  CHECK(cache->stats().memory_used_bytes <= lowest);
}

TEST_CASE("with eviction off the room of what is held and replaced comes back with the handle") {
  Options no_eviction = options(size_t{4} << 20);
  no_eviction.eviction = false;
  TestCache cache(no_eviction);
  (void)cache->set("key", std::string(200'000, 'v'));
  std::vector<Handle> handles;
  while (cache->set("key", std::string(200'000, 'v')) == StoreResult::kStored) {
    handles.push_back(cache->hold("key"));
    if (handles.back().is_copy()) break;
  }
  const uint64_t handle_bytes = cache->stats().pinned_bytes;
  const uint64_t large_bytes = cache->stats().large_bytes;
  CHECK(handle_bytes > (size_t{3} << 20));
  cache->flush_all();
  handles.clear();
  CHECK(cache->stats().large_bytes <= large_bytes - handle_bytes + 210'000);
  CHECK(cache->set("key", std::string(200'000, 'v')) == StoreResult::kStored);
}

TEST_CASE("a visitor that is shown an item where it lies can keep it") {
  TestCache cache;
  const std::string value = make_value(12'000, 'v');
  (void)cache->set("key", value);
  Handle handle;
  const auto keep = [&](const ItemView& item) {
    handle = larder::keep(*cache, item);
    CHECK(handle->value.data() == item.value.data());
  };
  cache->visit("key", keep);
  CHECK(handle);
  read(*cache, "key", {}, [&](const Reading& reading) { keep(reading.item); });
  CHECK(handle);
  const std::string_view keys[] = {"key"};
  cache->get_multi(keys, [&](size_t, const ItemView& item) { keep(item); });
  REQUIRE(handle);
  CHECK(cache->stats().handles == 1);
  CHECK(cache->stats().get_hits == 3);
  (void)cache->set("key", make_value(12'000, 'n'));
  (void)cache->erase("key");
  CHECK(handle->key == "key");
  CHECK((handle->value == value));
}

TEST_CASE("a visitor that is shown a copy, or too much, can keep nothing") {
  TestCache cache(options(2 * kSegmentBytes));
  (void)cache->set("short", "value");
  (void)cache->set("large", std::string(200'000, 'l'));
  const auto keeps = [&](std::string_view key) {
    bool is_kept = true;
    CHECK(cache->visit(key, [&](const ItemView& item) { is_kept = static_cast<bool>(keep(*cache, item)); }));
    return is_kept;
  };
  CHECK_FALSE(keeps("short"));
  CHECK_FALSE(keeps("large"));
  // The caller's key may lie in the cache itself.
  const Handle handle = cache->hold("short");
  CHECK_FALSE(keeps(handle->key));
  // With a new expiry it is shown as a copy.
  (void)cache->set("long", std::string(12'000, 'l'));
  visit_and_touch(*cache, "long", 1min, [&](const ItemView& item) { CHECK_FALSE(keep(*cache, item)); });
  CHECK(keeps("long"));
  CHECK(cache->stats().handles == 1);
  CHECK(cache->stats().handles_copied == 0);
}

TEST_CASE("handles are made and destroyed by several threads, and all are counted") {
  TestCache cache;
  for (int i = 0; i < 100; ++i) (void)cache->set(std::to_string(i), make_value(5000, 'v'));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Handle> handles(10);
      for (int i = 0; i < 2000; ++i) {
        const std::string key = std::to_string((i * 7 + t) % 100);
        handles[static_cast<size_t>(i) % 10] = cache->hold(key);
        if (i % 5 == t) (void)cache->set(key, make_value(5000, 'v'));
      }
      for (const Handle& handle : handles) CHECK((handle->value == make_value(5000, 'v')));
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(cache->stats().handles == 0);
  CHECK(cache->stats().pinned_bytes == 0);
  CHECK(cache->stats().handle_bytes == 0);
}

}  // namespace
}  // namespace larder
