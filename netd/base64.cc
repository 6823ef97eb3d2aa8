#include "netd/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace netd {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kPadding = '=';
constexpr int kBitsPerLetter = 6;
constexpr uint8_t kNoLetter = 0xff;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(kNoLetter);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  return values;
}
constexpr std::array<uint8_t, 256> kValues = make_values();

}  // namespace

std::string base64_encode(std::string_view octets) {
  std::string text;
  text.reserve(base64_bytes(octets.size()));
  for (; !octets.empty(); octets.remove_prefix(std::min<size_t>(3, octets.size()))) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = (group << 8) | (i < octets.size() ? static_cast<uint8_t>(octets[i]) : 0u);
    for (size_t i = 0; i < 4; ++i) {
      const uint32_t letter = (group >> (3 - i) * kBitsPerLetter) & 63;
      text.push_back(i <= octets.size() ? kAlphabet[letter] : kPadding);
    }
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && text.ends_with(kPadding)) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string octets;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char letter : text) {
    const uint8_t value = kValues[static_cast<uint8_t>(letter)];
    if (value == kNoLetter) return std::nullopt;
    bits = (bits << kBitsPerLetter) | value;
    bit_count += kBitsPerLetter;
    if (bit_count < 8) continue;
    bit_count -= 8;
    octets.push_back(static_cast<char>(bits >> bit_count));
  }
  return octets;
}

}  // namespace netd
