// Codecs (codec.h) of types that are made of others which have one:
//
//   std::vector, std::optional, std::variant, std::pair, std::tuple, std::array, and aggregates: structs with up to
//   16 public members, no base, and no constructor or array of C, such as
//
//     struct User {
//       std::string name;
//       std::vector<uint64_t> groups;
//       std::optional<Address> address;
//     };
//
// and, as keys, pairs and tuples of numbers, enumerations and strings. Types that are trivially copyable are stored
// as they lie in memory, except optionals and variants. An aggregate that is not trivially copyable may grow: bytes
// that were stored when it had fewer members are decoded, and the members that were added, at its end, have their
// default values.
//
// Bytes that are no such value are refused. Who decodes bytes of others should know that an element of a vector can
// take as few as 4 bytes, however large its type is.
//
// A part is stored as its bytes, if they are always as many, and otherwise behind their number in four bytes. A
// key's parts are text, each but the last with a colon behind it: {7, "ann"} is "7:ann". In the strings among those
// parts, a colon and a backslash have a backslash before them.
#ifndef LARDER_COMPOSITE_CODEC_H_
#define LARDER_COMPOSITE_CODEC_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "larder/codec.h"
#include "larder/internal/base/members.h"

namespace larder {
namespace internal {

// --- parts of a value --------------------------------------------------------------------------------------------

inline constexpr size_t kLengthBytes = sizeof(uint32_t);

// The most bytes that a part takes.
template <class T>
size_t part_size(const T& part) {
  if constexpr (PlainBytes<T>) {
    return sizeof(T);
  } else if constexpr (ShowsBytes<Codec<T>, T>) {
    return kLengthBytes + Codec<T>().view(part).size();
  } else {
    return kLengthBytes + Codec<T>().size(part);
  }
}

// Writes a part where `at` is, and moves it past that.
template <class T>
void write_part(const T& part, char*& at) {
  if constexpr (PlainBytes<T>) {
    std::memcpy(at, &part, sizeof part);
    at += sizeof part;
  } else {
    char* const begin = at + kLengthBytes;
    size_t written = 0;
    if constexpr (ShowsBytes<Codec<T>, T>) {
      const std::string_view bytes = Codec<T>().view(part);
      written = bytes.size();
      if (written > 0) std::memcpy(begin, bytes.data(), written);
    } else {
      written = Codec<T>().encode(part, {begin, Codec<T>().size(part)});
    }
    const auto length = static_cast<uint32_t>(written);
    std::memcpy(at, &length, kLengthBytes);
    at = begin + written;
  }
}

// Takes a part off the start of `bytes`. Nothing if that is not one.
template <class T>
std::optional<T> read_part(std::string_view& bytes) {
  size_t size = sizeof(T);
  if constexpr (!PlainBytes<T>) {
    uint32_t length = 0;
    if (bytes.size() < kLengthBytes) return std::nullopt;
    std::memcpy(&length, bytes.data(), kLengthBytes);
    bytes.remove_prefix(kLengthBytes);
    size = length;
  }
  if (bytes.size() < size) return std::nullopt;
  const std::string_view part = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return Codec<T>().decode(part);
}
template <class T>
bool read_into(T& part, std::string_view& bytes) {
  std::optional<T> read = read_part<T>(bytes);
  if (read) part = *std::move(read);
  return read.has_value();
}

// --- what a value is made of ------------------------------------------------------------------------------------

// Calls visit(part, …) with the parts that a value is made of.
template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};
template <class T, class Visit>
decltype(auto) with_parts(T& value, Visit&& visit) {
  if constexpr (TupleLike<std::remove_const_t<T>>) {
    return std::apply(visit, value);
  } else {
    return with_members(value, visit);
  }
}

template <class T>
concept HasCodec = CodecOf<Codec<T>, T>;
template <class... Ts>
inline constexpr bool kHaveCodecs = (HasCodec<Ts> && ...);

struct HaveCodecs {
  template <class... Ts>
  std::bool_constant<kHaveCodecs<Ts...>> operator()(Ts&...) const {
    return {};
  }
};

// A struct whose members can be told apart, and all have a codec.
template <class T>
concept Aggregate =
    std::is_class_v<T> && std::is_aggregate_v<T> && !TupleLike<T> && !PlainBytes<T> && !HoldsAddresses<T> &&
    std::default_initializable<T> && decltype(with_members(std::declval<T&>(), HaveCodecs()))::value;

// The codec of a fixed number of parts.
template <class T>
struct PartsCodec {
  static size_t size(const T& value) {
    return with_parts(value, [](const auto&... parts) { return (part_size(parts) + ... + 0); });
  }
  static size_t encode(const T& value, std::span<char> room) {
    char* at = room.data();
    with_parts(value, [&](const auto&... parts) { (write_part(parts, at), ...); });
    return static_cast<size_t>(at - room.data());
  }

