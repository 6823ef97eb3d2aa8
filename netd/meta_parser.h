// What stands behind the key of a meta command: pure. Source: memcached's protocol.txt, "Meta Commands".
#ifndef NETD_META_PARSER_H_
#define NETD_META_PARSER_H_

#include <cstddef>

#include "netd/request.h"
#include "netd/tokens.h"

namespace netd {

// Whether all tokens from `first_flag` on look like flags. If not, nothing of the line is to be believed.
[[nodiscard]] bool look_like_flags(const Tokens& tokens, size_t first_flag);

// Fills in request.key and request.meta for request.command, one of mg, ms, md, ma and me, or refuses the request.
void parse_meta(const Tokens& tokens, size_t first_flag, size_t key_bytes_max, Request& request);

}  // namespace netd

#endif  // NETD_META_PARSER_H_
