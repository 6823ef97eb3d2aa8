// How keys and values of a program's own types become the bytes that a cache holds.
//
// Strings and trivially copyable types have a codec already, unless they hold addresses. Another type gets one in
// either of two ways: a specialization of `larder::Codec` (and of `larder::KeyCodec`, to be a key), or a class
// that is named where a typed cache is declared. A codec has
//
//   size_t size(const T& value)                            the most bytes that the value takes
//   size_t encode(const T& value, std::span<char> room)    writes it into room of size(value) bytes, and returns
//                                                          how many it took
//   std::optional<T> decode(std::string_view bytes)        the value, or nothing if these bytes are not one
//
// A type whose bytes are contiguous anyway can have `std::string_view view(const T& value)` instead of size and
// encode. A codec for keys needs no decode; two different keys must be encoded differently. Codecs may have state.
// Their functions are called from several threads at once, and never with a lock held.
//
// decode gets whatever is stored under the key, perhaps written by another program or an older version of this
// one: it must accept any bytes, and should refuse those that encode would not have written.
#ifndef LARDER_CODEC_H_
#define LARDER_CODEC_H_

#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace larder {

// The type that a T is passed as where it is only read: a caller need not make a string for it.
template <class T>
struct ViewOf {
  using type = T;
};
template <>
struct ViewOf<std::string> {
  using type = std::string_view;
};
template <class T>
using View = typename ViewOf<T>::type;

// Codecs that return a view of the value's bytes, and codecs that write them.
template <class C, class T>
concept ShowsBytes = requires(const C& codec, const View<T>& value) {
  { codec.view(value) } -> std::same_as<std::string_view>;
};
template <class C, class T>
concept WritesBytes = requires(const C& codec, const View<T>& value, std::span<char> room) {
  { codec.size(value) } -> std::convertible_to<size_t>;
  { codec.encode(value, room) } -> std::convertible_to<size_t>;
};
template <class C, class T>
concept KeyCodecOf = ShowsBytes<C, T> || WritesBytes<C, T>;
template <class C, class T>
concept CodecOf = KeyCodecOf<C, T> && requires(const C& codec, std::string_view bytes) {
  { codec.decode(bytes) } -> std::same_as<std::optional<T>>;
};

// Whether a T is an address or holds one, as far as the language can tell: pointers, views, references, optionals
// of them, and a type with one of these among its first 16 members. It does not see into a class with constructors
// or private members, nor past a member that cannot be default-constructed.
template <class T>
inline constexpr bool kHoldsAddresses = false;

namespace internal {

// Converts to anything that holds addresses, and to nothing else. Never called.
struct Address {
  template <class T>
  requires(kHoldsAddresses<T>) operator T() const {  // NOLINT
    std::abort();
  }
};

// clang-format 14 puts some of these on three lines.
// clang-format off

// Whether one of its members can be made from an Address; the members before it are value-initialized.
template <class T>
concept HasAddressMember = std::is_aggregate_v<T> && (
    requires { T{Address()}; } ||
    requires { T{{}, Address()}; } ||
    requires { T{{}, {}, Address()}; } ||
    requires { T{{}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, Address()}; } ||
    requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, Address()}; });
// clang-format on

}  // namespace internal

template <class T>
requires std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>
inline constexpr bool kHoldsAddresses<T> = true;
// A class that cannot be assigned has a reference or a constant as a member. A range that its iterators may
// outlive is a view.
template <class T>
requires std::is_class_v<T>
inline constexpr bool kHoldsAddresses<T> =
    !std::is_copy_assignable_v<T> || std::ranges::enable_borrowed_range<T> || internal::HasAddressMember<T>;
template <class T, size_t kCount>
inline constexpr bool kHoldsAddresses<T[kCount]> = kHoldsAddresses<T>;
template <class T>
inline constexpr bool kHoldsAddresses<std::reference_wrapper<T>> = true;
template <class T>
inline constexpr bool kHoldsAddresses<std::optional<T>> = kHoldsAddresses<T>;
template <class... Ts>
inline constexpr bool kHoldsAddresses<std::variant<Ts...>> = (kHoldsAddresses<Ts> || ...);

