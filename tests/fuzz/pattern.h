// A reply as it has to be, with gaps for numbers that are the server's to choose.
#ifndef TESTS_FUZZ_PATTERN_H_
#define TESTS_FUZZ_PATTERN_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netd::fuzz {

class Pattern {
 public:
  Pattern() = default;
  explicit Pattern(std::string_view text) : text_(text) {}

  Pattern& text(std::string_view text) {
    text_ += text;
    return *this;
  }
  Pattern& number(uint64_t number) { return text(std::to_string(number)); }
  Pattern& any_number() {
    gaps_.push_back({text_.size(), false});
    return *this;
  }
  // The one that `cas_in` looks for.
  Pattern& any_cas() {
    gaps_.push_back({text_.size(), true});
    return *this;
  }

  [[nodiscard]] bool is_silent() const { return text_.empty() && gaps_.empty(); }

  // What is shown to people: gaps are '#'.
  [[nodiscard]] std::string shown() const {
    std::string shown;
    size_t position = 0;
    for (const Gap& gap : gaps_) {
      shown.append(text_, position, gap.position - position).append(1, '#');
      position = gap.position;
    }
    shown.append(text_, position);
    return shown;
  }

  struct Match {
    size_t bytes;
    std::optional<uint64_t> cas;
  };
  // Nothing if `replies` does not begin as it has to.
  [[nodiscard]] std::optional<Match> match(std::string_view replies) const {
    Match match{};
    const std::string_view all = replies;
    size_t position = 0;
    for (const Gap& gap : gaps_) {
      if (!skip(text_.substr(position, gap.position - position), replies)) return std::nullopt;
      position = gap.position;
      uint64_t number = 0;
      const auto [end, error] = std::from_chars(replies.data(), replies.data() + replies.size(), number);
      if (error != std::errc()) return std::nullopt;
      replies.remove_prefix(static_cast<size_t>(end - replies.data()));
      if (gap.is_cas) match.cas = number;
    }
    if (!skip(text_.substr(position), replies)) return std::nullopt;
    match.bytes = all.size() - replies.size();
    return match;
  }

 private:
  struct Gap {
    size_t position;  // in text_
    bool is_cas;
  };

  static bool skip(const std::string& text, std::string_view& replies) {
    if (!replies.starts_with(text)) return false;
    replies.remove_prefix(text.size());
    return true;
  }

  std::string text_;
  std::vector<Gap> gaps_;
};

}  // namespace netd::fuzz

#endif  // TESTS_FUZZ_PATTERN_H_
