#include "netd/key_text.h"

#include <cstddef>
#include <cstdint>

namespace netd {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

void append_percent_encoded(std::string_view key, std::string& text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : key) {
    if (is_unreserved(c)) {
      text += c;
      continue;
    }
    const auto octet = static_cast<uint8_t>(c);
    text += '%';
    text += kHex[octet >> 4];
    text += kHex[octet & 15];
  }
}

bool is_plain_key(std::string_view key) {
  return key.find_first_of(" \n") == std::string_view::npos && !key.ends_with('\r');
}

void append_base64(std::string_view octets, std::string& text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < octets.size(); i += 3) {
    const std::string_view part = octets.substr(i, 3);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = (bits << 8) | (j < part.size() ? static_cast<uint8_t>(part[j]) : 0);
    for (size_t j = 0; j < 4; ++j) text += j <= part.size() ? kDigits[(bits >> (18 - 6 * j)) & 63] : '=';
  }
}

}  // namespace netd
