#include "netd/parser.h"

#include <optional>

#include "netd/command_words.h"
#include "netd/exptime.h"
#include "netd/meta_parser.h"
#include "netd/numbers.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr int32_t kWireValueBytesMax = 2147483645;
constexpr size_t kLineBytesMin = 4;
constexpr char kBinaryProtocolMagic = static_cast<char>(0x80);

bool is_retrieval(std::string_view input) {
  return input.starts_with("get ") || input.starts_with("gets ") || input.starts_with("gat ") ||
         input.starts_with("gats ");
}

void close(Request& request, std::string_view refusal = {}) {
  request.command = Command::kClose;
  request.refusal = refusal;
}

void parse_unknown(const Tokens& tokens, Request& request) {
  // A browser talked into sending a request with commands in its body gets no further than the first line.
  if (tokens.last().starts_with("HTTP/")) return close(request);
  refuse(request, kErrorUnknown);
}

void parse_exptime(std::string_view text, Request& request) {
  const std::optional<int32_t> exptime = netd::parse_exptime(text);
  if (!exptime) return refuse(request, kErrorBadExptime);
  request.exptime = *exptime;
}

void parse_delta(std::string_view text, Request& request) {
  const std::optional<uint64_t> delta = parse_u64(text);
  if (!delta) return refuse(request, kErrorBadDelta);
  request.number = *delta;
}

void parse_level(std::string_view text, Request& request) {
  const std::optional<uint32_t> level = parse_u32(text);
  if (!level) return refuse(request, kErrorBadFormat);
  request.number = *level;
}

// What follows the command word; a `noreply` at the end is taken off.
void parse_words(const Tokens& tokens, Request& request) {
  std::string_view rest = request.line;
  take_token(rest);
  if (request.noreply) rest.remove_suffix(rest.size() - rest.rfind(tokens.last()));
  request.words = rest;
}

void parse_meta_simple(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  constexpr size_t kFirstFlag = 2;
  const bool minds_flags = request.command != Command::kMetaDebug;
  if (minds_flags && !look_like_flags(tokens, kFirstFlag)) return refuse(request, kErrorBadFormat);
  parse_meta(tokens, kFirstFlag, key_bytes_max, request);
}

// The length of a value. Without one, where the next command begins is anyone's guess: as in memcached, right
// behind this line.
std::optional<size_t> parse_value_bytes(std::string_view text) {
  const std::optional<int32_t> value_bytes = parse_i32(text);
  if (!value_bytes || *value_bytes < 0 || *value_bytes > kWireValueBytesMax) return std::nullopt;
  return static_cast<size_t>(*value_bytes);
}

// `noreply` counts as such only as the last token, and not in the place of a key.
bool is_noreply(const Tokens& tokens, size_t index_min) {
  return tokens.size() > index_min && tokens.last() == "noreply";
}

// Clients of old send a 0 behind the key of `delete`. A second key there is not ignored: it would stay.
bool ends_after_key(const Tokens& tokens, bool noreply) {
  const size_t extra_tokens = tokens.size() - (noreply ? 3 : 2);
  return extra_tokens == 0 || (extra_tokens == 1 && tokens[2] == "0");
}

}  // namespace

Parser::Result Parser::next(std::string_view input, Request& request) {
  request = Request();
  if (input.empty() || input.size() < bytes_wanted_) return {.bytes_wanted = bytes_wanted_};
  if (at_start_ && input.front() == kBinaryProtocolMagic) {
    close(request);
    request.is_binary = true;
    return completed(input.size(), 0);
  }
  const size_t line_end = input.find('\n', bytes_searched_);
  if (line_end == std::string_view::npos) return unfinished(input, request);
  const DataBlock block = parse_line(input, line_end, request);
  return finish(input, line_end + 1, block, request);
}

Parser::Result Parser::give_up(std::string_view input, Request& request) {
  request = Request();
  const size_t line_end = input.find('\n', bytes_searched_);
  if (line_end == std::string_view::npos) {
    close(request, kErrorNoMemoryReading);
    return completed(input.size(), 0);
  }
  const DataBlock block = parse_line(input, line_end, request);
  request.no_memory = true;
  return completed(line_end + 1, block.bytes);
}

Parser::Result Parser::unfinished(std::string_view input, Request& request) {
  bytes_searched_ = input.size();
  const size_t bytes_max = is_retrieval(input) ? kUnfinishedRetrievalBytesMax : kUnfinishedLineBytesMax;
  if (input.size() <= bytes_max) return {};
  close(request);
  return completed(input.size(), 0);
}

Parser::Result Parser::finish(std::string_view input, size_t line_bytes, const DataBlock& block, Request& request) {
  if (block.kind != DataBlock::Kind::kReceive) return completed(line_bytes, block.bytes);
  const size_t request_bytes = line_bytes + block.bytes;
  if (input.size() < request_bytes) {
    bytes_wanted_ = request_bytes;
    return {.bytes_wanted = bytes_wanted_};
  }
  request.value = input.substr(line_bytes, block.bytes - 2);
  if (input.substr(request_bytes - 2, 2) != "\r\n") refuse(request, kErrorBadDataChunk);
  return completed(request_bytes, 0);
}

Parser::Result Parser::completed(size_t bytes_consumed, size_t bytes_to_skip) {
  at_start_ = false;
  bytes_searched_ = 0;
  bytes_wanted_ = 0;
  return {.complete = true, .bytes_consumed = bytes_consumed, .bytes_to_skip = bytes_to_skip};
}

