#include "larder/cache.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/serving.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::system_clock;

Options without_eviction() {
  return {.memory_limit_bytes = size_t{1} << 20, .item_bytes_max = kItemBytesMax, .eviction = false, .seed = 1};
}

// Stores numbered keys until there is no room; returns how many.
size_t fill(Cache& cache, std::string_view value) {
  size_t stored = 0;
  while (cache.set("fill" + std::to_string(stored), value) == StoreResult::kStored) ++stored;
  return stored;
}

// --- keys and values ---------------------------------------------------------------------------------------

TEST_CASE("a key of 1 byte and one of 65535 can be stored, one of 0 or 65536 is a bad key everywhere") {
  TestCache cache;
  for (const size_t size : {size_t{1}, kKeyBytesMax}) {
    const std::string key(size, 'k');
    CHECK(cache->set(key, "v") == StoreResult::kStored);
    CHECK(cache.value(key) == "v");
    CHECK(cache->append(key, "w") == StoreResult::kStored);
    CHECK(cache->touch(key, 1min));
    CHECK(cache.value(key) == "vw");
    CHECK(cache->erase(key) == EraseResult::kErased);
  }
  for (const size_t size : {size_t{0}, kKeyBytesMax + 1}) {
    const std::string key(size, 'k');
    CHECK(cache->set(key, "v") == StoreResult::kBadKey);
    CHECK(cache->add(key, "v") == StoreResult::kBadKey);
    CHECK(cache->replace(key, "v") == StoreResult::kBadKey);
    CHECK(cache->append(key, "v") == StoreResult::kBadKey);
    CHECK(cache->prepend(key, "v") == StoreResult::kBadKey);
    CHECK(cache->cas(key, "v", 1) == StoreResult::kBadKey);
    CHECK(cache->incr(key, 1, {.initial = 5, .expiry = {}}).status == CounterStatus::kBadKey);
    CHECK(cache->decr(key, 1, {.initial = 5, .expiry = {}}).status == CounterStatus::kBadKey);
    CHECK_FALSE(cache->get(key).has_value());
    std::string value = "as it was";
    CHECK_FALSE(cache->get(key, value));
    CHECK(value == "as it was");
    CHECK_FALSE(cache->peek(key).has_value());
    CHECK_FALSE(cache->contains(key));
    CHECK_FALSE(cache->visit(key, [](const ItemView&) { FAIL("shown"); }));
    CHECK_FALSE(cache->touch(key, 1s));
    CHECK_FALSE(cache->get_and_touch(key, 1s).has_value());
    CHECK_FALSE(visit_and_touch(*cache, key, 1s, [](const ItemView&) { FAIL("shown"); }));
    CHECK(cache->erase(key) == EraseResult::kNotFound);
    const std::string_view keys[] = {key};
    CHECK(cache->get_multi(keys, [](size_t, const ItemView&) { FAIL("shown"); }) == 0);
    CHECK(cache->erase_multi(keys) == 0);
    const SetEntry entries[] = {{.key = key, .value = "v"}};
    CHECK(cache->set_multi(entries).at(0) == StoreResult::kBadKey);
  }
  CHECK(cache->stats().items == 0);
}

TEST_CASE("keys that differ in one byte are different keys, whatever the byte") {
  TestCache cache;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string key{'a', static_cast<char>(byte), 'b'};
    REQUIRE(cache->set(key, std::to_string(byte)) == StoreResult::kStored);
  }
  for (int byte = 0; byte < 256; ++byte) {
    CHECK(cache.value(std::string{'a', static_cast<char>(byte), 'b'}) == std::to_string(byte));
  }
  CHECK(cache->set("\0"sv, "zero") == StoreResult::kStored);
  CHECK(cache->set("\0\0"sv, "zeros") == StoreResult::kStored);
  CHECK(cache.value("\0"sv) == "zero");
}

TEST_CASE("values from empty to the longest come back as they were, with every byte") {
  TestCache cache;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{255}, size_t{4096}, size_t{16'385}, kItemBytesMax}) {
    std::string value(size, '\0');
    for (size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 7);
    REQUIRE(cache->set("key", value) == StoreResult::kStored);
    const std::optional<Item> item = cache->get("key");
    REQUIRE(item.has_value());
    CHECK((item->value == value));
  }
}

TEST_CASE("a value of one byte more than the longest is too large for every way to store it") {
  TestCache cache;
  const std::string value(kItemBytesMax + 1, 'v');
  CHECK(cache->add("key", value) == StoreResult::kTooLarge);
  REQUIRE(cache->set("key", "old") == StoreResult::kStored);
  const uint64_t number = cache->get("key").value().cas;
  CHECK(cache->add("key", value) == StoreResult::kTooLarge);
  CHECK(cache->replace("key", value) == StoreResult::kTooLarge);
  CHECK(cache->cas("key", value, number) == StoreResult::kTooLarge);
  CHECK(cache->append("key", value) == StoreResult::kTooLarge);
  CHECK(cache->prepend("key", value) == StoreResult::kTooLarge);
  CHECK(cache.value("key") == "old");
  CHECK(cache->set("key", value) == StoreResult::kTooLarge);
}

TEST_CASE("a set that is too large leaves nothing under its key") {
  TestCache cache;
  REQUIRE(cache->set("key", "old") == StoreResult::kStored);
  CHECK(cache->set("key", std::string(kItemBytesMax + 1, 'v')) == StoreResult::kTooLarge);
  CHECK_FALSE(cache->contains("key"));
  CHECK(cache->stats().items == 0);
}

// --- reading -----------------------------------------------------------------------------------------------

