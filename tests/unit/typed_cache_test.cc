#include "larder/typed_cache.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "larder/renewal.h"
#include "test_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

// A type that needs a codec: a name, and a score that cannot be negative.
struct Player {
  std::string name;
  int32_t score = 0;
  bool operator==(const Player&) const = default;
};

struct PlayerCodec {
  static size_t size(const Player& player) { return sizeof player.score + player.name.size() + 100; }
  static size_t encode(const Player& player, std::span<char> room) {
    REQUIRE(room.size() == size(player));
    std::memcpy(room.data(), &player.score, sizeof player.score);
    player.name.copy(room.data() + sizeof player.score, player.name.size());
    return sizeof player.score + player.name.size();
  }
  static std::optional<Player> decode(std::string_view bytes) {
    Player player;
    if (bytes.size() < sizeof player.score) return std::nullopt;
    std::memcpy(&player.score, bytes.data(), sizeof player.score);
    if (player.score < 0) return std::nullopt;
    player.name = bytes.substr(sizeof player.score);
    return player;
  }
};

using Players = TypedCache<std::string, Player, PlayerCodec>;

TEST_CASE("a value of a type of its own comes back as it was set") {
  TestCache cache;
  Players players(*cache);
  CHECK_FALSE(players.get("ann"));
  CHECK(players.set("ann", {"Ann", 3}) == StoreResult::kStored);
  CHECK(players.get("ann") == Player{"Ann", 3});
  CHECK(players.peek("ann") == Player{"Ann", 3});
  CHECK(players.contains("ann"));
  CHECK(cache.value("ann") == std::string("\3\0\0\0Ann", 7));
  // Longer than the room on the stack.
  const Player longest{std::string(5000, 'n'), 1};
  CHECK(players.set("long", longest) == StoreResult::kStored);
  CHECK(players.get("long") == longest);
}

TEST_CASE("bytes that the codec refuses are a miss, and counted") {
  TestCache cache;
  Players players(*cache);
  (void)cache->set("short", "abc");
  (void)cache->set("negative", "\xff\xff\xff\xff");
  CHECK_FALSE(players.get("short"));
  CHECK_FALSE(players.get_item("negative"));
  CHECK_FALSE(players.peek("negative"));
  CHECK_FALSE(players.contains("negative"));
  CHECK_FALSE(players.get_and_touch("short", 1s));
  CHECK(players.decode_failures() == 5);
  const std::vector<std::string> keys = {"short", "negative"};
  CHECK(players.get_multi(keys) == std::vector<std::optional<Player>>(2));
  CHECK(players.decode_failures() == 7);
  CHECK_FALSE(players.get("missing"));
  CHECK(players.decode_failures() == 7);
}

TEST_CASE("caches of several types share one cache by their prefixes") {
  TestCache cache;
  TypedCache<uint64_t, int64_t> numbers(*cache, "number:");
  TypedCache<uint64_t, std::string> names(*cache, "name:");
  CHECK(numbers.set(42, -1) == StoreResult::kStored);
  CHECK(names.set(42, "forty-two") == StoreResult::kStored);
  CHECK(numbers.get(42) == -1);
  CHECK(names.get(42) == "forty-two");
  CHECK(cache->contains("number:42"));
  CHECK(cache->contains("name:42"));
  CHECK(numbers.erase(42) == EraseResult::kErased);
  CHECK_FALSE(numbers.contains(42));
  CHECK(names.contains(42));
}

TEST_CASE("a key may be of any length that the cache takes, prefix included") {
  TestCache cache;
  TypedCache<std::string, int> typed(*cache, "p");
  const std::string longest(kKeyBytesMax - 1, 'k');
  CHECK(typed.set(longest, 1) == StoreResult::kStored);
  CHECK(typed.get(longest) == 1);
  CHECK(typed.set(longest + 'k', 1) == StoreResult::kBadKey);
  CHECK(typed.set("", 2) == StoreResult::kStored);
  CHECK(typed.get("") == 2);
  TypedCache<std::string, int> plain(*cache);
  CHECK(plain.set("", 2) == StoreResult::kBadKey);
  CHECK_FALSE(plain.get(""));
}

