// Values that tell whether they are what was stored: each is made of its key and a version alone, and is stored
// with a checksum of both for client flags.
#ifndef LARDER_TESTS_SOAK_VALUE_H_
#define LARDER_TESTS_SOAK_VALUE_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "fmt/core.h"

namespace larder::soak {

// FNV-1a.
inline uint32_t checksum(std::string_view key, uint64_t version) {
  uint32_t sum = 2166136261;
  const auto add = [&](uint8_t byte) { sum = (sum ^ byte) * 16777619; };
  for (const char byte : key) add(static_cast<uint8_t>(byte));
  for (int shift = 0; shift < 64; shift += 8) add(static_cast<uint8_t>(version >> shift));
  return sum;
}

// A value that is long enough begins with its version.
inline constexpr size_t kVersionDigits = 12;

inline std::string value_of(std::string_view key, uint64_t version, size_t bytes) {
  std::string value = bytes >= kVersionDigits ? fmt::format("{:012}", version) : std::string();
  uint64_t state = checksum(key, version) | uint64_t{1} << 32;
  while (value.size() < bytes) {
    // xorshift64
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    char next[sizeof state];
    std::memcpy(next, &state, sizeof state);
    value.append(next, std::min(sizeof next, bytes - value.size()));
  }
  return value;
}

inline std::optional<uint64_t> version_in(std::string_view value) {
  if (value.size() < kVersionDigits) return std::nullopt;
  uint64_t version = 0;
  const char* const end = value.data() + kVersionDigits;
  return std::from_chars(value.data(), end, version).ptr == end ? std::optional(version) : std::nullopt;
}

}  // namespace larder::soak

#endif  // LARDER_TESTS_SOAK_VALUE_H_
