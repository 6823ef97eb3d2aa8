// Whom the HTTP port answers.
//
// A page from elsewhere that runs in an operator's browser can have its own name resolve to this machine, and then
// read what it likes ("DNS rebinding"). Such requests show in their Host field, which has that name. So it must be
// an address, localhost, a name that the port was told to listen on, or one of --http-host.
#ifndef NETD_HTTP_GUARD_H_
#define NETD_HTTP_GUARD_H_

#include <optional>
#include <string>
#include <string_view>

#include "netd/http/message.h"
#include "netd/options.h"

namespace netd::http {

// Whether `host`, a name or address with or without a port, is one of this server's.
[[nodiscard]] bool is_own_host(std::string_view host, const Options& options);

// What is wrong with a request whatever it asks for: its method, its host.
[[nodiscard]] std::optional<Reply> refuse(const Request& request, const Options& options);

// What a request without the right ones gets.
[[nodiscard]] Reply challenge_reply();

// "user password" of a field `Basic <base64 of user:password>`, as AuthFile wants it.
[[nodiscard]] std::optional<std::string> credentials(std::string_view authorization);

}  // namespace netd::http

#endif  // NETD_HTTP_GUARD_H_