Parser::DataBlock Parser::parse_line(std::string_view input, size_t line_end, Request& request) const {
  request.line = input.substr(0, line_end);
  if (request.line.ends_with('\r')) request.line.remove_suffix(1);
  const Word* const word = find_word(request.line.substr(0, request.line.find(' ')));
  if (word != nullptr && word->shape == Shape::kRetrieval) {
    request.command = word->command;
    parse_retrieval(request);
    return {};
  }
  const Tokens tokens(request.line);
  if (line_end + 1 < kLineBytesMin) {
    refuse(request, kErrorBadFormat);
  } else if (word == nullptr) {
    parse_unknown(tokens, request);
  } else if (tokens.size() < word->tokens_min) {
    refuse(request, kErrorBadFormat);
  } else {
    request.command = word->command;
    if (word->shape == Shape::kStorage) return parse_storage(tokens, request);
    if (word->shape == Shape::kMetaStorage) return parse_meta_store(tokens, request);
    if (word->shape == Shape::kMeta) {
      parse_meta_simple(tokens, limits_.key_bytes_max, request);
    } else {
      parse_simple(tokens, request);
    }
  }
  return {};
}

Parser::DataBlock Parser::parse_storage(const Tokens& tokens, Request& request) const {
  const std::optional<size_t> value_bytes = parse_value_bytes(tokens[kStorageLengthToken]);
  if (!value_bytes) {
    refuse(request, kErrorBadFormat);
    return {};
  }
  request.noreply = is_noreply(tokens, 5);
  parse_storage_numbers(tokens, request);
  return block_of(*value_bytes, request);
}

Parser::DataBlock Parser::parse_meta_store(const Tokens& tokens, Request& request) const {
  constexpr size_t kFirstFlag = 3;
  const std::optional<size_t> value_bytes = parse_value_bytes(tokens[kMetaStorageLengthToken]);
  if (!value_bytes || !look_like_flags(tokens, kFirstFlag)) {
    refuse(request, kErrorBadFormat);
    return {};
  }
  parse_meta(tokens, kFirstFlag, limits_.key_bytes_max, request);
  return block_of(*value_bytes, request);
}

// What follows the line of a storage command: a value to be stored, or, if the request was refused, to be skipped.
Parser::DataBlock Parser::block_of(size_t value_bytes, Request& request) const {
  const size_t block_bytes = value_bytes + 2;
  if (request.command == Command::kRefused) return {DataBlock::Kind::kSkip, block_bytes};
  const size_t bytes = item_bytes(item_key(request).size(), value_bytes, request.client_flags, limits_.has_cas);
  request.too_large = bytes > limits_.item_bytes_max;
  return {request.too_large ? DataBlock::Kind::kSkip : DataBlock::Kind::kReceive, block_bytes};
}

void Parser::parse_storage_numbers(const Tokens& tokens, Request& request) const {
  const std::optional<uint32_t> client_flags = parse_client_flags(tokens[2]);
  const std::optional<int32_t> exptime = parse_store_exptime(tokens[3]);
  if (!client_flags || !exptime) return refuse(request, kErrorBadFormat);
  request.client_flags = *client_flags;
  request.exptime = *exptime;
  if (request.command == Command::kCas) {
    const std::optional<uint64_t> cas = parse_u64(tokens[5]);
    if (!cas) return refuse(request, kErrorBadFormat);
    request.number = *cas;
  }
  parse_key(tokens[1], request);
}

void Parser::parse_retrieval(Request& request) const {
  std::string_view rest = request.line;
  take_token(rest);
  const bool touches = request.command == Command::kGat || request.command == Command::kGats;
  const std::string_view exptime = touches ? take_token(rest) : std::string_view();
  request.keys = rest;
  bool any = false;
  for (std::string_view key = take_token(rest); !key.empty(); key = take_token(rest)) {
    if (key.size() > limits_.key_bytes_max) return refuse(request, kErrorBadFormat);
    any = true;
  }
  if (!any) return refuse(request, kErrorBadFormat);
  if (touches) parse_exptime(exptime, request);
}

void Parser::parse_simple(const Tokens& tokens, Request& request) const {
  switch (request.command) {
    case Command::kDelete:
      request.noreply = is_noreply(tokens, 2);
      if (!ends_after_key(tokens, request.noreply)) return refuse(request, kErrorDeleteUsage);
      return parse_key(tokens[1], request);
    case Command::kIncr:
    case Command::kDecr:
      request.noreply = is_noreply(tokens, 2);
      parse_delta(tokens[2], request);
      return parse_key(tokens[1], request);
    case Command::kTouch:
      request.noreply = is_noreply(tokens, 2);
      parse_exptime(tokens[2], request);
      return parse_key(tokens[1], request);
    case Command::kFlushAll:
      request.noreply = is_noreply(tokens, 1);
      if (tokens.size() > (request.noreply ? 2 : 1)) parse_exptime(tokens[1], request);
      return;
    case Command::kVerbosity:
      request.noreply = is_noreply(tokens, 1);
      return parse_level(tokens[1], request);
    case Command::kStats:
      request.argument = tokens[1];
      return parse_words(tokens, request);
    case Command::kShutdown:
      request.argument = tokens[1];
      return;
    case Command::kWatch:
    case Command::kLruCrawler:  // dumps would not be silenced by a `noreply`, and memcached knows none here either
      return parse_words(tokens, request);
    case Command::kCacheMemlimit:
    case Command::kSlabs:
    case Command::kLru:
    case Command::kDebugtime:
      request.noreply = is_noreply(tokens, 1);
      return parse_words(tokens, request);
    default:
      return;
  }
}

void Parser::parse_key(std::string_view key, Request& request) const {
  request.key = key;
  if (key.size() > limits_.key_bytes_max) refuse(request, kErrorBadFormat);
}

}  // namespace netd
