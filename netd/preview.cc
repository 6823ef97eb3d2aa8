#include "netd/preview.h"

#include <algorithm>
#include <array>
#include <optional>

#include "netd/numbers.h"
#include "netd/tokens.h"

namespace netd {
namespace {

constexpr auto kStorageWords =
    std::to_array<std::string_view>({"set", "add", "replace", "append", "prepend", "cas"});

// Which of the words behind a key is the length of a value that follows the line, counted from 1; 0 if none is.
int length_position(std::string_view word) {
  if (word == "ms") return 1;
  return std::ranges::find(kStorageWords, word) == kStorageWords.end() ? 0 : 3;
}

}  // namespace

Preview preview(std::string_view input, std::span<std::string_view> keys) {
  Preview seen;
  while (seen.keys < keys.size()) {
    const size_t line_end = input.find('\n', seen.bytes);
    if (line_end == std::string_view::npos) break;
    std::string_view line = input.substr(seen.bytes, line_end - seen.bytes);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view word = take_token(line);
    const std::string_view key = take_token(line);
    if (key.empty()) break;
    size_t end = line_end + 1;
    if (const int position = length_position(word); position > 0) {
      for (int i = 1; i < position; ++i) take_token(line);
      const std::optional<uint32_t> value_bytes = parse_u32(take_token(line));
      if (!value_bytes) break;
      end += size_t{*value_bytes} + 2;
      if (end > input.size()) break;
    }
    keys[seen.keys++] = key;
    seen.bytes = end;
  }
  return seen;
}

}  // namespace netd
