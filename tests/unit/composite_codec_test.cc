#include "larder/composite_codec.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "doctest/doctest.h"
#include "larder/cache.h"
#include "larder/typed_cache.h"

namespace larder {
namespace {

struct Address {
  std::string street;
  int number = 0;
  bool operator==(const Address&) const = default;
};
enum class Role : uint8_t { kReader, kWriter };
struct User {
  std::string name;
  std::vector<uint64_t> groups;
  std::optional<Address> address;
  std::variant<int, std::string> login;
  Role role = Role::kReader;
  std::chrono::seconds age{};
  bool operator==(const User&) const = default;
};
// As it was once.
struct OldUser {
  std::string name;
  std::vector<uint64_t> groups;
};
struct Sixteen {
  std::string a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
  bool operator==(const Sixteen&) const = default;
};
struct One {
  std::string only;
  bool operator==(const One&) const = default;
};

static_assert(internal::HasCodec<User> && internal::HasCodec<Sixteen> && internal::HasCodec<One>);

// What has no codec, because of what is in it.
struct WithPointer {
  std::string name;
  const char* text = nullptr;
};
struct WithMap {
  std::map<int, int> map;
};
static_assert(!internal::HasCodec<WithPointer> && !internal::HasCodec<WithMap>);
static_assert(!internal::HasCodec<std::vector<const char*>> && !internal::HasCodec<std::optional<WithPointer>>);
static_assert(!internal::HasCodec<std::pair<std::string_view, int>> && !internal::HasCodec<std::vector<bool>>);
static_assert(!internal::HasCodec<std::variant<int, const char*>> && !internal::HasCodec<std::unique_ptr<int>>);

template <class T>
std::string encoded(const T& value) {
  if constexpr (ShowsBytes<Codec<T>, T>) {
    return std::string(Codec<T>().view(value));
  } else {
    std::string bytes(Codec<T>().size(value), '\xee');
    bytes.resize(Codec<T>().encode(value, bytes));
    return bytes;
  }
}
template <class Key>
std::string key_of(const Key& key) {
  std::string bytes(KeyCodec<Key>().size(key), '\xee');
  bytes.resize(KeyCodec<Key>().encode(key, bytes));
  return bytes;
}

const User kUser{.name = "ann",
                 .groups = {1, 2, 3},
                 .address = Address{.street = "main street", .number = 5},
                 .login = "secret",
                 .role = Role::kWriter,
                 .age = std::chrono::seconds(77)};

// Calls test(value) with values of all kinds.
template <class Test>
void for_each_value(Test&& test) {
  test(std::vector<int>());
  test(std::vector<int>{1, -2, 3});
  test(std::vector<std::string>{"", "a", std::string(1000, 'b')});
  test(std::vector<std::vector<std::string>>{{}, {"a", "b"}, {""}});
  test(std::array<std::string, 3>{"a", "", "c"});
  std::array<std::string, 20> twenty;
  twenty[19] = "last";
  test(twenty);
  test(std::pair<std::string, int>("a", 1));
  test(std::tuple<std::string, double, std::string>("", 1.5, "b"));
  test(std::optional<std::string>());
  test(std::optional<std::string>(""));
  test(std::optional<std::optional<std::string>>(std::optional<std::string>()));
  test(std::variant<int, std::string>(7));
  test(std::variant<int, std::string>("seven"));
  test(std::variant<std::string, std::string>(std::in_place_index<1>, "second"));
  test(std::pair<std::chrono::milliseconds, std::vector<std::chrono::system_clock::time_point>>(
      std::chrono::milliseconds(5), {std::chrono::system_clock::time_point(std::chrono::seconds(9))}));
  test(kUser);
  test(User());
  test(One{"one"});
  test(Sixteen{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"});
  test(std::vector<User>{kUser, User(), kUser});
}

TEST_CASE("what is made of parts comes back as it was") {
  for_each_value([](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    const std::string bytes = encoded(value);
    const std::optional<T> decoded = Codec<T>().decode(bytes);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == value);
  });
}

TEST_CASE("bytes that are cut off or have more at the end are no value, or another one that is whole") {
  for_each_value([](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    const std::string bytes = encoded(value);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const std::optional<T> decoded = Codec<T>().decode(std::string_view(bytes).substr(0, size));
      // At the boundary of an element, or of a member.
      if (decoded && encoded(*decoded).substr(0, size) != bytes.substr(0, size)) FAIL("other bytes");
    }
    const std::optional<T> longer = Codec<T>().decode(bytes + '\x7f');
    if (longer) CHECK(encoded(*longer) == bytes + '\x7f');
  });
}

TEST_CASE("whatever bytes there are, they are refused, or decoded to a value that comes back as it was") {
  std::mt19937 random(1);
  for_each_value([&](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    const std::string bytes = encoded(value);
    for (int round = 0; round < 300; ++round) {
      std::string other = bytes;
      if (other.empty()) other = "x";
      for (uint32_t i = 0; i <= random() % 3; ++i) other[random() % other.size()] = static_cast<char>(random());
      const std::optional<T> decoded = Codec<T>().decode(other);
      if (!decoded) continue;
      // Not always the same bytes: a struct may have lacked members.
      const std::string again = encoded(*decoded);
      CHECK(encoded(Codec<T>().decode(again).value()) == again);
    }
  });
  // A length of nearly 4 GiB is only a number.
  CHECK_FALSE(Codec<One>()
                  .decode(std::string("\xff\xff\xff\xff"
                                      "a"))
                  .has_value());
}

TEST_CASE("a struct may grow at its end") {
  const std::string old = encoded(OldUser{.name = "bob", .groups = {7}});
  const std::optional<User> user = Codec<User>().decode(old);
  REQUIRE(user.has_value());
  CHECK(*user == User{.name = "bob", .groups = {7}, .address = {}, .login = {}, .role = Role::kReader, .age = {}});
  // One that shrinks may not, and no bytes are no struct.
  CHECK_FALSE(Codec<OldUser>().decode(encoded(kUser)).has_value());
  CHECK_FALSE(Codec<User>().decode("").has_value());
}

TEST_CASE("bytes that are no optional or variant are refused, also where all their types are plain") {
  using Either = std::variant<int, double>;
  CHECK_FALSE(Codec<Either>().decode(std::string(sizeof(Either), '\7')));
  CHECK_FALSE(Codec<std::optional<int>>().decode(std::string(5, '\7')));
  CHECK_FALSE(Codec<std::vector<Either>>().decode(std::string(sizeof(Either), '\7')));
  CHECK_FALSE(Codec<std::array<std::optional<int>, 1>>().decode(std::string(sizeof(std::optional<int>), '\7')));
}

TEST_CASE("keys of parts are text, and different ones are different") {
  CHECK(key_of(std::pair<int, std::string>(7, "ann")) == "7:ann");
  CHECK(key_of(std::pair<std::string, int>("ann", -7)) == "ann:-7");
  CHECK(key_of(std::tuple<std::string, Role, std::string>("a:b\\", Role::kWriter, "c:d\\")) == "a\\:b\\\\:1:c:d\\");
  CHECK(key_of(std::tuple<uint64_t, int64_t>(std::numeric_limits<uint64_t>::max(),
                                             std::numeric_limits<int64_t>::min())) ==
        "18446744073709551615:-9223372036854775808");
  // All pairs of short strings of these characters.
  std::map<std::string, std::tuple<std::string, std::string, std::string>> seen;
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == 2) continue;
    for (const char c : {':', '\\', 'a'}) texts.push_back(texts[i] + c);
  }
  for (const std::string& first : texts) {
    for (const std::string& second : texts) {
      for (const std::string& third : texts) {
        const std::tuple key(first, second, third);
        const auto [place, is_new] = seen.emplace(key_of(key), key);
        CHECK(is_new);
      }
    }
  }
}

TEST_CASE("typed caches take them as they are") {
  const std::unique_ptr<Cache> cache = *Cache::create();
  TypedCache<std::pair<int, std::string>, User> users(*cache, "user:");
  CHECK(users.set({1, "ann"}, kUser) == StoreResult::kStored);
  CHECK(users.get({1, "ann"}) == kUser);
  CHECK(cache->contains("user:1:ann"));
  User changed = kUser;
  changed.groups.push_back(4);
  CHECK(users
            .update({1, "ann"},
                    [](std::optional<User>& user) {
                      user->groups.push_back(4);
                      return true;
                    })
            .status == UpdateStatus::kStored);
  CHECK(users.get({1, "ann"}) == changed);
  cache->set("user:2:bob", "no user");
  CHECK_FALSE(users.get({2, "bob"}).has_value());
  CHECK(users.decode_failures() == 1);
}

}  // namespace
}  // namespace larder
