#include "netd/meta_parser.h"

#include <array>
#include <cstdint>
#include <utility>

#include "netd/base64.h"
#include "netd/commands.h"
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
  explicit FlagParser(Request& request) : request_(request) {}

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
    request_.binary_key = base64_decode(request_.key);
    expect(request_.binary_key.has_value(), kErrorBadKeyEncoding);
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
        return request_.quiet = true;
      case 'v':
        return request_.with_value = true;
      case 'h':
      case 'l':
        return request_.with_history = true;
      case 'u':
        request_.marks_used = false;
        return true;
      case 'I':
        return request_.invalidates = true;
      case 'x':
        return request_.empties = true;
      case 'M':
        request_.mode = argument.empty() ? '\0' : argument.front();
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
        expect(assign(request_.exptime, parse_exptime(argument)), kErrorBadToken);
        return true;
      case 'N':
        expect(assign(request_.vivify, parse_exptime(argument)), kErrorBadToken);
        return true;
      case 'R':
        expect(assign(request_.recache_s, parse_i32(argument)), kErrorBadToken);
        return true;
      case 'C':
        expect(assign(request_.compare, parse_u64(argument)), kErrorBadToken);
        return true;
      case 'E':
        expect(assign(request_.cas, parse_u64(argument)), kErrorBadToken);
        return true;
      case 'D':
        expect(assign(request_.number, parse_u64(argument)), kErrorBadDeltaValue);
        return true;
      case 'J':
        expect(assign(request_.initial, parse_u64(argument)), kErrorBadInitialValue);
        return true;
      case 'F':
        expect(assign(request_.client_flags, parse_u32(argument)), kErrorBadFormat);
        return true;
      default:
        return false;
    }
  }

  void expect(bool is_right, std::string_view error) {
    if (!is_right) error_ = error;
  }

  Request& request_;
  std::array<bool, 256> is_seen_{};
  bool is_opaque_too_long_ = false;
  std::string_view error_;
};

bool is_mode(Action action, char mode) {
  constexpr std::string_view kStoreModes = "SEAPR";
  constexpr std::string_view kArithmeticModes = "I+D-";
  if (action == Action::kStore) return kStoreModes.find(mode) != std::string_view::npos;
  return action != Action::kCount || kArithmeticModes.find(mode) != std::string_view::npos;
}

// What is wrong with the flags, or nothing. The mode counts when all else is right, the opaque comes last.
std::string_view parse_flags(const Tokens& tokens, const Command& command, Request& request) {
  FlagParser parser(request);
  const bool is_arithmetic = command.action == Action::kCount;
  const std::string_view error = parser.parse(tokens, command.form.first_flag);
  if (!error.empty()) return is_arithmetic ? kErrorInvalidOrDuplicateFlag : error;
  if (!is_mode(command.action, request.mode)) return is_arithmetic ? kErrorBadArithmeticMode : kErrorBadStoreMode;
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

void parse_meta(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  const Command& command = *request.command;
  const size_t first_flag = command.form.first_flag;
  request.key = tokens[1];
  if (request.key.size() > key_bytes_max) {
    const bool is_arithmetic = command.action == Action::kCount;
    return refuse(request, is_arithmetic ? kErrorInvalidOrDuplicateFlag : kErrorBadFormat);
  }
  if (tokens.size() > kTokensMax) return refuse(request, kErrorTooManyFlags);
  const std::string_view error = parse_flags(tokens, command, request);
  if (!error.empty()) return refuse(request, error);
  if (tokens.size() > first_flag) {
    request.flags = request.line.substr(static_cast<size_t>(tokens[first_flag].data() - request.line.data()));
  }
}

// It takes no flag but b, and minds no other.
void parse_meta_debug(const Tokens& tokens, size_t key_bytes_max, Request& request) {
  request.key = tokens[1];
  if (request.key.size() > key_bytes_max) return refuse(request, kErrorBadFormat);
  if (tokens[2] != "b") return;
  const std::string_view error = FlagParser(request).parse_key();
  if (!error.empty()) refuse(request, error);
}

}  // namespace netd
