#include "larder/codec.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "doctest/doctest.h"

namespace larder {
namespace {

enum class Colour : uint8_t { kRed = 7 };
struct Point {
  int32_t x = 0, y = 0;
  bool operator==(const Point&) const = default;
};
struct NeverDefault {
  explicit NeverDefault(int n) : number(n) {}
  int number;
};

template <class Key>
std::string text(Key key) {
  char room[64];
  const size_t size = KeyCodec<Key>::size(key);
  return {room, KeyCodec<Key>::encode(key, std::span<char>(room, size))};
}

template <class T>
T round_trip(const T& value) {
  return *Codec<T>::decode(Codec<T>::view(value));
}

TEST_CASE("values come back as they were") {
  CHECK(round_trip<std::string>("").empty());
  CHECK(round_trip(std::string("a\0b", 3)) == std::string("a\0b", 3));
  CHECK(round_trip<int64_t>(-5) == -5);
  CHECK(round_trip(0.5) == 0.5);
  CHECK(round_trip(true));
  CHECK(round_trip(Colour::kRed) == Colour::kRed);
  CHECK(round_trip(Point{.x = 1, .y = -2}) == Point{.x = 1, .y = -2});
  CHECK(round_trip(NeverDefault(9)).number == 9);
  CHECK(round_trip(std::array<char, 3>{'a', 'b', 'c'})[2] == 'c');
}

TEST_CASE("octets that are none of the type's are refused") {
  CHECK_FALSE(Codec<int64_t>::decode("1234567"));
  CHECK_FALSE(Codec<int64_t>::decode("123456789"));
  CHECK_FALSE(Codec<Point>::decode(""));
  CHECK_FALSE(Codec<bool>::decode("\2"));
  CHECK(Codec<bool>::decode("\1") == true);
}

TEST_CASE("numbers and enumerations are keys in decimal") {
  CHECK(text<int>(0) == "0");
  CHECK(text(std::numeric_limits<uint64_t>::max()) == "18446744073709551615");
  CHECK(text(std::numeric_limits<int64_t>::min()) == "-9223372036854775808");
  CHECK(text(std::numeric_limits<int8_t>::min()) == "-128");
  CHECK(text('a') == "97");
  CHECK(text(true) == "1");
  CHECK(text(Colour::kRed) == "7");
}

TEST_CASE("other keys are their octets, if equal ones have equal octets") {
  const Point point{.x = 0x61616161, .y = 0x62626262};
  CHECK(KeyCodec<Point>::view(point) == "aaaabbbb");
  CHECK(KeyCodec<Point>::is_binary);
  CHECK(KeyCodec<std::string>::view("k") == "k");
}

struct Padded {
  char letter;
  int number;
};
struct Letters {
  static size_t size(char) { return 1; }
  static size_t encode(char value, std::span<char> room) {
    room[0] = value;
    return 1;
  }
};

static_assert(CodecOf<Codec<std::string>, std::string>);
static_assert(CodecOf<Codec<Padded>, Padded>);
static_assert(!CodecOf<Codec<Point>, Padded>);
static_assert(!PlainOctets<std::string_view> && !PlainOctets<int*> && !PlainOctets<std::string>);
static_assert(KeyCodecOf<KeyCodec<std::string>, std::string> && KeyCodecOf<KeyCodec<int>, int>);
static_assert(KeyCodecOf<Letters, char> && !CodecOf<Letters, char>);
template <class Key>
concept HasKeyCodec = requires {
  sizeof(KeyCodec<Key>);
};
static_assert(HasKeyCodec<Point> && !HasKeyCodec<Padded> && !HasKeyCodec<double>);

}  // namespace
}  // namespace larder