TEST_CASE("get gives the value with what was stored beside it, and nothing for a missing key") {
  TestCache cache;
  CHECK_FALSE(cache->get("key").has_value());
  REQUIRE(cache->set("key", "value", {.flags = 0xfedc'ba98, .expiry = 90s}) == StoreResult::kStored);
  const std::optional<Item> item = cache->get("key");
  REQUIRE(item.has_value());
  CHECK(item->value == "value");
  CHECK(item->flags == 0xfedc'ba98);
  CHECK(item->cas != 0);
  CHECK(item->ttl_ms == 90'000);
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  CHECK(cache->get("key")->flags == 0);
  CHECK(cache->get("key")->ttl_ms == kNeverExpires);
}

TEST_CASE("get into a string replaces what is in it, and leaves it alone when the key is missing") {
  TestCache cache;
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  std::string value = "something longer than that";
  CHECK(cache->get("key", value));
  CHECK(value == "value");
  CHECK_FALSE(cache->get("other", value));
  CHECK(value == "value");
}

TEST_CASE("the value may be put where the key was") {
  TestCache cache(
      {.memory_limit_bytes = size_t{8} << 20, .seed = 1, .namespaces = {{.prefix = "a:"}, {.prefix = "b:"}}});
  const std::string value = "b:" + std::string(1000, 'v');
  const auto counts_of_a = [&] { return namespace_stats(*cache).at(0).stats; };
  REQUIRE(cache->set("a:key", value) == StoreResult::kStored);
  std::string text = "a:key";
  CHECK(cache->get(text, text));
  CHECK(text == value);
  CHECK(counts_of_a().get_hits == 1);
  text = "see a:key";
  CHECK(cache->get(std::string_view(text).substr(4), text));
  CHECK(text == value);
  text = "a:key";
  const auto take = [&](const ItemView& item) { text = item.value; };
  CHECK(cache->visit(text, take));
  CHECK(text == value);
  CHECK(counts_of_a().get_hits == 3);
  text = "a:key";
  CHECK(erase(*cache, text, std::nullopt, take) == EraseResult::kErased);
  CHECK(text == value);
  CHECK(counts_of_a().erase_hits == 1);
}

TEST_CASE("visit shows key, value and the rest in place, once") {
  TestCache cache;
  REQUIRE(cache->set("key", "value", {.flags = 5, .expiry = 1s}) == StoreResult::kStored);
  const Item copy = cache->peek("key").value();
  int shown = 0;
  CHECK(cache->visit("key", [&](const ItemView& item) {
    ++shown;
    CHECK(item.key == "key");
    CHECK(item.value == "value");
    CHECK(item.flags == 5);
    CHECK(item.cas == copy.cas);
    CHECK(item.ttl_ms == 1000);
  }));
  CHECK(shown == 1);
  CHECK_FALSE(cache->visit("other", [&](const ItemView&) { ++shown; }));
  CHECK(shown == 1);
}

TEST_CASE("peek and contains see what get sees") {
  TestCache cache;
  CHECK_FALSE(cache->peek("key").has_value());
  CHECK_FALSE(cache->contains("key"));
  REQUIRE(cache->set("key", "value", {.flags = 5, .expiry = 1s}) == StoreResult::kStored);
  CHECK(cache->contains("key"));
  const std::optional<Item> item = cache->peek("key");
  REQUIRE(item.has_value());
  CHECK(item->value == "value");
  CHECK(item->flags == 5);
  CHECK(item->cas == cache->get("key")->cas);
  CHECK(item->ttl_ms == 1000);
  cache.clock.advance_ms(1000);
  CHECK_FALSE(cache->peek("key").has_value());
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("get_multi shows each key that is there, in order, a key named twice twice") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  REQUIRE(cache->set("b", "2") == StoreResult::kStored);
  const std::string_view keys[] = {"b", "missing", "a", "", "b"};
  std::vector<std::pair<size_t, std::string>> shown;
  CHECK(cache->get_multi(keys, [&](size_t index, const ItemView& item) {
    CHECK(item.key == keys[index]);
    shown.emplace_back(index, item.value);
  }) == 3);
  CHECK((shown == std::vector<std::pair<size_t, std::string>>{{0, "2"}, {2, "1"}, {4, "2"}}));

  const std::vector<std::optional<Item>> items = cache->get_multi(keys);
  REQUIRE(items.size() == 5);
  CHECK(items[0]->value == "2");
  CHECK_FALSE(items[1].has_value());
  CHECK(items[2]->value == "1");
  CHECK_FALSE(items[3].has_value());
  CHECK(items[4]->value == "2");
  CHECK(items[0]->cas == items[4]->cas);
}

TEST_CASE("get_multi of any number of keys shows all that are there, in order") {
  TestCache cache;
  constexpr size_t kKeys = 100;
  std::vector<std::string> names;
  for (size_t i = 0; i < kKeys; ++i) {
    names.push_back("key" + std::to_string(i));
    if (i % 3 != 0) REQUIRE(cache->set(names[i], names[i] + "'s value") == StoreResult::kStored);
  }
  const std::vector<std::string_view> keys(names.begin(), names.end());
  for (size_t count = 1; count <= kKeys; ++count) {
    CAPTURE(count);
    std::vector<size_t> expected;
    for (size_t i = 0; i < count; ++i) {
      if (i % 3 != 0) expected.push_back(i);
    }
    std::vector<size_t> shown;
    CHECK(cache->get_multi(std::span(keys).first(count), [&](size_t index, const ItemView& item) {
      CHECK(item.key == keys[index]);
      CHECK(item.value == names[index] + "'s value");
      shown.push_back(index);
    }) == expected.size());
    CHECK(shown == expected);
  }
}

TEST_CASE("prefetch leaves no trace") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  const std::vector<std::string_view> keys(100, "a");
  prefetch(*cache, keys);
  prefetch(*cache, std::array<std::string_view, 2>{"missing", ""});
  prefetch(*cache, {});
  CHECK(cache->stats().get_hits == 0);
  CHECK(cache->stats().get_misses == 0);
  CHECK_FALSE(inspect(*cache, "a")->was_fetched);
  CHECK(inspect(*cache, "a")->frequency == 0);
}

TEST_CASE("get_multi and erase_multi take lists and ranges of strings") {
  TestCache cache;
  for (const char* const key : {"a", "b", "c"}) CHECK(cache->set(key, key) == StoreResult::kStored);
  const std::vector<std::string> strings = {"a", "missing", "c"};
  const std::set<std::string, std::less<>> sorted = {"b", "c"};
  const char* const literals[] = {"c"};
  const std::array<std::string_view, 2> views = {"a", "b"};
  size_t shown = 0;
  const auto count = [&](size_t, const ItemView&) { ++shown; };
  CHECK(cache->get_multi(strings, count) == 2);
  CHECK(cache->get_multi(sorted, count) == 2);
  CHECK(cache->get_multi(literals, count) == 1);
  CHECK(cache->get_multi(views, count) == 2);
  CHECK(cache->get_multi({"a", "missing"}, count) == 1);
  CHECK(shown == 8);
  CHECK(cache->get_multi(strings)[2]->value == "c");
  CHECK(cache->get_multi({"missing", "b"})[1]->value == "b");
  CHECK(cache->erase_multi({"a", "missing"}) == 1);
  CHECK(cache->erase_multi(strings) == 1);
  CHECK(cache->erase_multi(sorted) == 1);
}

TEST_CASE("a mutable lambda is a visitor") {
  TestCache cache;
  CHECK(cache->set("a", "1") == StoreResult::kStored);
  size_t seen = 0;
  CHECK(cache->visit("a", [&seen, calls = 0](const ItemView&) mutable { seen += static_cast<size_t>(++calls); }));
  CHECK(seen == 1);
}

TEST_CASE("get_multi of no keys finds none") {
  TestCache cache;
  CHECK(cache->get_multi({}, [](size_t, const ItemView&) { FAIL("shown"); }) == 0);
  CHECK(cache->get_multi({}).empty());
}

// --- storing -----------------------------------------------------------------------------------------------

TEST_CASE("set replaces value, flags and expiry of an older item") {
  TestCache cache;
  REQUIRE(cache->set("key", "old", {.flags = 1, .expiry = 1s}) == StoreResult::kStored);
  CHECK(cache->set("key", "a new and longer value", {.flags = 2, .expiry = {}}) == StoreResult::kStored);
  const Item item = cache->get("key").value();
  CHECK(item.value == "a new and longer value");
  CHECK(item.flags == 2);
  CHECK(item.ttl_ms == kNeverExpires);
  CHECK(cache->stats().items == 1);
}

TEST_CASE("add stores only a missing key") {
  TestCache cache;
  CHECK(cache->add("key", "first", {.flags = 1, .expiry = 1s}) == StoreResult::kStored);
  CHECK(cache->add("key", "second") == StoreResult::kNotStored);
  CHECK(cache.value("key") == "first");
  CHECK(cache->get("key")->flags == 1);
  cache.clock.advance_ms(1000);
  CHECK(cache->add("key", "third") == StoreResult::kStored);
  CHECK(cache.value("key") == "third");
}

TEST_CASE("replace stores only a key that is there") {
  TestCache cache;
  CHECK(cache->replace("key", "value") == StoreResult::kNotStored);
  CHECK_FALSE(cache->contains("key"));
  REQUIRE(cache->set("key", "old", {.flags = 1, .expiry = 1s}) == StoreResult::kStored);
  CHECK(cache->replace("key", "new", {.flags = 2, .expiry = {}}) == StoreResult::kStored);
  CHECK(cache.value("key") == "new");
  CHECK(cache->get("key")->flags == 2);
  CHECK(cache->get("key")->ttl_ms == kNeverExpires);
}

TEST_CASE("append and prepend join values and leave flags and expiry as they are") {
  TestCache cache;
  CHECK(cache->append("key", "x") == StoreResult::kNotStored);
  CHECK(cache->prepend("key", "x") == StoreResult::kNotStored);
  CHECK_FALSE(cache->contains("key"));
  REQUIRE(cache->set("key", "middle", {.flags = 7, .expiry = 10s}) == StoreResult::kStored);
  cache.clock.advance_ms(1);
  const uint64_t before = cache->get("key")->cas;
  CHECK(cache->append("key", std::string(1000, 'e')) == StoreResult::kStored);
  CHECK(cache->prepend("key", "b<") == StoreResult::kStored);
  const Item item = cache->get("key").value();
  CHECK(item.value == std::string("b<middle").append(1000, 'e'));
  CHECK(item.flags == 7);
  CHECK(item.ttl_ms == 9'999);
  CHECK(item.cas != before);
}

TEST_CASE("joining with nothing keeps the value") {
  TestCache cache;
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  CHECK(cache->append("key", "") == StoreResult::kStored);
  CHECK(cache->prepend("key", "") == StoreResult::kStored);
  CHECK(cache.value("key") == "value");
  REQUIRE(cache->set("key", "") == StoreResult::kStored);
  CHECK(cache->append("key", "now") == StoreResult::kStored);
  CHECK(cache.value("key") == "now");
}

TEST_CASE("a joined value may be the longest, and one byte more leaves the item as it was") {
  TestCache cache;
  REQUIRE(cache->set("key", std::string(kItemBytesMax - 1, 'v'), {.flags = 3, .expiry = {}}) ==
          StoreResult::kStored);
  CHECK(cache->append("key", "w") == StoreResult::kStored);
  const Item before = cache->get("key").value();
  CHECK(before.value.size() == kItemBytesMax);
  CHECK(before.value.back() == 'w');
  CHECK(cache->append("key", "x") == StoreResult::kNotStored);
  CHECK(cache->prepend("key", "x") == StoreResult::kNotStored);
  const Item after = cache->get("key").value();
  CHECK((after.value == before.value));
  CHECK(after.cas == before.cas);
  CHECK(after.flags == 3);
}

TEST_CASE("cas stores when the number is still the item's, and says what was wrong otherwise") {
  TestCache cache;
  CHECK(cache->cas("key", "value", 1) == StoreResult::kNotFound);
  CHECK_FALSE(cache->contains("key"));
  REQUIRE(cache->set("key", "first") == StoreResult::kStored);
  const uint64_t first = cache->get("key")->cas;
  CHECK(cache->cas("key", "other", first + 1) == StoreResult::kExists);
  CHECK(cache->cas("key", "other", 0) == StoreResult::kExists);
  CHECK(cache.value("key") == "first");
  CHECK(cache->cas("key", "second", first, {.flags = 9, .expiry = 1s}) == StoreResult::kStored);
  CHECK(cache.value("key") == "second");
  CHECK(cache->get("key")->flags == 9);
  CHECK(cache->get("key")->ttl_ms == 1000);
  CHECK(cache->get("key")->cas != first);
  CHECK(cache->cas("key", "third", first) == StoreResult::kExists);
  CHECK(cache.value("key") == "second");
}

TEST_CASE("set_multi sets each entry in order and answers for each") {
  TestCache cache;
  const std::string too_large(kItemBytesMax + 1, 'v');
  const SetEntry entries[] = {{.key = "a", .value = "1", .options = {.flags = 1, .expiry = {}}},
                              {.key = "", .value = "2"},
                              {.key = "c", .value = too_large},
                              {.key = "a", .value = "4"}};
  const std::vector<StoreResult> results = cache->set_multi(entries);
  CHECK((results == std::vector<StoreResult>{StoreResult::kStored, StoreResult::kBadKey, StoreResult::kTooLarge,
                                             StoreResult::kStored}));
  CHECK(cache.value("a") == "4");
  CHECK(cache->get("a")->flags == 0);
  CHECK(cache->set_multi({}).empty());
}

TEST_CASE("set_multi answers for each of more entries than are fetched at once, and the last of a key counts") {
  TestCache cache;
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(i % 10 == 7 ? "" : "key " + std::to_string(i % 40));
  std::vector<std::string> values;
  for (int i = 0; i < 100; ++i) values.push_back("value " + std::to_string(i));
  std::vector<SetEntry> entries;
  for (size_t i = 0; i < 100; ++i) entries.push_back({.key = keys[i], .value = values[i]});
  const std::vector<StoreResult> results = cache->set_multi(entries);
  REQUIRE(results.size() == 100);
  for (size_t i = 0; i < 100; ++i) {
    CHECK(results[i] == (i % 10 == 7 ? StoreResult::kBadKey : StoreResult::kStored));
  }
  CHECK(cache.value("key 0") == "value 80");
  CHECK(cache.value("key 19") == "value 99");
  CHECK(cache.value("key 39") == "value 79");
}

TEST_CASE("no two changes of values have the same cas number, over all keys") {
  TestCache cache;
  std::set<uint64_t> numbers;
  const auto is_new = [&](const std::string& key) { return numbers.insert(cache->peek(key).value().cas).second; };
  for (int round = 0; round < 20; ++round) {
    for (int k = 0; k < 200; ++k) {
      const std::string key = "key" + std::to_string(k);
      REQUIRE(cache->set(key, "1") == StoreResult::kStored);
      REQUIRE(is_new(key));
      REQUIRE(cache->incr(key).status == CounterStatus::kDone);
      REQUIRE(is_new(key));
      REQUIRE(cache->append(key, "2") == StoreResult::kStored);
      REQUIRE(is_new(key));
      REQUIRE(cache->replace(key, "3") == StoreResult::kStored);
      REQUIRE(is_new(key));
      REQUIRE(cache->cas(key, "4", cache->peek(key)->cas) == StoreResult::kStored);
      REQUIRE(is_new(key));
      if (k % 3 == 0) REQUIRE(cache->erase(key) == EraseResult::kErased);
    }
    if (round == 10) cache->flush_all();
  }
  CHECK(numbers.count(0) == 0);
  CHECK(numbers.size() == 20 * 200 * 5);
}

TEST_CASE("a new expiry leaves the cas number as it is") {
  TestCache cache;
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  const uint64_t number = cache->get("key")->cas;
  CHECK(cache->touch("key", 1h));
  CHECK(cache->get_and_touch("key", 2h)->cas == number);
  CHECK(cache->get("key")->cas == number);
  CHECK(cache->cas("key", "new", number) == StoreResult::kStored);
}

// --- without room ------------------------------------------------------------------------------------------

TEST_CASE("without eviction a set that finds no room leaves nothing under its key and all others alone") {
  TestCache cache(without_eviction());
  const std::string value(1000, 'v');
  const size_t stored = fill(*cache, value);
  CHECK(stored > 500);
  CHECK(cache->set("fill0", std::string(5000, 'w')) == StoreResult::kNoMemory);
  CHECK_FALSE(cache->contains("fill0"));
  CHECK_FALSE(cache->contains("fill" + std::to_string(stored)));
  for (size_t i = 1; i < stored; ++i) REQUIRE(cache->contains("fill" + std::to_string(i)));
  CHECK(cache->stats().evictions == 0);
  CHECK(cache->stats().items == stored - 1);
}

TEST_CASE("without eviction the other operations that find no room leave the item as it was") {
  TestCache cache(without_eviction());
  fill(*cache, std::string(1000, '1'));
  REQUIRE(cache->set("fill1", "9") == StoreResult::kStored);  // shorter: where the old one was, or nowhere at all
  while (cache->set("small", std::string(900, '1')) == StoreResult::kStored) {
    if (cache->append("fill1", std::string(200, '2')) != StoreResult::kStored) break;
  }
  const Item before = cache->get("fill2").value();
  const std::string longer(5000, 'w');
  CHECK(cache->add("new", longer) == StoreResult::kNoMemory);
  CHECK(cache->replace("fill2", longer) == StoreResult::kNoMemory);
  CHECK(cache->cas("fill2", longer, before.cas) == StoreResult::kNoMemory);
  CHECK(cache->append("fill2", longer) == StoreResult::kNotStored);
  CHECK(cache->prepend("fill2", longer) == StoreResult::kNotStored);
  CHECK((cache.value("fill2") == before.value));
  CHECK(cache->get("fill2")->cas == before.cas);
  CHECK_FALSE(cache->contains("new"));
}

TEST_CASE("without eviction a counter that finds no room says so, and stays") {
  TestCache cache(without_eviction());
  size_t stored = 0;
  // Of just the room of its one digit each.
  while (cache->set("number" + std::to_string(100'000 + stored), "9") == StoreResult::kStored) ++stored;
  bool is_full = false;
  for (size_t i = 0; i < stored && !is_full; ++i) {
    const std::string key = "number" + std::to_string(100'000 + i);
    const CounterResult result = cache->incr(key, 1'000'000'000'000'000'000);
    is_full = result.status == CounterStatus::kNoMemory;
    if (is_full) CHECK(cache.value(key) == "9");
  }
  CHECK(is_full);
  const CounterOptions options{.initial = 1'000'000'000'000'000'000, .expiry = {}};
  CHECK(cache->incr("missing counter", 1, options).status == CounterStatus::kNoMemory);
  CHECK_FALSE(cache->contains("missing counter"));
}

TEST_CASE("without eviction room comes back from what is erased, expired and flushed") {
  TestCache cache(without_eviction());
  const std::string value(1000, 'v');
  const size_t stored = fill(*cache, value);
  for (size_t i = 0; i < stored; ++i) REQUIRE(cache->erase("fill" + std::to_string(i)) == EraseResult::kErased);
  size_t again = 0;
  while (cache->set("fill" + std::to_string(again), value, {.expiry = 1s}) == StoreResult::kStored) ++again;
  CHECK(again > stored * 9 / 10);
  cache.clock.advance_ms(1000);
  CHECK(fill(*cache, value) > stored * 9 / 10);
  cache->flush_all();
  CHECK(fill(*cache, value) > stored * 9 / 10);
  CHECK(cache->stats().evictions == 0);
}

TEST_CASE("with eviction there is always room for the newest item, and it is there") {
  TestCache cache({.memory_limit_bytes = size_t{1} << 20, .item_bytes_max = kItemBytesMax, .seed = 1});
  for (size_t i = 0; i < 3000; ++i) {
    const std::string key = "key" + std::to_string(i);
    REQUIRE(cache->set(key, std::string(i % 5000, 'v')) == StoreResult::kStored);
    REQUIRE(cache->peek(key)->value.size() == i % 5000);
    REQUIRE(cache->stats().memory_used_bytes <= (size_t{1} << 20));
  }
  CHECK(cache->stats().evictions > 0);
}

TEST_CASE("the largest items evict each other and always the newest is there") {
  TestCache cache({.memory_limit_bytes = size_t{1} << 20, .item_bytes_max = kItemBytesMax, .seed = 1});
  for (size_t i = 0; i < 50; ++i) {
    const std::string key = "key" + std::to_string(i);
    REQUIRE(cache->set(key, std::string(kItemBytesMax, static_cast<char>('a' + i % 26))) == StoreResult::kStored);
    REQUIRE(cache->get(key)->value.back() == static_cast<char>('a' + i % 26));
  }
}

// --- counting ----------------------------------------------------------------------------------------------

TEST_CASE("incr and decr change the number by one, or by what is said, and give it back") {
  TestCache cache;
  REQUIRE(cache->set("n", "10", {.flags = 4, .expiry = 10s}) == StoreResult::kStored);
  cache.clock.advance_ms(1000);
  const auto gives = [](const CounterResult& result, uint64_t value) {
    return result.status == CounterStatus::kDone && result.value == value;
  };
  CHECK(gives(cache->incr("n"), 11));
  CHECK(gives(cache->decr("n"), 10));
  CHECK(gives(cache->incr("n", 90), 100));
  CHECK(gives(cache->decr("n", 1), 99));
  CHECK(gives(cache->incr("n", 0), 99));
  const Item item = cache->get("n").value();
  CHECK(item.value == "99");
  CHECK(item.flags == 4);
  CHECK(item.ttl_ms == 9000);
}

TEST_CASE("incr wraps at two to the 64th, decr stops at zero") {
  TestCache cache;
  REQUIRE(cache->set("n", "18446744073709551615") == StoreResult::kStored);
  CHECK(cache->incr("n").value == 0);
  CHECK(cache.value("n") == "0");
  CHECK(cache->decr("n").value == 0);
  CHECK(cache->incr("n", 5).value == 5);
  CHECK(cache->decr("n", 6).value == 0);
  CHECK(cache->incr("n", UINT64_MAX).value == UINT64_MAX);
  CHECK(cache.value("n") == "18446744073709551615");
  CHECK(cache->incr("n", UINT64_MAX).value == UINT64_MAX - 1);
  CHECK(cache->decr("n", UINT64_MAX).value == 0);
}

TEST_CASE("a number is stored without padding, in any text that reads as one") {
  TestCache cache;
  for (const std::string_view text : {"7", " 7", "7  ", "  +7 ", "+7", "007", "000000000000000000000000000007"}) {
    CAPTURE(text);
    REQUIRE(cache->set("n", text) == StoreResult::kStored);
    CHECK(cache->incr("n").status == CounterStatus::kDone);
    CHECK(cache.value("n") == "8");
  }
}

TEST_CASE("what is not an unsigned number of 64 bits stays as it is") {
  TestCache cache;
  for (const std::string_view text :
       {""sv, " "sv, "+"sv, "x"sv, "7x"sv, "x7"sv, "-1"sv, "1.5"sv, "1 2"sv, "++1"sv, "+ 1"sv, "+-1"sv, "0x10"sv,
        "\t1"sv, "1\0"sv, "18446744073709551616"sv, "99999999999999999999"sv, "123456789012345678901"sv}) {
    CAPTURE(std::string(text));
    REQUIRE(cache->set("n", text) == StoreResult::kStored);
    CHECK(cache->incr("n").status == CounterStatus::kNotANumber);
    CHECK(cache->decr("n", 1, {.initial = 3, .expiry = {}}).status == CounterStatus::kNotANumber);
    CHECK((cache.value("n") == text));
  }
}

TEST_CASE("a missing counter is not found, or is created with the initial number and the delta left out") {
  TestCache cache;
  CHECK(cache->incr("n").status == CounterStatus::kNotFound);
  CHECK(cache->decr("n").status == CounterStatus::kNotFound);
  CHECK_FALSE(cache->contains("n"));
  CounterResult result = cache->incr("n", 5, {.initial = 100, .expiry = 2s});
  CHECK(result.status == CounterStatus::kCreated);
  CHECK(result.value == 100);
  CHECK(cache.value("n") == "100");
  CHECK(cache->get("n")->flags == 0);
  CHECK(cache->get("n")->ttl_ms == 2000);
  // One that is there keeps its own expiry.
  result = cache->incr("n", 5, {.initial = 1, .expiry = 9s});
  CHECK(result.status == CounterStatus::kDone);
  CHECK(result.value == 105);
  CHECK(cache->get("n")->ttl_ms == 2000);
  CHECK(cache->decr("m", 5, {.initial = UINT64_MAX, .expiry = {}}).status == CounterStatus::kCreated);
  CHECK(cache.value("m") == "18446744073709551615");
}

TEST_CASE("a counter gets a new cas number with each change") {
  TestCache cache;
  REQUIRE(cache->set("n", "1") == StoreResult::kStored);
  const uint64_t first = cache->get("n")->cas;
  CHECK(cache->incr("n", 0).value == 1);
  CHECK(cache->get("n")->cas != first);
}

// --- expiry ------------------------------------------------------------------------------------------------

TEST_CASE("an item is there until the millisecond it expires in") {
  TestCache cache;
  REQUIRE(cache->set("key", "value", {.expiry = 1500ms}) == StoreResult::kStored);
  cache.clock.advance_ms(1499);
  CHECK(cache->get("key")->ttl_ms == 1);
  cache.clock.advance_ms(1);
  CHECK_FALSE(cache->get("key").has_value());
  CHECK_FALSE(cache->touch("key", 1h));
  CHECK(cache->erase("key") == EraseResult::kNotFound);
  CHECK(cache->replace("key", "v") == StoreResult::kNotStored);
  CHECK(cache->append("key", "v") == StoreResult::kNotStored);
  CHECK(cache->cas("key", "v", 1) == StoreResult::kNotFound);
  CHECK(cache->incr("key").status == CounterStatus::kNotFound);
}

TEST_CASE("an expiry can be a moment of the wall clock") {
  TestCache cache;
  const system_clock::time_point now{std::chrono::milliseconds(cache.clock.unix_ms())};
  REQUIRE(cache->set("key", "value", {.expiry = now + 2s}) == StoreResult::kStored);
  CHECK(cache->get("key")->ttl_ms == 2000);
  cache.clock.advance_ms(1999);
  CHECK(cache->contains("key"));
  cache.clock.advance_ms(1);
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("4.3: a wall clock that is set back or forth moves no expiry that was given before") {
  class JumpingClock final : public Clock {
   public:
    [[nodiscard]] int64_t monotonic_ms() const override { return elapsed_ms; }
    [[nodiscard]] int64_t unix_ms() const override { return wall_ms + elapsed_ms; }
    int64_t elapsed_ms = 0;
    int64_t wall_ms = 1'700'000'000'000;
  };
  JumpingClock clock;
  const std::unique_ptr<Cache> cache = *Cache::create({.clock = &clock});
  for (const int64_t jump_ms : {-86'400'000, 86'400'000}) {
    const system_clock::time_point now{std::chrono::milliseconds(clock.unix_ms())};
    REQUIRE(cache->set("after", "v", {.expiry = 2s}) == StoreResult::kStored);
    REQUIRE(cache->set("at", "v", {.expiry = now + 2s}) == StoreResult::kStored);
    clock.wall_ms += jump_ms;
    CHECK(cache->peek("after")->ttl_ms == 2000);
    CHECK(cache->peek("at")->ttl_ms == 2000);
    clock.elapsed_ms += 2000;
    CHECK_FALSE(cache->contains("after"));
    CHECK_FALSE(cache->contains("at"));
  }
}

TEST_CASE("what is stored with an expiry already past is not found, and removes what was there") {
  TestCache cache;
  const system_clock::time_point now{std::chrono::milliseconds(cache.clock.unix_ms())};
  for (const Expiry& past : {Expiry::after(0s), Expiry::after(-1s), Expiry::at(now), Expiry::at(now - 1h),
                             Expiry::at(system_clock::time_point()), Expiry::after(std::chrono::hours::min())}) {
    REQUIRE(cache->set("key", "old") == StoreResult::kStored);
    CHECK(cache->set("key", "new", {.expiry = past}) == StoreResult::kStored);
    CHECK_FALSE(cache->contains("key"));
    CHECK(cache->add("key", "new", {.expiry = past}) == StoreResult::kStored);
    CHECK_FALSE(cache->contains("key"));
    CHECK(cache->incr("key", 1, {.initial = 1, .expiry = past}).status == CounterStatus::kCreated);
    CHECK_FALSE(cache->contains("key"));
  }
  CHECK(cache->stats().items == 0);
}

TEST_CASE("never and what is too far away to count do not expire") {
  TestCache cache;
  REQUIRE(cache->set("never", "v", {.expiry = Expiry::never()}) == StoreResult::kStored);
  REQUIRE(cache->set("hours", "v", {.expiry = std::chrono::hours::max()}) == StoreResult::kStored);
  REQUIRE(cache->set("moment", "v", {.expiry = system_clock::time_point::max()}) == StoreResult::kStored);
  for (const std::string_view key : {"never", "hours", "moment"}) CHECK(cache->get(key)->ttl_ms == kNeverExpires);
  cache.clock.advance_ms(int64_t{33} * 365 * 86'400 * 1000);
  for (const std::string_view key : {"never", "hours", "moment"}) CHECK(cache->contains(key));
}

TEST_CASE("what never expires outlasts all time that a deadline can tell") {
  constexpr int64_t kYearMs = int64_t{365} * 86'400 * 1000;
  TestCache cache;
  REQUIRE(cache->set("never", "v") == StoreResult::kStored);
  REQUIRE(cache->set("year", "v", {.expiry = std::chrono::milliseconds(kYearMs)}) == StoreResult::kStored);
  for (const int64_t years : {35, 100, 1000}) {
    cache.clock.advance_ms(years * kYearMs);
    CHECK(cache->get("never")->ttl_ms == kNeverExpires);
    CHECK_FALSE(cache->contains("year"));
    CHECK(cache->append("never", "v") == StoreResult::kStored);
    REQUIRE(cache->set("later", "v", {.expiry = 1s}) == StoreResult::kStored);
    CHECK(cache->contains("later"));
    while (cache->maintain()) {
    }
    CHECK(cache->contains("never"));
  }
}

TEST_CASE("ten years are kept to the millisecond") {
  TestCache cache;
  constexpr int64_t kTenYearsMs = int64_t{3652} * 86'400 * 1000;
  REQUIRE(cache->set("key", "value", {.expiry = std::chrono::milliseconds(kTenYearsMs)}) == StoreResult::kStored);
  cache.clock.advance_ms(kTenYearsMs - 1);
  CHECK(cache->get("key")->ttl_ms == 1);
  cache.clock.advance_ms(1);
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("touch gives a new expiry, sooner or later or never") {
  TestCache cache;
  CHECK_FALSE(cache->touch("key", 1s));
  REQUIRE(cache->set("key", "value", {.flags = 6, .expiry = 10s}) == StoreResult::kStored);
  CHECK(cache->touch("key", 20s));
  CHECK(cache->get("key")->ttl_ms == 20'000);
  CHECK(cache->touch("key", 5s));
  CHECK(cache->get("key")->ttl_ms == 5'000);
  CHECK(cache->touch("key", Expiry::never()));
  CHECK(cache->get("key")->ttl_ms == kNeverExpires);
  CHECK(cache->get("key")->value == "value");
  CHECK(cache->get("key")->flags == 6);
  CHECK(cache->touch("key", 1ms));
  cache.clock.advance_ms(1);
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("touch with an expiry already past removes the item and answers true") {
  TestCache cache;
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  CHECK(cache->touch("key", -1s));
  CHECK_FALSE(cache->contains("key"));
  CHECK_FALSE(cache->touch("key", -1s));
}

TEST_CASE("get_and_touch gives the item with its new time left") {
  TestCache cache;
  CHECK_FALSE(cache->get_and_touch("key", 1s).has_value());
  REQUIRE(cache->set("key", "value", {.flags = 6, .expiry = 10s}) == StoreResult::kStored);
  const Item item = cache->get_and_touch("key", 20s).value();
  CHECK(item.value == "value");
  CHECK(item.flags == 6);
  CHECK(item.ttl_ms == 20'000);
  CHECK(cache->get("key")->ttl_ms == 20'000);
  CHECK(cache->get_and_touch("key", Expiry::never())->ttl_ms == kNeverExpires);
  CHECK(cache->get("key")->ttl_ms == kNeverExpires);
  CHECK(cache->get_and_touch("key", 0s)->ttl_ms == 0);
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("visit_and_touch shows the item with its new time left") {
  TestCache cache;
  CHECK_FALSE(visit_and_touch(*cache, "key", 1s, [](const ItemView&) { FAIL("shown"); }));
  REQUIRE(cache->set("key", "value", {.flags = 6, .expiry = {}}) == StoreResult::kStored);
  int shown = 0;
  CHECK(visit_and_touch(*cache, "key", 20s, [&](const ItemView& item) {
    ++shown;
    CHECK(item.key == "key");
    CHECK(item.value == "value");
    CHECK(item.flags == 6);
    CHECK(item.cas == cache->peek("key")->cas);
    CHECK(item.ttl_ms == 20'000);
  }));
  CHECK(visit_and_touch(*cache, "key", 0s, [&](const ItemView& item) {
    ++shown;
    CHECK(item.value == "value");
    CHECK(item.ttl_ms == 0);
  }));
  CHECK(shown == 2);
  CHECK_FALSE(cache->contains("key"));
}

// --- removal -----------------------------------------------------------------------------------------------

TEST_CASE("erase removes an item once") {
  TestCache cache;
  CHECK(cache->erase("key") == EraseResult::kNotFound);
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  CHECK(cache->erase("key") == EraseResult::kErased);
  CHECK(cache->erase("key") == EraseResult::kNotFound);
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("erase with a cas number removes only the item that still has it") {
  TestCache cache;
  CHECK(cache->erase("key", 1) == EraseResult::kNotFound);
  REQUIRE(cache->set("key", "value") == StoreResult::kStored);
  const uint64_t number = cache->get("key")->cas;
  CHECK(cache->erase("key", number + 1) == EraseResult::kExists);
  CHECK(cache->erase("key", 0) == EraseResult::kExists);
  CHECK(cache->contains("key"));
  CHECK(cache->erase("key", number) == EraseResult::kErased);
  CHECK_FALSE(cache->contains("key"));
}

TEST_CASE("erase_multi removes each key that is there and counts them") {
  TestCache cache;
  for (const std::string_view key : {"a", "b", "c"}) REQUIRE(cache->set(key, "v") == StoreResult::kStored);
  const std::string_view keys[] = {"a", "missing", "c", "a"};
  CHECK(cache->erase_multi(keys) == 2);
  CHECK_FALSE(cache->contains("a"));
  CHECK(cache->contains("b"));
  CHECK_FALSE(cache->contains("c"));
  CHECK(cache->erase_multi({}) == 0);
}

TEST_CASE("erase_if removes the items that it is told to, and no others") {
  TestCache cache;
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(cache->set("key" + std::to_string(i), std::to_string(i % 10)) == StoreResult::kStored);
  }
  CHECK(cache->erase_if([](const ItemView& item) { return item.value == "3" || item.key == "key5"; }) == 501);
  CHECK(cache->stats().items == 4499);
  CHECK(cache->stats().erase_hits == 501);
  CHECK_FALSE(cache->contains("key3"));
  CHECK_FALSE(cache->contains("key5"));
  CHECK(cache->contains("key15"));
  CHECK(cache->erase_if([](const ItemView&) { return false; }) == 0);
  CHECK(cache->erase_if([](const ItemView&) { return true; }) == 4499);
  CHECK(cache->erase_if([](const ItemView&) { return true; }) == 0);
}

TEST_CASE("erase_if does not meet what has expired") {
  TestCache cache;
  REQUIRE(cache->set("mortal", "v", {.expiry = 1s}) == StoreResult::kStored);
  REQUIRE(cache->set("immortal", "v") == StoreResult::kStored);
  cache.clock.advance_ms(1000);
  CHECK(cache->erase_if([](const ItemView& item) { return item.key == "mortal"; }) == 0);
}

TEST_CASE("erase_prefix removes the items whose keys begin so") {
  TestCache cache;
  for (const std::string_view key : {"a", "ab", "abc", "b", "ba"}) {
    REQUIRE(cache->set(key, "v") == StoreResult::kStored);
  }
  CHECK(erase_prefix(*cache, "ab") == 2);
  CHECK(erase_prefix(*cache, "ab") == 0);
  CHECK(cache->contains("a"));
  CHECK(cache->contains("b"));
  CHECK(erase_prefix(*cache, "") == 3);
  CHECK(cache->stats().items == 0);
}

TEST_CASE("a step of erase_if meets about as many items as it may, and the steps all of them") {
  TestCache cache;
  for (int i = 0; i < 3000; ++i) REQUIRE(cache->set("key" + std::to_string(i), "v") == StoreResult::kStored);
  size_t erased = 0;
  size_t steps = 0;
  for (ScanCursor cursor; !cursor.is_at_end(); ++steps) {
    size_t asked = 0;
    erased += erase_if(*cache, cursor, 10, [&](const ItemView&) {
      ++asked;
      return true;
    });
    // Of one tag there are seldom more.
    CHECK(asked <= 20);
  }
  CHECK(erased == 3000);
  CHECK(steps >= 300);
  REQUIRE(cache->set("key1", "v") == StoreResult::kStored);
  erased = 0;
  for (ScanCursor cursor; !cursor.is_at_end();) erased += erase_prefix(*cache, cursor, 10, "key");
  CHECK(erased == 1);
}

TEST_CASE("flush_all removes every item at once, and what is stored right after stays") {
  TestCache cache;
  for (int i = 0; i < 1000; ++i) REQUIRE(cache->set("key" + std::to_string(i), "v") == StoreResult::kStored);
  REQUIRE(cache->set("large", std::string(kItemBytesMax, 'v')) == StoreResult::kStored);
  cache->flush_all();
  CHECK(cache->stats().items == 0);
  CHECK(cache->set("key7", "after") == StoreResult::kStored);
  for (int i = 0; i < 1000; ++i) CHECK(cache->contains("key" + std::to_string(i)) == (i == 7));
  CHECK_FALSE(cache->contains("large"));
  CHECK(cache.value("key7") == "after");
  CHECK(cache->add("key8", "after") == StoreResult::kStored);
  CHECK(cache->replace("key9", "after") == StoreResult::kNotStored);
  CHECK(cache->erase("key10") == EraseResult::kNotFound);
  CHECK(cache->stats().items == 2);
  cache->flush_all();
  CHECK(cache->stats().items == 0);
}

TEST_CASE("a delayed flush_all removes at its moment all that was stored before it") {
  TestCache cache;
  REQUIRE(cache->set("before", "v") == StoreResult::kStored);
  cache->flush_all(1s);
  CHECK(cache->contains("before"));
  cache.clock.advance_ms(999);
  REQUIRE(cache->set("meanwhile", "v") == StoreResult::kStored);
  CHECK(cache->contains("before"));
  cache.clock.advance_ms(1);
  CHECK_FALSE(cache->contains("before"));
  CHECK_FALSE(cache->contains("meanwhile"));
  REQUIRE(cache->set("after", "v") == StoreResult::kStored);
  cache.clock.advance_ms(10'000);
  CHECK(cache->contains("after"));
}

TEST_CASE("a store that is the first to come after a delayed flush_all stays") {
  TestCache cache;
  REQUIRE(cache->set("key", "before") == StoreResult::kStored);
  cache->flush_all(1s);
  cache.clock.advance_ms(5000);
  CHECK(cache->add("key", "after") == StoreResult::kStored);
  CHECK(cache.value("key") == "after");
}

TEST_CASE("a later flush_all replaces the one that is pending") {
  TestCache cache;
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  cache->flush_all(1s);
  cache->flush_all(5s);
  cache.clock.advance_ms(4999);
  CHECK(cache->contains("key"));
  cache.clock.advance_ms(1);
  CHECK_FALSE(cache->contains("key"));

  cache->flush_all(5s);
  cache->flush_all(1s);
  cache.clock.advance_ms(1000);
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  cache.clock.advance_ms(10'000);
  CHECK(cache->contains("key"));

  cache->flush_all(5s);
  cache->flush_all();
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  cache.clock.advance_ms(10'000);
  CHECK(cache->contains("key"));
}

TEST_CASE("a flush_all further away than any clock goes does nothing") {
  TestCache cache;
  REQUIRE(cache->set("key", "v") == StoreResult::kStored);
  cache->flush_all(std::chrono::milliseconds::max());
  cache.clock.advance_ms(1'000'000'000);
  CHECK(cache->contains("key"));
}

// --- the whole cache ---------------------------------------------------------------------------------------

TEST_CASE("for_each shows each item once, with all that belongs to it") {
  TestCache cache;
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "key" + std::to_string(i);
    expected[key] = std::to_string(i * i);
    REQUIRE(cache->set(key, expected[key], {.flags = static_cast<uint32_t>(i), .expiry = 1h}) ==
            StoreResult::kStored);
  }
  REQUIRE(cache->set("expired", "v", {.expiry = 1ms}) == StoreResult::kStored);
  cache.clock.advance_ms(1);
  std::map<std::string, std::string> shown;
  cache->for_each([&](const ItemView& item) {
    CHECK(shown.emplace(item.key, item.value).second);
    CHECK(item.value == std::to_string(item.flags * item.flags));
    CHECK(item.cas != 0);
    CHECK(item.ttl_ms == 3'600'000 - 1);
    return true;
  });
  CHECK((shown == expected));
}

TEST_CASE("for_each stops when its visitor has seen enough") {
  TestCache cache;
  for (int i = 0; i < 100; ++i) REQUIRE(cache->set("key" + std::to_string(i), "v") == StoreResult::kStored);
  int shown = 0;
  cache->for_each([&](const ItemView&) { return ++shown < 7; });
  CHECK(shown == 7);
}

TEST_CASE("for_each of an empty or flushed cache shows nothing") {
  TestCache cache;
  cache->for_each([](const ItemView&) {
    FAIL("shown");
    return true;
  });
  for (int i = 0; i < 100; ++i) REQUIRE(cache->set("key" + std::to_string(i), "v") == StoreResult::kStored);
  cache->flush_all();
  cache->for_each([](const ItemView&) {
    FAIL("shown");
    return true;
  });
}

TEST_CASE("for_each's visitor may erase what it is shown, until nothing is left") {
  TestCache cache;
  for (int i = 0; i < 2000; ++i) REQUIRE(cache->set("key" + std::to_string(i), "v") == StoreResult::kStored);
  cache->for_each([&](const ItemView& item) {
    CHECK(cache->erase(item.key) == EraseResult::kErased);
    CHECK(item.value == "v");
    return true;
  });
  CHECK(cache->stats().items == 0);
}

// --- visitors that call the cache --------------------------------------------------------------------------

TEST_CASE(
    "a visitor sees its item unchanged while it overwrites, joins, counts, touches and erases that very item") {
  for (const size_t size : {size_t{1}, size_t{100}, kItemBytesMax}) {
    TestCache cache;
    const std::string value(size, '1');
    REQUIRE(cache->set("key", value, {.flags = 1, .expiry = {}}) == StoreResult::kStored);
    CHECK(cache->visit("key", [&](const ItemView& item) {
      const auto is_intact = [&] { return item.key == "key" && item.value == value; };
      CHECK(cache->set("key", std::string(size, '2')) == StoreResult::kStored);
      CHECK(is_intact());
      CHECK((cache.value("key") == std::string(size, '2')));
      CHECK(cache->set("key", "3") == StoreResult::kStored);
      CHECK(cache->append("key", "4") == StoreResult::kStored);
      CHECK(cache->incr("key").value == 35);
      CHECK(cache->touch("key", 1h));
      CHECK(is_intact());
      CHECK(cache->erase("key") == EraseResult::kErased);
      CHECK(is_intact());
      cache->flush_all();
      CHECK(is_intact());
      // More than fits: the memory the item lies in is not given to anything else.
      for (int i = 0; i < 200; ++i) {
        CHECK(cache->set("other" + std::to_string(i), std::string(100'000, 'o')) == StoreResult::kStored);
      }
      CHECK(is_intact());
      CHECK(cache->set("key", "last") == StoreResult::kStored);
      CHECK(is_intact());
    }));
    CHECK(cache->get("key").value_or(Item{}).value == "last");
  }
}

TEST_CASE("visitors can be nested, over the same item and over others") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  REQUIRE(cache->set("b", "2") == StoreResult::kStored);
  std::string seen;
  CHECK(cache->visit("a", [&](const ItemView& outer) {
    CHECK(cache->visit("a", [&](const ItemView& inner) {
      CHECK(cache->erase("a") == EraseResult::kErased);
      seen += inner.value;
    }));
    CHECK(cache->visit("b", [&](const ItemView& other) { seen += other.value; }));
    seen += outer.value;
  }));
  CHECK(seen == "121");
}

TEST_CASE("get_multi's visitor may change the items that come next") {
  TestCache cache;
  REQUIRE(cache->set("a", "1") == StoreResult::kStored);
  REQUIRE(cache->set("b", "2") == StoreResult::kStored);
  const std::string_view keys[] = {"a", "b", "a"};
  std::vector<std::string> values;
  CHECK(cache->get_multi(keys, [&](size_t index, const ItemView& item) {
    values.emplace_back(item.value);
    if (index == 0) {
      CHECK(cache->erase("b") == EraseResult::kErased);
      CHECK(cache->set("a", "new") == StoreResult::kStored);
    }
    CHECK(item.value == values.back());
  }) == 2);
  CHECK((values == std::vector<std::string>{"1", "new"}));
}

TEST_CASE("while visitors hold all memory a set finds none, and afterwards it does") {
  TestCache cache({.memory_limit_bytes = size_t{1} << 20, .item_bytes_max = kItemBytesMax, .seed = 1});
  int held = 0;
  bool was_full = false;
  const std::function<void()> hold = [&] {
    const std::string key = "key" + std::to_string(held);
    if (cache->set(key, std::string(kItemBytesMax / 2, 'v')) != StoreResult::kStored) {
      was_full = true;
      CHECK_FALSE(cache->contains(key));
      return;
    }
    if (++held > 20) return;
    // One that was stored last of all is the only one that can go when room is needed.
    was_full = !cache->visit(key, [&](const ItemView& item) {
      hold();
      CHECK(item.value.front() == 'v');
      CHECK(item.value.back() == 'v');
    }) || was_full;
  };
  hold();
  CHECK(was_full);
  CHECK(held >= 4);
  CHECK(held <= 8);
  CHECK(cache->set("after", std::string(kItemBytesMax, 'w')) == StoreResult::kStored);
}

TEST_CASE("erase shows what it removes, and nothing else") {
  TestCache cache;
  CHECK(cache->set("a", "value") == StoreResult::kStored);
  std::vector<std::string> shown;
  const auto note = [&](const ItemView& item) { shown.emplace_back(item.value); };
  CHECK(erase(*cache, "a", 1, note) == EraseResult::kExists);
  CHECK(erase(*cache, "b", std::nullopt, note) == EraseResult::kNotFound);
  CHECK(shown.empty());
  CHECK(erase(*cache, "a", std::nullopt, note) == EraseResult::kErased);
  CHECK(shown == std::vector<std::string>{"value"});
}

TEST_CASE("touch shows what it touches, as it was") {
  TestCache cache;
  CHECK(cache->set("a", "value", {.expiry = 5s}) == StoreResult::kStored);
  std::vector<int64_t> shown_ttl_ms;
  const auto note = [&](const ItemView& item) { shown_ttl_ms.push_back(item.ttl_ms); };
  CHECK_FALSE(touch(*cache, "b", 9s, note));
  CHECK(touch(*cache, "a", 9s, note));
  CHECK(shown_ttl_ms == std::vector<int64_t>{5000});
  CHECK(cache->peek("a")->ttl_ms == 9000);
}

TEST_CASE("memory_limit_bytes_min is the lowest limit that can be set") {
  TestCache cache;
  CHECK_FALSE(cache->set_memory_limit(memory_limit_bytes_min(*cache) - 1).ok());
  CHECK(cache->set_memory_limit(memory_limit_bytes_min(*cache)).ok());
}

TEST_CASE("reject does what a store does that finds a value too large, or no room for it") {
  struct Case {
    StoreOptions options;
    bool is_kept;
  };
  const Case cases[] = {{{}, false},
                        {{.expected = 1}, true},
                        {{.mode = StoreMode::kAdd}, true},
                        {{.mode = StoreMode::kReplace}, true},
                        {{.mode = StoreMode::kAppend}, true},
                        {{.mode = StoreMode::kPrepend}, true}};
  const std::string too_large(kItemBytesMax + 1, 'v');
  for (const Case& each : cases) {
    const StoreOptions& options = each.options;
    const bool is_kept = each.is_kept;
    CAPTURE(options.mode);
    TestCache cache;
    CHECK(cache->set("a", "1") == StoreResult::kStored);
    CHECK(reject(*cache, "a", options, StoreResult::kTooLarge) == StoreResult::kTooLarge);
    CHECK(cache->contains("a") == is_kept);
    CHECK(cache->set("a", "1") == StoreResult::kStored);
    CHECK(cache->store("a", too_large, options).result == StoreResult::kTooLarge);
    CHECK(cache->contains("a") == is_kept);
    CHECK(cache->set("a", "1") == StoreResult::kStored);
    CHECK(reject(*cache, "a", options, StoreResult::kNoMemory) == StoreResult::kNoMemory);
    CHECK(cache->contains("a") == is_kept);
    CHECK(reject(*cache, "missing", options, StoreResult::kNoMemory) == StoreResult::kNoMemory);
    CHECK(reject(*cache, "", options, StoreResult::kTooLarge) == StoreResult::kBadKey);
    const Stats stats = cache->stats();
    CHECK(stats.store_too_large == 2);
    CHECK(stats.store_no_memory == 2);
    CHECK(stats.stores == 3);
    CHECK(stats.erase_hits + stats.erase_misses == 0);
    CHECK(stats.items == (is_kept ? 1 : 0));
  }
}

}  // namespace
}  // namespace larder
