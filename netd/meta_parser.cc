#include "netd/meta_parser.h"

#include <array>
#include <cstdint>
#include <utility>

#include "netd/base64.h"
#include "netd/exptime.h"
#include "netd/numbers.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

// On a line, command and key included.
constexpr size_t kTokensMax = 20;
// The letter included.
constexpr size_t kOpaqueTokenBytesMax = 32;

// Puts the number into its place, or leaves that as it is.
template <class Place, class Number>
bool assign(Place& place, const std::optional<Number>& number) {
  if (number) place = *number;
  return number.has_value();
}

class FlagParser {
 public:
  FlagParser(std::string_view key, MetaRequest& meta) : key_(key), meta_(meta) {}

  // What is wrong with the flags, or nothing. An unknown flag or one given twice ends the search; of malformed
  // arguments the last one counts. That the opaque is too long is told apart.
  [[nodiscard]] std::string_view parse(const Tokens& tokens, size_t first_flag) {
    for (size_t i = first_flag; i < tokens.size(); ++i) {
      const auto letter = static_cast<uint8_t>(tokens[i].front());
      if (std::exchange(is_seen_[letter], true)) return kErrorDuplicateFlag;
      if (!parse_flag(tokens[i].front(), tokens[i].substr(1))) return kErrorInvalidFlag;
    }
    return error_;
  }

  // The key is base64. What is wrong with it, or nothing.
  [[nodiscard]] std::string_view parse_key() {
    meta_.is_key_binary = true;
    expect(assign(meta_.binary_key, base64_decode(key_)), kErrorBadKeyEncoding);
    return error_;
  }

  [[nodiscard]] bool is_opaque_too_long() const { return is_opaque_too_long_; }

 private:
  // False: there is no such flag.
  bool parse_flag(char letter, std::string_view argument) {
    switch (letter) {
      case 'b':
        (void)parse_key();
        return true;
      case 'q':
        return meta_.quiet = true;
      case 'v':
        return meta_.with_value = true;
      case 'h':
      case 'l':
        return meta_.with_history = true;
      case 'u':
        meta_.marks_used = false;
        return true;
      case 'I':
        return meta_.invalidates = true;
      case 'x':
        return meta_.empties = true;
      case 'M':
        meta_.mode = argument.empty() ? '\0' : argument.front();
        return true;
      case 'O':
        is_opaque_too_long_ = argument.size() >= kOpaqueTokenBytesMax;
        return true;
      case 'c':
      case 'f':
      case 'k':
      case 's':
      case 't':
      case 'L':
      case 'P':
        return true;
      default:
        return parse_number(letter, argument);
    }
  }

  bool parse_number(char letter, std::string_view argument) {
    switch (letter) {
      case 'T':
        expect(assign(meta_.exptime, parse_exptime(argument)), kErrorBadToken);
        return true;
      case 'N':
        expect(assign(meta_.vivify, parse_exptime(argument)), kErrorBadToken);
        return true;
      case 'R':
        expect(assign(meta_.recache_s, parse_i32(argument)), kErrorBadToken);
        return true;
      case 'C':
        expect(assign(meta_.compare, parse_u64(argument)), kErrorBadToken);
        return true;
      case 'E':
        expect(assign(meta_.cas, parse_u64(argument)), kErrorBadToken);
        return true;
      case 'D':
        expect(assign(meta_.delta, parse_u64(argument)), kErrorBadDeltaValue);
        return true;
      case 'J':
        expect(assign(meta_.initial, parse_u64(argument)), kErrorBadInitialValue);
        return true;
      case 'F':
        expect(assign(meta_.client_flags, parse_u32(argument)), kErrorBadFormat);
        return true;
      default:
        return false;
    }
  }

  void expect(bool is_right, std::string_view error) {
    if (!is_right) error_ = error;
  }

  const std::string_view key_;
  MetaRequest& meta_;
  std::array<bool, 256> is_seen_{};
  bool is_opaque_too_long_ = false;
  std::string_view error_;
};

bool is_mode(Command command, char mode) {
  constexpr std::string_view kStoreModes = "SEAPR";
  constexpr std::string_view kArithmeticModes = "I+D-";
  if (command == Command::kMetaStore) return kStoreModes.find(mode) != std::string_view::npos;
  return command != Command::kMetaArithmetic || kArithmeticModes.find(mode) != std::string_view::npos;
}

// What is wrong with the flags, or nothing. The mode counts when all else is right, the opaque comes last.
std::string_view parse_flags(const Tokens& tokens, size_t first_flag, Command command, MetaRequest& meta) {
  FlagParser parser(tokens[1], meta);
  // It takes no flag but this, and minds no other.
  if (command == Command::kMetaDebug) return tokens[first_flag] == "b" ? parser.parse_key() : std::string_view();
  const bool is_arithmetic = command == Command::kMetaArithmetic;
  meta.mode = is_arithmetic ? 'I' : 'S';
  const std::string_view error = parser.parse(tokens, first_flag);
  if (!error.empty()) return is_arithmetic ? kErrorInvalidOrDuplicateFlag : error;
  if (!is_mode(command, meta.mode)) return is_arithmetic ? kErrorBadArithmeticMode : kErrorBadStoreMode;
  if (!parser.is_opaque_too_long()) return {};
  return is_arithmetic ? kErrorInvalidOrDuplicateFlag : kErrorOpaqueTooLong;
}

}  // namespace

bool look_like_flags(const Tokens& tokens, size_t first_flag) {
  for (size_t i = first_flag; i < tokens.size(); ++i) {
    const char first = tokens[i].front();
    const bool is_digit = first >= '0' && first <= '9';
    if (!is_digit && (first < 'A' || first > 'z')) return false;
  }
  return true;
}

void parse_meta(const Tokens& tokens, size_t first_flag, size_t key_bytes_max, Request& request) {
  const Command command = request.command;
  request.key = tokens[1];
  if (request.key.size() > key_bytes_max) {
    const bool is_arithmetic = command == Command::kMetaArithmetic;
    return refuse(request, is_arithmetic ? kErrorInvalidOrDuplicateFlag : kErrorBadFormat);
  }
  if (command != Command::kMetaDebug && tokens.size() > kTokensMax) return refuse(request, kErrorTooManyFlags);
  MetaRequest& meta = request.meta.emplace();
  const std::string_view error = parse_flags(tokens, first_flag, command, meta);
  if (!error.empty()) return refuse(request, error);
  if (tokens.size() > first_flag) {
    meta.flags = request.line.substr(static_cast<size_t>(tokens[first_flag].data() - request.line.data()));
  }
}

}  // namespace netd
