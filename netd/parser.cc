#include "netd/parser.h"

#include <optional>

#include "netd/commands.h"
#include "netd/meta_parser.h"
#include "netd/numbers.h"
#include "netd/reply_words.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr int32_t kWireValueBytesMax = 2147483645;
constexpr size_t kLineBytesMin = 4;
constexpr char kBinaryProtocolMagic = static_cast<char>(0x80);

void close(Request& request, std::string_view refusal = {}) {
  request.command = &kHangUp;
  request.refusal = refusal;
}

void parse_unknown(Request& request) {
  // A browser talked into sending a request with commands in its body gets no further than the first line.
  if (Tokens(request.line).last().starts_with("HTTP/")) return close(request);
  refuse(request, kErrorUnknown);
}

// The length of a value. Without one, where the next command begins is anyone's guess: as in memcached, right
// behind this line.
std::optional<size_t> parse_value_bytes(std::string_view text) {
  const std::optional<int32_t> value_bytes = parse_i32(text);
  if (!value_bytes || *value_bytes < 0 || *value_bytes > kWireValueBytesMax) return std::nullopt;
  return static_cast<size_t>(*value_bytes);
}

// How long a line may become that has begun so.
size_t unfinished_bytes_max(std::string_view input) {
  const Command* const command = find_command(input.substr(0, input.find(' ')));
  const bool is_retrieval = command != nullptr && command->action == Action::kRetrieve;
  return is_retrieval ? kUnfinishedRetrievalBytesMax : kUnfinishedLineBytesMax;
}

}  // namespace

Parser::Result Parser::next(std::string_view input, Request& request) {
  reset(request);
  if (input.empty() || input.size() < bytes_wanted_) return {.bytes_wanted = bytes_wanted_};
  if (at_start_ && input.front() == kBinaryProtocolMagic) {
    close(request);
    request.is_binary = true;
    return completed(input.size(), 0);
  }
  const size_t line_end = input.find('\n', bytes_searched_);
  if (line_end == std::string_view::npos) return unfinished(input, request);
  const DataBlock block = parse_line(input, line_end, request);
  if (block.kind != DataBlock::Kind::kReceive) return completed(line_end + 1, block.bytes);
  return take_value(input, line_end + 1, block.bytes, request);
}

Parser::Result Parser::give_up(std::string_view input, Request& request) {
  reset(request);
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
  if (input.size() <= unfinished_bytes_max(input)) return {};
  close(request);
  return completed(input.size(), 0);
}

Parser::Result Parser::take_value(std::string_view input, size_t line_bytes, size_t block_bytes, Request& request) {
  const size_t request_bytes = line_bytes + block_bytes;
  if (input.size() < request_bytes) {
    bytes_wanted_ = request_bytes;
    return {.bytes_wanted = bytes_wanted_};
  }
  request.value = input.substr(line_bytes, block_bytes - 2);
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
  const Command* const command = find_command(request.line.substr(0, request.line.find(' ')));
  if (line_end + 1 < kLineBytesMin) {
    refuse(request, kErrorBadFormat);
  } else if (command == nullptr) {
    parse_unknown(request);
  } else {
    request.command = command;
    request.mode = command->mode;
    if (command->form.parse_uncut == nullptr) return parse_tokens(command->form, request);
    command->form.parse_uncut(limits_.key_bytes_max, request);
  }
  return {};
}

Parser::DataBlock Parser::parse_tokens(const Form& form, Request& request) const {
  const Tokens tokens(request.line);
  const bool has_value = form.length_token > 0;
  const std::optional<size_t> value_bytes = has_value ? parse_value_bytes(tokens[form.length_token]) : 0;
  const bool has_flags = tokens.size() > form.first_flag;
  if (tokens.size() < form.tokens_min || !value_bytes || (has_flags && !look_like_flags(tokens, form.first_flag))) {
    // Nothing of the line is to be believed, not even that a value follows.
    refuse(request, kErrorBadFormat);
    return {};
  }
  form.parse(tokens, limits_.key_bytes_max, request);
  return has_value ? block_of(*value_bytes, request) : DataBlock();
}

// What follows the line: a value to be stored, or, if the request was refused, to be skipped.
Parser::DataBlock Parser::block_of(size_t value_bytes, Request& request) const {
  const size_t block_bytes = value_bytes + 2;
  if (request.command == &kRefusal) return {DataBlock::Kind::kSkip, block_bytes};
  const size_t bytes = item_bytes(item_key(request).size(), value_bytes, request.client_flags, limits_.has_cas);
  request.too_large = bytes > limits_.item_bytes_max;
  return {request.too_large ? DataBlock::Kind::kSkip : DataBlock::Kind::kReceive, block_bytes};
}

}  // namespace netd
