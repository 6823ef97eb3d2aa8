// What stands behind the words of the classic commands: pure. Each of these fills in `request`, or refuses it.
// Source: memcached's protocol.txt.
#ifndef NETD_CLASSIC_PARSER_H_
#define NETD_CLASSIC_PARSER_H_

#include <cstddef>

#include "netd/request.h"
#include "netd/tokens.h"

namespace netd {

// get, gets; gat, gats. From `request.line` alone, as keys may be many.
void parse_keys(size_t key_bytes_max, Request& request);
void parse_exptime_and_keys(size_t key_bytes_max, Request& request);

// set, add, replace, append, prepend; cas. All but the value.
void parse_value(const Tokens& tokens, size_t key_bytes_max, Request& request);
void parse_value_and_cas(const Tokens& tokens, size_t key_bytes_max, Request& request);

void parse_key(const Tokens& tokens, size_t key_bytes_max, Request& request);              // delete
void parse_key_and_delta(const Tokens& tokens, size_t key_bytes_max, Request& request);    // incr, decr
void parse_key_and_exptime(const Tokens& tokens, size_t key_bytes_max, Request& request);  // touch

void parse_delay(const Tokens& tokens, size_t key_bytes_max, Request& request);    // flush_all
void parse_level(const Tokens& tokens, size_t key_bytes_max, Request& request);    // verbosity
void parse_nothing(const Tokens& tokens, size_t key_bytes_max, Request& request);  // version, quit, mn

// Administration: words that are left to be understood by who answers them.
void parse_words(const Tokens& tokens, size_t key_bytes_max, Request& request);
void parse_words_and_noreply(const Tokens& tokens, size_t key_bytes_max, Request& request);

}  // namespace netd

#endif  // NETD_CLASSIC_PARSER_H_
