// Keys as dumps and logs show them.
#ifndef NETD_KEY_TEXT_H_
#define NETD_KEY_TEXT_H_

#include <string>
#include <string_view>

namespace netd {

// Appends `key` with every octet but A-Z a-z 0-9 - . _ ~ as % and two hexadecimal digits.
void append_percent_encoded(std::string_view key, std::string& text);

// Whether a client could have sent `key` on a command line.
[[nodiscard]] bool is_plain_key(std::string_view key);

// Appends `octets` in base64 (RFC 4648, with padding).
void append_base64(std::string_view octets, std::string& text);

}  // namespace netd

#endif  // NETD_KEY_TEXT_H_
