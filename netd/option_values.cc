#include "netd/option_values.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <optional>
#include <system_error>

namespace netd {
namespace {

template <class Number>
std::optional<Number> parse_whole(std::string_view text, int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// 0 for what is no suffix.
size_t unit_of(char suffix) {
  constexpr std::string_view kSuffixes = "kmgt";
  const size_t index = kSuffixes.find(static_cast<char>(std::tolower(static_cast<unsigned char>(suffix))));
  return index == std::string_view::npos ? 0 : size_t{1} << 10 * (index + 1);
}

size_t machine_memory_bytes() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

size_t usable_memory_bytes() {
  size_t bytes = machine_memory_bytes();
  for (const char* const path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    size_t limit_bytes = 0;
    if (std::ifstream(path) >> limit_bytes) bytes = std::min(bytes, limit_bytes);
  }
  return bytes;
}

}  // namespace

void refuse(const FlagValue& value, std::string_view reason, int exit_code) {
  throw StartError(fmt::format("{}: '{}' {}", value.flag, value.text, reason), exit_code);
}

int64_t parse_number(const FlagValue& value, int64_t min, int64_t max, int exit_code) {
  const std::optional<int64_t> number = parse_whole<int64_t>(value.text);
  if (!number || *number < min || *number > max) {
    refuse(value, fmt::format("is not a number from {} to {}", min, max), exit_code);
  }
  return *number;
}

double parse_factor(const FlagValue& value, double above, double max) {
  double factor = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, factor);
  if (error == std::errc() && stop == end && factor > above && factor <= max) return factor;
  refuse(value, max < std::numeric_limits<double>::infinity()
                    ? fmt::format("is not a number above {}, {} at most", above, max)
                    : fmt::format("is not a number above {}", above));
}

size_t parse_bytes(const FlagValue& value, size_t unit_bytes) {
  std::string_view digits = value.text;
  if (const size_t unit = digits.empty() ? 0 : unit_of(digits.back())) {
    unit_bytes = unit;
    digits.remove_suffix(1);
  }
  const std::optional<size_t> count = parse_whole<size_t>(digits);
  if (!count || *count > std::numeric_limits<size_t>::max() / unit_bytes) {
    refuse(value, "is not a size: digits, and k, m, g or t if wanted");
  }
  return *count * unit_bytes;
}

size_t parse_memory(const FlagValue& value) {
  if (!value.text.ends_with('%')) return parse_bytes(value, size_t{1} << 20);
  const std::optional<unsigned> percent = parse_whole<unsigned>(value.text.substr(0, value.text.size() - 1));
  if (!percent || *percent < 1 || *percent > 100) refuse(value, "is not a share from 1% to 100%");
  return usable_memory_bytes() / 100 * *percent;
}

unsigned parse_mode(const FlagValue& value) {
  const std::optional<unsigned> mode = parse_whole<unsigned>(value.text, 8);
  if (!mode || *mode > 07777) refuse(value, "is not an octal mode from 0 to 7777");
  return *mode & 0777;
}

}  // namespace netd
