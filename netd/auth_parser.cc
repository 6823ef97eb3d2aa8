#include "netd/auth_parser.h"

#include <optional>

#include "netd/commands.h"
#include "netd/numbers.h"
#include "netd/reply_words.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr size_t kLineBytesMin = 6;
constexpr char kBinaryProtocolMagic = static_cast<char>(0x80);

Parser::Result close(std::string_view input, Request& request) {
  request.command = &kHangUp;
  return {.complete = true, .bytes_consumed = input.size()};
}

Parser::Result refuse_login(std::string_view refusal, size_t bytes_consumed, Request& request) {
  refuse(request, refusal);
  return {.complete = true, .bytes_consumed = bytes_consumed};
}

}  // namespace

Parser::Result parse_unauthenticated(std::string_view input, bool at_start, Request& request) {
  reset(request);
  if (input.empty()) return {};
  request.is_binary = at_start && input.front() == kBinaryProtocolMagic;
  if (request.is_binary) return close(input, request);
  const size_t line_end = input.find('\n');
  if (line_end == std::string_view::npos) {
    if (input.size() > kUnfinishedLineBytesMax) return close(input, request);
    return {};
  }
  const size_t line_bytes = line_end + 1;
  if (line_bytes < kLineBytesMin) return close(input, request);
  request.line = input.substr(0, line_end);
  if (request.line.ends_with('\r')) request.line.remove_suffix(1);

  const Tokens tokens(request.line);
  const std::optional<uint32_t> value_bytes = parse_u32(tokens[4]);
  if (tokens[0] != "set" || !value_bytes) return refuse_login(kErrorUnauthenticated, line_bytes, request);
  // As in memcached, what follows is the next line: gigabytes that a stranger announces are not waited for.
  if (*value_bytes > kAuthTokenBytesMax) return refuse_login(kErrorAuthTooLong, line_bytes, request);
  const size_t block_bytes = size_t{*value_bytes} + 2;
  const size_t request_bytes = line_bytes + block_bytes;
  if (input.size() < request_bytes) return {.bytes_wanted = request_bytes};
  request.value = input.substr(line_bytes, block_bytes - 2);
  if (input.substr(request_bytes - 2, 2) != "\r\n") return refuse_login(kErrorAuthBadEnd, request_bytes, request);
  if (request.value.find(' ') == std::string_view::npos) return refuse_login(kErrorAuthBadFormat, request_bytes, request);
  request.command = &kAuthentication;
  return {.complete = true, .bytes_consumed = request_bytes};
}

}  // namespace netd