 protected:
  // If `may_lack`, the last parts may be missing, but not all.
  static std::optional<T> decode_parts(std::string_view bytes, bool may_lack) {
    std::optional<T> value(std::in_place);
    const bool may_be_empty = with_parts(*value, [](const auto&... parts) { return sizeof...(parts) == 0; });
    if (bytes.empty() && !may_be_empty) return std::nullopt;
    const bool is_right = with_parts(
        *value, [&](auto&... parts) { return (((may_lack && bytes.empty()) || read_into(parts, bytes)) && ...); });
    if (!is_right || !bytes.empty()) return std::nullopt;
    return value;
  }
};

// The codec of a range of elements of one type.
template <class T>
struct ElementsCodec {
  static size_t size(const T& elements) {
    size_t sum = 0;
    for (const auto& element : elements) sum += part_size(element);
    return sum;
  }
  static size_t encode(const T& elements, std::span<char> room) {
    char* at = room.data();
    for (const auto& element : elements) write_part(element, at);
    return static_cast<size_t>(at - room.data());
  }
};

}  // namespace internal

// --- values ------------------------------------------------------------------------------------------------------

// Elements that are plain are stored as they lie in memory.
template <PlainBytes T>
requires(!std::same_as<T, bool> && std::default_initializable<T>) struct Codec<std::vector<T>> {
  // The bytes of a vector, and the vector of these bytes.
  static std::string_view view(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
  }
  static std::optional<std::vector<T>> decode(std::string_view bytes) {
    if (bytes.size() % sizeof(T) != 0) return std::nullopt;
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

// Elements that are not plain, one after the other.
template <class T>
requires(!PlainBytes<T> && internal::HasCodec<T>) struct Codec<std::vector<T>>
    : internal::ElementsCodec<std::vector<T>> {
  // The vector of these bytes.
  static std::optional<std::vector<T>> decode(std::string_view bytes) {
    std::vector<T> values;
    while (!bytes.empty()) {
      std::optional<T> value = internal::read_part<T>(bytes);
      if (!value) return std::nullopt;
      values.push_back(*std::move(value));
    }
    return values;
  }
};
template <class T, size_t kCount>
requires(!PlainBytes<T> && internal::HasCodec<T> &&
         std::default_initializable<T>) struct Codec<std::array<T, kCount>>
    : internal::ElementsCodec<std::array<T, kCount>> {
  // The array of these bytes.
  static std::optional<std::array<T, kCount>> decode(std::string_view bytes) {
    std::optional<std::array<T, kCount>> values(std::in_place);
    for (T& value : *values) {
      if (!internal::read_into(value, bytes)) return std::nullopt;
    }
    if (!bytes.empty()) return std::nullopt;
    return values;
  }
};

// Pairs and tuples.
template <class First, class Second>
requires(!PlainBytes<std::pair<First, Second>> &&
         internal::kHaveCodecs<First, Second>) struct Codec<std::pair<First, Second>>
    : internal::PartsCodec<std::pair<First, Second>> {
  // The pair of these bytes.
  static std::optional<std::pair<First, Second>> decode(std::string_view bytes) {
    return Codec::decode_parts(bytes, false);
  }
};
template <class... Ts>
requires(!PlainBytes<std::tuple<Ts...>> && internal::kHaveCodecs<Ts...>) struct Codec<std::tuple<Ts...>>
    : internal::PartsCodec<std::tuple<Ts...>> {
  // The tuple of these bytes.
  static std::optional<std::tuple<Ts...>> decode(std::string_view bytes) {
    return Codec::decode_parts(bytes, false);
  }
};

// Aggregates.
template <internal::Aggregate T>
struct Codec<T> : internal::PartsCodec<T> {
  // The struct of these bytes, which may be those of one with fewer members.
  static std::optional<T> decode(std::string_view bytes) { return Codec::decode_parts(bytes, true); }
};

// No bytes stand for nothing.
template <class T>
requires(!PlainBytes<std::optional<T>> && internal::HasCodec<T>) struct Codec<std::optional<T>> {
  // The most bytes that it takes; writes it; and reads it.
  static size_t size(const std::optional<T>& value) { return value ? 1 + internal::part_size(*value) : 0; }
  static size_t encode(const std::optional<T>& value, std::span<char> room) {
    if (!value) return 0;
    char* at = room.data();
    *at++ = 1;
    internal::write_part(*value, at);
    return static_cast<size_t>(at - room.data());
  }
  static std::optional<std::optional<T>> decode(std::string_view bytes) {
    if (bytes.empty()) return std::optional<T>();
    if (bytes.front() != 1) return std::nullopt;
    bytes.remove_prefix(1);
    std::optional<T> value = internal::read_part<T>(bytes);
    if (!value || !bytes.empty()) return std::nullopt;
    return value;
  }
};

// The number of the alternative, and that one.
template <class... Ts>
requires(!PlainBytes<std::variant<Ts...>> && internal::kHaveCodecs<Ts...> &&
         sizeof...(Ts) < 255) struct Codec<std::variant<Ts...>> {
  using Variant = std::variant<Ts...>;

  // The most bytes that it takes; writes it; and reads it.
  static size_t size(const Variant& value) {
    if (value.valueless_by_exception()) return 1;
    return 1 + std::visit([](const auto& part) { return internal::part_size(part); }, value);
  }
  static size_t encode(const Variant& value, std::span<char> room) {
    char* at = room.data();
    *at++ = static_cast<char>(value.index());
    if (!value.valueless_by_exception()) {
      std::visit([&](const auto& part) { internal::write_part(part, at); }, value);
    }
    return static_cast<size_t>(at - room.data());
  }
  static std::optional<Variant> decode(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto index = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    std::optional<Variant> value = read_alternative<0>(index, bytes);
    if (!value || !bytes.empty()) return std::nullopt;
    return value;
  }

 private:
  template <size_t kIndex>
  static std::optional<Variant> read_alternative(size_t index, std::string_view& bytes) {
    if constexpr (kIndex == sizeof...(Ts)) {
      return std::nullopt;
    } else {
      if (index != kIndex) return read_alternative<kIndex + 1>(index, bytes);
      auto part = internal::read_part<std::variant_alternative_t<kIndex, Variant>>(bytes);
      if (!part) return std::nullopt;
      return Variant(std::in_place_index<kIndex>, *std::move(part));
    }
  }
};

// --- keys --------------------------------------------------------------------------------------------------------

namespace internal {

template <class T>
concept KeyPart = std::integral<T> || std::is_enum_v<T> || std::same_as<T, std::string>;

// The codec of a key with parts.
template <class Key>
struct KeyPartsCodec {
  static size_t size(const Key& key) {
    return std::apply([](const auto&... parts) { return (room_for(parts) + ... + 0); }, key);
  }
  static size_t encode(const Key& key, std::span<char> room) {
    char* at = room.data();
    size_t left = std::tuple_size_v<Key>;
    std::apply([&](const auto&... parts) { (write(parts, --left == 0, at, room), ...); }, key);
    return static_cast<size_t>(at - room.data());
  }

 private:
  template <class Part>
  static size_t room_for(const Part& part) {
    if constexpr (std::same_as<Part, std::string>) {
      return 2 * part.size() + 1;
    } else {
      return KeyCodec<Part>::size(part) + 1;
    }
  }
  template <class Part>
  static void write(const Part& part, bool is_last, char*& at, std::span<char> room) {
    if constexpr (std::same_as<Part, std::string>) {
      for (const char c : part) {
        if (!is_last && (c == ':' || c == '\\')) *at++ = '\\';
        *at++ = c;
      }
    } else {
      at += KeyCodec<Part>::encode(part, room.subspan(static_cast<size_t>(at - room.data())));
    }
    if (!is_last) *at++ = ':';
  }
};

}  // namespace internal

template <internal::KeyPart First, internal::KeyPart Second>
struct KeyCodec<std::pair<First, Second>> : internal::KeyPartsCodec<std::pair<First, Second>> {};
template <internal::KeyPart... Ts>
requires(sizeof...(Ts) > 0) struct KeyCodec<std::tuple<Ts...>> : internal::KeyPartsCodec<std::tuple<Ts...>> {
};

}  // namespace larder

#endif  // LARDER_COMPOSITE_CODEC_H_
