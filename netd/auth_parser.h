// Parses the requests of a client that has not authenticated itself yet (-Y). Only one request is accepted then, a
// `set` whose value is "user password"; its key and numbers do not matter. See memcached's protocol.txt.
#ifndef NETD_AUTH_PARSER_H_
#define NETD_AUTH_PARSER_H_

#include <cstddef>
#include <string_view>

#include "netd/parser.h"
#include "netd/request.h"

namespace netd {

inline constexpr size_t kAuthTokenBytesMax = 16384;

// Looks for a request at the start of `input`; called and answered like Parser::next. `at_start`: nothing has been
// consumed on this connection yet.
[[nodiscard]] Parser::Result parse_unauthenticated(std::string_view input, bool at_start, Request& request);

}  // namespace netd

#endif  // NETD_AUTH_PARSER_H_
