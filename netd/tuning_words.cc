#include "netd/tuning_words.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "netd/numbers.h"
#include "netd/reply_words.h"

namespace netd {
namespace {

constexpr uint32_t kSlabClassMax = 63;
constexpr uint32_t kCrawlerSleepUsMax = 1000000;
constexpr uint32_t kSegmentPercentMax = 80;
constexpr uint32_t kAutomoveWindowMin = 3;
constexpr uint32_t kAutomoveWindowMax = 1800;

std::optional<double> parse_factor(std::string_view text) {
  double factor = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return factor;
}

std::string_view answer_automove(const Tokens& words) {
  if (words.size() == 2) {
    const std::optional<uint32_t> level = parse_u32(words[1]);
    if (!level) return kErrorBadFormat;
    return *level <= 2 ? kReplyOk : kErrorUnknown;
  }
  if (words.size() != 3) return kErrorUnknown;
  if (words[1] == "window") {
    const std::optional<uint32_t> window = parse_u32(words[2]);
    if (!window) return kErrorBadFormat;
    return *window >= kAutomoveWindowMin && *window <= kAutomoveWindowMax ? kReplyOk : kErrorAutomoveWindow;
  }
  if (words[1] != "ratio" && words[1] != "freeratio") return kErrorUnknown;
  return parse_factor(words[2]) ? kReplyOk : kErrorUnknown;
}

std::string_view answer_tune(const Tokens& words) {
  const std::optional<uint32_t> hot = parse_u32(words[1]);
  const std::optional<uint32_t> warm = parse_u32(words[2]);
  const std::optional<double> hot_factor = parse_factor(words[3]);
  const std::optional<double> warm_factor = parse_factor(words[4]);
  if (!hot || !warm || !hot_factor || !warm_factor) return kErrorUnknown;
  if (*hot > kSegmentPercentMax || *warm > kSegmentPercentMax || *hot + *warm > kSegmentPercentMax) {
    return kErrorLruPercents;
  }
  return *hot_factor > 0 && *warm_factor > 0 ? kReplyOk : kErrorLruFactors;
}

}  // namespace

std::string_view answer_slabs(const Tokens& words) {
  if (words[0] == "automove" && words.size() > 1) return answer_automove(words);
  if (words[0] != "reassign" || words.size() != 3) return kErrorUnknown;
  return parse_i32(words[1]) && parse_i32(words[2]) ? kErrorReassignDisabled : kErrorBadFormat;
}

std::string_view answer_lru(const Tokens& words) {
  if (words[0] == "tune" && words.size() == 5) return answer_tune(words);
  if (words.size() != 2) return kErrorUnknown;
  if (words[0] == "mode") return words[1] == "flat" || words[1] == "segmented" ? kReplyOk : kErrorUnknown;
  if (words[0] == "temp_ttl") return parse_i32(words[1]) ? kReplyOk : kErrorUnknown;
  return kErrorUnknown;
}

std::string_view answer_lru_crawler(const Tokens& words) {
  if (words.size() != 2) return kErrorUnknown;
  if (words[0] == "crawl") return is_class_list(words[1]) ? kReplyOk : kErrorBadClass;
  const std::optional<uint32_t> number = parse_u32(words[1]);
  if (words[0] == "tocrawl") return number ? kReplyOk : kErrorBadFormat;
  if (words[0] == "sleep" && number) return *number <= kCrawlerSleepUsMax ? kReplyOk : kErrorCrawlerSleep;
  if (words[0] == "sleep") return kErrorBadFormat;
  return kErrorUnknown;
}

bool is_class_list(std::string_view text) {
  if (text == "all" || text == "hash") return true;
  while (true) {
    const size_t comma = text.find(',');
    const std::optional<uint32_t> id = parse_u32(text.substr(0, comma));
    if (!id || *id < 1 || *id > kSlabClassMax) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace netd
