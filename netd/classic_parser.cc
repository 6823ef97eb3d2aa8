#include "netd/classic_parser.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "netd/exptime.h"
#include "netd/numbers.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

// `noreply` counts as such only as the last token, and not in the place of a key.
bool is_noreply(const Tokens& tokens, size_t index_min) {
  return tokens.size() > index_min && tokens.last() == "noreply";
}

void take_key(std::string_view key, size_t key_bytes_max, Request& request) {
  request.key = key;
  if (key.size() > key_bytes_max) refuse(request, kErrorBadFormat);
}

void take_keys(std::string_view keys, size_t key_bytes_max, Request& request) {
  request.keys = keys;
  bool any = false;
  for (std::string_view key = take_token(keys); !key.empty(); key = take_token(keys)) {
    if (key.size() > key_bytes_max) return refuse(request, kErrorBadFormat);
    any = true;
  }
  if (!any) refuse(request, kErrorBadFormat);
}

void take_exptime(std::string_view text, Request& request) {
  request.exptime = parse_exptime(text);
  if (!request.exptime) refuse(request, kErrorBadExptime);
}

// Clients of old send a 0 behind the key of `delete`. A second key there is not ignored: it would stay.
bool ends_after_key(const Tokens& tokens, bool noreply) {
  const size_t extra_tokens = tokens.size() - (noreply ? 3 : 2);
  return extra_tokens == 0 || (extra_tokens == 1 && tokens[2] == "0");
}

}  // namespace

void parse_keys(size_t key_bytes_max, Request& request) {
  std::string_view rest = request.line;
  take_token(rest);
  take_keys(rest, key_bytes_max, request);
}

void parse_exptime_and_keys(size_t key_bytes_max, Request& request) {
  std::string_view rest = request.line;
  take_token(rest);
  const std::string_view exptime = take_token(rest);
  take_keys(rest, key_bytes_max, request);
  if (request.command != &kRefusal) take_exptime(exptime, request);
}

void parse_value(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  request.noreply = is_noreply(tokens, 5);
  const std::optional<uint32_t> client_flags = parse_client_flags(tokens[2]);
  request.exptime = parse_store_exptime(tokens[3]);
  if (!client_flags || !request.exptime) return refuse(request, kErrorBadFormat);
  request.client_flags = *client_flags;
  take_key(tokens[1], key_bytes_max, request);
}

void parse_value_and_cas(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  parse_value(tokens, key_bytes_max, request);
  request.compare = parse_u64(tokens[5]);
  if (!request.compare) refuse(request, kErrorBadFormat);
}

void parse_key(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  request.noreply = is_noreply(tokens, 2);
  if (!ends_after_key(tokens, request.noreply)) return refuse(request, kErrorDeleteUsage);
  take_key(tokens[1], key_bytes_max, request);
}

void parse_key_and_delta(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  request.noreply = is_noreply(tokens, 2);
  const std::optional<uint64_t> delta = parse_u64(tokens[2]);
  if (!delta) refuse(request, kErrorBadDelta);
  request.number = delta.value_or(0);
  take_key(tokens[1], key_bytes_max, request);
}

void parse_key_and_exptime(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  request.noreply = is_noreply(tokens, 2);
  take_exptime(tokens[2], request);
  take_key(tokens[1], key_bytes_max, request);
}

void parse_delay(const Tokens& tokens, size_t, Request& request) {
  request.noreply = is_noreply(tokens, 1);
  if (tokens.size() > (request.noreply ? 2 : 1)) take_exptime(tokens[1], request);
}

void parse_level(const Tokens& tokens, size_t, Request& request) {
  request.noreply = is_noreply(tokens, 1);
  const std::optional<uint32_t> level = parse_u32(tokens[1]);
  if (!level) return refuse(request, kErrorBadFormat);
  request.number = *level;
}

void parse_nothing(const Tokens&, size_t, Request&) {}

void parse_words(const Tokens&, size_t, Request& request) {
  request.words = request.line;
  take_token(request.words);
}

void parse_words_and_noreply(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  parse_words(tokens, key_bytes_max, request);
  request.noreply = is_noreply(tokens, 1);
  if (request.noreply) request.words.remove_suffix(request.words.size() - request.words.rfind(tokens.last()));
}

}  // namespace netd
