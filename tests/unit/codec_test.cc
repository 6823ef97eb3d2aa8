#include "larder/codec.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "doctest/doctest.h"
#include "larder/composite_codec.h"

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

TEST_CASE("bytes that are none of the type's are refused") {
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

TEST_CASE("other keys are their bytes, if equal ones have equal bytes") {
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
static_assert(!PlainBytes<std::string_view> && !PlainBytes<int*> && !PlainBytes<std::string>);

// Addresses, and what holds them.
struct Named {
  int number;
  const char* name;
};
struct Derived : Named {
  int more;
};
struct WithBase : Point {
  void* memory;
};
struct WithArray {
  char text[4096];
  Point points[3];
  Named named[2];
};
struct WithBits {
  unsigned low : 3, high : 29;
  void (*function)();
};
struct WithView {
  Point point;
  std::string_view view;
};
struct WithOptional {
  bool is_set;
  std::optional<Named> named;
};
struct WithReference {
  int number;
  const int& other;
};
struct InSixteenth {
  char c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14;
  int Point::*member;
};
template <class... Ts>
constexpr bool are_refused = ((std::is_trivially_copyable_v<Ts> && !CodecOf<Codec<Ts>, Ts>)&&...);
static_assert(are_refused<std::span<int>, std::span<const char, 5>, std::reference_wrapper<int>, std::nullptr_t,
                          void (*)(), int Point::*, void (Point::*)(), std::array<char*, 3>,
                          std::array<std::array<Named, 2>, 2>, std::optional<int*>, std::variant<int, Named>>);
static_assert(
    are_refused<Named, Derived, WithBase, WithArray, WithBits, WithView, WithOptional, WithReference, InSixteenth>);
static_assert(!KeyCodecOf<KeyCodec<Named>, Named> && !KeyCodecOf<KeyCodec<int*>, int*>);

// What holds none.
struct Nothing {};
struct AllKinds : Point {
  struct {
    char letters[17];
    std::array<Point, 2> points;
    std::array<char, 16> more;
  } nested;
  Colour colour;
  unsigned bits : 4;
  std::optional<double> maybe;
  std::variant<int, Point> either;
  std::chrono::sys_seconds moment;
  union {
    int number;
    float fraction;
  };
  bool is_set = false;
};
struct WithNeverDefault {
  NeverDefault first;
  int number;
};
struct AnyNumber {
  template <class T>
  explicit AnyNumber(T number) : value(number) {}
  double value;
};
struct WithAnyNumber {
  int number;
  AnyNumber any;
};
template <class... Ts>
constexpr bool are_taken = (CodecOf<Codec<Ts>, Ts> && ...);
static_assert(are_taken<Nothing, AllKinds, NeverDefault, WithNeverDefault, WithAnyNumber, std::chrono::seconds,
                        std::chrono::system_clock::time_point, std::array<std::array<int, 2>, 3>,
                        std::optional<Point>, std::variant<int, bool>>);

static_assert(KeyCodecOf<KeyCodec<std::string>, std::string> && KeyCodecOf<KeyCodec<int>, int>);
static_assert(KeyCodecOf<Letters, char> && !CodecOf<Letters, char>);
template <class Key>
concept HasKeyCodec = requires {
  sizeof(KeyCodec<Key>);
};
static_assert(HasKeyCodec<Point> && !HasKeyCodec<Padded> && !HasKeyCodec<double>);

}  // namespace
}  // namespace larder
