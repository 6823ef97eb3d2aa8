// A command line cut at its spaces. Only the octet 0x20 separates; several are as good as one.
#ifndef NETD_TOKENS_H_
#define NETD_TOKENS_H_

#include <array>
#include <cstddef>
#include <string_view>

namespace netd {

// Takes the next token off the front of `text`; empty when there is none left.
inline std::string_view take_token(std::string_view& text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) {
    text = {};
    return {};
  }
  text.remove_prefix(begin);
  // Most numbers and flags are of one octet, which is quicker to see than to search for.
  const bool is_short = text.size() > 1 && text[1] == ' ';
  const std::string_view token = text.substr(0, is_short ? 1 : text.find(' '));
  text.remove_prefix(token.size());
  return token;
}

// The first 23 tokens of a line; as in memcached, later ones are not looked at.
class Tokens {
 public:
  static constexpr size_t kCountMax = 23;

  explicit Tokens(std::string_view text) {
    while (count_ < kCountMax) {
      const std::string_view token = take_token(text);
      if (token.empty()) return;
      tokens_[count_++] = token;
    }
  }

  [[nodiscard]] size_t size() const { return count_; }

  // Empty beyond the last token.
  [[nodiscard]] std::string_view operator[](size_t index) const {
    return index < count_ ? tokens_[index] : std::string_view();
  }
  [[nodiscard]] std::string_view last() const { return count_ == 0 ? std::string_view() : tokens_[count_ - 1]; }

 private:
  std::array<std::string_view, kCountMax> tokens_;
  size_t count_ = 0;
};

}  // namespace netd

#endif  // NETD_TOKENS_H_
