// What stands behind the words of the meta commands: pure. Source: memcached's protocol.txt, "Meta Commands".
#ifndef NETD_META_PARSER_H_
#define NETD_META_PARSER_H_

#include <cstddef>

#include "netd/request.h"
#include "netd/tokens.h"

namespace netd {

// Whether all tokens from `first_flag` on look like flags. If not, nothing of the line is to be believed.
[[nodiscard]] bool look_like_flags(const Tokens& tokens, size_t first_flag);

// Each fills in `request`, whose command is known, or refuses it. A flag that the command has no use for is
// accepted.
void parse_meta(const Tokens& tokens, size_t key_bytes_max, Request& request);        // mg, ms, md, ma
void parse_meta_debug(const Tokens& tokens, size_t key_bytes_max, Request& request);  // me

}  // namespace netd

#endif  // NETD_META_PARSER_H_
