// ObjectCache and ObjectStore. What several threads see is in tests/model/objects_test.cc.
#include "larder/object_cache.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "doctest/doctest.h"
#include "larder/object_store.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

// Counts those that live, and runs something as it ends.
struct Counted {
  explicit Counted(int own_number = 0, std::function<void()> at_end = {})
      : number(own_number), end(std::move(at_end)) {
    ++living;
  }
  Counted(Counted&& other) noexcept : number(other.number), end(std::exchange(other.end, nullptr)) { ++living; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    --living;
    if (end) end();
  }
  int number;
  std::function<void()> end;
  static inline int living = 0;
};

struct Shape {
  virtual ~Shape() = default;
  [[nodiscard]] virtual int corners() const = 0;
};
struct Square : Shape {
  [[nodiscard]] int corners() const override { return 4; }
};

// Like strings, but with a hash and == of their own.
struct Caseless {
  std::string text;
  operator std::string_view() const { return text; }  // NOLINT
  bool operator==(const Caseless& other) const { return absl::EqualsIgnoreCase(text, other.text); }
};

using Texts = ObjectCache<int, std::string>;

std::string text_of(const std::shared_ptr<const std::string>& text) { return text ? *text : "none"; }

TEST_CASE("objects are kept as they are") {
  Texts cache(10);
  CHECK(cache.get(1) == nullptr);
  CHECK(cache.set(1, "one") == StoreResult::kStored);
  const std::shared_ptr<const std::string> one = cache.get(1);
  CHECK(text_of(one) == "one");
  CHECK(cache.get(1) == one);

  const auto shared = std::make_shared<const std::string>("two");
  CHECK(cache.set(2, shared) == StoreResult::kStored);
  CHECK(cache.get(2).get() == shared.get());

  CHECK(cache.set(2, std::shared_ptr<const std::string>()) == StoreResult::kNotStored);
  CHECK(cache.contains(2));
  CHECK(cache.set(1, std::string(3, 'x')) == StoreResult::kStored);
  CHECK(text_of(cache.get(1)) == "xxx");
  CHECK(text_of(one) == "one");
  CHECK(cache.erase(1) == EraseResult::kErased);
  CHECK(cache.erase(1) == EraseResult::kNotFound);
  CHECK(cache.get(1) == nullptr);
  CHECK_FALSE(cache.contains(1));
  CHECK(cache.contains(2));

  const ObjectCacheStats stats = cache.stats();
  CHECK(stats.hits == 4);
  CHECK(stats.misses == 2);
  CHECK(stats.stores == 3);
  CHECK(stats.replacements == 1);
  CHECK(stats.erasures == 1);
}

