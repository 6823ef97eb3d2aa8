// How keys and values of a program's own types lie in a cache, which holds bytes.
//
// Strings and trivially copyable types have a codec already, unless they hold addresses. Another type gets one of
// two ways: a specialization of `larder::Codec` (and of `larder::KeyCodec`, to be a key), or a class that is named
// where a typed cache is declared. A codec is asked
//
//   size_t size(const T& value)                            at most how many bytes the value takes
//   size_t encode(const T& value, std::span<char> room)    writes it into room of size(value) bytes; how many it
//   took std::optional<T> decode(std::string_view bytes)       the value, or nothing if these bytes are not one
//
// A type whose bytes lie in one piece anyway has `std::string_view view(const T& value)` instead of size and
// encode. A codec for keys needs no decode; two keys that differ must be encoded differently. Codecs may have
// state; all their functions are called from several threads at once, never with a lock held.
//
// decode sees whatever lies under the key, be it written by another program or an older version of this one: it
// must take any bytes, and should refuse those that encode would not have written.
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

// What a T is passed as that is only looked at: a string need not be made for it.
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

// Codecs that have the value's bytes in one piece, and codecs that write them.
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

// Whether a T is an address or holds one, as far as the language tells: pointers, views, references and optionals
// of such, and what has them among its first 16 members. It does not look into a class with constructors or private
// members, nor past a member that has no default.
template <class T>
inline constexpr bool kHoldsAddresses = false;

namespace internal {

// Converts to whatever holds addresses, and to nothing else. It is never done.
struct Address {
  template <class T>
  requires(kHoldsAddresses<T>) operator T() const {  // NOLINT
    std::abort();
  }
};

// Version 14 puts some of these on three lines.
// clang-format off

// Whether one of its members can be made of an Address; those before are made of nothing, whatever they are.
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
// What cannot be assigned has a reference for a member, or a constant. A range that may end before its iterators is
// a view.
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

// Types that are the bytes they lie in; but addresses would outlive what lies there.
template <class T>
concept HoldsAddresses = std::is_trivially_copyable_v<T> && kHoldsAddresses<T>;
template <class T>
concept PlainBytes = std::is_trivially_copyable_v<T> && std::is_object_v<T> && !HoldsAddresses<T>;

// The codec of a type that names no other. Bytes are those of this machine: caches are not files.
template <class T>
struct Codec;

// Strings lie as they are.
template <>
struct Codec<std::string> {
  // The bytes of a value, and the value that bytes are.
  static std::string_view view(std::string_view value) { return value; }
  static std::optional<std::string> decode(std::string_view bytes) { return std::string(bytes); }
};

// Plain types lie as they lie in memory.
template <PlainBytes T>
struct Codec<T> {
  // The bytes of a value, and the value that bytes are, if there are as many as it has.
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

// The same for keys: strings as they are; numbers and enumerations in decimal, so that clients of a server can
// name them; other types, as long as equal values have equal bytes, as those.
template <class Key>
struct KeyCodec;

// Strings are keys as they are.
template <>
struct KeyCodec<std::string> {
  // The bytes of a key.
  static std::string_view view(std::string_view key) { return key; }
};

// Numbers and enumerations, in decimal.
template <class Key>
requires std::integral<Key> || std::is_enum_v<Key>
struct KeyCodec<Key> {
  // The room that any key fits in; writes one to the front of its room, and returns how many bytes that took.
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
      // What prints as a letter, and bool, which to_chars does not take.
      return +key;
    }
  }
  template <class Other>
  friend struct KeyCodec;
};

// Types of which equal values have equal bytes, and that are no numbers.
template <class Key>
concept PlainKey =
    PlainBytes<Key> && std::has_unique_object_representations_v<Key> && !std::integral<Key> && !std::is_enum_v<Key>;

// Other types, as they lie in memory.
template <PlainKey Key>
struct KeyCodec<Key> {
  // Bytes of any kind: SetOptions::is_key_binary of the items.
  static constexpr bool is_binary = true;
  // The bytes of a key.
  static std::string_view view(const Key& key) { return {reinterpret_cast<const char*>(&key), sizeof key}; }
};

}  // namespace larder

#endif  // LARDER_CODEC_H_
