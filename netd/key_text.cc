#include "netd/key_text.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace netd {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string percent_encoded(std::string_view key) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const char c : key) {
    if (is_unreserved(c)) {
      text += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    text += '%';
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

std::string percent_decoded(std::string_view text) {
  std::string key;
  while (!text.empty()) {
    const bool is_encoded = text.front() == '%' && text.size() > 2 &&
                            absl::ascii_isxdigit(static_cast<uint8_t>(text[1])) &&
                            absl::ascii_isxdigit(static_cast<uint8_t>(text[2]));
    if (is_encoded) key += absl::HexStringToBytes(absl::string_view(text.data() + 1, 2));
    if (!is_encoded) key += text.front();
    text.remove_prefix(is_encoded ? 3 : 1);
  }
  return key;
}

bool is_plain_key(std::string_view key) {
  return key.find_first_of(" \n") == std::string_view::npos && !key.ends_with('\r');
}

}  // namespace netd
