// Keys of any bytes, as the meta commands encode them: base64 of RFC 4648, with `+/` and padding.
#ifndef NETD_BASE64_H_
#define NETD_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace netd {

[[nodiscard]] std::string base64_encode(std::string_view bytes);

// Nothing unless `text` is the complete encoding of at least one byte.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace netd

#endif  // NETD_BASE64_H_