TEST_CASE("types that cannot be moved or made, and keys looked up by another type") {
  ObjectCache<std::string, Shape> shapes(10);
  shapes.set("a square", std::make_shared<Square>());
  CHECK(shapes.get(std::string_view("a square"))->corners() == 4);

  struct CaselessHash {
    size_t operator()(const Caseless& key) const {
      return std::hash<std::string>()(absl::AsciiStrToLower(key.text));
    }
  };
  ObjectCache<Caseless, int, CaselessHash> caseless(10);
  caseless.set({"Key"}, 7);
  REQUIRE(caseless.get({"kEY"}) != nullptr);

  ObjectCache<int, std::unique_ptr<int>> owners(10);
  owners.set(1, std::make_unique<int>(7));
  CHECK(**owners.get(1) == 7);

  struct PairHash {
    size_t operator()(const std::pair<int, int>& key) const { return static_cast<size_t>(key.first + key.second); }
  };
  // Of many keys the hash is the same.
  ObjectCache<std::pair<int, int>, int, PairHash> sums(1'000);
  for (int i = 0; i < 20; ++i) {
    for (int j = 0; j < 20; ++j) sums.set({i, j}, i * 100 + j);
  }
  for (int i = 0; i < 20; ++i) {
    for (int j = 0; j < 20; ++j) CHECK(*sums.get({i, j}) == i * 100 + j);
  }
}

TEST_CASE("add and cas store on a condition") {
  Texts cache(10);
  CHECK(cache.add(1, "one") == StoreResult::kStored);
  CHECK(cache.add(1, "two") == StoreResult::kNotStored);
  const auto one = cache.get(1);
  CHECK(cache.cas(2, one, "two") == StoreResult::kNotFound);
  CHECK(cache.cas(1, one, "two") == StoreResult::kStored);
  CHECK(cache.cas(1, one, "three") == StoreResult::kExists);
  CHECK(text_of(cache.get(1)) == "two");
}

TEST_CASE("as many objects are there as the limit says, whatever it is") {
  for (const int limit : {1, 2, 3, 10, 100, 10'000}) {
    CAPTURE(limit);
    ObjectCache<int, int> cache(static_cast<uint64_t>(limit));
    for (int i = 0; i < 3 * limit; ++i) cache.set(i, i);
    CHECK(cache.objects().stats().objects == static_cast<uint64_t>(limit));
    int found = 0;
    for (int i = 0; i < 3 * limit; ++i) {
      const auto object = cache.peek(i);
      if (object == nullptr) continue;
      CHECK(*object == i);
      ++found;
    }
    CHECK(found == limit);
    CHECK(cache.stats().evictions == static_cast<uint64_t>(2 * limit));
  }
}

TEST_CASE("what is read again outlives what comes once") {
  ObjectCache<int, int> cache(1'000);
  int misses = 0;
  const auto read = [&](int key) {
    if (cache.get(key) != nullptr) return;
    ++misses;
    cache.set(key, key);
  };
  int next = 1'000'000;
  for (int round = 0; round < 100; ++round) {
    if (round == 50) misses = 0;
    for (int key = 0; key < 500; ++key) read(key);
    for (int i = 0; i < 1'000; ++i) read(next++);
  }
  // An LRU would have missed them all.
  CHECK(misses == 50 * 1'000);
}

TEST_CASE("of a loop that is longer than the cache a part is hit") {
  ObjectCache<int, int> cache(1'000);
  uint64_t hits = 0;
  for (int round = 0; round < 40; ++round) {
    for (int key = 0; key < 5'000; ++key) {
      if (cache.get(key) != nullptr) {
        ++hits;
      } else {
        cache.set(key, key);
      }
    }
  }
  CHECK(hits > 40 * 5'000 / 20);
}

TEST_CASE("objects weigh what the weigher says, and are evicted accordingly") {
  ObjectCache<int, std::string> cache(
      100, {.weigher = [](int, const std::string& text) { return static_cast<uint64_t>(text.size()); }});
  CHECK(cache.set(1, std::string(101, 'x')) == StoreResult::kTooLarge);
  CHECK(cache.set(1, std::string(100, 'x')) == StoreResult::kStored);
  CHECK(cache.objects().stats().weight == 100);
  for (int i = 2; i < 1'000; ++i) {
    cache.set(i, std::string(static_cast<size_t>(i * 7 % 23), 'x'));
    REQUIRE(cache.objects().stats().weight <= 100);
  }
  CHECK(cache.objects().stats().weight > 70);
  // A refused object takes the old one along.
  cache.set(5, "five");
  CHECK(cache.set(5, std::string(101, 'x')) == StoreResult::kTooLarge);
  CHECK(cache.get(5) == nullptr);
}

TEST_CASE("objects that have expired are not there, and go without being asked for") {
  ManualClock clock;
  Texts cache(100, {.expiry = 10s}, &clock);
  cache.set(1, "ten seconds");
  cache.set(2, "one", {.expiry = 1s});
  cache.set(3, "for ever", {.expiry = Expiry::never()});
  cache.set(4, "at a moment",
            {.expiry = std::chrono::sys_time<std::chrono::milliseconds>(
                 std::chrono::milliseconds(clock.unix_ms() + 2'000))});
  cache.set(5, "none", {.expiry = 0s});
  CHECK(cache.get(5) == nullptr);
  clock.advance_ms(999);
  CHECK(text_of(cache.get(2)) == "one");
  clock.advance_ms(1);
  CHECK(cache.get(2) == nullptr);
  CHECK(cache.touch(1, 20s));
  CHECK_FALSE(cache.touch(2, 20s));
  clock.advance_ms(1'000);
  CHECK(cache.peek(4) == nullptr);
  clock.advance_ms(15'000);
  CHECK(text_of(cache.get(1)) == "ten seconds");
  clock.advance_ms(10'000);
  CHECK(cache.add(1, "again") == StoreResult::kStored);
  CHECK(text_of(cache.get(3)) == "for ever");
  // Each store looks at two objects.
  for (int i = 0; i < 10; ++i) cache.set(6, "x");
  CHECK(cache.objects().stats().objects == 3);
  CHECK(cache.stats().expirations == 4);
}

TEST_CASE("objects that nobody reads go, and at their expiry those that are read, too") {
  ManualClock clock;
  Texts cache(100, {.expiry = 60s, .idle = 10s}, &clock);
  cache.set(1, "read");
  cache.set(2, "not read");
  for (int i = 0; i < 6; ++i) {
    clock.advance_ms(9'000);
    CHECK(text_of(cache.get(1)) == "read");
  }
  CHECK(cache.peek(2) == nullptr);
  clock.advance_ms(6'000);
  CHECK(cache.get(1) == nullptr);
}

TEST_CASE("a listener is told what went, and why") {
  std::multimap<int, std::pair<std::string, Removal>> gone;
  ManualClock clock;
  {
    Texts cache(2,
                {.weigher = [](int, const std::string& text) { return text == "xxx" ? 3 : 1; },
                 .listener = [&](int key, const std::shared_ptr<const std::string>& text,
                                 Removal why) { gone.emplace(key, std::pair(*text, why)); }},
                &clock);
    cache.set(1, "one");
    cache.set(1, "another");
    cache.erase(1);
    cache.set(2, "two", {.expiry = 1s});
    clock.advance_ms(1'000);
    CHECK(cache.get(2) == nullptr);
    cache.set(3, "three");
    cache.set(4, "four");
    cache.set(5, "five");
    cache.clear();
    cache.set(6, "six");
    cache.set(7, "seven");
    CHECK(cache.set(7, std::string(3, 'x')) == StoreResult::kTooLarge);
  }
  const auto of = [&](int key) {
    std::set<std::pair<std::string, Removal>> all;
    for (auto [at, end] = gone.equal_range(key); at != end; ++at) all.insert(at->second);
    return all;
  };
  using All = std::set<std::pair<std::string, Removal>>;
  CHECK(of(1) == All{{"one", Removal::kReplaced}, {"another", Removal::kErased}});
  CHECK(of(2) == All{{"two", Removal::kExpired}});
  CHECK(of(3) == All{{"three", Removal::kEvicted}});
  CHECK(of(4) == All{{"four", Removal::kFlushed}});
  CHECK(of(5) == All{{"five", Removal::kFlushed}});
  CHECK(of(6) == All{{"six", Removal::kFlushed}});
  CHECK(of(7) == All{{"seven", Removal::kErased}});
}

TEST_CASE("objects end outside of locks, and with their last user") {
  REQUIRE(Counted::living == 0);
  {
    ObjectCache<int, Counted> cache(4);
    std::shared_ptr<const Counted> held;
    for (int i = 0; i < 100; ++i) {
      // With a lock held, these would wait for themselves.
      const auto use = [&cache, i] {
        (void)cache.get(i);
        (void)cache.erase(i + 1'000);
        (void)cache.objects().stats();
      };
      cache.set(i, Counted(i, use));
      if (i == 50) held = cache.get(50);
    }
    CHECK(Counted::living == 5);
    CHECK(held->number == 50);
    const ObjectStoreStats stats = cache.objects().stats();
    CHECK(stats.objects == 4);
    CHECK(stats.held_objects == 1);
    CHECK(stats.held_weight == 1);
    held = nullptr;
    CHECK(cache.objects().stats().held_objects == 0);
    CHECK(Counted::living == 4);
    cache.clear();
    CHECK(Counted::living == 0);
    cache.set(1, Counted(1));
    held = cache.get(1);
    // It may outlive its cache.
  }
  CHECK(Counted::living == 0);
}

TEST_CASE("a pointer keeps its object when its cache is gone") {
  std::shared_ptr<const Counted> held;
  {
    ObjectCache<int, Counted> cache(4);
    cache.set(1, Counted(1));
    held = cache.get(1);
  }
  CHECK(held->number == 1);
  CHECK(Counted::living == 1);
  held = nullptr;
  CHECK(Counted::living == 0);
}

TEST_CASE("a listener may use the cache") {
  std::unique_ptr<ObjectCache<int, int>> second = std::make_unique<ObjectCache<int, int>>(1'000);
  ObjectCache<int, int> first(10, {.listener = [&](int key, const std::shared_ptr<const int>& object, Removal why) {
                                if (why == Removal::kEvicted) second->set(key, object);
                                (void)first.get(key);
                              }});
  for (int i = 0; i < 100; ++i) first.set(i, i);
  for (int i = 0; i < 100; ++i) CHECK((first.contains(i) != second->contains(i)));
}

TEST_CASE("what goes because of a listener's own calls it is told after it has returned, in order") {
  std::vector<std::string> told;
  int depth = 0, stored = 0;
  Texts* cache = nullptr;
  Texts own(2, {.listener = [&](int key, const Texts::Pointer& text, Removal) {
              CHECK(++depth == 1);
              told.push_back(std::to_string(key) + *text);
              // Each evicts another.
              for (const char* const more : {"a", "b"}) {
                if (++stored <= 6) cache->set(100 + stored, more);
              }
              --depth;
            }});
  cache = &own;
  for (int key = 1; key <= 3; ++key) own.set(key, "x");
  CHECK(stored >= 6);
  REQUIRE(told.size() == 7);
  CHECK(told[0] == "1x");
  CHECK(own.objects().stats().objects == 2);
}

TEST_CASE("what a listener stores while its cache ends is not stored") {
  ObjectStore store({.weight_max = 4});
  int told = 0;
  {
    Texts* cache = nullptr;
    Texts own(store, {.listener = [&](int key, const Texts::Pointer& text, Removal why) {
                ++told;
                if (why == Removal::kFlushed) CHECK(cache->set(key + 100, text) == StoreResult::kNotStored);
              }});
    cache = &own;
    for (int key = 0; key < 4; ++key) own.set(key, "x");
  }
  CHECK(told == 4);
  CHECK(store.stats().objects == 0);
  Texts other(store);
  for (int key = 0; key < 20; ++key) other.set(key, "y");
  CHECK(store.stats().objects == 4);
}

TEST_CASE("caches of one store share its limit, and nothing else") {
  ObjectStore store({.weight_max = 100});
  Texts texts(store);
  {
    ObjectCache<int, int> numbers(store);
    for (int i = 0; i < 10; ++i) texts.set(i, "text");
    numbers.set(3, 33);
    CHECK(text_of(texts.get(3)) == "text");
    CHECK(*numbers.get(3) == 33);
    numbers.clear();
    CHECK(numbers.get(3) == nullptr);
    CHECK(text_of(texts.get(3)) == "text");
    for (int i = 0; i < 1'000; ++i) numbers.set(i, i);
    CHECK(store.stats().objects == 100);
    CHECK(texts.stats().evictions > 0);
    CHECK(numbers.stats().evictions > 0);
  }
  const uint64_t left = store.stats().objects;
  CHECK(left < 10);
  store.set_weight_max(1);
  CHECK(store.stats().objects == std::min<uint64_t>(1, left));
  store.set_weight_max(0);
  CHECK(store.stats().weight_max == 1);
}

TEST_CASE("objects can share the memory limit of a cache of bytes") {
  auto bytes = Cache::create({.memory_limit_bytes = size_t{8} << 20});
  REQUIRE(bytes.ok());
  const auto fill = [&] {
    for (int i = 0; i < 100'000; ++i) (*bytes)->set(std::to_string(i), std::string(100, 'x'));
  };
  fill();
  const uint64_t items = (*bytes)->stats().items;
  {
    ObjectStore store({.weight_max = 4 << 20, .charged_to = bytes->get()});
    ObjectCache<int, std::string> texts(
        store, {.weigher = [](int, const std::string& text) { return static_cast<uint64_t>(text.size()); }});
    for (int i = 0; i < 100; ++i) texts.set(i, std::string(100'000, 'x'));
    CHECK(store.stats().weight > 4'000'000);
    fill();
    CHECK((*bytes)->stats().items < items * 6 / 10);
    texts.clear();
    fill();
    CHECK((*bytes)->stats().items > items * 9 / 10);
    texts.set(1, std::string(1'000'000, 'x'));
  }
  fill();
  CHECK((*bytes)->stats().items > items * 9 / 10);
}

TEST_CASE("what several threads charge and return comes to nothing when the store ends") {
  auto bytes = Cache::create({.memory_limit_bytes = size_t{8} << 20});
  REQUIRE(bytes.ok());
  for (int i = 0; i < 100'000; ++i) (*bytes)->set(std::to_string(i), std::string(100, 'x'));
  {
    ObjectStore store({.weight_max = 4 << 20, .charged_to = bytes->get()});
    ObjectCache<int, std::string> texts(
        store, {.weigher = [](int, const std::string& text) { return static_cast<uint64_t>(text.size()); }});
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&texts, thread] {
        for (int i = 0; i < 300; ++i) {
          texts.set(thread, std::string(1'000'000, 'x'));
          texts.erase(thread);
        }
      });
    }
    threads.clear();
    CHECK((*bytes)->stats().external_bytes == 0);
    // What nobody weighs counts for what it takes itself.
    ObjectCache<int, std::array<char, 1'000>> arrays(store);
    for (int i = 0; i < 100; ++i) arrays.set(i, std::array<char, 1'000>());
    CHECK(store.stats().weight > 100'000);
  }
  CHECK((*bytes)->stats().external_bytes == 0);
}

TEST_CASE("weights and limits are at most so large that sums of them are right") {
  ObjectCache<int, uint64_t> cache(UINT64_MAX, {.weigher = [](int, uint64_t weight) { return weight; }});
  constexpr uint64_t kMost = uint64_t{1} << 56;
  CHECK(cache.objects().stats().weight_max == kMost);
  CHECK(cache.set(1, uint64_t{5}) == StoreResult::kStored);
  CHECK(cache.set(1, uint64_t{UINT64_MAX}) == StoreResult::kTooLarge);
  CHECK_FALSE(cache.contains(1));
  for (int i = 0; i < 4; ++i) CHECK(cache.set(i, kMost) == StoreResult::kStored);
  CHECK(cache.objects().stats().objects == 1);
}

TEST_CASE("what is there is shown, once each") {
  Texts cache(1'000);
  for (int i = 0; i < 1'000; ++i) cache.set(i, std::to_string(i));
  std::set<int> seen;
  cache.for_each([&](int key, const std::shared_ptr<const std::string>& text) {
    CHECK(*text == std::to_string(key));
    CHECK(seen.insert(key).second);
    cache.erase(key);
  });
  CHECK(seen.size() == 1'000);
  CHECK(cache.objects().stats().objects == 0);
}

}  // namespace
}  // namespace larder