TEST_CASE("keys that are bytes of any kind are marked so") {
  struct Id {
    uint64_t high, low;
  };
  TestCache cache;
  TypedCache<Id, int> by_id(*cache);
  const Id id{1, 2};
  CHECK(by_id.set(id, 7) == StoreResult::kStored);
  CHECK(by_id.get(id) == 7);
  CHECK(cache->peek({reinterpret_cast<const char*>(&id), sizeof id})->is_key_binary);
  TypedCache<int, int> by_number(*cache);
  CHECK(by_number.set(5, 7) == StoreResult::kStored);
  CHECK_FALSE(cache->peek("5")->is_key_binary);
}

TEST_CASE("add, replace and cas store on their conditions") {
  TestCache cache;
  TypedCache<int, int> typed(*cache);
  CHECK(typed.replace(1, 10) == StoreResult::kNotStored);
  CHECK(typed.cas(1, 10, 1) == StoreResult::kNotFound);
  CHECK(typed.add(1, 10, {.flags = 3}) == StoreResult::kStored);
  CHECK(typed.add(1, 11) == StoreResult::kNotStored);
  const TypedItem<int> item = *typed.get_item(1);
  CHECK(item.value == 10);
  CHECK(cache->peek("1")->flags == 3);
  CHECK(typed.replace(1, 12) == StoreResult::kStored);
  CHECK(typed.cas(1, 13, item.cas) == StoreResult::kExists);
  CHECK(typed.cas(1, 13, 0) == StoreResult::kExists);
  CHECK(typed.cas(1, 13, typed.get_item(1)->cas) == StoreResult::kStored);
  CHECK(typed.get(1) == 13);
  CHECK(typed.erase(1, item.cas) == EraseResult::kExists);
  CHECK(typed.erase(1) == EraseResult::kErased);
  CHECK(typed.erase(1) == EraseResult::kNotFound);
}

