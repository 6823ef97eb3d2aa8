// A command line, split at its spaces. Only the byte 0x20 separates; several count as one.
#ifndef NETD_TOKENS_H_
#define NETD_TOKENS_H_

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace netd {

// Removes the next token from the start of `text`, and returns it; empty if there is none left.
inline std::string_view take_token(std::string_view& text) {
  const char* begin = text.data();
  const char* const end = begin + text.size();
  while (begin != end && *begin == ' ') ++begin;
  // Most numbers and flags have one byte, which is faster to test than to search for.
  const char* stop = end - begin > 1 ? begin + 1 : end;
  if (stop != end && *stop != ' ') {
    const void* const space = std::memchr(stop, ' ', static_cast<size_t>(end - stop));
    stop = space == nullptr ? end : static_cast<const char*>(space);
  }
  text = {stop, static_cast<size_t>(end - stop)};
  return {begin, static_cast<size_t>(stop - begin)};
}

// The first 23 tokens of a line; as in memcached, later ones are ignored.
class Tokens {
 public:
  static constexpr size_t kCountMax = 23;

  explicit Tokens(std::string_view text) {
    while (count_ < kCountMax) {
      const std::string_view token = take_token(text);
      if (token.empty()) return;
      tokens_[count_++] = {token.data(), token.size()};
    }
  }

  [[nodiscard]] size_t size() const { return count_; }

  // Empty after the last token.
  [[nodiscard]] std::string_view operator[](size_t index) const {
    return index < count_ ? std::string_view(tokens_[index].begin, tokens_[index].size) : std::string_view();
  }
  [[nodiscard]] std::string_view last() const { return count_ == 0 ? std::string_view() : (*this)[count_ - 1]; }

 private:
  // Not a std::string_view, which would be initialized: for all tokens that takes as long as splitting the line.
  struct Token {
    const char* begin;
    size_t size;
  };
  std::array<Token, kCountMax> tokens_;
  size_t count_ = 0;
};

}  // namespace netd

#endif  // NETD_TOKENS_H_
