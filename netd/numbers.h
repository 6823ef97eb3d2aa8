// The numbers in requests. Each kind has its own grammar. Unless said otherwise all consist of digits only and may
// have leading zeros, and the result is nothing if the text is not exactly such a number.
#ifndef NETD_NUMBERS_H_
#define NETD_NUMBERS_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace netd {

namespace internal {

// Digits, after a '-' if Number is signed.
template <class Number>
inline std::optional<Number> parse_whole(std::string_view text) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace internal

// 1..11 characters, 0..4294967295.
[[nodiscard]] inline std::optional<uint32_t> parse_u32(std::string_view text) {
  if (text.size() > 11) return std::nullopt;
  return internal::parse_whole<uint32_t>(text);
}

// 1..22 characters, 0..2^64 - 1.
[[nodiscard]] inline std::optional<uint64_t> parse_u64(std::string_view text) {
  if (text.size() > 22) return std::nullopt;
  return internal::parse_whole<uint64_t>(text);
}

// An optional '-' and digits, 1..11 characters in all, -2147483648..2147483647.
[[nodiscard]] inline std::optional<int32_t> parse_i32(std::string_view text) {
  if (text.size() > 11) return std::nullopt;
  return internal::parse_whole<int32_t>(text);
}

// An optional sign and digits, -2^63..2^63 - 1.
[[nodiscard]] inline std::optional<int64_t> parse_i64(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return internal::parse_whole<int64_t>(text);
}

// The client flags of a storage command: like parse_u32, with an optional '+'.
[[nodiscard]] inline std::optional<uint32_t> parse_client_flags(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return internal::parse_whole<uint32_t>(text);
}

}  // namespace netd

#endif  // NETD_NUMBERS_H_