TEST_CASE("update changes the value in one step, makes one, or erases it") {
  TestCache cache;
  Players players(*cache);
  const auto add_ten = [](std::optional<Player>& player) {
    if (!player) player = Player{"new", 0};
    player->score += 10;
    return true;
  };
  CHECK(players.update("ann", add_ten, 60s).status == UpdateStatus::kStored);
  CHECK(players.update("ann", add_ten).status == UpdateStatus::kStored);
  CHECK(players.get("ann") == Player{"new", 20});
  CHECK(cache->peek("ann")->ttl_ms == 60'000);
  CHECK(players
            .update("ann",
                    [](std::optional<Player>& player) {
                      player->score = 0;
                      return false;
                    })
            .status == UpdateStatus::kLeft);
  CHECK(players.get("ann") == Player{"new", 20});
  CHECK(players
            .update("ann",
                    [](std::optional<Player>& player) {
                      player.reset();
                      return true;
                    })
            .status == UpdateStatus::kErased);
  CHECK_FALSE(players.contains("ann"));

  struct Id {
    uint64_t high, low;
  };
  TypedCache<Id, std::string> texts(*cache);
  const Id id{1, 2};
  const auto append = [](std::optional<std::string>& text) {
    text = text.value_or("") + std::string(600, 't');
    return true;
  };
  for (int i = 0; i < 3; ++i) CHECK(texts.update(id, append).status == UpdateStatus::kStored);
  CHECK(texts.get(id) == std::string(1800, 't'));
  CHECK(cache->peek({reinterpret_cast<const char*>(&id), sizeof id})->is_key_binary);
}

TEST_CASE("expiry is that of the cache") {
  TestCache cache;
  TypedCache<std::string, int> typed(*cache);
  (void)typed.set("k", 1, {.expiry = 10s});
  CHECK(typed.get_item("k")->ttl_ms == 10'000);
  CHECK(typed.touch("k", 20s));
  cache.clock.advance_ms(10'000);
  CHECK(typed.get("k") == 1);
  CHECK(typed.get_and_touch("k", 30s) == 1);
  cache.clock.advance_ms(29'999);
  CHECK(typed.contains("k"));
  cache.clock.advance_ms(1);
  CHECK_FALSE(typed.contains("k"));
  CHECK_FALSE(typed.touch("k", 1s));
  CHECK_FALSE(typed.get_and_touch("k", 1s));
}

TEST_CASE("get_multi shows what is there, in order, twice what is named twice") {
  TestCache cache;
  const auto check = [](auto& typed) {
    (void)typed.set("a", 1);
    (void)typed.set("c", 3);
    const std::vector<std::string> keys = {"a", "b", "c", "a"};
    CHECK(typed.get_multi(keys) == std::vector<std::optional<int>>{1, std::nullopt, 3, 1});
    std::vector<std::pair<size_t, int>> seen;
    CHECK(typed.get_multi(keys, [&](size_t index, int value) { seen.emplace_back(index, value); }) == 3);
    CHECK(seen == std::vector<std::pair<size_t, int>>{{0, 1}, {2, 3}, {3, 1}});
    CHECK(typed.get_multi({}).empty());
  };
  TypedCache<std::string, int> plain(*cache);
  check(plain);
  TypedCache<std::string, int> prefixed(*cache, "other:");
  check(prefixed);
}

TEST_CASE("what stands for a value that is still to come is no value") {
  TestCache cache;
  TypedCache<std::string, std::string> strings(*cache);
  // Won by a reader who is to bring it.
  read(*cache, "k", {.vivify = SetOptions{.expiry = 30s}}, [](const Reading&) {});
  CHECK_FALSE(strings.get("k"));
  CHECK_FALSE(strings.get_item("k"));
  CHECK_FALSE(strings.contains("k"));
  // The same, invalidated.
  CHECK(strings.invalidate("k") == EraseResult::kErased);
  CHECK_FALSE(strings.get("k"));
  CHECK(strings.decode_failures() == 0);
  // An empty string is a value.
  CHECK(strings.set("k", "") == StoreResult::kStored);
  CHECK(strings.get("k") == "");
  CHECK(strings.contains("k"));
}

TEST_CASE("an invalidated value is still read") {
  TestCache cache;
  TypedCache<std::string, int> typed(*cache);
  (void)typed.set("k", 1);
  CHECK(typed.invalidate("k") == EraseResult::kErased);
  CHECK(typed.get("k") == 1);
  CHECK(typed.get_item("k")->is_stale);
  CHECK(&typed.cache() == &*cache);
}

TEST_CASE("values need be neither copied nor made of nothing; codecs may have state") {
  struct Handle {
    explicit Handle(int n) : number(std::make_unique<int>(n)) {}
    std::unique_ptr<int> number;
  };
  struct OffsetCodec {
    int offset;
    [[nodiscard]] size_t size(const Handle&) const { return 1; }
    [[nodiscard]] size_t encode(const Handle& handle, std::span<char> room) const {
      room[0] = static_cast<char>(*handle.number + offset);
      return 1;
    }
    [[nodiscard]] std::optional<Handle> decode(std::string_view bytes) const {
      return bytes.size() == 1 ? std::optional<Handle>(Handle(bytes[0] - offset)) : std::nullopt;
    }
  };
  TestCache cache;
  TypedCache<int, Handle, OffsetCodec> handles(*cache, "", OffsetCodec{'0'});
  CHECK(handles.set(1, Handle(5)) == StoreResult::kStored);
  CHECK(cache.value("1") == "5");
  CHECK(*handles.get(1)->number == 5);
  CHECK(*handles.get_item(1)->value.number == 5);
}

}  // namespace
}  // namespace larder
