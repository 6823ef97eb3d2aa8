// The numbers a request may hold. Each kind has its own grammar; all of them are digits only unless said
// otherwise, may have leading zeros, and give nothing when the text is not exactly such a number.
#ifndef NETD_NUMBERS_H_
#define NETD_NUMBERS_H_

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace netd {

namespace internal {

// Digits alone, at most 2^64 - 1.
inline std::optional<uint64_t> parse_digits(std::string_view text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

template <class Number>
std::optional<Number> narrow(std::optional<uint64_t> value) {
  if (!value || *value > std::numeric_limits<Number>::max()) return std::nullopt;
  return static_cast<Number>(*value);
}

}  // namespace internal

// 1..11 characters, 0..4294967295.
[[nodiscard]] inline std::optional<uint32_t> parse_u32(std::string_view text) {
  if (text.size() > 11) return std::nullopt;
  return internal::narrow<uint32_t>(internal::parse_digits(text));
}

// 1..22 characters, 0..2^64 - 1.
[[nodiscard]] inline std::optional<uint64_t> parse_u64(std::string_view text) {
  if (text.size() > 22) return std::nullopt;
  return internal::parse_digits(text);
}

// An optional '-' and digits, 1..11 characters in all, -2147483648..2147483647.
[[nodiscard]] inline std::optional<int32_t> parse_i32(std::string_view text) {
  if (text.size() > 11) return std::nullopt;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::optional<uint64_t> magnitude = internal::parse_digits(text);
  if (!magnitude || *magnitude > (negative ? 2147483648u : 2147483647u)) return std::nullopt;
  const auto value = static_cast<int64_t>(*magnitude);
  return static_cast<int32_t>(negative ? -value : value);
}

// The client flags of a storage command: as parse_u32, with an optional '+'.
[[nodiscard]] inline std::optional<uint32_t> parse_client_flags(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return internal::narrow<uint32_t>(internal::parse_digits(text));
}

// The exptime of a storage command: an optional sign and digits. Beyond ±(2^31 - 1) it stays there instead of
// wrapping around as memcached's does; beyond 63 bits it is refused, as there.
[[nodiscard]] inline std::optional<int32_t> parse_store_exptime(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::optional<int64_t> magnitude = internal::narrow<int64_t>(internal::parse_digits(text));
  if (!magnitude) return std::nullopt;
  const auto saturated = static_cast<int32_t>(std::min<int64_t>(*magnitude, std::numeric_limits<int32_t>::max()));
  return negative ? -saturated : saturated;
}

}  // namespace netd

#endif  // NETD_NUMBERS_H_
