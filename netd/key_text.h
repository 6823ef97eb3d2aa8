// Keys as dumps and logs show them.
#ifndef NETD_KEY_TEXT_H_
#define NETD_KEY_TEXT_H_

#include <string>
#include <string_view>

namespace netd {

// `key` with every byte except A-Z a-z 0-9 - . _ ~ as % and two hexadecimal digits.
[[nodiscard]] std::string percent_encoded(std::string_view key);

// The key that such a text is of; a % that no two such digits follow stands for itself.
[[nodiscard]] std::string percent_decoded(std::string_view text);

// Whether a client could have sent `key` on a command line.
[[nodiscard]] bool is_plain_key(std::string_view key);

}  // namespace netd

#endif  // NETD_KEY_TEXT_H_