// Not all bytes are an optional or a variant: these have codecs that tell, in composite_codec.h.
template <class T>
inline constexpr bool kIsChoice = false;
template <class T>
inline constexpr bool kIsChoice<std::optional<T>> = true;
template <class... Ts>
inline constexpr bool kIsChoice<std::variant<Ts...>> = true;
template <class T, size_t kCount>
inline constexpr bool kIsChoice<std::array<T, kCount>> = kIsChoice<T>;

// Types whose object representation can be stored; not addresses, which would outlive what they point at.
template <class T>
concept HoldsAddresses = std::is_trivially_copyable_v<T> && kHoldsAddresses<T>;
template <class T>
concept PlainBytes = std::is_trivially_copyable_v<T> && std::is_object_v<T> && !HoldsAddresses<T> && !kIsChoice<T>;

// The codec of a type for which no other is named. Bytes are in this machine's representation: caches are not
// files.
template <class T>
struct Codec;

// Strings are stored as they are.
template <>
struct Codec<std::string> {
  // The bytes of a value, and the value of these bytes.
  static std::string_view view(std::string_view value) { return value; }
  static std::optional<std::string> decode(std::string_view bytes) { return std::string(bytes); }
};

// Plain types are stored as they are in memory. Of bytes from elsewhere only their number is checked: what a bool
// or an optional within a struct comes to is up to who wrote them.
template <PlainBytes T>
struct Codec<T> {
  // The bytes of a value, and the value of these bytes if their number is right.
  static std::string_view view(const T& value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }
  static std::optional<T> decode(std::string_view bytes) {
    if (bytes.size() != sizeof(T)) return std::nullopt;
    std::array<char, sizeof(T)> copy;
    std::memcpy(copy.data(), bytes.data(), copy.size());
    if constexpr (std::same_as<T, bool>) {
      if (static_cast<unsigned char>(copy[0]) > 1) return std::nullopt;
    }
    return std::bit_cast<T>(copy);
  }
};

// The codec of a key type: strings as they are; numbers and enumerations in decimal, so that clients of a server
// can write them; other types as they are in memory, if equal values have equal bytes.
template <class Key>
struct KeyCodec;

// String keys are used as they are.
template <>
struct KeyCodec<std::string> {
  // The bytes of a key.
  static std::string_view view(std::string_view key) { return key; }
};

// Numbers and enumerations in decimal.
template <class Key>
requires std::integral<Key> || std::is_enum_v<Key>
struct KeyCodec<Key> {
  // The room that any key fits in; encode writes a key to the start of its room, and returns how many bytes it
  // took.
  static constexpr size_t size(Key) { return std::numeric_limits<decltype(number(Key()))>::digits10 + 2; }
  static size_t encode(Key key, std::span<char> room) {
    return static_cast<size_t>(std::to_chars(room.data(), room.data() + room.size(), number(key)).ptr -
                               room.data());
  }

 private:
  static constexpr auto number(Key key) {
    if constexpr (std::is_enum_v<Key>) {
      return KeyCodec<std::underlying_type_t<Key>>::number(static_cast<std::underlying_type_t<Key>>(key));
    } else {
      // Promotes character types, which would print as letters, and bool, which to_chars does not accept.
      return +key;
    }
  }
  template <class Other>
  friend struct KeyCodec;
};

// Types other than numbers whose equal values have equal bytes.
template <class Key>
concept PlainKey =
    PlainBytes<Key> && std::has_unique_object_representations_v<Key> && !std::integral<Key> && !std::is_enum_v<Key>;

// Other types, as they are in memory.
template <PlainKey Key>
struct KeyCodec<Key> {
  // The keys may hold any bytes: SetOptions::is_key_binary of the items.
  static constexpr bool is_binary = true;
  // The bytes of a key.
  static std::string_view view(const Key& key) { return {reinterpret_cast<const char*>(&key), sizeof key}; }
};

}  // namespace larder

#endif  // LARDER_CODEC_H_
