#include "netd/stat_lines.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "netd/numbers.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kStat = "STAT";
constexpr std::string_view kItemsPrefix = "items:";

}  // namespace

void for_each_stat(std::string_view text,
                   const std::function<void(std::string_view name, std::string_view value)>& take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(kLineEnd), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + kLineEnd.size(), text.size()));
    if (take_token(line) != kStat) continue;
    const std::string_view name = take_token(line);
    take(name, line.substr(std::min(line.find_first_not_of(' '), line.size())));
  }
}

StatLines::StatLines(std::string_view text) {
  for_each_stat(text, [this](std::string_view name, std::string_view value) { add(name, value); });
}

std::string_view StatLines::text(std::string_view name) const {
  const auto line = std::ranges::find_if(lines_, [name](const auto& pair) { return pair.first == name; });
  return line == lines_.end() ? std::string_view() : std::string_view(line->second);
}

std::optional<double> StatLines::number(std::string_view name) const {
  double number = 0;
  const std::string_view value = text(name);
  if (!absl::SimpleAtod(absl::string_view(value.data(), value.size()), &number)) return std::nullopt;
  return number;
}

void ClassStats::add(std::string_view text) {
  for_each_stat(text, [this](std::string_view name, std::string_view value) {
    if (name.starts_with(kItemsPrefix)) name.remove_prefix(kItemsPrefix.size());
    const size_t colon = name.find(':');
    const std::optional<uint32_t> item_class = parse_u32(name.substr(0, colon));
    if (colon == std::string_view::npos || !item_class) return totals.add(name, value);
    of_class[static_cast<int>(*item_class)].add(name.substr(colon + 1), value);
  });
}

}  // namespace netd
